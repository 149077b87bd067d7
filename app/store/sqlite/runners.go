package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stagegate/stagegate/app/store"
)

const runnerColumns = `name, digest, made_at, made_by, seen_at`

func (t *transaction) InsertRunner(ctx context.Context, r store.Runner) error {
	const insert = `INSERT INTO runners (` + runnerColumns + `) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING`
	result, err := t.tx.ExecContext(ctx, insert, r.Name, r.Digest, millis(r.MadeAt), r.MadeBy, millis(r.SeenAt))
	if err != nil {
		return fmt.Errorf("insert runner %s: %w", r.Name, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(store.ErrConflict, err)
	}
	return nil
}

func (t *transaction) Runners(ctx context.Context) ([]store.Runner, error) {
	rows, err := t.tx.QueryContext(ctx, `SELECT `+runnerColumns+` FROM runners ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []store.Runner
	for rows.Next() {
		r, err := scanRunner(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

func (t *transaction) RunnerByDigest(ctx context.Context, digest string) (store.Runner, error) {
	return scanRunner(t.tx.QueryRowContext(ctx, `SELECT `+runnerColumns+` FROM runners WHERE digest = ?`, digest))
}

func (t *transaction) SeenRunner(ctx context.Context, name string, at time.Time) error {
	_, err := t.tx.ExecContext(ctx, `UPDATE runners SET seen_at = ? WHERE name = ?`, millis(at), name)
	return err
}

func (t *transaction) DeleteRunner(ctx context.Context, name string) (store.Runner, error) {
	return scanRunner(t.tx.QueryRowContext(ctx, `DELETE FROM runners WHERE name = ? RETURNING `+runnerColumns, name))
}

func scanRunner(r row) (store.Runner, error) {
	var (
		runner     store.Runner
		made, seen int64
	)
	if err := r.Scan(&runner.Name, &runner.Digest, &made, &runner.MadeBy, &seen); err != nil {
		return store.Runner{}, missing(err)
	}
	runner.MadeAt, runner.SeenAt = moment(made), moment(seen)
	return runner, nil
}
