package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

func schedules(t *testing.T, s store.Store) {
	nightly := store.Schedule{
		RepositoryID: 7, Pipeline: "nightly", Repository: "octo/shop", Installation: 3, Next: t0.Add(time.Hour),
		Times: []pipeline.Schedule{{Cron: "0 3 * * *", Timezone: "UTC"}},
	}
	hourly, other := nightly, nightly
	hourly.Pipeline, hourly.Next, hourly.Last = "hourly", t0, t0.Add(-time.Hour)
	other.RepositoryID, other.Next = 8, t0.Add(-time.Minute)
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		return errors.Join(tx.SaveSchedule(ctx, nightly), tx.SaveSchedule(ctx, hourly), tx.SaveSchedule(ctx, other))
	})
	lists := func(what string, want []store.Schedule, read func(context.Context, store.Tx) ([]store.Schedule, error)) {
		t.Helper()
		err := s.View(t.Context(), func(tx store.Tx) error {
			got, err := read(t.Context(), tx)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s:\n%s", what, d)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	ofShop := func(ctx context.Context, tx store.Tx) ([]store.Schedule, error) { return tx.Schedules(ctx, 7) }
	due := func(ctx context.Context, tx store.Tx) ([]store.Schedule, error) { return tx.DueSchedules(ctx, t0) }
	lists("of a repository", []store.Schedule{hourly, nightly}, ofShop)
	lists("due", []store.Schedule{other, hourly}, due)
	hourly.Next, hourly.Last, hourly.Repository, hourly.Times = t0.Add(time.Hour), t0, "octo/store", append(hourly.Times, pipeline.Schedule{Cron: "* * * * *"})
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		err := errors.Join(tx.SaveSchedule(ctx, hourly), tx.DropSchedule(ctx, 7, "nightly"), tx.DropSchedule(ctx, 7, "none"))
		if got, readErr := tx.Schedule(ctx, 7, "hourly"); readErr != nil || !cmp.Equal(got, hourly) {
			t.Errorf("read %+v %v", got, readErr)
		}
		if _, err := tx.Schedule(ctx, 7, "nightly"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a dropped one: %v", err)
		}
		return err
	})
	lists("after a change", []store.Schedule{hourly}, ofShop)
	lists("due after it", []store.Schedule{other}, due)
}
