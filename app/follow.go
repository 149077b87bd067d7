package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// followed are the stages of a pipeline whose success starts others of all; ""
// stands for the pipeline.
func followed(all []candidate, name string) []string {
	var stages []string
	for _, c := range all {
		for _, u := range c.definition.On.Upstreams {
			if u.Pipeline == name {
				stages = append(stages, u.Stage)
			}
		}
	}
	slices.Sort(stages)
	return slices.Compact(stages)
}

// startFollowers starts the pipelines that wait for a success, of the same commit
// and on the same lane, by the files at that commit.
func (a *App) startFollowers(ctx context.Context, w store.StartFollowers) error {
	x, err := a.execution(ctx, w.Execution)
	if err != nil {
		return err
	}
	all, err := a.pipelines(ctx, repository(x), cmp.Or(x.DefinedAt, x.Revision.Commit))
	if errors.Is(err, github.ErrNotFound) && a.now().Sub(x.CreatedAt) >= missingPatience {
		a.log.Warn("followers not started", "execution", x.ID, "repository", x.Repository, "error", err)
		return nil
	} else if err != nil {
		return err
	}
	for _, c := range unique(all) {
		if !slices.Contains(c.definition.On.Upstreams, pipeline.Upstream{Pipeline: x.Definition.Name, Stage: w.Stage}) {
			continue
		}
		if err := a.follow(ctx, x, w, c); err != nil {
			return err
		}
	}
	return nil
}

// follow starts one pipeline because of a success of x. One that led to x is not
// started again, and none twice by the same success behind one beginning: so
// pipelines that start each other come to an end, however they are woven.
func (a *App) follow(ctx context.Context, x store.Execution, w store.StartFollowers, c candidate) error {
	next := store.Execution{Installation: x.Installation, Execution: pipeline.Execution{
		Repository: x.Repository, RepositoryID: x.RepositoryID, Lane: x.Lane, Trigger: pipeline.OnPipeline, Activity: x.Activity,
		Actor: x.Actor, Revision: x.Revision, DefinedAt: x.DefinedAt, Admission: x.Admission,
		Definition: c.definition, Followed: c.followed, Chain: x.Next(w.Stage),
	}}
	if slices.ContainsFunc(next.Chain, func(l pipeline.Link) bool { return l.Pipeline == c.definition.Name }) {
		a.log.Warn("pipelines start each other: not started again",
			"repository", x.Repository, "pipeline", c.definition.Name, "after", x.Definition.Name, "execution", x.ID)
		return nil
	}
	if current, err := a.stillAt(ctx, next); err != nil || !current {
		return err
	}
	next.Delivery = store.Derived("pipeline", x.Root().Execution, x.Definition.Name, w.Stage, strconv.Itoa(w.Attempt))
	repo := repository(x)
	if x.Trusts("") {
		repo.DefaultBranch = x.Revision.Branch
	}
	if err := a.trustOne(ctx, repo, &next.Execution); err != nil {
		return err
	}
	newer, err := a.overtaken(ctx, next)
	if err != nil {
		return err
	}
	_, err = a.begin(ctx, &next, c.problems, newer)
	return err
}

// stillAt tells whether the pull request of an execution is open and at its commit,
// unless its end is what began it. Elsewhere it is true.
func (a *App) stillAt(ctx context.Context, x store.Execution) (bool, error) {
	n := x.Revision.PullRequest
	if n == 0 || ends(x.Activity) {
		return true, nil
	}
	pull, err := a.github.PullRequest(ctx, repository(x), n)
	if errors.Is(err, github.ErrNotFound) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("read pull request %d: %w", n, err)
	}
	return pull.State == "open" && pull.Head == x.Revision.Commit, nil
}

// overtaken returns the commit for which the pipeline was started on its lane
// since the chain of x began, or any where a newer commit cancels it, if that is a
// descendant of x's: what took longer for the older one must not come behind.
func (a *App) overtaken(ctx context.Context, x store.Execution) (string, error) {
	if x.Root().Trigger == pipeline.Manual && x.Revision.PullRequest == 0 {
		return "", nil // a person chose the commit
	}
	since := store.Filter{RepositoryID: x.RepositoryID, Lane: x.Lane, After: x.Root().Execution}
	if !x.GivesUp() {
		since.Pipeline = x.Definition.Name
	}
	var newer []store.Execution
	err := a.store.View(ctx, func(tx store.Tx) (err error) {
		newer, err = tx.Find(ctx, since)
		return err
	})
	newer = slices.DeleteFunc(newer, func(o store.Execution) bool { return !counts(o) })
	if err != nil || len(newer) == 0 {
		return "", err
	}
	return a.descendant(ctx, repository(x), newer[0].Revision.Commit, x.Revision.Commit)
}

// descendant returns the known commit if it is a descendant of the other.
func (a *App) descendant(ctx context.Context, repo github.Repository, known, other string) (string, error) {
	if known == other {
		return "", nil
	}
	status, err := a.github.Compare(ctx, repo, known, other)
	if errors.Is(err, github.ErrNotFound) {
		return "", nil // the lane was rewritten and the old commit is gone
	}
	if err != nil {
		return "", fmt.Errorf("compare %s with %s: %w", known, other, err)
	}
	if status == "behind" {
		return known, nil
	}
	return "", nil
}
