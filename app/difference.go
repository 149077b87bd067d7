package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/codeowners"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// difference is what an approval would let in: what a pull request changes, or what is new
// since its stage last succeeded.
type difference struct {
	since  string // the commit of that success; empty in a pull request
	all    bool   // nothing has succeeded there that it could be compared with
	inside github.Apart
}

// differenceOf finds what a gate would let in. That GitHub does not list all of it is a
// refusal.
func (a *App) differenceOf(ctx context.Context, g gate, defaultBranch string) (difference, error) {
	repo := repository(g.x)
	if n := g.x.Revision.PullRequest; n != 0 {
		files, all, err := a.github.PullRequestFiles(ctx, repo, n)
		if err == nil && !all {
			err = refused(codeConflict, "pull request %d changes more files than GitHub lists, %d, so whose they are is not known; split it", n, github.ListedFiles)
		}
		return difference{inside: github.Apart{Files: files}}, err
	}
	since, err := a.succeededBefore(ctx, g, branchLane(defaultBranch))
	if err != nil || since == "" {
		return difference{all: true}, err
	}
	c := difference{since: since}
	if since == g.x.Revision.Commit {
		return c, nil
	}
	c.inside, err = a.github.Apart(ctx, repo, since, g.x.Revision.Commit)
	switch {
	case errors.Is(err, github.ErrNotFound):
		return difference{all: true}, nil
	case errors.Is(err, github.ErrTooLarge):
		return c, refused(codeConflict, "GitHub does not list all files that have changed since %s, so whose they are is not known", shortSHA(since))
	case err != nil:
		return c, fmt.Errorf("list what is new since %s: %w", since, err)
	}
	return c, nil
}

// succeededBefore is the commit with which the gate's stage last succeeded in its lane,
// else in that of the default branch, and of a tag else in any; "" where it never has.
func (a *App) succeededBefore(ctx context.Context, g gate, defaultLane string) (string, error) {
	f := store.Filter{
		RepositoryID: g.x.RepositoryID, Pipeline: g.x.Definition.Name, SucceededIn: g.x.Stages[g.stage].Name, Before: g.x.ID, Limit: 1,
	}
	lanes := []string{g.x.Lane, defaultLane}
	if g.x.Revision.Tag() != "" { // each has a lane of its own
		lanes = append(lanes, "")
	}
	for _, f.Lane = range lanes {
		var found []store.Execution
		err := a.store.View(ctx, func(tx store.Tx) error {
			var err error
			found, err = tx.Find(ctx, f)
			return err
		})
		if err != nil || len(found) > 0 {
			return firstCommit(found), err
		}
	}
	return "", nil
}

func firstCommit(found []store.Execution) string {
	if len(found) == 0 {
		return ""
	}
	return found[0].Revision.Commit
}

// located finds the repository of a gate as it is now, with its default branch.
func (a *App) located(ctx context.Context, g gate) (github.Repository, error) {
	repo, _, err := a.github.Find(ctx, repository(g.x))
	if err == nil && repo.ID != g.x.RepositoryID {
		err = fmt.Errorf("%w: another repository is called %s now", github.ErrNotFound, repo)
	}
	if err != nil {
		return repo, fmt.Errorf("find the default branch: %w", err)
	}
	return repo, nil
}

// owned finds the owners of what a gate would let in.
func (a *App) owned(ctx context.Context, g gate) ([]pipeline.Owned, error) {
	repo, err := a.located(ctx, g)
	if err != nil {
		return nil, err
	}
	d, err := a.differenceOf(ctx, g, repo.DefaultBranch)
	if err != nil {
		return nil, err
	}
	return a.ownersOf(ctx, g, repo, d)
}

// ownersOf finds the owners of a difference. Who owns what is never read from the
// change itself: it is what the default branch says, and of a push to that, what it
// said at the commit with which the stage last succeeded. Where nothing has, all owners
// are asked.
func (a *App) ownersOf(ctx context.Context, g gate, repo github.Repository, d difference) ([]pipeline.Owned, error) {
	at := d.since
	if at == "" || g.x.Lane != branchLane(repo.DefaultBranch) || g.x.Rollback != nil {
		var err error
		if at, err = a.github.Head(ctx, repo, branchLane(repo.DefaultBranch)); err != nil {
			return nil, fmt.Errorf("read the head of %s: %w", repo.DefaultBranch, err)
		}
	}
	rules, err := a.codeOwners(ctx, repo, at)
	if err != nil {
		return nil, err
	}
	sets := rules.Sets(d.inside.Files)
	if d.all {
		sets = rules.All()
	}
	var all []pipeline.Owned
	for _, s := range sets {
		all = append(all, pipeline.Owned{Owners: s.Owners, Files: len(s.Files), Sample: s.Files[0]})
	}
	return all, nil
}

// codeOwners reads the file where GitHub looks for it. Without one nobody knows whom to
// ask, which is a refusal.
func (a *App) codeOwners(ctx context.Context, repo github.Repository, commit string) (codeowners.Rules, error) {
	for _, path := range codeowners.Paths() {
		data, found, err := a.github.File(ctx, repo, path, commit)
		switch {
		case errors.Is(err, github.ErrTooLarge):
			return nil, refused(codeConflict, "%s at %s is larger than 1 MB and cannot be read", path, shortSHA(commit))
		case err != nil:
			return nil, fmt.Errorf("read %s: %w", path, err)
		case found:
			rules, _ := codeowners.Parse(data)
			return rules, nil
		}
	}
	return nil, refused(codeConflict, "code owners are asked, and %s has no CODEOWNERS at %s (in %s)", repo, shortSHA(commit), strings.Join(codeowners.Paths(), ", "))
}
