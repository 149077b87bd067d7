package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"

	"github.com/stagegate/stagegate/app/store"
)

// Queue makes the work queue. This is the only process on the file, so work
// that a killed process had begun is put back at once.
func (s *Store) Queue(config *river.Config) (store.Queue, error) {
	c := *config
	c.Middleware = append(c.Middleware[:len(c.Middleware):len(c.Middleware)], &wakeMiddleware{})
	never := river.WorkFunc(func(context.Context, *river.Job[wake]) error { return nil })
	if err := river.AddWorkerSafely(c.Workers, never); err != nil {
		return nil, fmt.Errorf("make the queue: %w", err)
	}
	client, err := river.NewClient(quietDriver{riversqlite.New(s.write)}, &c)
	if err != nil {
		return nil, fmt.Errorf("make the queue: %w", err)
	}
	return &queue{client: client, store: s}, nil
}

// quietDriver keeps River from its own notifications on SQLite, which are one
// more table to poll: this is one process, and wake tells it.
type quietDriver struct{ *riversqlite.Driver }

// SupportsListener makes River tell its producers of an Insert itself.
func (quietDriver) SupportsListener() bool { return false }

// SupportsListenNotify is false for the same reason.
func (quietDriver) SupportsListenNotify() bool { return false }

type queue struct {
	client *river.Client[*sql.Tx]
	store  *Store
	stop   context.CancelFunc
	waking sync.WaitGroup
}

func (q *queue) Start(ctx context.Context) error {
	const putBack = `UPDATE river_job SET state = 'available', attempt = max(attempt - 1, 0) WHERE state = 'running'`
	if _, err := q.store.write.ExecContext(ctx, putBack); err != nil {
		return fmt.Errorf("put interrupted work back: %w", err)
	}
	if err := q.client.Start(ctx); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	ctx, q.stop = context.WithCancel(ctx)
	q.waking.Go(func() { q.wake(ctx) })
	return nil
}

func (q *queue) Stop(ctx context.Context) error {
	if q.stop == nil {
		return errors.New("stop the queue: it was not started")
	}
	q.stop()
	q.waking.Wait()
	return q.client.Stop(ctx)
}

// wake makes River look for work right after the commit that left it. River
// looks by itself only every poll interval, unless work comes by its own
// Insert, outside a transaction; on SQLite a short interval costs a tenth of
// a core. So we insert something that a middleware never lets reach the table.
func (q *queue) wake(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case name := <-q.store.woken:
			// Stored times have milliseconds: what is due now may look not
			// yet due to a fetch that follows at once.
			time.Sleep(2 * time.Millisecond)
			// An error costs only time: River looks again by itself.
			_, _ = q.client.Insert(ctx, wake{}, &river.InsertOpts{Queue: name})
		}
	}
}

// wake notes queues to look at; when nobody listens it drops them.
func (s *Store) wake(queues []string) {
	for _, name := range queues {
		select {
		case s.woken <- name:
		default:
		}
	}
}

// wake is the work that never is.
type wake struct{}

// Kind names it to River.
func (wake) Kind() string { return "wake" }

// wakeMiddleware answers for the insert of a wake without doing it.
type wakeMiddleware struct{ river.MiddlewareDefaults }

// InsertMany lets everything but a wake through.
func (*wakeMiddleware) InsertMany(ctx context.Context, params []*rivertype.JobInsertParams, next func(context.Context) ([]*rivertype.JobInsertResult, error)) ([]*rivertype.JobInsertResult, error) {
	if len(params) == 1 && params[0].Kind == (wake{}).Kind() {
		return []*rivertype.JobInsertResult{{Job: &rivertype.JobRow{Queue: params[0].Queue}}}, nil
	}
	return next(ctx)
}
