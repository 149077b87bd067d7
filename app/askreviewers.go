package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
)

const (
	// reviewDoor is the door of whoever reviews an environment at GitHub.
	reviewDoor = "deployment-review"
	// reviewWorkflow is the workflow whose one job names the environment, so that GitHub
	// asks its reviewers.
	reviewWorkflow = "stagegate-approval.yml"
	// runPatience is how long GitHub may take to show a run that it has started.
	runPatience = time.Minute
)

// askReviewers has GitHub ask the reviewers of the environments that an execution's
// waiting approvals name, and withdraws what is no longer asked. It returns when to come
// again, where a run is not to be seen yet.
func (a *App) askReviewers(ctx context.Context, x store.Execution) (time.Time, error) {
	var rows []store.ReviewRequest
	err := a.store.View(ctx, func(tx store.Tx) (err error) {
		rows, err = tx.ReviewRequests(ctx, x.ID)
		return err
	})
	if err != nil {
		return time.Time{}, err
	}
	for _, g := range gates([]store.Execution{x}) {
		if i := slices.IndexFunc(rows, g.asks); i < 0 && g.approval().Environment != "" {
			rows = append(rows, g.request(a.now()))
		}
	}
	var again time.Time
	for _, r := range rows {
		later, err := a.askFor(ctx, x, r)
		if err != nil {
			return time.Time{}, fmt.Errorf("ask the reviewers of %s: %w", r.Environment, err)
		}
		again = earlier(again, later)
	}
	return again, nil
}

// asks tells whether a request is about the gate, as it waits now.
func (g gate) asks(r store.ReviewRequest) bool {
	st := g.x.Stages[g.stage]
	return r.Stage == st.Name && r.Action == st.Actions[g.action].Name && r.Attempt == st.Actions[g.action].Attempt
}

func (g gate) request(at time.Time) store.ReviewRequest {
	st := g.x.Stages[g.stage]
	act := st.Actions[g.action]
	return store.ReviewRequest{
		RepositoryID: g.x.RepositoryID, Execution: g.x.ID, Stage: st.Name, Action: act.Name, Attempt: act.Attempt,
		Environment: g.approval().Environment, AskedAt: at.UTC().Truncate(time.Millisecond),
	}
}

// askFor brings one request a step further, or withdraws it.
func (a *App) askFor(ctx context.Context, x store.Execution, r store.ReviewRequest) (time.Time, error) {
	waits := slices.ContainsFunc(gates([]store.Execution{x}), func(g gate) bool { return g.asks(r) })
	switch {
	case !waits:
		return time.Time{}, a.withdraw(ctx, x, r)
	case r.State == store.ReviewWanted:
		return a.dispatch(ctx, x, r)
	case r.State == store.ReviewDispatched:
		return a.findRun(ctx, x, r)
	}
	return time.Time{}, nil
}

// withdraw cancels the run of a request whose approval does not wait any more, so that
// nobody is asked for nothing. The run of a review goes on by itself.
func (a *App) withdraw(ctx context.Context, x store.Execution, r store.ReviewRequest) error {
	if r.State == store.ReviewEnded {
		return nil
	}
	if r.Run != 0 && r.State != store.ReviewAnswered {
		if err := a.github.CancelRun(ctx, repository(x), r.Run); err != nil && !errors.Is(err, github.ErrForbidden) {
			return err
		}
	}
	r.State = store.ReviewEnded
	return a.saveRequest(ctx, &r)
}

func (a *App) saveRequest(ctx context.Context, r *store.ReviewRequest) error {
	return a.store.Update(ctx, func(tx store.Tx) error { return tx.SaveReviewRequest(ctx, r) })
}

