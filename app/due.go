package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// expire ends an approval whose time is over.
func (a *App) expire(ctx context.Context, w store.Expire) error {
	id, err := pipeline.ParseJobID(w.Job)
	if err != nil {
		return err
	}
	return a.happened(ctx, id.Execution, pipeline.ApprovalExpired{At: a.now(), Job: id})
}

// due tells a stage that a time has come which it waited for.
func (a *App) due(ctx context.Context, w store.Due) error {
	return a.happened(ctx, w.Execution, pipeline.Due{At: a.now(), Stage: w.Stage, Attempt: w.Attempt})
}

// compare tells a stage whether its commit contains the one that is deployed. What
// GitHub knows nothing of, such as a commit that a forced push has removed, is
// not contained. Where GitHub cannot be asked for long, the stage fails rather than
// keep its environment from others.
func (a *App) compare(ctx context.Context, w store.Compare) error {
	var x store.Execution
	err := a.store.View(ctx, func(tx store.Tx) error {
		var err error
		x, err = tx.Execution(ctx, w.Execution)
		return err
	})
	if err != nil {
		return err
	}
	status, err := a.github.Compare(ctx, repository(x), w.Deployed, x.Revision.Commit)
	unknown := ""
	switch {
	case err == nil, errors.Is(err, github.ErrNotFound):
	case errors.Is(err, github.ErrGone), a.now().Sub(w.At) >= sourcePatience:
		unknown = err.Error()
	default:
		return fmt.Errorf("compare %s with %s: %w", w.Deployed, x.Revision.Commit, err)
	}
	return a.happened(ctx, w.Execution, pipeline.Compared{
		At: a.now(), Stage: w.Stage, Deployed: w.Deployed, Descendant: status == "ahead" || status == "identical", Unknown: unknown,
	})
}

// happened gives an event to an execution that no person has caused. What does not fit
// any more has been overtaken by another.
func (a *App) happened(ctx context.Context, execution string, e pipeline.Event) error {
	err := a.update(ctx, func(tx store.Tx) error { return store.Apply(ctx, tx, execution, e) })
	if errors.Is(err, pipeline.ErrRefused) {
		return nil
	}
	return err
}
