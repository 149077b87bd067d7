package sqlite

import (
	"context"
	"fmt"

	"github.com/stagegate/stagegate/app/store"
)

const checkColumns = `id, github, execution, stage, attempt, n, name, external_id, status, conclusion, waiting, digest, note, opened_at, accepted_at, annotations`

func (t *transaction) CheckRuns(ctx context.Context, execution string) ([]store.CheckRun, error) {
	rows, err := t.tx.QueryContext(ctx, `SELECT `+checkColumns+` FROM check_runs WHERE execution = ? ORDER BY id`, execution)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var runs []store.CheckRun
	for rows.Next() {
		c, err := scanCheckRun(rows)
		if err != nil {
			return nil, err
		}
		runs = append(runs, c)
	}
	return runs, rows.Err()
}

func (t *transaction) CheckRunByGitHub(ctx context.Context, id int64) (store.CheckRun, error) {
	return scanCheckRun(t.tx.QueryRowContext(ctx, `SELECT `+checkColumns+` FROM check_runs WHERE github = ? AND github <> 0`, id))
}

func (t *transaction) SaveCheckRun(ctx context.Context, c *store.CheckRun) error {
	if c.ID == 0 {
		const insert = `INSERT INTO check_runs (execution, stage, attempt, n, name, external_id) VALUES (?, ?, ?, ?, ?, ?)`
		res, err := t.tx.ExecContext(ctx, insert, c.Execution, c.Stage, c.Attempt, c.N, c.Name, c.ExternalID)
		if err != nil {
			return fmt.Errorf("insert check run %s: %w", c.ExternalID, conflict(err))
		}
		if c.ID, err = res.LastInsertId(); err != nil {
			return fmt.Errorf("read the new id: %w", err)
		}
	}
	const update = `UPDATE check_runs SET github = ?, status = ?, conclusion = ?, waiting = ?, digest = ?, note = ?, opened_at = ?, accepted_at = ?, annotations = ? WHERE id = ?`
	_, err := t.tx.ExecContext(ctx, update, c.GitHub, c.Status, c.Conclusion, c.Waiting, c.Digest, c.Note,
		millis(c.OpenedAt), millis(c.AcceptedAt), c.Annotations, c.ID)
	if err != nil {
		return fmt.Errorf("save check run %s: %w", c.ExternalID, err)
	}
	return nil
}

func scanCheckRun(r row) (store.CheckRun, error) {
	var (
		c                store.CheckRun
		opened, accepted int64
	)
	err := r.Scan(&c.ID, &c.GitHub, &c.Execution, &c.Stage, &c.Attempt, &c.N, &c.Name, &c.ExternalID,
		&c.Status, &c.Conclusion, &c.Waiting, &c.Digest, &c.Note, &opened, &accepted, &c.Annotations)
	if err != nil {
		return store.CheckRun{}, missing(err)
	}
	c.OpenedAt, c.AcceptedAt = moment(opened), moment(accepted)
	return c, nil
}

const announcementColumns = `repository_id, pull_request, pipeline, execution, comment, digest`

func (t *transaction) Announcements(ctx context.Context, execution string) ([]store.Announcement, error) {
	rows, err := t.tx.QueryContext(ctx,
		`SELECT `+announcementColumns+` FROM announcements WHERE execution = ? ORDER BY pull_request`, execution)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []store.Announcement
	for rows.Next() {
		a, err := scanAnnouncement(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

func (t *transaction) Announcement(ctx context.Context, repositoryID int64, pullRequest int, pipeline string) (store.Announcement, error) {
	return scanAnnouncement(t.tx.QueryRowContext(ctx,
		`SELECT `+announcementColumns+` FROM announcements WHERE repository_id = ? AND pull_request = ? AND pipeline = ?`,
		repositoryID, pullRequest, pipeline))
}

func (t *transaction) SaveAnnouncement(ctx context.Context, a store.Announcement) error {
	const upsert = `INSERT INTO announcements (` + announcementColumns + `) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET execution = excluded.execution, comment = excluded.comment, digest = excluded.digest`
	_, err := t.tx.ExecContext(ctx, upsert, a.RepositoryID, a.PullRequest, a.Pipeline, a.Execution, a.Comment, a.Digest)
	if err != nil {
		return fmt.Errorf("save announcement of execution %s: %w", a.Execution, err)
	}
	return nil
}

func scanAnnouncement(r row) (store.Announcement, error) {
	var a store.Announcement
	err := r.Scan(&a.RepositoryID, &a.PullRequest, &a.Pipeline, &a.Execution, &a.Comment, &a.Digest)
	return a, missing(err)
}
