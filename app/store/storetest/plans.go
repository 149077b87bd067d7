package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/store"
)

func plans(t *testing.T, s store.Store) {
	p := store.Plan{RepositoryID: 42, PullRequest: 7, Comment: 1, Digest: "a"}
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Plan(ctx, 42, 7); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("none was saved: %v", err)
		}
		if err := tx.SavePlan(ctx, p); err != nil {
			return err
		}
		p.Comment, p.Digest = 2, "b"
		if err := tx.SavePlan(ctx, p); err != nil {
			return err
		}
		got, err := tx.Plan(ctx, 42, 7)
		if diff := cmp.Diff(p, got); diff != "" {
			t.Error(diff)
		}
		return err
	})
}

// events lists what could start a pipeline, of one repository, the newest first.
func events(t *testing.T, s store.Store) {
	for i, event := range []string{"push", "check_run", "pull_request", "issue_comment", "merge_group", "push"} {
		d := store.Delivery{GUID: fmt.Sprint(i), Digest: fmt.Sprint(i), Event: event, Repository: "42", Body: []byte("{}"), ReceivedAt: t0}
		if i == 5 {
			d.Repository = "7"
		}
		update(t, s, func(ctx context.Context, tx store.Tx) error { _, err := tx.Receive(ctx, d); return err })
	}
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		found, err := tx.Events(ctx, "42", 2)
		var got []string
		for _, d := range found {
			got = append(got, d.Event)
		}
		if diff := cmp.Diff([]string{"merge_group", "pull_request"}, got); diff != "" {
			t.Error(diff)
		}
		return err
	})
}
