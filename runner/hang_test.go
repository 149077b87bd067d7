package runner_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// hangingEngine accepts what it is asked and does not answer while it hangs.
type hangingEngine struct {
	*fakeEngine
	hangs atomic.Bool
}

func (e *hangingEngine) Containers(ctx context.Context, id string) ([]runner.Found, error) {
	for e.hangs.Load() {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Second):
		}
	}
	return e.fakeEngine.Containers(ctx, id)
}

func TestEngineHangsForAWhile(t *testing.T) {
	inBubble(t, func(w *world) {
		e := &hangingEngine{fakeEngine: w.engine}
		w.config.Engine = e
		stop := w.run()
		w.jobs.queue <- job("a", "print one\nsleep 3m\nprint two")
		time.Sleep(time.Second)
		e.hangs.Store(true)
		time.Sleep(100 * time.Second)
		e.hangs.Store(false)
		w.want(pipeline.Succeeded, "")
		if got := w.files.text(); got != "s pulling golang:1\no one\no two\n" || w.files.opens < 2 {
			t.Errorf("%q after %d readings", got, w.files.opens)
		}
		stop()
		if w.engine.started() != 1 || w.engine.count() != 0 {
			t.Errorf("started %d times, %d left", w.engine.started(), w.engine.count())
		}
	})
}

func TestEngineHangsForGood(t *testing.T) {
	inBubble(t, func(w *world) {
		e := &hangingEngine{fakeEngine: w.engine}
		w.config.Engine = e
		stop := w.run()
		w.jobs.queue <- job("a", "sleep 1h")
		time.Sleep(time.Second)
		began := time.Now()
		e.hangs.Store(true)
		w.want(pipeline.Errored, "Docker Engine was lost")
		if d := time.Since(began); d > 5*time.Minute || w.jobs.renewals < 10 {
			t.Errorf("lost after %s and %d renewals", d, w.jobs.renewals)
		}
		e.hangs.Store(false)
		stop()
	})
}
