package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

func executions(t *testing.T, s store.Store) {
	x := create(t, s, sample("c1", 1))
	if x.ID == "" || x.Number != 1 || x.Version != 1 {
		t.Fatalf("created %s, number %d, version %d", x.ID, x.Number, x.Version)
	}
	if diff := cmp.Diff(x, get(t, s, x.ID)); diff != "" {
		t.Errorf("read back:\n%s", diff)
	}
	again := sample("c1", 1)
	again.Token = "other"
	err := s.Update(t.Context(), func(tx store.Tx) error { return tx.CreateExecution(t.Context(), &again) })
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("the same delivery started the pipeline twice: %v", err)
	}
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		stale := x
		if err := tx.SaveExecution(ctx, &x); err != nil {
			return err
		}
		if err := tx.SaveExecution(ctx, &stale); !errors.Is(err, store.ErrConflict) {
			t.Errorf("stale save: %v", err)
		}
		if err := tx.Reported(ctx, x.ID, 2); err != nil {
			return err
		}
		return tx.Reported(ctx, x.ID, 1) // late; changes nothing
	})
	if got := get(t, s, x.ID); got.Version != 2 || got.Reported != 2 {
		t.Errorf("version %d, reported %d", got.Version, got.Reported)
	}
	err = s.View(t.Context(), func(tx store.Tx) error {
		if byToken, err := tx.ExecutionByToken(t.Context(), "token-1"); err != nil || byToken.ID != x.ID {
			t.Errorf("by token: %v", err)
		}
		if _, err := tx.ExecutionByToken(t.Context(), "token"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("by a part of the token: %v", err)
		}
		_, err := tx.Execution(t.Context(), "999")
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("unknown execution: %v", err)
	}
}

func find(t *testing.T, s store.Store) {
	first, second := create(t, s, sample("c1", 1)), create(t, s, sample("c2", 2))
	other := sample("c2", 3)
	other.Lane = "pull/7"
	third := create(t, s, other)
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		first.Status = pipeline.Succeeded
		return tx.SaveExecution(ctx, &first)
	})
	// octo/shop was renamed to octo/store, and another took its old name.
	newcomer := sample("c3", 4)
	newcomer.RepositoryID, newcomer.Definition.Name = 43, "ci"
	fourth := create(t, s, newcomer)
	renamed := sample("c4", 5)
	renamed.Repository = "octo/store"
	fifth := create(t, s, renamed)
	pipelines(t, s, fourth.ID, fifth.ID)
	for _, tc := range []struct {
		filter store.Filter
		want   []string
	}{
		{store.Filter{RepositoryID: 42}, []string{fifth.ID, third.ID, second.ID, first.ID}},
		{store.Filter{RepositoryID: 41}, nil},
		{store.Filter{RepositoryID: 42, Active: true}, []string{fifth.ID, third.ID, second.ID}},
		{store.Filter{RepositoryID: 42, Lane: "refs/heads/main"}, []string{fifth.ID, second.ID, first.ID}},
		{store.Filter{RepositoryID: 42, Commit: "c2"}, []string{third.ID, second.ID}},
		{store.Filter{Commit: "c"}, []string{fifth.ID, fourth.ID, third.ID, second.ID, first.ID}},
		{store.Filter{RepositoryID: 42, Pipeline: "release", Limit: 1}, []string{fifth.ID}},
		{store.Filter{Installation: 5, Active: true}, []string{fifth.ID, fourth.ID, third.ID, second.ID}},
		{store.Filter{Installation: 6}, nil},
		{store.Filter{Repository: "Octo/Store"}, []string{fifth.ID, third.ID, second.ID, first.ID}},
		{store.Filter{Repository: "octo/shop"}, []string{fourth.ID}},
		{store.Filter{Repository: "octo/nothing"}, nil},
		{store.Filter{Status: pipeline.Succeeded}, []string{first.ID}},
		{store.Filter{RepositoryID: 42, Number: 2}, []string{second.ID}},
		{store.Filter{Delivery: 3}, []string{third.ID}},
		{store.Filter{Before: third.ID, Limit: 1}, []string{second.ID}},
		{store.Filter{Before: first.ID}, nil},
	} {
		err := s.View(t.Context(), func(tx store.Tx) error {
			found, err := tx.Find(t.Context(), tc.filter)
			var ids []string
			for _, x := range found {
				ids = append(ids, x.ID)
			}
			if diff := cmp.Diff(tc.want, ids); diff != "" {
				t.Errorf("%+v:\n%s", tc.filter, diff)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// pipelines asks for the newest execution of each pipeline.
func pipelines(t *testing.T, s store.Store, want ...string) {
	t.Helper()
	err := s.View(t.Context(), func(tx store.Tx) error {
		newest, err := tx.Pipelines(t.Context())
		var ids []string
		for _, x := range newest {
			ids = append(ids, x.ID)
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("pipelines:\n%s", diff)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
