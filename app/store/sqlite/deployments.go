package sqlite

import (
	"context"
	"fmt"

	"github.com/stagegate/stagegate/app/store"
)

const selectDeployments = `SELECT id, github, repository_id, environment, execution, stage, attempt, state, url, ended_at FROM deployments WHERE `

func (t *transaction) Deployments(ctx context.Context, execution string) ([]store.Deployment, error) {
	return t.deployments(ctx, selectDeployments+`execution = ? ORDER BY id`, execution)
}

func (t *transaction) LiveDeployments(ctx context.Context, repositoryID int64, environment string) ([]store.Deployment, error) {
	return t.deployments(ctx, selectDeployments+`repository_id = ? AND environment = ? AND state = 'success' ORDER BY ended_at DESC, id DESC`, repositoryID, environment)
}

func (t *transaction) deployments(ctx context.Context, query string, args ...any) ([]store.Deployment, error) {
	rows, err := t.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list deployments: %w", err)
	}
	defer rows.Close()
	var found []store.Deployment
	for rows.Next() {
		var (
			d     store.Deployment
			ended int64
		)
		err := rows.Scan(&d.ID, &d.GitHub, &d.RepositoryID, &d.Environment, &d.Execution, &d.Stage, &d.Attempt, &d.State, &d.URL, &ended)
		if err != nil {
			return nil, fmt.Errorf("list deployments: %w", err)
		}
		d.EndedAt = moment(ended)
		found = append(found, d)
	}
	return found, rows.Err()
}

func (t *transaction) SaveDeployment(ctx context.Context, d *store.Deployment) error {
	if d.ID == 0 {
		const insert = `INSERT INTO deployments (repository_id, environment, execution, stage, attempt) VALUES (?, ?, ?, ?, ?)`
		res, err := t.tx.ExecContext(ctx, insert, d.RepositoryID, d.Environment, d.Execution, d.Stage, d.Attempt)
		if err != nil {
			return fmt.Errorf("insert a deployment of execution %s: %w", d.Execution, conflict(err))
		}
		if d.ID, err = res.LastInsertId(); err != nil {
			return fmt.Errorf("read the new id: %w", err)
		}
	}
	const update = `UPDATE deployments SET github = ?, state = ?, url = ?, ended_at = ? WHERE id = ?`
	if _, err := t.tx.ExecContext(ctx, update, d.GitHub, d.State, d.URL, millis(d.EndedAt), d.ID); err != nil {
		return fmt.Errorf("save a deployment of execution %s: %w", d.Execution, err)
	}
	return nil
}
