// Package sqlite keeps the state in one SQLite file: one connection that
// writes, a pool that reads, and River's tables beside ours. It is the only
// importer of go-sqlite3 and knows nothing of the other adapters.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/stagegate/stagegate/app/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is a SQLite file. Create it with Open.
type Store struct {
	write  *sql.DB // one connection
	read   *sql.DB
	insert *river.Client[*sql.Tx] // only inserts
	woken  chan string            // queues with work that may start at once
}

var _ store.Store = (*Store)(nil)

// Open opens the file, makes it when it is missing and brings its schema up to
// date. Pragmas stand in the connection string, since a pragma sent through a
// pool reaches one connection only.
func Open(ctx context.Context, path string) (*Store, error) {
	s := &Store{woken: make(chan string, 64)}
	var err error
	if s.write, err = open(path, url.Values{"_txlock": {"immediate"}}, 1); err != nil {
		return nil, err
	}
	if s.read, err = open(path, url.Values{"_query_only": {"on"}}, 2*runtime.NumCPU()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare %s: %w", path, err), s.Close())
	}
	return s, nil
}

func open(path string, extra url.Values, connections int) (*sql.DB, error) {
	pragmas := url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_foreign_keys": {"on"}, "_busy_timeout": {"10000"},
	}
	for k, v := range extra {
		pragmas[k] = v
	}
	db, err := sql.Open("sqlite3", address(path, pragmas))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

func address(path string, options url.Values) string {
	return (&url.URL{Scheme: "file", Opaque: escape(path), RawQuery: options.Encode()}).String()
}

// escape keeps the characters of a path that a URI would read as its own.
func escape(path string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}

// Close closes the file.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

func (s *Store) prepare(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return err
	}
	driver := quietDriver{riversqlite.New(s.write)}
	migrator, err := rivermigrate.New(driver, nil)
	if err != nil {
		return fmt.Errorf("make the queue's migrator: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate the queue: %w", err)
	}
	if s.insert, err = river.NewClient(driver, &river.Config{}); err != nil {
		return fmt.Errorf("make the queue: %w", err)
	}
	return nil
}

// afterwards is what a migration does that SQL cannot, after its file.
var afterwards = map[string]func(context.Context, *sql.Tx) error{
	"migrations/0008_audit_chain.sql": chainAudit,
}

// migrate runs the embedded files that have not run yet, in the order of their
// names. The number of those that have is the file's user_version.
func (s *Store) migrate(ctx context.Context) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return fmt.Errorf("list migrations: %w", err)
	}
	slices.Sort(names)
	return s.Update(ctx, func(t store.Tx) error {
		tx := t.(*transaction).tx
		var done int
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&done); err != nil {
			return fmt.Errorf("read schema version: %w", err)
		}
		if done > len(names) {
			return fmt.Errorf("the schema is at version %d and this program knows %d: use a newer release", done, len(names))
		}
		for _, name := range names[done:] {
			text, err := migrations.ReadFile(name)
			if err != nil {
				return fmt.Errorf("read %s: %w", name, err)
			}
			_, err = tx.ExecContext(ctx, string(text))
			if then, more := afterwards[name]; err == nil && more {
				err = then(ctx, tx)
			}
			if err != nil {
				return fmt.Errorf("run %s: %w", name, err)
			}
		}
		_, err := tx.ExecContext(ctx, "PRAGMA user_version = "+strconv.Itoa(len(names)))
		return err
	})
}

// Update runs one write transaction.
func (s *Store) Update(ctx context.Context, do func(store.Tx) error) error {
	var queues []string
	err := s.in(ctx, s.write, func(t *transaction) error {
		err := do(t)
		queues = t.queues
		return err
	})
	if err == nil {
		s.wake(queues)
	}
	return err
}

// View runs one read transaction. Whatever it tries to write is an error.
func (s *Store) View(ctx context.Context, do func(store.Tx) error) error {
	return s.in(ctx, s.read, func(t *transaction) error { return do(t) })
}

func (s *Store) in(ctx context.Context, db *sql.DB, do func(*transaction) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // after a commit there is nothing to roll back
	if err := do(&transaction{tx: tx, queue: s.insert}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// transaction implements store.Tx.
type transaction struct {
	tx     *sql.Tx
	queue  *river.Client[*sql.Tx]
	queues []string // with work that may start at the commit
}

var _ store.Tx = (*transaction)(nil)

func (t *transaction) Enqueue(ctx context.Context, work river.JobArgs, at time.Time) error {
	res, err := t.queue.InsertTx(ctx, t.tx, work, &river.InsertOpts{ScheduledAt: at})
	if err != nil {
		return fmt.Errorf("enqueue %s: %w", work.Kind(), err)
	}
	if at.IsZero() {
		t.queues = append(t.queues, res.Job.Queue)
	}
	return nil
}

// Times are kept as milliseconds since 1970; zero is the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// missing turns SQL's word for nothing into the port's.
func missing(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	return err
}
