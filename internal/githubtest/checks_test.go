package githubtest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/githubtest"
)

const runs = "/repos/octo/shop/check-runs"

// run is a check run as the API shows it.
type run struct {
	ID         int64
	Name       string
	Status     string
	Conclusion string
	Output     struct {
		Title       string
		Summary     string
		Text        string
		Annotations int `json:"annotations_count"`
	}
	Suite struct {
		ID         int64
		HeadBranch string `json:"head_branch"`
		Status     string
		Conclusion string
	} `json:"check_suite"`
	Pulls []struct{ Number int } `json:"pull_requests"`
}

// makeRun makes a check run; more is added to its body.
func (w *world) makeRun(name, sha, more string) (r run) {
	w.t.Helper()
	w.post(runs, `{"name":%q,"head_sha":%q%s}`, name, sha, more).want(201).into(&r)
	return r
}

func (w *world) updateRun(id int64, body string) (r run) {
	w.t.Helper()
	w.call("PATCH", fmt.Sprintf("%s/%d", runs, id), body, w.token).want(200).into(&r)
	return r
}

func annotations(n int) string {
	one := `{"path":"a","start_line":1,"end_line":1,"annotation_level":"notice","message":"m"}`
	return "[" + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + "]"
}

func TestCheckRunRules(t *testing.T) {
	w := newWorld(t)
	sha := w.push("main", "a", "a\n")
	long := strings.Repeat("x", 65536)
	for _, c := range []struct{ name, more, violation string }{
		{"completed without conclusion", `,"status":"completed"`, "needs a conclusion"},
		{"stale", `,"conclusion":"stale"`, "only GitHub"},
		{"a status of Actions", `,"status":"waiting"`, "status"},
		{"output without title", `,"output":{"summary":"s"}`, "title"},
		{"output with empty title", `,"output":{"title":"","summary":"s"}`, "needs a title"},
		{"output without summary", `,"output":{"title":"t"}`, "summary"},
		{"long summary", `,"output":{"title":"t","summary":"` + long + `"}`, "maximum string length is 65535"},
		{"long text", `,"output":{"title":"t","summary":"s","text":"` + long + `"}`, "maximum string length is 65535"},
		{"51 annotations", `,"output":{"title":"t","summary":"s","annotations":` + annotations(51) + `}`, "maximum number of items is 50"},
		{"4 buttons", `,"actions":[` + strings.Repeat(`{"label":"l","description":"d","identifier":"i"},`, 3) + `{"label":"l","description":"d","identifier":"i"}]`, "maximum number of items is 3"},
		{"long label", `,"actions":[{"label":"123456789012345678901","description":"d","identifier":"i"}]`, "maximum string length is 20"},
		{"columns over lines", `,"output":{"title":"t","summary":"s","annotations":[{"path":"a","start_line":1,"end_line":2,"start_column":1,"annotation_level":"notice","message":"m"}]}`, "more than one line"},
		{"a time that is none", `,"started_at":"yesterday"`, "started_at"},
		{"blank name", `,"name":""`, "blank"},
		{"details elsewhere", `,"details_url":"ftp://x"`, "must use http or https"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w.in(t)
			w.post(runs, `{"name":"a","head_sha":%q%s}`, sha, c.more).want(422)
			w.wrong(c.violation)
		})
	}
	w.post(runs, `{"name":"a","head_sha":%q}`, strings.Repeat("a", 40)).want(422).says("No commit found for SHA")
	w.wrong("is no commit")
	if got := w.repo.CheckRuns(sha); len(got) != 0 {
		t.Errorf("refused requests made %v", got)
	}
}

func TestCheckRunLife(t *testing.T) {
	w := newWorld(t)
	sha := w.push("main", "a", "a\n")
	r := w.makeRun("build", sha, `,"external_id":"e/1","details_url":"https://example.com/1"`)
	if r.Status != "queued" || r.Suite.HeadBranch != "main" || r.Suite.Status != "in_progress" {
		t.Errorf("made %+v", r)
	}
	w.updateRun(r.ID, `{"status":"in_progress","output":{"title":"T","summary":"S","text":"X","annotations":`+annotations(50)+`}}`)
	r = w.updateRun(r.ID, `{"output":{"summary":"S2","annotations":`+annotations(10)+`}}`)
	if r.Output.Annotations != 60 || r.Output.Title != "T" || r.Output.Summary != "S2" || r.Output.Text != "" {
		t.Errorf("annotations append and the rest is replaced, but there is %+v", r.Output)
	}
	r = w.updateRun(r.ID, `{"conclusion":"failure","actions":[{"label":"Retry","description":"d","identifier":"retry"}]}`)
	if r.Status != "completed" || r.Suite.Conclusion != "failure" {
		t.Errorf("a conclusion completes, but there is %+v", r)
	}
	got := w.repo.CheckRuns(sha)
	if len(got) != 1 {
		t.Fatalf("%d runs", len(got))
	}
	var history []string
	for _, s := range got[0].History {
		history = append(history, strings.TrimSpace(s.Status+" "+s.Conclusion+" "+s.Title))
	}
	if diff := cmp.Diff([]string{"queued", "in_progress  T", "in_progress  T", "completed failure T"}, history); diff != "" {
		t.Error(diff)
	}
	if len(w.delivered("check_run", "created")) != 1 || len(w.delivered("check_run", "completed")) != 1 || len(w.delivered("check_suite", "completed")) != 1 {
		t.Error("the App did not hear of its own run")
	}
}

