package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
	schema "github.com/stagegate/stagegate/pipelines-schema"
)

// candidate is a pipeline file that concerns an event: it runs, or its mistakes
// are shown, or its checks end skipped.
type candidate struct {
	definition pipeline.Definition
	problems   []pipeline.Problem
	skip       string           // why it does not run, by its own filter; the mistakes come first
	followed   []string         // see Execution.Followed
	trust      []pipeline.Trust // see Execution.Trust
}

// push starts the pipelines that a push to a branch or of a tag is meant for.
func (a *App) push(ctx context.Context, d store.Delivery, e github.Push) (plan, error) {
	if why := nothing(e); why != "" {
		return ignore("%s: %s", e.Repo, why), nil
	}
	repo, err := a.installed(ctx, e.Repo)
	if err != nil {
		return plan{}, err
	}
	base := ofPush(repo, e)
	all, err := a.pipelines(ctx, repo, base.Revision.Commit)
	if err != nil {
		return plan{}, err
	}
	p, err := a.startPush(ctx, d, repo, e, base, concerned(all, base))
	if err == nil && e.Ref == branchLane(repo.DefaultBranch) {
		return a.withSchedules(ctx, repo, all, p)
	}
	return p, err
}

func (a *App) startPush(ctx context.Context, d store.Delivery, repo github.Repository, e github.Push, base pipeline.Execution, found []candidate) (plan, error) {
	if len(found) == 0 {
		return ignore("%s: no pipeline runs on a push to %s", repo, cmp.Or(e.Branch, e.Ref)), nil
	}
	if err := narrow(ctx, &base, found, a.pushed(repo, e)); err != nil {
		return plan{}, err
	}
	return a.start(ctx, d, repo, base, e.Before, found)
}

// installed makes sure that the installation is known: GitHub names it in the
// deliveries of an App, but not in those of a plain webhook.
func (a *App) installed(ctx context.Context, repo github.Repository) (github.Repository, error) {
	if repo.Installation != 0 {
		return repo, nil
	}
	id, err := a.github.InstallationOf(ctx, repo.Owner, repo.Name)
	if err != nil {
		return repo, fmt.Errorf("find the installation of %s: %w", repo, err)
	}
	repo.Installation = id
	return repo, nil
}

// candidates reads the pipeline files at a commit and picks those that the event
// behind base concerns.
func (a *App) candidates(ctx context.Context, repo github.Repository, sha string, base pipeline.Execution) ([]candidate, error) {
	all, err := a.pipelines(ctx, repo, sha)
	return concerned(all, base), err
}

// concerned picks the pipelines that the event behind base concerns.
func concerned(all []candidate, base pipeline.Execution) []candidate {
	var found []candidate
	for _, c := range all {
		if m := c.definition.On.Match(base); m.Starts || m.Skips {
			found = append(found, c)
		}
	}
	return unique(found)
}

