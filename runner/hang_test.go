package runner_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// hangingEngine accepts what it is asked and does not answer while it hangs.
type hangingEngine struct {
	*fakeEngine
	mu    sync.Mutex
	at    string        // the call with which it begins to hang
	after time.Duration // how long it then does
	end   chan struct{} // nil: it does not hang; closed: no more
}

func (e *hangingEngine) hang(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	end := make(chan struct{})
	e.end = end
	time.AfterFunc(d, func() { close(end) })
}

// answer waits until the engine answers a call, or nobody waits any more.
func (e *hangingEngine) answer(ctx context.Context, call string) error {
	e.mu.Lock()
	begins := e.at == call
	if begins {
		e.at = ""
	}
	e.mu.Unlock()
	if begins {
		e.hang(e.after)
	}
	e.mu.Lock()
	end := e.end
	e.mu.Unlock()
	if end == nil {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-end:
		return nil
	}
}

func (e *hangingEngine) Containers(ctx context.Context, id string) ([]runner.Found, error) {
	if err := e.answer(ctx, "list"); err != nil {
		return nil, err
	}
	found, err := e.fakeEngine.Containers(ctx, id)
	for i := range found {
		found[i].Container = &hangingContainer{found[i].Container, e}
	}
	return found, err
}

func (e *hangingEngine) Image(ctx context.Context, name string, login runner.LoginOf, say func(string)) (runner.Image, error) {
	if err := e.answer(ctx, "image"); err != nil {
		return runner.Image{}, err
	}
	return e.fakeEngine.Image(ctx, name, login, say)
}

// Create makes the container, whether or not it tells so.
func (e *hangingEngine) Create(ctx context.Context, s runner.Spec) (runner.Container, error) {
	c, err := e.fakeEngine.Create(ctx, s)
	if err == nil {
		err = e.answer(ctx, "create")
	}
	return &hangingContainer{c, e}, err
}

type hangingContainer struct {
	runner.Container
	engine *hangingEngine
}

func (c *hangingContainer) Put(ctx context.Context, tar io.Reader) error {
	if err := c.engine.answer(ctx, "put"); err != nil {
		return err
	}
	return c.Container.Put(ctx, tar)
}

// Start starts the container, whether or not it tells so; at "late start" only
// a while after it answers other calls again.
func (c *hangingContainer) Start(ctx context.Context) (runner.Output, time.Time, error) {
	if err := c.engine.answer(ctx, "late start"); err != nil {
		time.AfterFunc(15*time.Second, func() { _, _, _ = c.Container.Start(context.WithoutCancel(ctx)) })
		return nil, time.Time{}, err
	}
	out, at, err := c.Container.Start(ctx)
	if herr := c.engine.answer(ctx, "start"); err == nil && herr != nil {
		return nil, time.Time{}, herr
	}
	return out, at, err
}

func (c *hangingContainer) Get(ctx context.Context, path string) (io.ReadCloser, error) {
	if err := c.engine.answer(ctx, "get"); err != nil {
		return nil, err
	}
	return c.Container.Get(ctx, path)
}

func TestEngineHangsForAWhile(t *testing.T) {
	inBubble(t, func(w *world) {
		e := &hangingEngine{fakeEngine: w.engine}
		w.config.Engine = e
		stop := w.run()
		w.jobs.queue <- job("a", "print one\nsleep 3m\nprint two")
		time.Sleep(time.Second)
		e.hang(100 * time.Second)
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
		e.hang(2 * time.Hour)
		w.want(pipeline.Errored, "Docker Engine was lost")
		if d := time.Since(began); d > 5*time.Minute || w.jobs.renewals < 10 {
			t.Errorf("lost after %s and %d renewals", d, w.jobs.renewals)
		}
		time.Sleep(3 * time.Hour)
		stop()
		if w.engine.count() != 0 {
			t.Error("the container is left")
		}
	})
}

// Whatever call the engine hangs at, for less than it takes to be lost, the job
// is taken up again; for more, it ends. Nothing is started twice or left.
func TestEngineHangsAtAnyCall(t *testing.T) {
	for _, call := range []string{"image", "create", "put", "start", "get"} {
		for d, want := range map[time.Duration]pipeline.Status{2 * time.Minute: pipeline.Succeeded, time.Hour: pipeline.Errored} {
			t.Run(fmt.Sprint(call, d), func(t *testing.T) {
				inBubble(t, func(w *world) {
					w.config.Engine = &hangingEngine{fakeEngine: w.engine, at: call, after: d}
					stop := w.run()
					began := time.Now()
					j := job("a", "print one\noutput k=v\nmake shop")
					j.Artifacts = []pipeline.Output{{Name: "shop", Path: "shop"}}
					w.jobs.queue <- j
					r := <-w.jobs.results
					if r.Status != want || want == pipeline.Errored && r.Reason != "Docker Engine was lost" {
						t.Errorf("%s: %s", r.Status, r.Reason)
					}
					if took := time.Since(began); took > 8*time.Minute {
						t.Errorf("took %s", took)
					}
					time.Sleep(2 * time.Hour)
					stop()
					if n := w.engine.started(); n > 1 || w.engine.count() != 0 || len(w.jobs.results) > 0 {
						t.Errorf("started %d times, %d left, %d more results", n, w.engine.count(), len(w.jobs.results))
					}
				})
			})
		}
	}
}

// A start that was given up may still be under way when the engine answers
// again: the container is waited for, for a second one would be too many.
func TestStartComesLate(t *testing.T) {
	inBubble(t, func(w *world) {
		w.config.Engine = &hangingEngine{fakeEngine: w.engine, at: "late start", after: 3*time.Minute + 10*time.Second}
		stop := w.run()
		w.jobs.queue <- job("a", "print one\nsleep 1s\noutput k=v")
		w.want(pipeline.Succeeded, "")
		if got := w.files.text(); got != "s pulling golang:1\no one\n" {
			t.Errorf("%q", got)
		}
		time.Sleep(time.Hour)
		stop()
		if w.engine.started() != 1 || w.engine.count() != 0 {
			t.Errorf("started %d times, %d left", w.engine.started(), w.engine.count())
		}
	})
}

// A job that is cancelled while the engine does not tell whether it made the
// container leaves none.
func TestCancelWhileCreateHangs(t *testing.T) {
	inBubble(t, func(w *world) {
		w.config.Engine = &hangingEngine{fakeEngine: w.engine, at: "create", after: 10 * time.Minute}
		stop := w.run()
		j := job("a", "print one")
		w.jobs.queue <- j
		time.Sleep(time.Second)
		w.jobs.order(j)
		w.want(pipeline.Cancelled, "cancelled")
		time.Sleep(time.Hour)
		stop()
		if w.engine.started() != 0 || w.engine.count() != 0 {
			t.Errorf("started %d times, %d left", w.engine.started(), w.engine.count())
		}
	})
}