// dispatch starts the workflow that has GitHub ask. Its row is stored before, so that
// after a crash the run is found, and reviewers are not asked twice.
func (a *App) dispatch(ctx context.Context, x store.Execution, r store.ReviewRequest) (time.Time, error) {
	repo := repository(x)
	if r.ID != 0 { // a crash, or a GitHub that was away, has left it
		if done, err := a.adoptRun(ctx, x, r); err != nil || done {
			return time.Time{}, err
		}
	} else if problem, err := a.aim(ctx, x, &r); err != nil {
		return time.Time{}, err
	} else if problem != "" {
		r.State, r.Problem = store.ReviewFailed, problem
		return time.Time{}, a.saveRequest(ctx, &r)
	} else if err := a.saveRequest(ctx, &r); err != nil {
		return time.Time{}, err
	}
	run, err := a.github.DispatchWorkflow(ctx, repo, reviewWorkflow, r.Branch, r.Environment)
	if problem := noDispatch(r, err); problem != "" {
		a.log.Warn("reviewers are not asked", "repository", x.Repository, "environment", r.Environment, "error", err)
		r.State, r.Problem = store.ReviewFailed, problem
		return time.Time{}, a.saveRequest(ctx, &r)
	}
	if err != nil {
		return time.Time{}, err
	}
	if run.ID == 0 {
		r.State = store.ReviewDispatched
		if err := a.saveRequest(ctx, &r); err != nil {
			return time.Time{}, err
		}
		return a.findRun(ctx, x, r)
	}
	return time.Time{}, a.asked(ctx, x, r, run)
}

// aim finds the branch that the workflow runs on and the commit that it must be at: a
// dispatch takes no commit. It says why that cannot be, if it cannot.
func (a *App) aim(ctx context.Context, x store.Execution, r *store.ReviewRequest) (problem string, err error) {
	repo, ref := repository(x), x.Revision.Ref
	r.HeadSHA = x.Revision.Commit
	switch {
	case x.Rollback != nil: // whoever is asked is asked by the newest definition
		if repo, _, err = a.github.Find(ctx, repo); err != nil {
			return "", fmt.Errorf("read the repository: %w", err)
		}
		ref, r.HeadSHA = "refs/heads/"+repo.DefaultBranch, x.Rollback.GatesAt
	case x.Revision.PullRequest != 0:
		ref = "refs/heads/" + x.Revision.Branch
	}
	r.Branch = strings.TrimPrefix(strings.TrimPrefix(ref, "refs/heads/"), "refs/tags/")
	head, err := a.github.Head(ctx, repo, ref)
	switch {
	case errors.Is(err, github.ErrNotFound):
		return r.Branch + " is gone", nil
	case err != nil:
		return "", fmt.Errorf("read the head of %s: %w", r.Branch, err)
	case head != r.HeadSHA:
		return moved(*r, head), nil
	}
	return "", nil
}

// moved says that GitHub, which asks about the head of a branch only, cannot ask.
func moved(r store.ReviewRequest, head string) string {
	return fmt.Sprintf("%s has moved on to %s, and this approval is about %s: GitHub asks about the head only, so start the pipeline for that", r.Branch, shortSHA(head), shortSHA(r.HeadSHA))
}

// noDispatch says what keeps GitHub from asking, and what to do; empty where nothing
// does, or it may pass.
func noDispatch(r store.ReviewRequest, err error) string {
	const file = ".github/workflows/" + reviewWorkflow
	then := "; then retry the stage, or start the pipeline again"
	switch {
	case err == nil:
		return ""
	case errors.Is(err, github.ErrDisabled):
		return "the workflow " + file + " is disabled: enable it in the list of workflows at GitHub" + then
	case errors.Is(err, github.ErrNoDispatch):
		return "the workflow " + file + " at " + r.Branch + " has no on: workflow_dispatch with the input environment: take the one that `stagegate init` writes" + then
	case errors.Is(err, github.ErrNotFound):
		return "the default branch has no workflow " + file + ": `stagegate init` writes it" + then
	case errors.Is(err, github.ErrForbidden):
		return "the App may not start workflows: give it the permission actions: write, and accept that for the installation" + then
	case errors.Is(err, github.ErrRefused):
		return "GitHub does not start the workflow " + file + ": " + cut(err.Error(), 300)
	}
	return ""
}

