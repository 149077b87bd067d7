package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// ofLock picks the rows of one lock.
const ofLock = ` repository_id = ? AND pipeline = ? AND lane = ? AND stage = ? `

func lockArgs(key pipeline.LockKey, more ...any) []any {
	return append([]any{key.Repository, key.Pipeline, key.Lane, key.Stage}, more...)
}

func (t *transaction) Lock(ctx context.Context, key pipeline.LockKey, execution string) (pipeline.Lock, error) {
	var (
		l       pipeline.Lock
		state   string
		waiting int
	)
	err := t.tx.QueryRowContext(ctx, `SELECT state, waiting FROM locks WHERE`+ofLock, lockArgs(key)...).Scan(&state, &waiting)
	if err = missing(err); errors.Is(err, store.ErrNotFound) {
		return pipeline.Lock{}, nil
	} else if err != nil {
		return pipeline.Lock{}, err
	}
	if err := json.Unmarshal([]byte(state), &l); err != nil {
		return pipeline.Lock{}, fmt.Errorf("decode lock %+v: %w", key, err)
	}
	if waiting > 0 {
		if l.Waiters, err = t.waiters(ctx, key, execution); err != nil {
			return pipeline.Lock{}, fmt.Errorf("list who waits at %+v: %w", key, err)
		}
	}
	if l.Others = waiting - len(l.Waiters); l.Others > 0 {
		l.Front = min(2, len(l.Waiters))
	}
	return l, nil
}

// waiters lists those that an event of the execution can be about, in their order: the
// first two, the execution itself, the one of the highest number that is no rollback, and
// those that a newer one takes the place of.
func (t *transaction) waiters(ctx context.Context, key pipeline.LockKey, execution string) ([]pipeline.Claim, error) {
	const list = `SELECT claim FROM waiters WHERE` + ofLock + `AND seq IN (
		SELECT seq FROM (SELECT seq FROM waiters WHERE` + ofLock + `ORDER BY seq LIMIT 2)
		UNION SELECT seq FROM waiters WHERE` + ofLock + `AND execution = ?
		UNION SELECT seq FROM (SELECT seq FROM waiters WHERE` + ofLock + `AND claim ->> '$.First' IS NOT 1 ORDER BY number DESC LIMIT 1)
		UNION SELECT seq FROM waiters WHERE` + ofLock + `AND superseding = 1) ORDER BY seq`
	args := slices.Concat(lockArgs(key), lockArgs(key), lockArgs(key, execution), lockArgs(key), lockArgs(key))
	rows, err := t.tx.QueryContext(ctx, list, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []pipeline.Claim
	for rows.Next() {
		var (
			text string
			c    pipeline.Claim
		)
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

func (t *transaction) Ahead(ctx context.Context, key pipeline.LockKey, execution string) (int, error) {
	var n int
	const count = `SELECT count(*) FROM waiters WHERE` + ofLock + `AND seq < (SELECT seq FROM waiters WHERE` + ofLock + `AND execution = ?)`
	err := t.tx.QueryRowContext(ctx, count, append(lockArgs(key), lockArgs(key, execution)...)...).Scan(&n)
	return n, err
}

func (t *transaction) SaveLock(ctx context.Context, key pipeline.LockKey, was, is pipeline.Lock) error {
	waiting := len(is.Waiters) + is.Others
	for _, c := range was.Waiters {
		if !slices.Contains(is.Waiters, c) {
			if _, err := t.tx.ExecContext(ctx, `DELETE FROM waiters WHERE`+ofLock+`AND execution = ?`, lockArgs(key, c.Execution)...); err != nil {
				return fmt.Errorf("remove execution %s from lock %+v: %w", c.Execution, key, err)
			}
		}
	}
	for _, c := range is.Waiters {
		if !slices.Contains(was.Waiters, c) {
			if err := t.insertWaiter(ctx, key, c); err != nil {
				return fmt.Errorf("have execution %s wait at lock %+v: %w", c.Execution, key, err)
			}
		}
	}
	is.Waiters, is.Others, is.Front = nil, 0, 0
	state, err := json.Marshal(is)
	if err != nil {
		return fmt.Errorf("encode lock %+v: %w", key, err)
	}
	const upsert = `INSERT INTO locks (repository_id, pipeline, lane, stage, state, waiting) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET state = excluded.state, waiting = excluded.waiting`
	if _, err := t.tx.ExecContext(ctx, upsert, lockArgs(key, string(state), waiting)...); err != nil {
		return fmt.Errorf("save lock %+v: %w", key, err)
	}
	return nil
}

// insertWaiter puts a claim behind all others, or before them.
func (t *transaction) insertWaiter(ctx context.Context, key pipeline.LockKey, c pipeline.Claim) error {
	claim, err := json.Marshal(c)
	if err != nil {
		return err
	}
	place := `coalesce(max(seq), 0) + 1`
	if c.First {
		place = `coalesce(min(seq), 0) - 1`
	}
	insert := `INSERT INTO waiters (repository_id, pipeline, lane, stage, seq, execution, number, superseding, claim)
		SELECT ?, ?, ?, ?, ` + place + `, ?, ?, ?, ? FROM waiters WHERE` + ofLock
	args := append(lockArgs(key, c.Execution, c.Number, c.Mode == pipeline.Superseding, string(claim)), lockArgs(key)...)
	_, err = t.tx.ExecContext(ctx, insert, args...)
	return err
}
