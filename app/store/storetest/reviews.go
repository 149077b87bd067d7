package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/store"
)

// reviews keeps whom GitHub asks about an execution's approvals.
func reviews(t *testing.T, s store.Store) {
	x := create(t, s, sample("c", 1))
	r := store.ReviewRequest{RepositoryID: 42, Execution: x.ID, Stage: "production", Action: "sign-off", Attempt: 1, Environment: "production", AskedAt: t0}
	update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.SaveReviewRequest(ctx, &r) })
	r.Branch, r.HeadSHA, r.Run, r.URL, r.State, r.Problem = "main", "c", 77, "https://github.com/1", store.ReviewAsked, "why"
	update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.SaveReviewRequest(ctx, &r) })
	again := r
	again.ID = 0
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.SaveReviewRequest(t.Context(), &again) }); !errors.Is(err, store.ErrConflict) {
		t.Errorf("one attempt twice: %v", err)
	}
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		own, err := tx.ReviewRequests(ctx, x.ID)
		if diff := cmp.Diff([]store.ReviewRequest{r}, own); diff != "" || err != nil {
			t.Errorf("of an execution: %v\n%s", err, diff)
		}
		if one, err := tx.ReviewRequestByRun(ctx, 42, 77); err != nil || one.ID != r.ID {
			t.Errorf("of a run: %+v %v", one, err)
		}
		for _, other := range [][2]int64{{42, 78}, {43, 77}, {42, 0}} {
			if _, err := tx.ReviewRequestByRun(ctx, other[0], other[1]); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("of run %d in repository %d: %v", other[1], other[0], err)
			}
		}
		for since, want := range map[time.Time]int{t0: 1, t0.Add(time.Second): 0} {
			if found, err := tx.RecentReviewRequests(ctx, 42, "PRODUCTION", since); err != nil || len(found) != want {
				t.Errorf("since %s: %+v %v", since, found, err)
			}
		}
		return nil
	})
}
