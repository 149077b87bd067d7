package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/store"
)

func runners(t *testing.T, s store.Store) {
	tower := store.Runner{Name: "tower", Digest: "d1", MadeAt: t0, MadeBy: "alice"}
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		for _, r := range []store.Runner{tower, {Name: "attic", Digest: "d2", MadeAt: t0, MadeBy: "bob"}} {
			if err := tx.InsertRunner(ctx, r); err != nil {
				return err
			}
		}
		if err := tx.InsertRunner(ctx, store.Runner{Name: "tower", Digest: "d3"}); !errors.Is(err, store.ErrConflict) {
			t.Errorf("a name that is taken: %v", err)
		}
		tower.SeenAt = t0.Add(time.Hour)
		return tx.SeenRunner(ctx, "tower", tower.SeenAt)
	})
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		if all, err := tx.Runners(ctx); err != nil || len(all) != 2 || all[0].Name != "attic" || !cmp.Equal(all[1], tower) {
			t.Errorf("runners %v, %v", all, err)
		}
		if r, err := tx.RunnerByDigest(ctx, "d1"); err != nil || !cmp.Equal(r, tower) {
			t.Errorf("by digest: %v, %v", r, err)
		}
		if gone, err := tx.DeleteRunner(ctx, "tower"); err != nil || !cmp.Equal(gone, tower) {
			t.Errorf("removed %v, %v", gone, err)
		}
		if _, err := tx.RunnerByDigest(ctx, "d1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("by the digest of one that is gone: %v", err)
		}
		if _, err := tx.DeleteRunner(ctx, "tower"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("removed twice: %v", err)
		}
		return nil
	})
}
