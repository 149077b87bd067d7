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

// recently is how far back a request for a review is looked for that a review may have
// meant.
const recently = 60 * 24 * time.Hour

// environmentReviewed takes a review of an environment for the answer to the approval that its run
// was started for, and to no other. The environment and the commit must be that
// request's too.
func (a *App) environmentReviewed(ctx context.Context, e github.DeploymentReview) (plan, error) {
	r, g, err := a.requestOf(ctx, e.Repo, e.Run)
	if errors.Is(err, store.ErrNotFound) {
		return a.reviewOfAnother(ctx, e)
	}
	if err != nil {
		return plan{}, err
	}
	by := caller{login: e.Reviewer, door: reviewDoor, says: e.Comment}
	op, err := a.environmentReview(ctx, e, r, g, by)
	var no refusal
	if err != nil && !errors.As(err, &no) {
		return plan{}, err
	}
	asked := decision(e.Approved) + " " + r.Stage + "/" + r.Action
	return plan{
		message: fmt.Sprintf("%s: review of %s by %s for execution %s", e.Repo, r.Environment, e.Reviewer, r.Execution),
		commit: func(ctx context.Context, tx store.Tx) error {
			no := no
			for _, one := range op {
				if _, err := one.apply(ctx, tx); err != nil && !errors.As(err, &no) {
					return err
				}
			}
			if err := a.deny(ctx, tx, wish{by: by, repository: r.RepositoryID, execution: r.Execution, asked: asked}, no); err != nil {
				return err
			}
			r.State, r.Problem = store.ReviewAnswered, ""
			if no.code != "" {
				r.Problem = fmt.Sprintf("the review by %s does not count: %s. Run the workflow again to have them asked again", e.Reviewer, no)
			}
			return noteRequest(ctx, tx, r)
		},
	}, nil
}

// requestOf finds the request that a run was started for, with the gate that it is
// about; that is without a stage where it does not wait any more.
func (a *App) requestOf(ctx context.Context, repo github.Repository, run int64) (r store.ReviewRequest, g gate, err error) {
	err = a.store.View(ctx, func(tx store.Tx) error {
		var err error
		if r, err = tx.ReviewRequestByRun(ctx, repo.ID, run); err != nil {
			return err
		}
		g.x, err = tx.Execution(ctx, r.Execution)
		return err
	})
	g.stage = -1
	open := gates([]store.Execution{g.x})
	if i := slices.IndexFunc(open, func(o gate) bool { return o.asks(r) }); i >= 0 {
		g = open[i]
	}
	return r, g, err
}

// environmentReview is the answer that a review gives, unless it counts for nothing.
func (a *App) environmentReview(ctx context.Context, e github.DeploymentReview, r store.ReviewRequest, g gate, by caller) (operation, error) {
	// The workflow is that of the branch, and whoever may write there may give it a job in
	// another environment: what is reviewed beside that counts for neither.
	elsewhere := func(name string) bool { return !strings.EqualFold(name, r.Environment) }
	switch {
	case g.stage < 0:
		return nil, refused(codeConflict, "the approval %s of execution %d does not wait any more", r.Action, g.x.Number)
	case e.Bot:
		return nil, refused(codeForbidden, "%s is a bot", by)
	case len(e.Environments) == 0, slices.ContainsFunc(e.Environments, elsewhere):
		return nil, refused(codeConflict, "it is about another environment than %s", r.Environment)
	case e.HeadSHA != r.HeadSHA:
		return nil, refused(codeConflict, "the branch has moved: the run is at %s, and this approval is about %s", shortSHA(e.HeadSHA), shortSHA(r.HeadSHA))
	}
	return a.decide(ctx, by, g, response{approved: e.Approved})
}

// reviewOfAnother tells those who wait in the environment that a review of a run which
// is not theirs counts for nothing. A request whose run is not known yet may be meant.
func (a *App) reviewOfAnother(ctx context.Context, e github.DeploymentReview) (plan, error) {
	var open []store.ReviewRequest
	err := a.store.View(ctx, func(tx store.Tx) error {
		for _, name := range slices.Compact(slices.Sorted(slices.Values(e.Environments))) {
			found, err := tx.RecentReviewRequests(ctx, e.Repo.ID, name, a.now().Add(-recently))
			if err != nil {
				return err
			}
			open = append(open, found...)
		}
		return nil
	})
	if err != nil {
		return plan{}, err
	}
	pending := func(r store.ReviewRequest) bool {
		return r.Run == 0 && (r.State == store.ReviewWanted || r.State == store.ReviewDispatched) && a.now().Sub(r.AskedAt) < runPatience
	}
	if slices.ContainsFunc(open, pending) {
		return plan{}, fmt.Errorf("workflow run %d is not known yet", e.Run)
	}
	open = slices.DeleteFunc(open, func(r store.ReviewRequest) bool { return r.State != store.ReviewAsked })
	p := ignore("%s: a review of workflow run %d, which asks for no approval", e.Repo, e.Run)
	p.commit = func(ctx context.Context, tx store.Tx) error {
		for _, r := range open {
			r.Problem = fmt.Sprintf("a review by %s was of workflow run %d, which is not the one that asks about this approval", e.Reviewer, e.Run)
			if err := noteRequest(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	}
	return p, nil
}

// workflowEnded notes that nobody will review a run any more that has ended.
func (a *App) workflowEnded(ctx context.Context, e github.WorkflowEnded) (plan, error) {
	r, g, err := a.requestOf(ctx, e.Repo, e.Run)
	if errors.Is(err, store.ErrNotFound) {
		p := ignore("%s: workflow run %d is none of ours", e.Repo, e.Run)
		p.dull = true
		return p, nil
	}
	if err != nil {
		return plan{}, err
	}
	p := plan{message: fmt.Sprintf("%s: workflow run %d, for execution %s, ended: %s", e.Repo, e.Run, r.Execution, e.Conclusion)}
	if g.stage < 0 || r.State != store.ReviewAsked {
		return p, nil
	}
	r.Problem = "its workflow run has ended, " + e.Conclusion + ", without a review; run it again to have them asked again"
	if e.Conclusion == "success" {
		r.Problem = "its workflow run has ended without a review: give the environment " + r.Environment + " required reviewers in the repository's settings, and run it again"
	}
	p.commit = func(ctx context.Context, tx store.Tx) error { return noteRequest(ctx, tx, r) }
	return p, nil
}

// noteRequest stores a request and has its execution shown anew.
func noteRequest(ctx context.Context, tx store.Tx, r store.ReviewRequest) error {
	if err := tx.SaveReviewRequest(ctx, &r); err != nil {
		return err
	}
	x, err := tx.Execution(ctx, r.Execution)
	if err != nil {
		return err
	}
	if err := tx.SaveExecution(ctx, &x); err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Report{Execution: x.ID, Version: x.Version}, time.Time{})
}