func TestCompletedIsFinal(t *testing.T) {
	w := newWorld(t)
	sha := w.push("main", "a", "a\n")
	r := w.makeRun("build", sha, `,"conclusion":"success"`)
	w.updateRun(r.ID, `{"status":"completed","conclusion":"success","output":{"title":"T","summary":"later"}}`)
	w.wrong()
	for _, body := range []string{`{"status":"in_progress"}`, `{"conclusion":"failure"}`, `{"status":"completed","conclusion":"failure"}`} {
		if got := w.updateRun(r.ID, body); got.Status != "completed" || got.Conclusion != "success" || got.Output.Summary != "later" {
			t.Errorf("%s made it %+v", body, got)
		}
		w.wrong("make a new one of the same name")
	}
}

func TestListShowsTheNewestOfEachName(t *testing.T) {
	w := newWorld(t)
	sha := w.push("main", "a", "a\n")
	first := w.makeRun("build", sha, `,"conclusion":"failure"`)
	second := w.makeRun("build", sha, `,"status":"in_progress"`)
	other := w.makeRun("test", sha, "")
	for query, want := range map[string][]int64{
		"":                             {other.ID, second.ID},
		"?filter=latest":               {other.ID, second.ID},
		"?filter=all":                  {other.ID, second.ID, first.ID},
		"?check_name=build&filter=all": {second.ID, first.ID},
		"?status=in_progress":          {second.ID},
		"?status=completed":            nil,
		"?filter=all&app_id=1":         nil,
		fmt.Sprintf("?app_id=%d&per_page=1", w.github.AppID()): {other.ID},
	} {
		var list struct {
			Runs []run `json:"check_runs"`
		}
		w.get("/repos/octo/shop/commits/main/check-runs" + query).want(200).into(&list)
		var ids []int64
		for _, r := range list.Runs {
			ids = append(ids, r.ID)
		}
		if !slices.Equal(ids, want) {
			t.Errorf("%q lists %v, want %v", query, ids, want)
		}
	}
}

func TestButtons(t *testing.T) {
	w := newWorld(t)
	sha := w.push("main", "a", "a\n")
	r := w.makeRun("gate", sha, `,"external_id":"e","status":"in_progress","actions":[{"label":"Approve","description":"d","identifier":"approve"}]`)
	if err := w.repo.ClickAction("alice", r.ID, "approve"); err == nil {
		t.Error("a run that is not completed has a button")
	}
	w.updateRun(r.ID, `{"conclusion":"action_required"}`)
	for login, identifier := range map[string]string{"bob": "approve", "alice": "reject"} {
		if err := w.repo.ClickAction(login, r.ID, identifier); err == nil {
			t.Errorf("%s clicked %s", login, identifier)
		}
	}
	if err := w.repo.ClickAction("alice", r.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	clicks := w.delivered("check_run", "requested_action")
	if len(clicks) != 1 {
		t.Fatalf("%d clicks", len(clicks))
	}
	for path, want := range map[string]any{
		"requested_action.identifier": "approve", "sender.login": "alice", "check_run.external_id": "e", "check_run.head_sha": sha,
		"check_run.check_suite.head_branch": "main", "check_run.app.id": float64(w.github.AppID()), "repository.full_name": "octo/shop",
	} {
		if got := at(clicks[0], path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	w.updateRun(r.ID, `{"actions":[]}`)
	if err := w.repo.ClickAction("alice", r.ID, "approve"); err == nil {
		t.Error("a button that was taken away is there")
	}
}

func TestRerequest(t *testing.T) {
	w := newWorld(t)
	sha := w.push("main", "a", "a\n")
	r := w.makeRun("build", sha, `,"conclusion":"failure"`)
	if err := errors.Join(w.repo.RerequestCheckRun("alice", r.ID), w.repo.RerequestCheckSuite("alice", sha)); err != nil {
		t.Fatal(err)
	}
	if got := w.delivered("check_run", "rerequested"); len(got) != 1 || at(got[0], "check_run.status") != "completed" || at(got[0], "check_run.check_suite.status") != "queued" {
		t.Errorf("the suite is reset and the run is not, but there is %v", got)
	}
	if got := w.delivered("check_suite", "rerequested"); len(got) != 1 || at(got[0], "check_suite.head_sha") != sha {
		t.Errorf("suites are %v", got)
	}
	if w.repo.RerequestCheckRun("bob", r.ID) == nil || w.repo.RerequestCheckSuite("alice", "nothing") == nil || w.repo.RerequestCheckRun("alice", 1) == nil {
		t.Error("rerequested what cannot be")
	}
}

func TestWaitAndWatch(t *testing.T) {
	w := newWorld(t)
	sha := w.push("main", "a", "a\n")
	ctx, cancel := context.WithCancel(t.Context())
	watched := w.github.Watch(ctx)
	found := make(chan githubtest.CheckRun)
	go func() {
		defer close(found)
		r, err := w.repo.WaitCheckRun(t.Context(), sha, "build", func(r githubtest.CheckRun) bool { return r.Conclusion == "success" })
		if err == nil {
			found <- r
		}
	}()
	r := w.makeRun("build", sha, "")
	w.updateRun(r.ID, `{"conclusion":"success"}`)
	if got := <-found; got.ID != r.ID {
		t.Errorf("waited for %+v", got)
	}
	for _, want := range []string{"queued", "completed"} {
		if c := <-watched; c.CheckRun == nil || c.CheckRun.Status != want {
			t.Errorf("watched %+v, want %s", c, want)
		}
	}
	cancel()
	if _, ok := <-watched; ok {
		t.Error("the channel goes on after its context")
	}
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := w.repo.WaitCheckRun(short, sha, "deploy", nil); err == nil || !strings.Contains(err.Error(), `"build" completed success`) {
		t.Errorf("the error does not tell what is there: %v", err)
	}
}
