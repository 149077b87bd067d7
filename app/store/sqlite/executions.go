package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/mattn/go-sqlite3"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

const executionColumns = `id, installation, delivery, token, version, reported, definition, state`

// split takes the definition out of an execution: it never changes, and is
// stored once.
func split(x pipeline.Execution) (definition, state string, err error) {
	def, err := json.Marshal(x.Definition)
	if err != nil {
		return "", "", fmt.Errorf("encode definition: %w", err)
	}
	x.Definition = pipeline.Definition{}
	st, err := json.Marshal(x)
	if err != nil {
		return "", "", fmt.Errorf("encode execution: %w", err)
	}
	return string(def), string(st), nil
}

func (t *transaction) CreateExecution(ctx context.Context, x *store.Execution) error {
	const next = `SELECT coalesce(max(number), 0) + 1 FROM executions WHERE repository_id = ? AND pipeline = ?`
	if err := t.tx.QueryRowContext(ctx, next, x.RepositoryID, x.Definition.Name).Scan(&x.Number); err != nil {
		return fmt.Errorf("draw a number: %w", err)
	}
	const insert = `INSERT INTO executions
		(repository_id, repository, pipeline, number, lane, commit_sha, installation, delivery, token, active, version, definition, state)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 1, '', '')`
	res, err := t.tx.ExecContext(ctx, insert, x.RepositoryID, x.Repository, x.Definition.Name, x.Number, x.Lane,
		x.Revision.Commit, x.Installation, x.Delivery, x.Token)
	if err != nil {
		return conflict(err)
	}
	id, err := res.LastInsertId()
	if err != nil {
		return fmt.Errorf("read the new id: %w", err)
	}
	x.ID, x.Version = strconv.FormatInt(id, 10), 1
	definition, state, err := split(x.Execution)
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, `UPDATE executions SET definition = ?, state = ? WHERE id = ?`, definition, state, id)
	return err
}

func (t *transaction) SavePass(ctx context.Context, id, stage string) error {
	const insert = `INSERT INTO passes (execution, stage) VALUES (?, ?) ON CONFLICT DO NOTHING`
	if _, err := t.tx.ExecContext(ctx, insert, id, stage); err != nil {
		return fmt.Errorf("note that execution %s has passed stage %s: %w", id, stage, err)
	}
	return nil
}

// conflict turns a violated UNIQUE into the port's word.
func conflict(err error) error {
	var e sqlite3.Error
	if errors.As(err, &e) && e.ExtendedCode == sqlite3.ErrConstraintUnique {
		return fmt.Errorf("%w: %w", store.ErrConflict, err)
	}
	return err
}

func (t *transaction) SaveExecution(ctx context.Context, x *store.Execution) error {
	_, state, err := split(x.Execution)
	if err != nil {
		return err
	}
	const update = `UPDATE executions SET state = ?, status = ?, active = ?, version = version + 1 WHERE id = ? AND version = ?`
	res, err := t.tx.ExecContext(ctx, update, state, string(x.Status), !x.Status.Ended(), x.ID, x.Version)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(fmt.Errorf("%w: execution %s is not at version %d", store.ErrConflict, x.ID, x.Version), err)
	}
	x.Version++
	return nil
}

func (t *transaction) Reported(ctx context.Context, id string, version int) error {
	_, err := t.tx.ExecContext(ctx, `UPDATE executions SET reported = max(reported, ?) WHERE id = ?`, version, id)
	return err
}

func (t *transaction) Execution(ctx context.Context, id string) (store.Execution, error) {
	return scanExecution(t.tx.QueryRowContext(ctx, `SELECT `+executionColumns+` FROM executions WHERE id = ?`, id))
}

func (t *transaction) ExecutionByToken(ctx context.Context, token string) (store.Execution, error) {
	return scanExecution(t.tx.QueryRowContext(ctx, `SELECT `+executionColumns+` FROM executions WHERE token = ?`, token))
}

func (t *transaction) Find(ctx context.Context, f store.Filter) ([]store.Execution, error) {
	query, args := `SELECT `+executionColumns+` FROM executions WHERE 1 = 1`, []any{}
	where := func(clause string, arg any, set bool) {
		if set {
			query, args = query+" AND "+clause, append(args, arg)
		}
	}
	where("repository_id = ?", f.RepositoryID, f.RepositoryID != 0)
	where("repository_id = "+newestOfName, f.Repository, f.Repository != "")
	where("installation = ?", f.Installation, f.Installation != 0)
	where("pipeline = ?", f.Pipeline, f.Pipeline != "")
	where("number = ?", f.Number, f.Number != 0)
	where("delivery = ?", f.Delivery, f.Delivery != 0)
	where("status = ?", string(f.Status), f.Status != "")
	where("id < ?", f.Before, f.Before != "")
	where("id > ?", f.After, f.After != "")
	where("lane = ?", f.Lane, f.Lane != "")
	where("commit_sha >= ?", f.Commit, f.Commit != "")
	where("commit_sha < ?", f.Commit+"g", f.Commit != "") // g comes after the digits of a SHA
	where("active = ?", 1, f.Active)
	where("EXISTS (SELECT 1 FROM passes WHERE execution = executions.id AND stage = ?)", f.SucceededIn, f.SucceededIn != "")
	if f.Repositories != nil {
		where("repository_id IN (SELECT value FROM json_each(?))", numbers(f.Repositories), true)
	}
	limit := f.Limit
	if limit == 0 {
		limit = 1000
	}
	return t.executions(ctx, query+" ORDER BY id DESC LIMIT "+strconv.Itoa(limit), args...)
}

// numbers writes numbers as JSON.
func numbers(list []int64) string {
	var text []string
	for _, n := range list {
		text = append(text, strconv.FormatInt(n, 10))
	}
	return "[" + strings.Join(text, ",") + "]"
}

// newestOfName finds the repository that has, or had last, a name.
const newestOfName = `(SELECT repository_id FROM executions WHERE repository = ? ORDER BY id DESC LIMIT 1)`

func (t *transaction) Pipelines(ctx context.Context) ([]store.Execution, error) {
	const newest = `SELECT max(id) FROM executions GROUP BY repository_id, pipeline`
	return t.executions(ctx, `SELECT `+executionColumns+` FROM executions WHERE id IN (`+newest+`) ORDER BY repository, pipeline`)
}

func (t *transaction) executions(ctx context.Context, query string, args ...any) ([]store.Execution, error) {
	rows, err := t.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []store.Execution
	for rows.Next() {
		x, err := scanExecution(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, x)
	}
	return found, rows.Err()
}

// row is what *sql.Row and *sql.Rows have in common.
type row interface{ Scan(dest ...any) error }

func scanExecution(r row) (store.Execution, error) {
	var (
		x                 store.Execution
		id                int64
		definition, state string
	)
	if err := r.Scan(&id, &x.Installation, &x.Delivery, &x.Token, &x.Version, &x.Reported, &definition, &state); err != nil {
		return store.Execution{}, missing(err)
	}
	if err := json.Unmarshal([]byte(state), &x.Execution); err != nil {
		return store.Execution{}, fmt.Errorf("decode execution %d: %w", id, err)
	}
	if err := json.Unmarshal([]byte(definition), &x.Definition); err != nil {
		return store.Execution{}, fmt.Errorf("decode definition of execution %d: %w", id, err)
	}
	return x, nil
}
