package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// around looks up what, beside an execution itself, tells what it waits for.
func (a *App) around(ctx context.Context, tx store.Tx, x pipeline.Execution) (explain.Around, error) {
	closed, err := a.closed(ctx, tx, x)
	around := explain.Around{Closed: closed}
	i := slices.IndexFunc(x.Stages, func(st pipeline.StageState) bool { return st.Status == pipeline.Waiting })
	if err != nil || i < 0 || x.Status.Ended() {
		return around, err
	}
	key := x.LockKey(i)
	if x.Stages[i].Admitted {
		key, _ = x.EnvironmentKey(i)
	}
	lock, err := tx.Lock(ctx, key)
	if err != nil {
		return around, err
	}
	is := func(c pipeline.Claim) bool { return c.Execution == x.ID }
	around.Ahead = max(0, slices.IndexFunc(lock.Waiters, is))
	if lock.Holder.Execution == "" || is(lock.Holder) {
		return around, nil
	}
	holder, err := tx.Execution(ctx, lock.Holder.Execution)
	if errors.Is(err, store.ErrNotFound) {
		return around, nil
	}
	around.Holder = fmt.Sprintf("execution %d", holder.Number)
	if key.OfEnvironment() {
		around.Holder = fmt.Sprintf("%s %d of %s", holder.Definition.Name, holder.Number, holder.Lane)
	}
	return around, err
}
