package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/stagegate/stagegate/app/store"
)

const selectReviews = `SELECT id, repository_id, execution, stage, action, attempt, environment, branch, head_sha, run, url, state, problem, asked_at
	FROM review_requests WHERE `

func (t *transaction) ReviewRequests(ctx context.Context, execution string) ([]store.ReviewRequest, error) {
	return t.reviewRequests(ctx, selectReviews+`execution = ? ORDER BY id`, execution)
}

func (t *transaction) ReviewRequestByRun(ctx context.Context, repositoryID, run int64) (store.ReviewRequest, error) {
	found, err := t.reviewRequests(ctx, selectReviews+`repository_id = ? AND run = ? AND run <> 0`, repositoryID, run)
	if err != nil || len(found) == 0 {
		return store.ReviewRequest{}, orMissing(err)
	}
	return found[0], nil
}

// orMissing is an error, or that nothing was found.
func orMissing(err error) error {
	if err == nil {
		return store.ErrNotFound
	}
	return err
}

func (t *transaction) RecentReviewRequests(ctx context.Context, repositoryID int64, environment string, since time.Time) ([]store.ReviewRequest, error) {
	return t.reviewRequests(ctx, selectReviews+`repository_id = ? AND environment = ? AND asked_at >= ? ORDER BY id`, repositoryID, environment, millis(since))
}

func (t *transaction) reviewRequests(ctx context.Context, query string, args ...any) ([]store.ReviewRequest, error) {
	rows, err := t.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list requests for reviews: %w", err)
	}
	defer rows.Close()
	var found []store.ReviewRequest
	for rows.Next() {
		var (
			r     store.ReviewRequest
			asked int64
		)
		err := rows.Scan(&r.ID, &r.RepositoryID, &r.Execution, &r.Stage, &r.Action, &r.Attempt, &r.Environment, &r.Branch, &r.HeadSHA,
			&r.Run, &r.URL, &r.State, &r.Problem, &asked)
		if err != nil {
			return nil, fmt.Errorf("list requests for reviews: %w", err)
		}
		r.AskedAt = moment(asked)
		found = append(found, r)
	}
	return found, rows.Err()
}

func (t *transaction) SaveReviewRequest(ctx context.Context, r *store.ReviewRequest) error {
	if r.ID == 0 {
		const insert = `INSERT INTO review_requests (repository_id, execution, stage, action, attempt, environment, asked_at) VALUES (?, ?, ?, ?, ?, ?, ?)`
		res, err := t.tx.ExecContext(ctx, insert, r.RepositoryID, r.Execution, r.Stage, r.Action, r.Attempt, r.Environment, millis(r.AskedAt))
		if err != nil {
			return fmt.Errorf("insert a request for a review of execution %s: %w", r.Execution, conflict(err))
		}
		if r.ID, err = res.LastInsertId(); err != nil {
			return fmt.Errorf("read the new id: %w", err)
		}
	}
	const update = `UPDATE review_requests SET branch = ?, head_sha = ?, run = ?, url = ?, state = ?, problem = ? WHERE id = ?`
	if _, err := t.tx.ExecContext(ctx, update, r.Branch, r.HeadSHA, r.Run, r.URL, string(r.State), r.Problem, r.ID); err != nil {
		return fmt.Errorf("save a request for a review of execution %s: %w", r.Execution, err)
	}
	return nil
}
