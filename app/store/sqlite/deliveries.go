package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/stagegate/stagegate/app/store"
)

const deliveryColumns = `id, guid, digest, event, repository, body, received_at, state, attempts, not_before, message`

func (t *transaction) Receive(ctx context.Context, d store.Delivery) (bool, error) {
	known, err := scanDelivery(t.tx.QueryRowContext(ctx,
		`SELECT `+deliveryColumns+` FROM deliveries WHERE guid = ? OR digest = ? ORDER BY id LIMIT 1`, d.GUID, d.Digest))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return true, t.insertDelivery(ctx, d)
	case err != nil:
		return false, fmt.Errorf("look for delivery %s: %w", d.GUID, err)
	case known.State != store.Abandoned:
		return false, nil
	}
	known.State, known.Attempts, known.NotBefore, known.Message = store.Received, 0, d.ReceivedAt, ""
	return true, t.SaveDelivery(ctx, known)
}

func (t *transaction) insertDelivery(ctx context.Context, d store.Delivery) error {
	const insert = `INSERT INTO deliveries (guid, digest, event, repository, body, received_at, state) VALUES (?, ?, ?, ?, ?, ?, ?)`
	_, err := t.tx.ExecContext(ctx, insert, d.GUID, d.Digest, d.Event, d.Repository, d.Body, millis(d.ReceivedAt), store.Received)
	if err != nil {
		return fmt.Errorf("insert delivery %s: %w", d.GUID, err)
	}
	return nil
}

func (t *transaction) NextDelivery(ctx context.Context, repository string) (store.Delivery, error) {
	return scanDelivery(t.tx.QueryRowContext(ctx,
		`SELECT `+deliveryColumns+` FROM deliveries WHERE repository = ? AND state = 'received' ORDER BY id LIMIT 1`, repository))
}

func (t *transaction) Events(ctx context.Context, repository string, limit int) ([]store.Delivery, error) {
	rows, err := t.tx.QueryContext(ctx, `SELECT `+deliveryColumns+` FROM deliveries
		WHERE repository = ? AND event IN ('push', 'pull_request', 'merge_group') ORDER BY id DESC LIMIT ?`, repository, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []store.Delivery
	for rows.Next() {
		d, err := scanDelivery(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, rows.Err()
}

func (t *transaction) SaveDelivery(ctx context.Context, d store.Delivery) error {
	const update = `UPDATE deliveries SET state = ?, attempts = ?, not_before = ?, message = ? WHERE id = ?`
	if _, err := t.tx.ExecContext(ctx, update, d.State, d.Attempts, millis(d.NotBefore), d.Message, d.ID); err != nil {
		return fmt.Errorf("save delivery %s: %w", d.GUID, err)
	}
	return nil
}

func (t *transaction) Delivered(ctx context.Context, guid string) (bool, error) {
	var n int
	err := t.tx.QueryRowContext(ctx, `SELECT count(*) FROM deliveries WHERE guid = ? AND state <> ?`, guid, store.Abandoned).Scan(&n)
	return n > 0, err
}

func scanDelivery(r row) (store.Delivery, error) {
	var (
		d                   store.Delivery
		received, notBefore int64
	)
	err := r.Scan(&d.ID, &d.GUID, &d.Digest, &d.Event, &d.Repository, &d.Body, &received, &d.State, &d.Attempts, &notBefore, &d.Message)
	if err != nil {
		return store.Delivery{}, missing(err)
	}
	d.ReceivedAt, d.NotBefore = moment(received), moment(notBefore)
	return d, nil
}
