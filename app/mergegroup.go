package app

import (
	"context"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// destroyed is the activity that ends a merge group, merged or not.
const destroyed = "destroyed"

// mergeGroup starts the pipelines of a group that a merge queue wants checked,
// on a lane of its own, and stops what runs for one that is gone.
func (a *App) mergeGroup(ctx context.Context, d store.Delivery, e github.MergeGroup) (plan, error) {
	if e.Action != destroyed {
		return a.startGroup(ctx, d, e)
	}
	reason := "the merge group is gone"
	if e.Reason != "" {
		reason += ": " + e.Reason
	}
	stop := a.stopLane(e.Repo, e.Ref, pipeline.Cancel{Actor: e.Sender, Reason: reason})
	return ending(stop, func() (plan, error) { return a.startGroup(ctx, d, e) })
}

func (a *App) startGroup(ctx context.Context, d store.Delivery, e github.MergeGroup) (plan, error) {
	repo, err := a.installed(ctx, e.Repo)
	if err != nil {
		return plan{}, err
	}
	base := ofGroup(repo, e)
	found, err := a.candidates(ctx, repo, e.Head, base)
	if err != nil {
		return plan{}, err
	}
	if len(found) == 0 {
		return ignore("%s: no pipeline runs for merge group %s: %s", repo, base.Revision.Branch, e.Action), nil
	}
	if err := a.readHead(ctx, repo, &base); err != nil {
		return plan{}, err
	}
	return a.start(ctx, d, repo, base, "", found)
}
