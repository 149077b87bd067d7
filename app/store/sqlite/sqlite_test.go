package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/app/store/sqlite"
	"github.com/stagegate/stagegate/app/store/storetest"
	"github.com/stagegate/stagegate/internal/pipeline"
)

func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, filepath.Join(t.TempDir(), "a b?#%.db")) })
}

func TestOpenTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	first := open(t, path)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestNewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "newer release") {
		t.Errorf("error %v", err)
	}
}

func TestAuditIsAppendOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	err := s.Update(t.Context(), func(tx store.Tx) error {
		return tx.Audit(t.Context(), store.AuditEntry{At: time.Now(), Execution: "1", Kind: string(pipeline.KindCancel), Actor: "bob", Event: pipeline.Cancel{Actor: "bob"}})
	})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const again = `INSERT OR REPLACE INTO audit SELECT number, at, repository, execution, kind, 'eve', door, event, hash FROM audit`
	for _, statement := range []string{"UPDATE audit SET actor = 'eve'", "DELETE FROM audit", again, strings.Replace(again, "SELECT number", "SELECT number + 2", 1)} {
		if _, err := db.ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// TestTransitionsAreAudited asks that who closed a way, and who opened it, is kept.
func TestTransitionsAreAudited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	tr := pipeline.Transition{Repository: 42, Pipeline: "ci", Stage: "build", Actor: "ann", Reason: "stock-taking", At: time.Now()}
	err := s.Update(t.Context(), func(tx store.Tx) error {
		return errors.Join(store.Disable(t.Context(), tx, tr, "api"), store.Enable(t.Context(), tx, tr, time.Now(), "bob", "api"))
	})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var got string
	const read = `SELECT group_concat(kind || ' ' || actor || ' ' || (event ->> '$.Stage') || ' ' || (event ->> '$.Reason'), ', ') FROM (SELECT * FROM audit ORDER BY number)`
	if err := db.QueryRowContext(t.Context(), read).Scan(&got); err != nil || got != "disabled ann build stock-taking, enabled bob build stock-taking" {
		t.Errorf("the audit log has %q, %v", got, err)
	}
}

// TestInterruptedWorkGoesOn kills the queue in the middle of a job, as a crash
// does, and starts another on the same file.
func TestInterruptedWorkGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	begun, release := make(chan struct{}), make(chan struct{})
	hang := startQueue(t, s, func(context.Context) error { close(begun); <-release; return errors.New("killed") })
	err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Enqueue(t.Context(), store.Report{Execution: "1"}, time.Time{}) })
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	again := make(chan struct{})
	second := open(t, path)
	q := startQueue(t, second, func(context.Context) error { close(again); return nil })
	select {
	case <-again:
	case <-time.After(20 * time.Second):
		t.Error("the interrupted job did not run again")
	}
	close(release)
	for _, q := range []store.Queue{q, hang} {
		if err := q.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestCommitWakesTheQueue polls only once a minute: what is committed must be
// found without it, every time.
func TestCommitWakesTheQueue(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	worked := make(chan struct{})
	q := startQueue(t, s, func(context.Context) error { worked <- struct{}{}; return nil })
	for i := range 5 {
		err := s.Update(t.Context(), func(tx store.Tx) error {
			return tx.Enqueue(t.Context(), store.Report{Execution: "1", Version: i}, time.Time{})
		})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-worked:
		case <-time.After(20 * time.Second):
			t.Fatalf("work %d was not found", i)
		}
	}
	if err := q.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func startQueue(t *testing.T, s store.Store, do func(context.Context) error) store.Queue {
	t.Helper()
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, _ *river.Job[store.Report]) error { return do(ctx) }))
	q, err := s.Queue(&river.Config{
		Workers: workers, Queues: map[string]river.QueueConfig{store.QueueReport: {MaxWorkers: 1}},
		FetchPollInterval: time.Minute, FetchCooldown: 10 * time.Millisecond, PollOnly: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	return q
}
