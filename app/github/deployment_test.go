package github_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/internal/githubtest"
)

func TestLocalDeployments(t *testing.T) {
	w := newWorld(t)
	sha := w.push("main", "One")
	d := github.Deployment{SHA: sha, Environment: "production", Key: "1/production/1", Description: strings.Repeat("é", 200), Production: true}
	w.github.Fail(func(r *http.Request) bool {
		return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/deployments")
	}, 1, githubtest.LostAnswer())
	if _, err := w.client.CreateDeployment(t.Context(), w.repo, d); !errors.Is(err, github.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	id, found, err := w.client.FindDeployment(t.Context(), w.repo, d)
	if err != nil || !found {
		t.Fatalf("got %v, %v", found, err)
	}
	other := d
	other.Key = "2/production/1"
	if _, found, err := w.client.FindDeployment(t.Context(), w.repo, other); err != nil || found {
		t.Errorf("another's: %v, %v", found, err)
	}
	second, err := w.client.CreateDeployment(t.Context(), w.repo, other)
	w.must(err)
	w.must(w.client.SetDeploymentStatus(t.Context(), w.repo, id, github.DeploymentStatus{State: "success", LogURL: "https://ci.example/1", EnvironmentURL: "https://shop.example"}))
	w.must(w.client.SetDeploymentStatus(t.Context(), w.repo, second, github.DeploymentStatus{State: "success"}))
	list := w.at.Deployments("production")
	if len(list) != 2 || list[0].ID != id || len([]rune(list[0].Description)) != 140 || !list[0].Production || list[0].Transient {
		t.Errorf("%+v", list)
	}
	if s := list[0].Statuses[0]; list[0].State() != "success" || s.LogURL != "https://ci.example/1" || s.EnvironmentURL != "https://shop.example" {
		t.Errorf("the first is %+v", list[0].Statuses)
	}
	d.SHA = strings.Repeat("0", 40)
	if _, err := w.client.CreateDeployment(t.Context(), w.repo, d); !errors.Is(err, github.ErrRefused) {
		t.Errorf("of no commit: %v", err)
	}
}

// workflow is one whose job names an environment.
const workflow = "on:\n  workflow_dispatch:\n    inputs:\n      environment:\n        required: true\njobs: {}\n"

func TestLocalWorkflows(t *testing.T) {
	w := newWorld(t)
	w.push("main", "One")
	dispatch := func() (github.WorkflowRun, error) {
		return w.client.DispatchWorkflow(t.Context(), w.repo, "gate.yml", "main", "production")
	}
	if _, err := dispatch(); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("no workflow: %v", err)
	}
	w.write(".github/workflows/gate.yml", "on: push\n")
	w.push("main", "Two")
	if _, err := dispatch(); !errors.Is(err, github.ErrNoDispatch) {
		t.Errorf("no trigger: %v", err)
	}
	w.write(".github/workflows/gate.yml", workflow)
	sha := w.push("main", "Three")
	w.at.DisableWorkflows(true)
	if _, err := dispatch(); !errors.Is(err, github.ErrDisabled) {
		t.Errorf("disabled: %v", err)
	}
	w.at.DisableWorkflows(false)
	w.at.ProtectEnvironment("production", "bob")
	run, err := dispatch()
	w.must(err)
	full, err := w.client.Run(t.Context(), w.repo, run.ID)
	w.must(err)
	if run.ID == 0 || full.HeadSHA != sha || full.URL != run.URL {
		t.Errorf("the run is %+v, read %+v", run, full)
	}
	w.at.HideRunDetails(true)
	if hidden, err := dispatch(); err != nil || hidden.ID != 0 {
		t.Errorf("without details: %+v %v", hidden, err)
	}
	if _, err := w.at.DispatchWorkflow("alice", "gate.yml", "main", "production"); err != nil {
		t.Fatal(err)
	}
	since := time.Now().Add(-time.Minute)
	found, ok, err := w.client.FindRun(t.Context(), w.repo, "gate.yml", "main", since, []int64{run.ID})
	if all := w.at.WorkflowRuns(); err != nil || !ok || found.ID != all[1].ID {
		t.Errorf("found %+v, %v of %+v", found, err, all)
	}
	if _, ok, err = w.client.FindRun(t.Context(), w.repo, "gate.yml", "main", since, []int64{run.ID, found.ID}); err != nil || ok {
		t.Errorf("a run of alice's is taken for ours: %v %v", ok, err)
	}
	w.must(w.client.CancelRun(t.Context(), w.repo, found.ID))
	w.must(w.client.CancelRun(t.Context(), w.repo, found.ID))
	w.must(w.at.ReviewDeployment("bob", run.ID, false, "no"))
	var reviews []github.DeploymentReview
	for _, e := range w.heard() {
		if r, ok := e.(github.DeploymentReview); ok {
			reviews = append(reviews, r)
		}
	}
	want := []github.DeploymentReview{{Run: run.ID, HeadSHA: sha, Environments: []string{"production", "production"}, Reviewer: "bob", Comment: "no"}}
	for i := range reviews {
		reviews[i].Repo = github.Repository{}
	}
	if diff := cmp.Diff(want, reviews); diff != "" {
		t.Error(diff)
	}
}
