package app

import (
	"context"
	"fmt"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// closed is the activity that ends a pull request, merged or not.
const closed = "closed"

// pullRequest starts the pipelines that are meant for what happened to a pull
// request, and stops what ran for its older heads, or all when it is closed.
func (a *App) pullRequest(ctx context.Context, d store.Delivery, e github.PullRequest) (plan, error) {
	if e.Action != closed {
		p, err := a.startPull(ctx, d, e)
		return a.withPlan(p, e), err
	}
	because := pipeline.Cancel{Actor: e.Sender, Reason: "the pull request was closed"}
	stop := a.stopLane(e.Repo, pullLane(e), because)
	return ending(stop, func() (plan, error) { return a.startPull(ctx, d, e) })
}

func (a *App) startPull(ctx context.Context, d store.Delivery, e github.PullRequest) (plan, error) {
	repo, err := a.installed(ctx, e.Repo)
	if err != nil {
		return plan{}, err
	}
	base, at := ofPull(repo, e), e.Head
	if e.Fork { // its own files are not trusted
		if at, err = a.fork(ctx, repo, &base); err != nil {
			return plan{}, err
		}
		if base.Unadmitted() && ends(e.Action) {
			return ignore("%s: pull request %d of a fork ends, and nobody has said /ok-to-test", repo, e.Number), nil
		}
	}
	found, err := a.candidates(ctx, repo, at, base)
	switch {
	case err != nil:
		return plan{}, err
	case len(found) == 0 && !pipeline.UsualActivity(e.Action):
		p := ignore("%s: no pipeline runs when pull request %d is %s", repo, e.Number, e.Action)
		p.dull = true
		return p, nil
	case len(found) > 0:
		if err := a.readHead(ctx, repo, &base); err != nil {
			return plan{}, err
		}
		if err := narrow(ctx, &base, found, a.pulled(repo, e)); err != nil {
			return plan{}, err
		}
	}
	return a.start(ctx, d, repo, base, e.Before, found)
}

// readHead completes what is known of a revision by its commit.
func (a *App) readHead(ctx context.Context, repo github.Repository, base *pipeline.Execution) error {
	r := &base.Revision
	commit, err := a.github.Commit(ctx, repo, r.Commit)
	if err != nil {
		return fmt.Errorf("read commit %s: %w", r.Commit, err)
	}
	r.Message, r.Time, r.Author = commit.Message, commit.Time, commit.Author
	r.Authors = lowerSet(append(commit.Authors, r.Authors...)...)
	return nil
}

func pullLane(e github.PullRequest) string { return laneOfPull(e.Number) }