// unique refuses pipelines of one name: none of them runs, and the first shows
// the mistakes of all.
func unique(found []candidate) []candidate {
	var out []candidate
	for _, c := range found {
		if !clashes(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// clashes gives the mistakes of a pipeline to the one that is called like it, if
// there is one.
func clashes(earlier []candidate, c candidate) bool {
	for i := range earlier {
		e := &earlier[i]
		if clash, ok := schema.Clash(e.definition, c.definition); ok {
			e.problems = append(append(e.problems, c.problems...), pipeline.Problem(clash))
			return true
		}
	}
	return false
}

// start plans one execution for each candidate. before is the commit the event
// says its lane stood at.
func (a *App) start(ctx context.Context, d store.Delivery, repo github.Repository, base pipeline.Execution, before string, found []candidate) (plan, error) {
	outrun, err := a.outrun(ctx, repo, base, before)
	if err == nil {
		err = a.trustAll(ctx, repo, base.Revision, found)
	}
	if err != nil {
		return plan{}, err
	}
	commit := func(ctx context.Context, tx store.Tx) error {
		if outrun == "" && !ends(base.Activity) {
			if err := a.stopOlder(ctx, tx, base, found); err != nil {
				return err
			}
		}
		for _, c := range found {
			if err := a.startOne(ctx, tx, d, repo, base, c, outrun); err != nil {
				return fmt.Errorf("start pipeline %s: %w", c.definition.Name, err)
			}
		}
		return nil
	}
	message := fmt.Sprintf("%s: %s for %s at %s", repo, count(len(found), "pipeline"), base.Lane, base.Revision.Commit)
	return plan{message: message, commit: commit}, nil
}

// stopOlder cancels what still runs for older commits of the lane and gives up for
// a newer one: of a pull request everything, of a branch the pipelines that it
// starts.
func (a *App) stopOlder(ctx context.Context, tx store.Tx, base pipeline.Execution, found []candidate) error {
	running, err := tx.Find(ctx, store.Filter{RepositoryID: base.RepositoryID, Lane: base.Lane, Active: true})
	if err != nil {
		return err
	}
	running = slices.DeleteFunc(running, func(x store.Execution) bool {
		starts := func(c candidate) bool { return c.skip == "" && c.definition.Name == x.Definition.Name }
		older := x.Revision.Commit != base.Revision.Commit && !outlives(x)
		return !older || !x.GivesUp() || base.Revision.PullRequest == 0 && !slices.ContainsFunc(found, starts)
	})
	reason := cmp.Or(base.Revision.Branch, base.Revision.Tag()) + " has a newer commit, "
	if base.Revision.PullRequest != 0 {
		reason = "the pull request has a newer head, "
	}
	reason += shortSHA(base.Revision.Commit)
	return cancelAll(ctx, tx, running, pipeline.Cancel{At: a.now(), Actor: base.Actor, Reason: reason})
}

// earliest stands in for the time of a commit that GitHub did not tell: the
// first that a zip archive can hold.
var earliest = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

func (a *App) startOne(ctx context.Context, tx store.Tx, d store.Delivery, repo github.Repository, base pipeline.Execution, c candidate, outrun string) error {
	if c.skip != "" {
		same := store.Filter{RepositoryID: base.RepositoryID, Pipeline: c.definition.Name, Commit: base.Revision.Commit}
		found, err := tx.Find(ctx, same)
		if err != nil || slices.ContainsFunc(found, func(x store.Execution) bool { return suffix(x.Execution) == suffix(base) }) {
			return err // what ran for the commit counts more than what did not
		}
	}
	x := store.Execution{Execution: base, Installation: repo.Installation, Delivery: d.ID, Token: newToken()}
	x.Definition, x.Followed, x.Trust = c.definition, c.followed, c.trust
	if x.Revision.Time.IsZero() {
		x.Revision.Time = earliest
	}
	if again, err := waitsAlready(ctx, tx, x); err != nil || again {
		return err
	}
	if err := tx.CreateExecution(ctx, &x); errors.Is(err, store.ErrConflict) {
		return nil // an earlier attempt at this delivery got this far
	} else if err != nil {
		return err
	}
	return store.Apply(ctx, tx, x.ID, a.firstEvent(c.problems, c.skip, outrun))
}

// outrun returns the newest commit that the lane knows when that is a
// descendant of the execution's: deliveries may come late. GitHub is asked
// only when the event does not say itself that it follows the newest.
func (a *App) outrun(ctx context.Context, repo github.Repository, base pipeline.Execution, before string) (string, error) {
	var newest []store.Execution
	err := a.store.View(ctx, func(tx store.Tx) error {
		var err error
		newest, err = tx.Find(ctx, store.Filter{RepositoryID: repo.ID, Lane: base.Lane, Limit: 20})
		return err
	})
	newest = slices.DeleteFunc(newest, func(x store.Execution) bool { return !counts(x) })
	if err != nil || len(newest) == 0 {
		return "", err
	}
	known := newest[0].Revision.Commit
	if known == before {
		return "", nil
	}
	return a.descendant(ctx, repo, known, base.Revision.Commit)
}

// counts tells whether an execution stands for its lane having come to its commit.
func counts(x store.Execution) bool {
	return x.Rollback == nil && x.Status != pipeline.Superseded && x.Status != pipeline.Skipped
}

// lowerSet is the sorted set of the names in lower case, without empty ones.
func lowerSet(names ...string) []string {
	var set []string
	for _, n := range names {
		if n != "" {
			set = append(set, strings.ToLower(n))
		}
	}
	slices.Sort(set)
	return slices.Compact(set)
}
