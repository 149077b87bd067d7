package app

import (
	"context"
	"fmt"
	"time"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
)

const (
	// recoveryWindow is how far back failed deliveries are looked for. GitHub's
	// documents have said 3 and 30 days; 3 is safe.
	recoveryWindow = 3 * 24 * time.Hour
	// recoveryAttempts is how often one delivery is asked for again.
	recoveryAttempts = 10
)

// recover asks GitHub to send again what did not reach us: it never does so by
// itself. The first look, at the start, goes back as far as GitHub keeps them.
func (a *App) recover(ctx context.Context, _ store.Recover) error {
	failed, err := a.github.FailedDeliveries(ctx, a.now().Add(-recoveryWindow))
	if err != nil {
		return fmt.Errorf("list failed deliveries: %w", err)
	}
	for _, d := range failed {
		if !a.wantsAgain(d) {
			continue
		}
		known := false
		err := a.store.View(ctx, func(tx store.Tx) error {
			var err error
			known, err = tx.Delivered(ctx, d.GUID)
			return err
		})
		if err != nil {
			return fmt.Errorf("look for delivery %s: %w", d.GUID, err)
		}
		if known {
			continue
		}
		if err := a.github.Redeliver(ctx, d.ID); err != nil {
			return fmt.Errorf("ask for delivery %s again: %w", d.GUID, err)
		}
		a.log.Info("delivery asked for again", "guid", d.GUID, "event", d.Event, "attempts", d.Attempts)
	}
	return nil
}

// wantsAgain spaces the attempts at one delivery: 0, 1, 2, 4 … minutes after
// the last.
func (a *App) wantsAgain(d github.FailedDelivery) bool {
	if d.Attempts > recoveryAttempts || !events[d.Event] {
		return false
	}
	var wait time.Duration
	if d.Attempts > 1 {
		wait = time.Minute << (d.Attempts - 2)
	}
	return a.now().Sub(d.At) >= wait
}
