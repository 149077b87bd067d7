package githubtest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const approvalWorkflow = ".github/workflows/stagegate-approval.yml"

// approvalText is the workflow whose one job names the environment.
const approvalText = "on:\n  workflow_dispatch:\n    inputs:\n      environment:\n        required: true\njobs: {}\n"

// deployAndReview drives the routes of deployments and of workflows.
func (w *busy) deployAndReview() {
	w.t.Helper()
	w.git(w.clone, "checkout", "--quiet", "-B", "main", "origin/main")
	w.push("main", approvalWorkflow, approvalText)
	w.repo.ProtectEnvironment("production", "bob")
	var deployment, run struct {
		ID  int64
		Run int64 `json:"workflow_run_id"`
	}
	w.post("/repos/octo/shop/deployments", `{"ref":%q,"auto_merge":false,"required_contexts":[],"payload":{"stagegate":"1/production/1"},"description":"d"}`, w.sha).want(201).into(&deployment)
	w.post(fmt.Sprintf("/repos/octo/shop/deployments/%d/statuses", deployment.ID), `{"state":"success","log_url":"https://example.com"}`).want(201)
	w.get("/repos/octo/shop/deployments?environment=production&sha=" + w.sha).want(200)
	const dispatches = "/repos/octo/shop/actions/workflows/stagegate-approval.yml/dispatches"
	w.post(dispatches, `{"ref":"main","inputs":{"environment":"production"},"return_run_details":true}`).want(200).into(&run)
	one := fmt.Sprintf("/repos/octo/shop/actions/runs/%d", run.Run)
	w.get(one).want(200)
	w.get(one + "/pending_deployments").want(200)
	w.get("/repos/octo/shop/actions/workflows/stagegate-approval.yml/runs?branch=main&event=workflow_dispatch").want(200)
	w.post(one+"/cancel", "").want(202)
}

// TestDispatch starts the workflow as an App does, and in ways that GitHub refuses.
func TestDispatch(t *testing.T) {
	w := newWorld(t)
	const dispatches = "/repos/octo/shop/actions/workflows/stagegate-approval.yml/dispatches"
	const body = `{"ref":%q,"inputs":{"environment":"production"},"return_run_details":true}`
	w.push("main", "a.txt", "a\n")
	w.post(dispatches, body, "main").want(404)
	w.push("main", approvalWorkflow, "on: push\n")
	w.post(dispatches, body, "main").want(422).says("Workflow does not have 'workflow_dispatch' trigger")
	sha := w.push("main", approvalWorkflow, approvalText)
	w.post(dispatches, body, "nope").want(422).says("No ref found for: nope")
	w.post(dispatches, body, sha).want(422).says("No ref found for: " + sha)
	w.repo.DisableWorkflows(true)
	w.post(dispatches, body, "main").want(422).says("on a disabled workflow")
	w.repo.DisableWorkflows(false)
	w.repo.HideRunDetails(true)
	w.post(dispatches, body, "main").want(204)
	var list struct {
		Runs []struct {
			ID        int64
			HeadSHA   string `json:"head_sha"`
			CreatedAt string `json:"created_at"`
			Status    string
		} `json:"workflow_runs"`
	}
	since := time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
	w.get("/repos/octo/shop/actions/workflows/stagegate-approval.yml/runs?event=workflow_dispatch&branch=main&created=%3E%3D" + since).want(200).into(&list)
	if len(list.Runs) != 1 || list.Runs[0].HeadSHA != sha || list.Runs[0].Status != "completed" {
		t.Errorf("the runs are %+v", list.Runs)
	}
}

// TestDeploymentReview has a reviewer approve, and others try.
func TestDeploymentReview(t *testing.T) {
	w := newWorld(t)
	sha := w.push("main", approvalWorkflow, approvalText)
	w.repo.ProtectEnvironment("production", "bob")
	w.post("/repos/octo/shop/actions/workflows/stagegate-approval.yml/dispatches", `{"ref":"refs/heads/main","inputs":{"environment":"production"}}`).want(204)
	run := w.repo.WorkflowRuns()[0]
	w.delivered("deployment_review", "requested")
	if err := w.repo.ReviewDeployment("alice", run.ID, true, "go"); err == nil || !strings.Contains(err.Error(), "is no reviewer of production") {
		t.Errorf("alice: %v", err)
	}
	if err := w.repo.ReviewDeployment("bob", run.ID, true, "go"); err != nil {
		t.Fatal(err)
	}
	said := w.delivered("deployment_review", "approved")[0]
	approver, job, reviewed := said["approver"].(map[string]any), said["workflow_job_run"].(map[string]any), said["workflow_run"].(map[string]any)
	if approver["login"] != "bob" || job["environment"] != "production" || reviewed["id"] != float64(run.ID) || reviewed["head_sha"] != sha {
		t.Errorf("%+v", said)
	}
	if err := w.repo.ReviewDeployment("bob", run.ID, true, ""); err == nil {
		t.Error("it is reviewed twice")
	}
	if run = w.repo.WorkflowRuns()[0]; run.Conclusion != "success" {
		t.Errorf("the run is %+v", run)
	}
}

// TestDeployments makes deployments as GitHub takes them.
func TestDeployments(t *testing.T) {
	w := newWorld(t)
	sha := w.push("main", "a.txt", "a\n")
	w.post("/repos/octo/shop/check-runs", `{"name":"build","head_sha":%q,"status":"in_progress"}`, sha).want(201)
	w.post("/repos/octo/shop/deployments", `{"ref":%q}`, sha).want(409)
	var first, second struct{ ID int64 }
	w.post("/repos/octo/shop/deployments", `{"ref":%q,"required_contexts":[],"environment":"staging"}`, sha).want(201).into(&first)
	w.post("/repos/octo/shop/deployments", `{"ref":%q,"required_contexts":[],"environment":"staging"}`, sha).want(201).into(&second)
	for _, id := range []int64{first.ID, second.ID} {
		w.post(fmt.Sprintf("/repos/octo/shop/deployments/%d/statuses", id), `{"state":"success"}`).want(201)
	}
	list := w.repo.Deployments("staging")
	if list[0].State() != "inactive" || list[1].State() != "success" || list[0].Production {
		t.Errorf("%+v", list)
	}
	w.post(fmt.Sprintf("/repos/octo/shop/deployments/%d/statuses", second.ID), `{"state":"success","environment_url":"javascript:alert(1)"}`).want(422)
	w.github.TakeViolations()
}
