package sqlite

import (
	"context"
	"fmt"

	"github.com/stagegate/stagegate/internal/pipeline"
)

func (t *transaction) Transitions(ctx context.Context, repository int64) ([]pipeline.Transition, error) {
	const list = `SELECT repository_id, pipeline, stage, lane, actor, reason, at, until FROM transitions
		WHERE repository_id = ?1 OR ?1 = 0 ORDER BY repository_id, pipeline, stage, lane`
	rows, err := t.tx.QueryContext(ctx, list, repository)
	if err != nil {
		return nil, fmt.Errorf("list transitions: %w", err)
	}
	defer rows.Close()
	var all []pipeline.Transition
	for rows.Next() {
		var (
			tr        pipeline.Transition
			at, until int64
		)
		if err := rows.Scan(&tr.Repository, &tr.Pipeline, &tr.Stage, &tr.Lane, &tr.Actor, &tr.Reason, &at, &until); err != nil {
			return nil, fmt.Errorf("list transitions: %w", err)
		}
		tr.At, tr.Until = moment(at), moment(until)
		all = append(all, tr)
	}
	return all, rows.Err()
}

func (t *transaction) SaveTransition(ctx context.Context, tr pipeline.Transition) error {
	const upsert = `INSERT INTO transitions (repository_id, pipeline, stage, lane, actor, reason, at, until) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET actor = excluded.actor, reason = excluded.reason, at = excluded.at, until = excluded.until`
	_, err := t.tx.ExecContext(ctx, upsert, tr.Repository, tr.Pipeline, tr.Stage, tr.Lane, tr.Actor, tr.Reason, millis(tr.At), millis(tr.Until))
	if err != nil {
		return fmt.Errorf("save a transition into %s: %w", tr.Stage, err)
	}
	return nil
}

func (t *transaction) DeleteTransition(ctx context.Context, tr pipeline.Transition) error {
	const remove = `DELETE FROM transitions WHERE repository_id = ? AND pipeline = ? AND stage = ? AND lane = ?`
	if _, err := t.tx.ExecContext(ctx, remove, tr.Repository, tr.Pipeline, tr.Stage, tr.Lane); err != nil {
		return fmt.Errorf("delete a transition into %s: %w", tr.Stage, err)
	}
	return nil
}

func (t *transaction) StageLocks(ctx context.Context, repository int64, name, stage string) ([]pipeline.LockKey, error) {
	const list = `SELECT lane FROM locks WHERE repository_id = ? AND pipeline = ? AND stage = ?
		AND (state ->> '$.Holder.Execution' <> '' OR waiting > 0 OR json_array_length(state, '$.Shut') > 0) ORDER BY lane`
	rows, err := t.tx.QueryContext(ctx, list, repository, name, stage)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var keys []pipeline.LockKey
	for rows.Next() {
		key := pipeline.LockKey{Repository: repository, Pipeline: name, Stage: stage}
		if err := rows.Scan(&key.Lane); err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}
