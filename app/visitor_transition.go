package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

func (v visitor) Transitions(ctx context.Context, repository, pipelineName string) ([]api.Transition, error) {
	only, err := v.only(ctx)
	if err != nil {
		return nil, v.toAPI(err)
	}
	var found []api.Transition
	err = v.store.View(ctx, func(tx store.Tx) error {
		all, err := tx.Transitions(ctx, 0)
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(t pipeline.Transition) bool { return !t.Holds(v.now()) || !within(only, t.Repository) })
		for _, t := range all {
			newest, err := tx.Find(ctx, store.Filter{RepositoryID: t.Repository, Limit: 1})
			if err != nil {
				return err
			}
			for _, x := range newest {
				if matches(repository, x.Repository) && matches(pipelineName, t.Pipeline) {
					found = append(found, api.TransitionOf(x.Repository, t))
				}
			}
		}
		return nil
	})
	return found, err
}

func matches(want, name string) bool { return want == "" || strings.EqualFold(want, name) }

func (v visitor) Disable(ctx context.Context, d api.Disable) (api.Transition, error) {
	return v.turn(ctx, d.Repository, "disable "+d.Stage, func(repo github.Repository) (turn, error) {
		var until time.Time
		if d.Until != "" {
			var err error
			if until, err = readUntil(d.Until, v.now()); err != nil {
				return nil, err
			}
		}
		return v.freeze(ctx, v.as(d.Reason), repo, wayOf(d.Way), until)
	})
}

func (v visitor) Enable(ctx context.Context, w api.Way) (api.Transition, error) {
	return v.turn(ctx, w.Repository, "enable "+w.Stage, func(repo github.Repository) (turn, error) {
		return v.unfreeze(ctx, v.as(""), repo, wayOf(w))
	})
}

func wayOf(w api.Way) way { return way{w.Pipeline, w.Stage, w.Lane} }

// turn opens or closes a way of a repository, which must be known by an execution: for
// the operator GitHub is not asked, so that one can freeze while it is away.
func (v visitor) turn(ctx context.Context, name, asked string, ask func(github.Repository) (turn, error)) (api.Transition, error) {
	var t pipeline.Transition
	repo, err := v.knownRepository(ctx, name)
	if err == nil {
		err = v.mayEnter(ctx, repo)
	}
	if errors.Is(err, store.ErrNotFound) {
		err = refused(codeNotFound, "no execution of a repository %q is known", name)
	}
	if err != nil {
		return api.Transition{}, v.toAPI(err)
	}
	do, err := ask(repo)
	if err == nil {
		err = v.update(ctx, func(tx store.Tx) error {
			t, err = do(ctx, tx)
			return err
		})
	}
	err = v.denied(ctx, wish{by: v.as(""), repository: repo.ID, asked: asked}, err)
	return api.TransitionOf(repo.String(), t), v.toAPI(err)
}

// knownRepository finds a repository that had an execution.
func (v visitor) knownRepository(ctx context.Context, name string) (github.Repository, error) {
	only, err := v.only(ctx)
	if err != nil {
		return github.Repository{}, err
	}
	var found []store.Execution
	var names []string
	err = v.store.View(ctx, func(tx store.Tx) error {
		var err error
		if found, err = tx.Find(ctx, store.Filter{Repositories: only, Repository: name, Limit: 1}); err != nil || len(found) > 0 {
			return err
		}
		newest, err := tx.Pipelines(ctx)
		for _, x := range newest {
			if within(only, x.RepositoryID) {
				names = append(names, x.Repository)
			}
		}
		return err
	})
	if err != nil {
		return github.Repository{}, err
	}
	if len(found) == 0 {
		slices.Sort(names)
		names = slices.Compact(names)
		return github.Repository{}, refused(codeNotFound, "no execution of a repository %q is known; there is %s", name, list(names)).offering(names)
	}
	return repository(found[0]), nil
}
