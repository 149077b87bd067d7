package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/audit"
)

const auditColumns = `number, at, repository, execution, kind, actor, door, event, hash`

func (t *transaction) Audit(ctx context.Context, e store.AuditEntry) error {
	event, err := json.Marshal(e.Event)
	if err != nil {
		return fmt.Errorf("encode %s: %w", e.Kind, err)
	}
	return appendAudit(ctx, t.tx, audit.Row{
		At: moment(millis(e.At)), Repository: e.Repository, Execution: e.Execution,
		Kind: e.Kind, Actor: e.Actor, Door: e.Door, Event: string(event),
	})
}

// appendAudit writes a row behind the last one, whose hash it follows.
func appendAudit(ctx context.Context, tx *sql.Tx, r audit.Row) error {
	last, err := auditHead(ctx, tx)
	if err != nil {
		return err
	}
	r.Number = last.Number + 1
	r.Hash = r.Follow(last.Hash)
	const insert = `INSERT INTO audit (` + auditColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
	_, err = tx.ExecContext(ctx, insert, r.Number, millis(r.At), r.Repository, r.Execution, r.Kind, r.Actor, r.Door, r.Event, r.Hash)
	if err != nil {
		return fmt.Errorf("append %s to the audit log: %w", r.Kind, err)
	}
	return nil
}

func (t *transaction) AuditHead(ctx context.Context) (audit.Head, error) { return auditHead(ctx, t.tx) }

func auditHead(ctx context.Context, tx *sql.Tx) (audit.Head, error) {
	var h audit.Head
	err := tx.QueryRowContext(ctx, `SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1`).Scan(&h.Number, &h.Hash)
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Head{Hash: audit.Begin}, nil
	}
	if err != nil {
		return audit.Head{}, fmt.Errorf("read the head of the audit log: %w", err)
	}
	return h, nil
}

func (t *transaction) Audited(ctx context.Context, f store.AuditFilter) ([]audit.Row, error) {
	query, args := `SELECT `+auditColumns+` FROM audit WHERE 1 = 1`, []any{}
	where := func(clause string, arg any, set bool) {
		if set {
			query, args = query+" AND "+clause, append(args, arg)
		}
	}
	where("execution = ?", f.Execution, f.Execution != "")
	where("repository = ?", f.Repository, f.Repository != 0)
	where("actor = ? COLLATE NOCASE", f.Actor, f.Actor != "")
	where("kind = ?", f.Kind, f.Kind != "")
	where("at >= ?", millis(f.Since), !f.Since.IsZero())
	where("number < ?", f.Before, f.Before != 0)
	where("number > ?", f.After, f.After != 0)
	limit := f.Limit
	if limit == 0 {
		limit = 1000
	}
	order := " ORDER BY number DESC LIMIT "
	if f.Oldest {
		order = " ORDER BY number LIMIT "
	}
	rows, err := t.tx.QueryContext(ctx, query+order+strconv.Itoa(limit), args...)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	defer rows.Close()
	var found []audit.Row
	for rows.Next() {
		r, err := scanAudit(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, rows.Err()
}

func scanAudit(r row) (audit.Row, error) {
	var (
		a  audit.Row
		at int64
	)
	err := r.Scan(&a.Number, &at, &a.Repository, &a.Execution, &a.Kind, &a.Actor, &a.Door, &a.Event, &a.Hash)
	if err != nil {
		return audit.Row{}, fmt.Errorf("read a row of the audit log: %w", err)
	}
	a.At = moment(at)
	return a, nil
}

// chainAudit makes the chain of the rows that were written before there was one, in
// their order. Their repository is that of their execution or transition.
func chainAudit(ctx context.Context, tx *sql.Tx) error {
	const page = 1000
	const list = `SELECT b.id, b.at, coalesce(x.repository_id, b.event ->> '$.Repository', 0), b.execution, b.kind, b.actor,
			coalesce(b.event ->> '$.Door', ''), b.event
		FROM audit_before b LEFT JOIN executions x ON b.execution <> '' AND x.id = b.execution
		WHERE b.id > ? ORDER BY b.id LIMIT ` // the numbers of the old rows may have gaps
	for last := int64(0); ; {
		rows, err := readBefore(ctx, tx, list+strconv.Itoa(page), &last)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := appendAudit(ctx, tx, r); err != nil {
				return err
			}
		}
		if len(rows) < page {
			_, err := tx.ExecContext(ctx, `DROP TABLE audit_before`)
			return err
		}
	}
}

// readBefore reads the next rows that stand behind the last, and moves it on.
func readBefore(ctx context.Context, tx *sql.Tx, list string, last *int64) ([]audit.Row, error) {
	rows, err := tx.QueryContext(ctx, list, *last)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []audit.Row
	for rows.Next() {
		var (
			r  audit.Row
			at int64
		)
		if err := rows.Scan(last, &at, &r.Repository, &r.Execution, &r.Kind, &r.Actor, &r.Door, &r.Event); err != nil {
			return nil, err
		}
		r.At = moment(at)
		found = append(found, r)
	}
	return found, rows.Err()
}

// ReadAudit hands out the rows of the audit log of a file, the first one first, without
// writing to the file; a server may run on it. An error of each ends it.
func ReadAudit(ctx context.Context, path string, each func(audit.Row) error) error {
	db, err := sql.Open("sqlite3", address(path, url.Values{"mode": {"ro"}, "_query_only": {"on"}, "_busy_timeout": {"10000"}}))
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer db.Close()
	var chained bool
	const asks = `SELECT count(*) > 0 FROM pragma_table_info('audit') WHERE name = 'hash'`
	if err := db.QueryRowContext(ctx, asks).Scan(&chained); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if !chained {
		return fmt.Errorf("%s has no audit log with hashes: it is no database of Stagegate, or one of an earlier release, whose log gets them when `stagegate serve` of this one opens it", path)
	}
	rows, err := db.QueryContext(ctx, `SELECT `+auditColumns+` FROM audit ORDER BY number`)
	if err != nil {
		return fmt.Errorf("read the audit log of %s: %w", path, err)
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanAudit(rows)
		if err == nil {
			err = each(r)
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}
