package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

func lockHandedOver(t *testing.T, s store.Store) {
	a, b, c := create(t, s, sample("c1", 1)), create(t, s, sample("c2", 2)), create(t, s, sample("c3", 3))
	for _, x := range []store.Execution{a, b, c} {
		started(t, s, x)
	}
	want(t, s, a, "in_progress in_progress pending")
	want(t, s, b, "superseded superseded pending")
	want(t, s, c, "in_progress waiting pending")
	apply(t, s, a.ID, pipeline.JobFinished{At: t0, Job: job(a, "build", "compile"), Result: pipeline.Result{Status: pipeline.Succeeded}})
	want(t, s, a, "in_progress succeeded in_progress")
	want(t, s, c, "in_progress in_progress pending")
	apply(t, s, c.ID, pipeline.JobFinished{At: t0, Job: job(c, "build", "compile"), Result: pipeline.Result{Status: pipeline.Succeeded}})
	want(t, s, a, "superseded succeeded superseded") // it had only waited for its approval
	want(t, s, c, "in_progress succeeded in_progress")
}

func cancel(t *testing.T, s store.Store) {
	x := create(t, s, sample("c1", 1))
	started(t, s, x)
	apply(t, s, x.ID, pipeline.Cancel{At: t0, Reason: "stop"})
	want(t, s, x, "cancelled cancelled pending") // no runner had the job
	y := create(t, s, sample("c2", 2))
	started(t, s, y)
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		j, err := tx.NextJob(ctx)
		if err != nil {
			return err
		}
		j.State, j.Runner, j.Token = store.JobLeased, "r", "token"
		return tx.SaveJob(ctx, j)
	})
	z := create(t, s, sample("c3", 3))
	started(t, s, z)
	apply(t, s, y.ID, pipeline.Cancel{At: t0, Reason: "stop"})
	want(t, s, y, "cancelling cancelling pending")
	want(t, s, z, "in_progress waiting pending") // the lock is kept until the job is dead
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		j, err := tx.JobByToken(ctx, "token")
		if !j.Cancel {
			t.Error("the runner is not told")
		}
		return err
	})
	apply(t, s, y.ID, pipeline.JobFinished{At: t0, Job: job(y, "build", "compile"), Result: pipeline.Result{Status: pipeline.Cancelled}})
	want(t, s, y, "cancelled cancelled pending")
	want(t, s, z, "in_progress in_progress pending")
}

func refusedLeavesAll(t *testing.T, s store.Store) {
	x := create(t, s, sample("c1", 1))
	started(t, s, x)
	before := get(t, s, x.ID)
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		err := store.Apply(ctx, tx, x.ID, pipeline.Retry{At: t0, Stage: "build"})
		if !errors.Is(err, pipeline.ErrRefused) {
			t.Errorf("retry of a running stage: %v", err)
		}
		return nil // the transaction goes on and commits
	})
	if diff := cmp.Diff(before, get(t, s, x.ID)); diff != "" {
		t.Errorf("a refused event changed the execution:\n%s", diff)
	}
}

// numbers draws them from many goroutines: none is given twice.
func numbers(t *testing.T, s store.Store) {
	const n = 20
	var (
		all  sync.WaitGroup
		mu   sync.Mutex
		seen = map[int]bool{}
	)
	for i := range n {
		all.Go(func() {
			x := sample("c", int64(i+1))
			err := s.Update(t.Context(), func(tx store.Tx) error { return tx.CreateExecution(t.Context(), &x) })
			mu.Lock()
			defer mu.Unlock()
			if err != nil || seen[x.Number] {
				t.Errorf("number %d, %v", x.Number, err)
			}
			seen[x.Number] = true
		})
	}
	all.Wait()
	if len(seen) != n {
		t.Errorf("%d numbers for %d executions", len(seen), n)
	}
}
