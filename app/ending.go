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

// stopLane stops what runs on a lane, but what an earlier end of it started.
func (a *App) stopLane(repo github.Repository, lane string, because pipeline.Cancel) plan {
	return plan{
		message: fmt.Sprintf("%s: %s: %s", repo, lane, because.Reason),
		commit: func(ctx context.Context, tx store.Tx) error {
			running, err := tx.Find(ctx, store.Filter{RepositoryID: repo.ID, Lane: lane, Active: true})
			if err != nil {
				return err
			}
			because.At = a.now()
			return cancelAll(ctx, tx, slices.DeleteFunc(running, outlives), because)
		},
	}
}

// outlives tells whether an execution was started by the end of its lane.
func outlives(x store.Execution) bool { return ends(x.Activity) }

// ends tells whether what happened to a pull request or a merge group is its end.
func ends(activity string) bool { return activity == closed || activity == destroyed }

// ending plans the end of a lane: what runs on it stops, and then begins what is
// meant for the end.
func ending(stop plan, begin func() (plan, error)) (plan, error) {
	start, err := begin()
	switch {
	case errors.Is(err, github.ErrNotFound):
		return stop, nil // its head went with it
	case err != nil:
		return plan{}, err
	case start.commit == nil:
		return stop, nil
	}
	return plan{
		message: stop.message + "; " + start.message,
		commit: func(ctx context.Context, tx store.Tx) error {
			if err := stop.commit(ctx, tx); err != nil {
				return err
			}
			return start.commit(ctx, tx)
		},
	}, nil
}
