package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/store"
)

// deployments keeps what GitHub was told of two executions' deployments.
func deployments(t *testing.T, s store.Store) {
	var all []store.Deployment
	for i := range 3 {
		x := create(t, s, sample("c", int64(i+1)))
		d := store.Deployment{RepositoryID: 42, Environment: "production", Execution: x.ID, Stage: "production", Attempt: 1}
		update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.SaveDeployment(ctx, &d) })
		d.GitHub, d.State, d.URL, d.EndedAt = int64(100+i), "success", "https://shop.example", t0.Add(-time.Duration(i)*time.Minute)
		update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.SaveDeployment(ctx, &d) })
		all = append(all, d)
	}
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		found, err := tx.Deployments(ctx, all[1].Execution)
		if diff := cmp.Diff(all[1:2], found); diff != "" {
			t.Errorf("of an execution:\n%s", diff)
		}
		return err
	})
	all[1].State = "inactive"
	update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.SaveDeployment(ctx, &all[1]) })
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		live, err := tx.LiveDeployments(ctx, 42, "Production")
		if diff := cmp.Diff([]store.Deployment{all[0], all[2]}, live); diff != "" {
			t.Errorf("live:\n%s", diff)
		}
		if other, err := tx.LiveDeployments(ctx, 42, "staging"); err != nil || len(other) != 0 {
			t.Errorf("elsewhere: %v %v", other, err)
		}
		return err
	})
	err := s.Update(t.Context(), func(tx store.Tx) error {
		again := store.Deployment{RepositoryID: 42, Environment: "production", Execution: all[0].Execution, Stage: "production", Attempt: 1}
		return tx.SaveDeployment(t.Context(), &again)
	})
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("one attempt twice: %v", err)
	}
}
