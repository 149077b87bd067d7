package sqlite

import (
	"context"
	"fmt"

	"github.com/stagegate/stagegate/app/store"
)

func (t *transaction) Plan(ctx context.Context, repositoryID int64, pullRequest int) (store.Plan, error) {
	p := store.Plan{RepositoryID: repositoryID, PullRequest: pullRequest}
	const read = `SELECT comment, digest FROM plans WHERE repository_id = ? AND pull_request = ?`
	err := t.tx.QueryRowContext(ctx, read, repositoryID, pullRequest).Scan(&p.Comment, &p.Digest)
	return p, missing(err)
}

func (t *transaction) SavePlan(ctx context.Context, p store.Plan) error {
	const upsert = `INSERT INTO plans (repository_id, pull_request, comment, digest) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET comment = excluded.comment, digest = excluded.digest`
	if _, err := t.tx.ExecContext(ctx, upsert, p.RepositoryID, p.PullRequest, p.Comment, p.Digest); err != nil {
		return fmt.Errorf("save the plan of pull request %d: %w", p.PullRequest, err)
	}
	return nil
}
