package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// lockOf is the lock that an execution waits for.
func lockOf(x pipeline.Execution) (pipeline.LockKey, bool) {
	for i, st := range x.Stages {
		switch {
		case st.Status == pipeline.Waiting && !st.Admitted:
			return x.LockKey(i), true
		case st.Hold.For == pipeline.HoldShared && st.Asked > 0:
			return x.SharedKeys(i)[st.Asked-1], true
		}
	}
	return pipeline.LockKey{}, false
}

// around looks up what, beside an execution itself, tells what it waits for.
func (a *App) around(ctx context.Context, tx store.Tx, x pipeline.Execution) (explain.Around, error) {
	closed, err := a.closed(ctx, tx, x)
	around := explain.Around{Closed: closed}
	key, waits := lockOf(x)
	if err != nil || !waits || x.Status.Ended() {
		return around, err
	}
	lock, err := tx.Lock(ctx, key, x.ID)
	if err != nil {
		return around, err
	}
	if around.Ahead, err = tx.Ahead(ctx, key, x.ID); err != nil {
		return around, err
	}
	if lock.Holder.Execution == "" || lock.Holder.Execution == x.ID {
		return around, nil
	}
	holder, err := tx.Execution(ctx, lock.Holder.Execution)
	if errors.Is(err, store.ErrNotFound) {
		return around, nil
	}
	around.Holder = fmt.Sprintf("execution %d", holder.Number)
	if key.Shared() {
		around.Holder = fmt.Sprintf("%s %d of %s", holder.Definition.Name, holder.Number, holder.Lane)
	}
	return around, err
}
