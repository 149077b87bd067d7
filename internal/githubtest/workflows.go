package githubtest

import (
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// WorkflowRun is a run of a workflow of GitHub Actions. Of a workflow nothing is carried
// out: a run waits where it names an environment that people must review, and succeeds
// at once elsewhere.
type WorkflowRun struct {
	ID          int64
	Path        string // of the workflow's file
	Branch      string
	HeadSHA     string
	Event       string
	Actor       string // login
	Environment string // that its one job names
	Status      string // waiting, completed
	Conclusion  string // empty until it is completed
	Attempt     int
	CreatedAt   time.Time
}

// workflows are the runs of a repository and what surrounds them. g.mu guards it.
type workflows struct {
	runs        []*WorkflowRun
	reviewers   map[string][]string // logins, by environment
	disabled    bool
	hideDetails bool
}

// ProtectEnvironment has people review what a workflow wants to do in an environment.
func (r *Repository) ProtectEnvironment(name string, logins ...string) {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	if r.workflows.reviewers == nil {
		r.workflows.reviewers = map[string][]string{}
	}
	r.workflows.reviewers[name] = logins
}

// DisableWorkflows disables all workflows, as a person may in the list of them.
func (r *Repository) DisableWorkflows(disabled bool) {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	r.workflows.disabled = disabled
}

// HideRunDetails has a dispatch answered without the run that it starts, as servers do
// that do not know return_run_details.
func (r *Repository) HideRunDetails(hide bool) {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	r.workflows.hideDetails = hide
}

// WorkflowRuns are all runs, oldest first.
func (r *Repository) WorkflowRuns() []WorkflowRun {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	var list []WorkflowRun
	for _, run := range r.workflows.runs {
		list = append(list, *run)
	}
	return list
}

// dispatchable finds that a file declares the trigger, and the inputs below it.
var (
	dispatchable = regexp.MustCompile(`(?m)^\s*workflow_dispatch:`)
	hasInput     = regexp.MustCompile(`(?m)^\s+environment:`)
)

// DispatchWorkflow starts a workflow as a person does who may write.
func (r *Repository) DispatchWorkflow(login, file, branch, environment string) (int64, error) {
	sha, err := r.Head(branch)
	if err != nil {
		return 0, err
	}
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	who := r.g.user(login)
	if !r.may(who, "write") {
		return 0, fmt.Errorf("dispatch %s: %s may not write to %s", file, login, r.FullName())
	}
	return r.run(who, file, branch, sha, environment).ID, nil
}

// run starts a run. g.mu is held.
func (r *Repository) run(who *account, file, branch, sha, environment string) *WorkflowRun {
	run := &WorkflowRun{
		ID: r.g.id(), Path: ".github/workflows/" + file, Branch: branch, HeadSHA: sha, Event: "workflow_dispatch", Actor: who.login,
		Environment: environment, Attempt: 1, CreatedAt: r.g.now(),
	}
	r.workflows.runs = append(r.workflows.runs, run)
	r.begin(run)
	return run
}

// begin has a run wait for a review, or end. g.mu is held.
func (r *Repository) begin(run *WorkflowRun) {
	run.Status, run.Conclusion = "waiting", ""
	if len(r.workflows.reviewers[run.Environment]) == 0 {
		r.endRun(run, "success")
		return
	}
	r.g.send(r, "deployment_review", "requested", object{
		"environment": run.Environment, "since": stamp(r.g.now()), "workflow_run": r.runObject(run), "workflow_job_run": r.jobRunObject(run),
		"requestor": r.g.userObject(r.g.accounts[strings.ToLower(run.Actor)]), "reviewers": r.reviewersObject(run),
		"sender": r.g.userObject(r.g.accounts[strings.ToLower(run.Actor)]),
	})
	r.g.notify()
}

// endRun completes a run. g.mu is held.
func (r *Repository) endRun(run *WorkflowRun, conclusion string) {
	run.Status, run.Conclusion = "completed", conclusion
	r.g.send(r, "workflow_run", "completed", object{
		"workflow_run": r.runObject(run), "workflow": nil, "sender": r.g.userObject(r.g.accounts[strings.ToLower(run.Actor)]),
	})
	r.g.notify()
}

// RerunWorkflow runs a completed run again: it keeps its id and its commit.
func (r *Repository) RerunWorkflow(login string, id int64) error {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	run := r.workflowRun(id)
	if run == nil || run.Status != "completed" || !r.may(r.g.user(login), "write") {
		return fmt.Errorf("rerun workflow run %d: it is not there, not completed, or not for %s", id, login)
	}
	run.Attempt++
	r.begin(run)
	return nil
}

// ReviewDeployment approves or rejects what a run wants to do in its environment, as one
// of its required reviewers.
func (r *Repository) ReviewDeployment(login string, id int64, approved bool, comment string) error {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	run, who := r.workflowRun(id), r.g.user(login)
	switch {
	case run == nil:
		return fmt.Errorf("review workflow run %d: there is none", id)
	case run.Status != "waiting":
		return fmt.Errorf("review workflow run %d: it is %s", id, run.Status)
	case !slices.Contains(r.workflows.reviewers[run.Environment], login):
		return fmt.Errorf("review workflow run %d: %s is no reviewer of %s", id, login, run.Environment)
	}
	action, conclusion := "rejected", "failure"
	if approved {
		action, conclusion = "approved", "success"
	}
	job := r.jobRunObject(run)
	r.g.send(r, "deployment_review", action, object{
		"approver": r.g.userObject(who), "comment": comment, "since": stamp(r.g.now()), "reviewers": r.reviewersObject(run),
		"workflow_run": r.runObject(run), "workflow_job_run": job, "workflow_job_runs": []object{job}, "sender": r.g.userObject(who),
	})
	r.endRun(run, conclusion)
	return nil
}

// ForgeReview delivers that a run was approved, whoever may do that and whatever its
// environment and commit are: what GitHub would not say.
func (r *Repository) ForgeReview(login string, id int64, environment, sha string) error {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	run := r.workflowRun(id)
	if run == nil {
		return fmt.Errorf("forge a review of workflow run %d: there is none", id)
	}
	forged := *run
	forged.Environment, forged.HeadSHA = environment, sha
	who := r.g.account(login, "User")
	if strings.HasSuffix(login, "[bot]") {
		who = r.g.account(login, "Bot")
	}
	r.g.send(r, "deployment_review", "approved", object{
		"approver": r.g.userObject(who), "comment": "", "since": stamp(r.g.now()), "reviewers": []object{}, "workflow_run": r.runObject(&forged),
		"workflow_job_run": r.jobRunObject(&forged), "workflow_job_runs": []object{r.jobRunObject(&forged)}, "sender": r.g.userObject(who),
	})
	return nil
}

// CancelWorkflowRun cancels a run as a person does who may write.
func (r *Repository) CancelWorkflowRun(login string, id int64) error {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	run := r.workflowRun(id)
	if run == nil || run.Status == "completed" || !r.may(r.g.user(login), "write") {
		return fmt.Errorf("cancel workflow run %d: it is not there, completed, or not for %s", id, login)
	}
	r.endRun(run, "cancelled")
	return nil
}

// workflowRun finds a run. g.mu is held.
func (r *Repository) workflowRun(id int64) *WorkflowRun {
	i := slices.IndexFunc(r.workflows.runs, func(run *WorkflowRun) bool { return run.ID == id })
	if i < 0 {
		return nil
	}
	return r.workflows.runs[i]
}

func dispatchWorkflow(c *call) answer {
	var q struct {
		Ref     string            `json:"ref"`
		Inputs  map[string]string `json:"inputs"`
		Details bool              `json:"return_run_details"`
	}
	c.decode(&q)
	name := path.Base(c.params["workflow_id"])
	file := ".github/workflows/" + name
	onDefault, err := c.repo.resolve("main")
	if err != nil {
		return notFound()
	}
	if _, there := c.repo.entryAt(onDefault, file); !there {
		return notFound() // GitHub knows the workflows of the default branch
	}
	branch := strings.TrimPrefix(strings.TrimPrefix(q.Ref, "refs/heads/"), "refs/tags/")
	sha, err := c.repo.resolve(branch)
	if err != nil || branch == sha {
		return unprocessable("No ref found for: %s", q.Ref)
	}
	text, err := c.repo.git("show", sha+":"+file)
	switch {
	case err != nil, !dispatchable.MatchString(text):
		return unprocessable("Workflow does not have 'workflow_dispatch' trigger")
	case len(q.Inputs) > 0 && !hasInput.MatchString(text):
		return unprocessable("Unexpected inputs provided: [\"environment\"]")
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	if c.repo.workflows.disabled {
		return unprocessable("Cannot trigger a 'workflow_dispatch' on a disabled workflow")
	}
	run := c.repo.run(c.g.bot, name, branch, sha, q.Inputs["environment"])
	if !q.Details || c.repo.workflows.hideDetails {
		return noContent()
	}
	return ok(object{
		"workflow_run_id": run.ID, "run_url": c.repo.apiURL() + "/actions/runs/" + itoa(run.ID), "html_url": c.repo.htmlURL() + "/actions/runs/" + itoa(run.ID),
	})
}

func listWorkflowRuns(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	var list []*WorkflowRun
	for _, run := range slices.Backward(c.repo.workflows.runs) {
		if path.Base(run.Path) == path.Base(c.params["workflow_id"]) && c.wantsRun(run) {
			list = append(list, run)
		}
	}
	a := listed(c, list, c.repo.runObject)
	a.body = object{"total_count": len(list), "workflow_runs": a.body}
	return a
}

func (c *call) wantsRun(run *WorkflowRun) bool {
	for name, is := range map[string]string{"branch": run.Branch, "event": run.Event, "head_sha": run.HeadSHA, "actor": run.Actor} {
		if want := c.query(name); want != "" && want != is {
			return false
		}
	}
	since, err := time.Parse(time.RFC3339, strings.TrimPrefix(c.query("created"), ">="))
	return c.query("created") == "" || err == nil && !run.CreatedAt.Before(since)
}

func getWorkflowRun(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	run := c.repo.workflowRun(c.number("run_id"))
	if run == nil {
		return notFound()
	}
	return ok(c.repo.runObject(run))
}

func cancelWorkflowRun(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	run := c.repo.workflowRun(c.number("run_id"))
	switch {
	case run == nil:
		return notFound()
	case run.Status == "completed":
		return refuse(http.StatusConflict, "Cannot cancel a workflow run that is completed.")
	}
	c.repo.endRun(run, "cancelled")
	return answer{status: http.StatusAccepted, body: object{}}
}

func listPendingDeployments(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	run := c.repo.workflowRun(c.number("run_id"))
	if run == nil {
		return notFound()
	}
	list := []object{}
	if run.Status == "waiting" {
		list = append(list, object{
			"environment": object{
				"id": run.ID, "node_id": nodeID("Environment", run.ID), "name": run.Environment,
				"url": c.repo.apiURL() + "/environments/" + run.Environment, "html_url": c.repo.htmlURL() + "/deployments/" + run.Environment,
			},
			"wait_timer": 0, "wait_timer_started_at": nil, "current_user_can_approve": false, "reviewers": c.repo.reviewersObject(run),
		})
	}
	return ok(list)
}
