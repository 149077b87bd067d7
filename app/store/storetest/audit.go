package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/audit"
)

// auditLog writes rows and finds them again by what they say.
func auditLog(t *testing.T, s store.Store) {
	entries := []store.AuditEntry{
		{At: t0.Add(1234567 * time.Nanosecond), Repository: 42, Execution: "1", Kind: "decided", Actor: "Bob", Door: "comment", Event: map[string]string{"Comment": "<b>"}},
		{At: t0.Add(time.Minute), Repository: 42, Execution: "2", Kind: "decided", Actor: "ann", Door: "button", Event: nil},
		{At: t0.Add(time.Hour), Kind: "signed-in", Actor: "bob", Door: "dashboard", Event: "x"},
	}
	for _, e := range entries {
		update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.Audit(ctx, e) })
	}
	var all []audit.Row
	update(t, s, func(ctx context.Context, tx store.Tx) (err error) {
		all, err = tx.Audited(ctx, store.AuditFilter{Oldest: true})
		return err
	})
	first := audit.Row{
		Number: 1, At: t0.Add(time.Millisecond), Repository: 42, Execution: "1", Kind: "decided", Actor: "Bob", Door: "comment",
		Event: `{"Comment":"\u003cb\u003e"}`,
	}
	first.Hash = first.Follow(audit.Begin)
	if diff := cmp.Diff(first, all[0]); diff != "" {
		t.Errorf("the first row:\n%s", diff)
	}
	v := audit.NewVerifier(audit.Head{})
	for _, r := range all {
		if err := v.Next(r); err != nil {
			t.Error(err)
		}
	}
	for name, c := range map[string]struct {
		filter store.AuditFilter
		want   []int64
	}{
		"all":        {store.AuditFilter{}, []int64{3, 2, 1}},
		"repository": {store.AuditFilter{Repository: 42}, []int64{2, 1}},
		"execution":  {store.AuditFilter{Execution: "2"}, []int64{2}},
		"kind":       {store.AuditFilter{Kind: "decided"}, []int64{2, 1}},
		"actor":      {store.AuditFilter{Actor: "BOB"}, []int64{3, 1}},
		"since":      {store.AuditFilter{Since: t0.Add(time.Minute)}, []int64{3, 2}},
		"before":     {store.AuditFilter{Before: 3, Limit: 1}, []int64{2}},
		"after":      {store.AuditFilter{After: 1, Oldest: true}, []int64{2, 3}},
	} {
		update(t, s, func(ctx context.Context, tx store.Tx) error {
			rows, err := tx.Audited(ctx, c.filter)
			var got []int64
			for _, r := range rows {
				got = append(got, r.Number)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			return err
		})
	}
}