// adoptRun finds the run that was started before a crash; done is false where none was.
func (a *App) adoptRun(ctx context.Context, x store.Execution, r store.ReviewRequest) (done bool, err error) {
	run, found, err := a.runOfRequest(ctx, x, r)
	if errors.Is(err, github.ErrNotFound) || errors.Is(err, github.ErrForbidden) { // which the dispatch will say
		return false, nil
	}
	if err != nil || !found {
		return false, err
	}
	return true, a.asked(ctx, x, r, run)
}

// findRun looks for a run that GitHub has started without saying which.
func (a *App) findRun(ctx context.Context, x store.Execution, r store.ReviewRequest) (time.Time, error) {
	run, found, err := a.runOfRequest(ctx, x, r)
	switch {
	case err != nil:
		return time.Time{}, err
	case found:
		return time.Time{}, a.asked(ctx, x, r, run)
	case a.now().Sub(r.AskedAt) < runPatience:
		return a.now().Add(textInterval), nil
	}
	r.State, r.Problem = store.ReviewFailed, "GitHub has started the workflow and shows no run of it: retry the stage"
	return time.Time{}, a.saveRequest(ctx, &r)
}

// runOfRequest finds the run of a request by workflow, branch and time. Those of other
// requests are theirs. The clocks may differ a little.
func (a *App) runOfRequest(ctx context.Context, x store.Execution, r store.ReviewRequest) (github.WorkflowRun, bool, error) {
	since := r.AskedAt.Add(-runPatience)
	var known []int64
	err := a.store.View(ctx, func(tx store.Tx) error {
		recent, err := tx.RecentReviewRequests(ctx, r.RepositoryID, r.Environment, since.Add(-runPatience))
		for _, o := range recent {
			known = append(known, o.Run)
		}
		return err
	})
	if err != nil {
		return github.WorkflowRun{}, false, err
	}
	return a.github.FindRun(ctx, repository(x), reviewWorkflow, r.Branch, since, known)
}

// asked notes the run, if it is at the commit that it must be at.
func (a *App) asked(ctx context.Context, x store.Execution, r store.ReviewRequest, run github.WorkflowRun) error {
	r.Run, r.URL, r.State = run.ID, run.URL, store.ReviewAsked
	full, err := a.github.Run(ctx, repository(x), run.ID)
	if err != nil && !errors.Is(err, github.ErrNotFound) {
		return err
	}
	if err == nil {
		r.URL = full.URL
	}
	if err == nil && full.HeadSHA != r.HeadSHA {
		if err := a.github.CancelRun(ctx, repository(x), run.ID); err != nil {
			return err
		}
		r.State, r.Problem = store.ReviewFailed, moved(r, full.HeadSHA)
	}
	return a.saveRequest(ctx, &r)
}

// reviews puts what GitHub is asked about the approvals of a stage in front of a run's
// summary.
func (w *wanted) reviews(x store.Execution, rows []store.ReviewRequest) {
	for _, g := range gates([]store.Execution{x}) {
		if text := reviewWords(rows, g); text != "" && x.Stages[g.stage].Name == w.stage {
			w.run.Summary = text + "\n\n" + w.run.Summary
		}
	}
}

// reviewWords say in Markdown what GitHub is asked about an approval; empty: nothing.
func reviewWords(rows []store.ReviewRequest, g gate) string {
	i := slices.IndexFunc(rows, g.asks)
	if i < 0 {
		return ""
	}
	r := rows[i]
	text := fmt.Sprintf("The reviewers of the environment %s are asked at GitHub.", r.Environment)
	switch {
	case r.State == store.ReviewFailed:
		return fmt.Sprintf("**The reviewers of the environment %s are not asked:** %s.", r.Environment, plain(r.Problem))
	case r.URL != "":
		text = fmt.Sprintf("The reviewers of the environment %s are asked [at GitHub](%s).", r.Environment, r.URL)
	}
	if r.Problem != "" {
		text += "\n\n**It still waits:** " + plain(r.Problem) + "."
	}
	return text
}
