package githubtest

import (
	"path"
	"strconv"
	"strings"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// runObject is a run of a workflow, in the API and in deliveries. g.mu is held.
func (r *Repository) runObject(run *WorkflowRun) object {
	api, id := r.apiURL()+"/actions/runs/"+itoa(run.ID), itoa(run.ID)
	who := r.g.userObject(r.g.accounts[strings.ToLower(run.Actor)])
	repository := r.object()
	return object{
		"id": run.ID, "node_id": nodeID("WorkflowRun", run.ID), "name": path.Base(run.Path), "path": run.Path, "head_branch": run.Branch,
		"head_sha": run.HeadSHA, "display_title": path.Base(run.Path), "run_number": 1, "run_attempt": run.Attempt, "event": run.Event,
		"status": run.Status, "conclusion": nullable(run.Conclusion), "workflow_id": 1, "actor": who, "triggering_actor": who,
		"url": api, "html_url": r.htmlURL() + "/actions/runs/" + id, "jobs_url": api + "/jobs", "logs_url": api + "/logs",
		"check_suite_url": r.apiURL() + "/check-suites/" + id, "artifacts_url": api + "/artifacts", "cancel_url": api + "/cancel",
		"rerun_url": api + "/rerun", "workflow_url": r.apiURL() + "/actions/workflows/1", "pull_requests": []object{},
		"created_at": stamp(run.CreatedAt), "updated_at": stamp(run.CreatedAt), "run_started_at": stamp(run.CreatedAt),
		"head_commit": nil, "repository": repository, "head_repository": repository,
	}
}

// jobRunObject is the one job of a run. g.mu is held.
func (r *Repository) jobRunObject(run *WorkflowRun) object {
	return object{
		"id": run.ID + 1, "name": "approve", "status": "waiting", "conclusion": nil, "environment": run.Environment,
		"html_url":   r.htmlURL() + "/actions/runs/" + itoa(run.ID) + "/job/" + itoa(run.ID+1),
		"created_at": stamp(run.CreatedAt), "updated_at": stamp(run.CreatedAt),
	}
}

// reviewersObject are those who must review a run. g.mu is held.
func (r *Repository) reviewersObject(run *WorkflowRun) []object {
	list := []object{}
	for _, login := range r.workflows.reviewers[run.Environment] {
		list = append(list, object{"type": "User", "reviewer": r.g.userObject(r.g.user(login))})
	}
	return list
}
