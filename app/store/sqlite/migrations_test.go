package sqlite_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// old makes a database as it was when it had the first migrations only.
func old(t *testing.T, version int, rows ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.db")
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) <= version {
		t.Fatalf("%d migrations, %v", len(files), err)
	}
	slices.Sort(files)
	statements := make([]string, 0, version+len(rows)+1)
	for _, f := range files[:version] {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		statements = append(statements, string(text))
	}
	for _, s := range append(append(statements, rows...), fmt.Sprintf("PRAGMA user_version = %d", version)) {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return path
}

// TestMigrations opens databases of earlier releases and looks for what was in them.
func TestMigrations(t *testing.T) {
	execution := func(id int, state string) string {
		return fmt.Sprintf(`INSERT INTO executions (id, repository_id, pipeline, number, lane, commit_sha, installation, delivery, token, active, version, definition, state)
			VALUES (%d, 42, 'release', %d, 'refs/heads/main', 'c%d', 5, %d, 't%d', 0, 1, '{}', '%s')`, id, id, id, id, id, state)
	}
	claims := make([]string, 0, 4)
	for _, n := range []int{7, 9, 8, 12} {
		claims = append(claims, fmt.Sprintf(`{"Execution":"%d","Number":%d,"Stage":"production","Mode":"queued"}`, n, n))
	}
	lock := `INSERT INTO locks (repository_id, pipeline, lane, stage, state) VALUES (42, 'release', 'refs/heads/main', 'production',
		'{"Holder":{"Execution":"6","Number":6},"Newest":6,"Waiters":[` + strings.Join(claims, ",") + `]}')`
	rows := []string{execution(1, `{"Repository":"octo/shop","Status":"failed","Stages":[{"Name":"build","Status":"succeeded"},{"Name":"production","Status":"failed"}]}`), lock}
	for version := 1; version <= 6; version++ {
		have := rows
		if version >= 3 {
			have = append(slices.Clone(rows), `UPDATE executions SET repository = 'octo/shop', status = 'failed'`)
		}
		if version >= 6 {
			have = append(have, `INSERT INTO passes (execution, stage) VALUES (1, 'build')`)
		}
		s := open(t, old(t, version, have...))
		err := s.Update(t.Context(), func(tx store.Tx) error {
			for _, f := range []store.Filter{{Repository: "Octo/Shop"}, {Status: pipeline.Failed}, {SucceededIn: "build"}} {
				if found, err := tx.Find(t.Context(), f); err != nil || len(found) != 1 {
					t.Errorf("from version %d, %+v finds %d, %v", version, f, len(found), err)
				}
			}
			if found, err := tx.Find(t.Context(), store.Filter{SucceededIn: "production"}); err != nil || len(found) != 0 {
				t.Errorf("from version %d: %d succeeded in production, %v", version, len(found), err)
			}
			key := pipeline.LockKey{Repository: 42, Pipeline: "release", Lane: "refs/heads/main", Stage: "production"}
			lock, err := tx.Lock(t.Context(), key, "8")
			if err != nil || lock.Holder.Execution != "6" || len(lock.Waiters)+lock.Others != 4 || lock.Waiters[0].Number != 7 || lock.Waiters[2].Number != 8 {
				t.Errorf("from version %d, the lock is %+v, %v", version, lock, err)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestEnvironmentsOfEarlierReleases finds what holds an environment by its name in small
// letters.
func TestEnvironmentsOfEarlierReleases(t *testing.T) {
	s := open(t, old(t, 14,
		`INSERT INTO locks (repository_id, pipeline, lane, stage, waiting, state) VALUES (42, '', '', 'Production', 1, '{"Holder":{"Execution":"6","Number":6},"Newest":6}')`,
		`INSERT INTO waiters (repository_id, pipeline, lane, stage, seq, execution, number, superseding, claim)
			VALUES (42, '', '', 'Production', 1, '7', 7, 0, '{"Execution":"7","Number":7,"Stage":"production","Mode":"queued"}')`,
	))
	err := s.View(t.Context(), func(tx store.Tx) error {
		lock, err := tx.Lock(t.Context(), pipeline.LockKey{Repository: 42, Stage: "production"}, "7")
		if err != nil || lock.Holder.Execution != "6" || len(lock.Waiters) != 1 {
			t.Errorf("the lock is %+v, %v", lock, err)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
