package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

const jobColumns = `spec, state, cancel, runner, token, expires, made`

func (t *transaction) InsertJob(ctx context.Context, job pipeline.Job) error {
	spec, err := json.Marshal(job)
	if err != nil {
		return fmt.Errorf("encode job %s: %w", job.ID, err)
	}
	const insert = `INSERT INTO jobs (id, spec, state) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING`
	if _, err := t.tx.ExecContext(ctx, insert, job.ID.String(), string(spec), store.JobQueued); err != nil {
		return fmt.Errorf("insert job %s: %w", job.ID, err)
	}
	return nil
}

func (t *transaction) Job(ctx context.Context, id string) (store.Job, error) {
	return scanJob(t.tx.QueryRowContext(ctx, `SELECT `+jobColumns+` FROM jobs WHERE id = ?`, id))
}

func (t *transaction) JobByToken(ctx context.Context, token string) (store.Job, error) {
	if token == "" {
		return store.Job{}, store.ErrNotFound
	}
	return scanJob(t.tx.QueryRowContext(ctx, `SELECT `+jobColumns+` FROM jobs WHERE token = ?`, token))
}

func (t *transaction) NextJob(ctx context.Context) (store.Job, error) {
	return scanJob(t.tx.QueryRowContext(ctx, `SELECT `+jobColumns+` FROM jobs WHERE state = 'queued' ORDER BY seq LIMIT 1`))
}

func (t *transaction) LeasedJobs(ctx context.Context, runner string) ([]store.Job, error) {
	rows, err := t.tx.QueryContext(ctx,
		`SELECT `+jobColumns+` FROM jobs WHERE state = 'leased' AND (? = '' OR runner = ?) ORDER BY seq`, runner, runner)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var jobs []store.Job
	for rows.Next() {
		j, err := scanJob(rows)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	return jobs, rows.Err()
}

func (t *transaction) SaveJob(ctx context.Context, j store.Job) error {
	made, err := json.Marshal(j.Made)
	if err != nil {
		return fmt.Errorf("encode artifacts of job %s: %w", j.ID, err)
	}
	const update = `UPDATE jobs SET state = ?, cancel = ?, runner = ?, token = ?, expires = ?, made = ? WHERE id = ?`
	if _, err := t.tx.ExecContext(ctx, update, j.State, j.Cancel, j.Runner, j.Token, millis(j.Expires), string(made), j.ID.String()); err != nil {
		return fmt.Errorf("save job %s: %w", j.ID, err)
	}
	return nil
}

func scanJob(r row) (store.Job, error) {
	var (
		j       store.Job
		spec    string
		expires int64
		made    string
	)
	if err := r.Scan(&spec, &j.State, &j.Cancel, &j.Runner, &j.Token, &expires, &made); err != nil {
		return store.Job{}, missing(err)
	}
	if err := json.Unmarshal([]byte(spec), &j.Job); err != nil {
		return store.Job{}, fmt.Errorf("decode job: %w", err)
	}
	if err := json.Unmarshal([]byte(made), &j.Made); err != nil {
		return store.Job{}, fmt.Errorf("decode artifacts of job %s: %w", j.ID, err)
	}
	j.Expires = moment(expires)
	return j, nil
}
