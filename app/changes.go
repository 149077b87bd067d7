package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// listing asks GitHub for the files that an event changed.
type listing func(context.Context) (pipeline.Changes, error)

// narrow finds out which candidates the message of the commit and the files that
// changed leave out. GitHub is asked for the files only when a filter or a
// condition does, and base keeps them.
func narrow(ctx context.Context, base *pipeline.Execution, found []candidate, list listing) error {
	asks := func(c candidate) bool {
		return len(c.problems) == 0 && c.definition.WantsFiles(*base)
	}
	if slices.ContainsFunc(found, asks) {
		var err error
		if base.Revision.Changed, err = list(ctx); err != nil {
			return fmt.Errorf("list what changed: %w", err)
		}
	}
	for i := range found {
		c := &found[i]
		if m := c.definition.On.Match(*base); m.Skips && len(c.problems) == 0 {
			c.skip = m.Why
		}
	}
	base.Revision.Changed = base.Revision.Changed.Kept()
	return nil
}

// pushed lists the files of a push: of a new branch, those that it changed since
// it left the default branch.
func (a *App) pushed(repo github.Repository, e github.Push) listing {
	return func(ctx context.Context) (pipeline.Changes, error) {
		from, created := e.Before, none(e.Before)
		if created {
			from = repo.DefaultBranch
		}
		if from == "" || created && e.Branch == from {
			return pipeline.Changes{}, nil
		}
		files, all, err := a.github.FilesBetween(ctx, repo, from, e.After, !created)
		return pipeline.Changes{Files: files, Complete: all}, err
	}
}

// pulled lists the files of a pull request, unless there are more than GitHub
// would list.
func (a *App) pulled(repo github.Repository, e github.PullRequest) listing {
	return func(ctx context.Context) (pipeline.Changes, error) {
		if e.Files >= github.ListedFiles {
			return pipeline.Changes{}, nil
		}
		files, all, err := a.github.PullRequestFiles(ctx, repo, e.Number)
		return pipeline.Changes{Files: files, Complete: all}, err
	}
}

// none tells whether a push names no commit: all zeros.
func none(sha string) bool { return strings.Trim(sha, "0") == "" }
