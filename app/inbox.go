package app

import (
	"context"
	"time"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/app/webhook"
)

// inbox keeps deliveries and leaves the work of reading them, in one
// transaction. It implements webhook.Inbox.
type inbox struct{ *App }

func (i inbox) Receive(ctx context.Context, d webhook.Delivery) error {
	var fresh bool
	err := i.store.Update(ctx, func(tx store.Tx) error {
		var err error
		fresh, err = tx.Receive(ctx, store.Delivery{
			GUID: d.GUID, Digest: d.Digest, Event: d.Event, Repository: d.Repository, Body: d.Body, ReceivedAt: d.ReceivedAt,
		})
		if err != nil || !fresh {
			return err
		}
		return tx.Enqueue(ctx, store.Deliver{Repository: d.Repository}, time.Time{})
	})
	if err == nil && !fresh {
		i.log.Info("delivery seen before", "guid", d.GUID, "event", d.Event)
	}
	return err
}
