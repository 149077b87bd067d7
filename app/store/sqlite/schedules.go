package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stagegate/stagegate/app/store"
)

const scheduleColumns = `repository_id, pipeline, repository, installation, times, next_at, last_at`

func (t *transaction) Schedules(ctx context.Context, repositoryID int64) ([]store.Schedule, error) {
	return t.schedules(ctx, `SELECT `+scheduleColumns+` FROM schedules WHERE repository_id = ? ORDER BY pipeline`, repositoryID)
}

func (t *transaction) DueSchedules(ctx context.Context, at time.Time) ([]store.Schedule, error) {
	return t.schedules(ctx, `SELECT `+scheduleColumns+` FROM schedules WHERE next_at <= ? ORDER BY next_at, repository_id, pipeline`, millis(at))
}

func (t *transaction) Schedule(ctx context.Context, repositoryID int64, pipeline string) (store.Schedule, error) {
	return scanSchedule(t.tx.QueryRowContext(ctx,
		`SELECT `+scheduleColumns+` FROM schedules WHERE repository_id = ? AND pipeline = ?`, repositoryID, pipeline))
}

func (t *transaction) SaveSchedule(ctx context.Context, s store.Schedule) error {
	times, err := json.Marshal(s.Times)
	if err != nil {
		return fmt.Errorf("encode schedule of %s: %w", s.Pipeline, err)
	}
	const upsert = `INSERT INTO schedules (` + scheduleColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET repository = excluded.repository, installation = excluded.installation,
			times = excluded.times, next_at = excluded.next_at, last_at = excluded.last_at`
	_, err = t.tx.ExecContext(ctx, upsert, s.RepositoryID, s.Pipeline, s.Repository, s.Installation, string(times), millis(s.Next), millis(s.Last))
	if err != nil {
		return fmt.Errorf("save schedule of %s: %w", s.Pipeline, err)
	}
	return nil
}

func (t *transaction) DropSchedule(ctx context.Context, repositoryID int64, pipeline string) error {
	_, err := t.tx.ExecContext(ctx, `DELETE FROM schedules WHERE repository_id = ? AND pipeline = ?`, repositoryID, pipeline)
	return err
}

func (t *transaction) schedules(ctx context.Context, query string, args ...any) ([]store.Schedule, error) {
	rows, err := t.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []store.Schedule
	for rows.Next() {
		s, err := scanSchedule(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

func scanSchedule(r row) (store.Schedule, error) {
	var (
		s          store.Schedule
		times      string
		next, last int64
	)
	if err := r.Scan(&s.RepositoryID, &s.Pipeline, &s.Repository, &s.Installation, &times, &next, &last); err != nil {
		return store.Schedule{}, missing(err)
	}
	if err := json.Unmarshal([]byte(times), &s.Times); err != nil {
		return store.Schedule{}, fmt.Errorf("decode schedule of %s: %w", s.Pipeline, err)
	}
	s.Next, s.Last = moment(next), moment(last)
	return s, nil
}
