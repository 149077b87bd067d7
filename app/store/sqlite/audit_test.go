package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/app/store/sqlite"
	"github.com/stagegate/stagegate/internal/audit"
)

// logOf reads the whole audit log, and asks that its chain holds.
func logOf(t *testing.T, s *sqlite.Store) []audit.Row {
	t.Helper()
	var rows []audit.Row
	var head audit.Head
	err := s.View(t.Context(), func(tx store.Tx) (err error) {
		if rows, err = tx.Audited(t.Context(), store.AuditFilter{Oldest: true}); err != nil {
			return err
		}
		head, err = tx.AuditHead(t.Context())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	v := audit.NewVerifier(head)
	for _, r := range rows {
		if err := v.Next(r); err != nil {
			t.Error(err)
		}
	}
	if end, err := v.End(); err != nil || end != head {
		t.Errorf("the log ends at %s, %v; its head is %s", end, err, head)
	}
	return rows
}

// TestOldAuditIsChained opens a database that was written before there was a chain: no
// row is lost, and each says what it did.
func TestOldAuditIsChained(t *testing.T) {
	old := old(t, 7,
		`INSERT INTO executions (id, repository_id, pipeline, number, lane, commit_sha, installation, delivery, token, active, version, definition, state)
			VALUES (3, 42, 'release', 1, 'refs/heads/main', 'c', 5, 1, 't', 0, 1, '{}', '{}')`,
		`INSERT INTO audit (at, execution, kind, actor, event) VALUES (1700000000123, '3', 'decided', 'bob', '{"Actor":"bob","Door":"comment"}')`,
		`INSERT INTO audit (at, execution, kind, actor, event) VALUES (1700000000456, '', 'disabled', 'ann', '{"Repository":43,"Reason":"<stock>"}')`,
		`INSERT INTO audit (id, at, execution, kind, actor, event) VALUES (9, 1700000000789, '99', 'started', '', '{}')`,
	)
	rows := logOf(t, open(t, old))
	want := []audit.Row{
		{Number: 1, At: time.UnixMilli(1700000000123), Repository: 42, Execution: "3", Kind: "decided", Actor: "bob", Door: "comment", Event: `{"Actor":"bob","Door":"comment"}`},
		{Number: 2, At: time.UnixMilli(1700000000456), Repository: 43, Kind: "disabled", Actor: "ann", Event: `{"Repository":43,"Reason":"<stock>"}`},
		{Number: 3, At: time.UnixMilli(1700000000789), Execution: "99", Kind: "started", Event: `{}`},
	}
	for i := range rows {
		rows[i].Hash = ""
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
}

// TestManyOldRowsAreChained has more rows than are read at once.
func TestManyOldRowsAreChained(t *testing.T) {
	const many = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
		INSERT INTO audit (at, execution, kind, actor, event) SELECT i, '', 'decided', 'bob', '{"n":' || i || '}' FROM n`
	s := open(t, old(t, 7, many))
	var newest []audit.Row
	err := s.View(t.Context(), func(tx store.Tx) (err error) {
		newest, err = tx.Audited(t.Context(), store.AuditFilter{Limit: 1})
		return err
	})
	if err != nil || len(newest) != 1 || newest[0].Number != 2500 || newest[0].Event != `{"n":2500}` {
		t.Errorf("the newest is %+v, %v", newest, err)
	}
}

// TestRefusedTransactionLeavesTheChain writes rows of which some are taken back.
func TestRefusedTransactionLeavesTheChain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	for i := range 9 {
		_ = s.Update(t.Context(), func(tx store.Tx) error {
			for j := range 2 {
				if err := tx.Audit(t.Context(), store.AuditEntry{At: time.Now(), Kind: "refused", Actor: fmt.Sprint(i, j), Event: i}); err != nil {
					t.Error(err)
				}
			}
			if i%3 == 1 {
				return context.Canceled
			}
			return nil
		})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if rows := logOf(t, open(t, path)); len(rows) != 12 || rows[11].Actor != "8 1" {
		t.Errorf("%d rows, %+v", len(rows), rows)
	}
}

// tampered makes a log of six rows and changes its file by SQL, as whoever may write to
// the file can: they drop the triggers first.
func tampered(t *testing.T, statements string) (path string, head audit.Head) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	for i := range 6 {
		err := s.Update(t.Context(), func(tx store.Tx) error {
			err := tx.Audit(t.Context(), store.AuditEntry{At: time.Unix(int64(i), 0), Repository: 42, Execution: "1", Kind: "decided", Actor: "bob", Event: i})
			if err == nil {
				head, err = tx.AuditHead(t.Context())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const drop = `DROP TRIGGER audit_keeps_what_was; DROP TRIGGER audit_keeps_all; DROP TRIGGER audit_goes_on;`
	if _, err := db.ExecContext(t.Context(), drop+statements); err != nil {
		t.Fatal(err)
	}
	return path, head
}

// TestTamperingBySQL edits the file, and asks for the first row that shows it: without a
// head, and with the one that was kept. Zero: it does not show.
func TestTamperingBySQL(t *testing.T) {
	for statements, want := range map[string][2]int64{
		``: {0, 0},
		`UPDATE audit SET actor = 'eve' WHERE number = 3`:                                           {3, 3},
		`UPDATE audit SET event = '{}' WHERE number = 3`:                                            {3, 3},
		`UPDATE audit SET at = at + 1 WHERE number = 3`:                                             {3, 3},
		`UPDATE audit SET hash = (SELECT hash FROM audit WHERE number = 2) WHERE number = 3`:        {3, 3},
		`DELETE FROM audit WHERE number = 1`:                                                        {1, 1},
		`DELETE FROM audit WHERE number = 3`:                                                        {3, 3},
		`DELETE FROM audit WHERE number = 3; UPDATE audit SET number = number - 1 WHERE number > 3`: {3, 3},
		`DELETE FROM audit WHERE number > 4`:                                                        {0, 5},
		`DELETE FROM audit`:                                                                         {0, 1},
		`UPDATE audit SET number = 7 WHERE number = 3; UPDATE audit SET number = 3 WHERE number = 4; UPDATE audit SET number = 4 WHERE number = 7`: {3, 3},
		`INSERT INTO audit SELECT 7, at, repository, execution, kind, 'eve', door, event, hash FROM audit WHERE number = 6`:                        {7, 7},
		`UPDATE audit SET number = -number WHERE number > 3; UPDATE audit SET number = 1 - number WHERE number < 0;
			INSERT INTO audit SELECT 4, at, repository, execution, kind, actor, door, event, hash FROM audit WHERE number = 3`: {4, 4},
	} {
		path, head := tampered(t, statements)
		for i, kept := range []audit.Head{{}, head} {
			v := audit.NewVerifier(kept)
			err := sqlite.ReadAudit(t.Context(), path, v.Next)
			if err == nil {
				_, err = v.End()
			}
			var broken audit.Broken
			if errors.As(err, &broken) != (want[i] != 0) || broken.Number != want[i] {
				t.Errorf("%s, head %v: %v; want row %d", statements, kept, err, want[i])
			}
		}
	}
}

// TestReadAudit reads while a server writes, and leaves a file alone that is not ours.
func TestReadAudit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?#%.db")
	s := open(t, path)
	err := s.Update(t.Context(), func(tx store.Tx) error {
		return tx.Audit(t.Context(), store.AuditEntry{At: time.Now(), Kind: "decided", Event: 1})
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	if err := sqlite.ReadAudit(t.Context(), path, func(audit.Row) error { rows++; return nil }); err != nil || rows != 1 {
		t.Errorf("%d rows, %v", rows, err)
	}
	before := old(t, 7)
	if err := sqlite.ReadAudit(t.Context(), before, nil); err == nil || !strings.Contains(err.Error(), "has no audit log with hashes") {
		t.Errorf("of an earlier release: %v", err)
	}
	missing := filepath.Join(t.TempDir(), "none.db")
	if err := sqlite.ReadAudit(t.Context(), missing, nil); err == nil {
		t.Error("a file that is not there is read")
	}
}
