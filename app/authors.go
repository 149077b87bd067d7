package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// authors is everybody who counts as an author of what a gate would let in: who
// triggered the run, who opened its pull requests, every author and co-author of the
// commits, and everybody who has pushed some of them: the author of a commit is what
// who made it wrote there.
func (a *App) authors(ctx context.Context, g gate) ([]string, error) {
	x := g.x
	all := append([]string{x.Actor}, x.Revision.Authors...)
	prs, err := a.pullRequests(ctx, x, concerns)
	if err != nil {
		return nil, err
	}
	for _, n := range prs {
		more, err := a.github.PullRequestAuthors(ctx, repository(x), n)
		if err != nil {
			return nil, err
		}
		pushed, err := a.pushers(ctx, store.Filter{RepositoryID: x.RepositoryID, Lane: laneOfPull(n)})
		if err != nil {
			return nil, err
		}
		all = slices.Concat(all, more, pushed)
	}
	if x.Revision.PullRequest == 0 {
		more, err := a.authorsSince(ctx, g)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return lowerSet(all...), nil
}

// authorsSince is who has made or pushed what is new since the gate's stage last
// succeeded. Where it never has, that is what its base or the default branch lacks, or
// on that branch itself all that was pushed since the App knows it.
func (a *App) authorsSince(ctx context.Context, g gate) ([]string, error) {
	repo, err := a.located(ctx, g)
	if err != nil {
		return nil, err
	}
	since, err := a.letInBefore(ctx, g, repo)
	ofLane := []store.Filter{{RepositoryID: g.x.RepositoryID, Lane: g.x.Lane}}
	switch {
	case err != nil:
		return nil, err
	case since == "":
		return a.pushers(ctx, ofLane...)
	}
	made, err := a.github.MadeBetween(ctx, repo, since, g.x.Revision.Commit)
	switch {
	case errors.Is(err, github.ErrNotFound): // the branch was made anew
		return a.pushers(ctx, ofLane...)
	case err != nil:
		return nil, err
	}
	var ofCommits []store.Filter
	for _, commit := range append(made.Commits, g.x.Revision.Commit) {
		ofCommits = append(ofCommits, store.Filter{RepositoryID: g.x.RepositoryID, Commit: commit})
	}
	pushed, err := a.pushers(ctx, ofCommits...)
	return append(made.Authors(), pushed...), err
}

// letInBefore is the commit from which on things are new to a gate; "" where there is
// none.
func (a *App) letInBefore(ctx context.Context, g gate, repo github.Repository) (string, error) {
	base := repo.DefaultBranch
	if g.x.Trigger == pipeline.MergeGroup {
		base = g.x.Revision.Base
	} else if since, err := a.succeededBefore(ctx, g, branchLane(base)); err != nil || since != "" {
		return since, err
	}
	if g.x.Lane == branchLane(base) {
		return "", nil
	}
	head, err := a.github.Head(ctx, repo, branchLane(base))
	if errors.Is(err, github.ErrNotFound) {
		return "", nil
	} else if err != nil {
		return "", fmt.Errorf("read the head of %s: %w", base, err)
	}
	return head, nil
}

// pushers is who has pushed what executions are about.
func (a *App) pushers(ctx context.Context, filters ...store.Filter) ([]string, error) {
	var found []store.Execution
	err := a.store.View(ctx, func(tx store.Tx) error {
		for _, f := range filters {
			some, err := tx.Find(ctx, f)
			if err != nil {
				return err
			}
			found = append(found, some...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read who pushed: %w", err)
	}
	var all []string
	for _, x := range found {
		switch {
		case x.Trigger == pipeline.Push:
			all = append(all, x.Revision.Authors...)
		case x.Activity == "opened", x.Activity == "synchronize":
			all = append(all, x.Actor)
		}
	}
	return all, nil
}
