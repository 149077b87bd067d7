package local

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/stagegate/stagegate/runner"
)

// NoEngine is the error of a run on a machine whose engine does not answer.
type NoEngine struct{ Cause error }

func (n NoEngine) Error() string {
	return "Docker Engine does not answer, and actions run in its containers: start it, or set DOCKER_HOST to where it is (" + n.Cause.Error() + ")"
}

// Unwrap returns what the engine's client said.
func (n NoEngine) Unwrap() error { return n.Cause }

// surveyed is an engine whose first survey is under way before anybody asks for
// it: a runner begins with one, and would wait for an engine that is away.
type surveyed struct {
	runner.Engine
	first func() ([]runner.Found, error)
	taken sync.Once
}

func survey(ctx context.Context, e runner.Engine, id string) *surveyed {
	type answer struct {
		found []runner.Found
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		found, err := e.Containers(ctx, id)
		answered <- answer{found, err}
	}()
	wait := sync.OnceValue(func() answer { return <-answered })
	return &surveyed{Engine: e, first: func() ([]runner.Found, error) {
		a := wait()
		return a.found, a.err
	}}
}

// found waits for the engine's first answer.
func (s *surveyed) found(ctx context.Context) error {
	_, err := s.first()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, runner.ErrUnavailable):
		return NoEngine{err}
	}
	return err
}

// Containers gives the first answer once.
func (s *surveyed) Containers(ctx context.Context, id string) (found []runner.Found, err error) {
	fresh := true
	s.taken.Do(func() { found, err = s.first(); fresh = false })
	if fresh {
		return s.Engine.Containers(ctx, id)
	}
	return found, err
}

// reserve announces the run's containers to the engine, once that has told what
// an earlier run left. What it returns is to be called at the end.
func (r *run) reserve(ctx context.Context, e *surveyed, id string) func(context.Context) error {
	if r.Keep { // containers that are kept would lose what is reserved for them
		return func(context.Context) error { return nil }
	}
	begun := make(chan func(context.Context) error, 1)
	go func() {
		if e.found(ctx) != nil {
			begun <- func(context.Context) error { return nil }
			return
		}
		containers, together := r.crowd()
		begun <- e.Reserve(ctx, runner.Reservation{
			Runner: id, Execution: r.execution(), Containers: containers, Together: together, Dir: r.home.join("tmp"),
		})
	}()
	return func(ctx context.Context) error {
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer stop()
		return (<-begun)(ctx)
	}
}

// crowd counts the containers of the run, and those that surely run at once.
func (r *run) crowd() (containers, together int) {
	first := map[string]int{} // by stage
	for p, a := range everyAction(r.definition) {
		if a.Approval != nil || !r.chosen.has(p) {
			continue
		}
		containers++
		if len(a.Needs) == 0 {
			first[p.Stage]++
			together = max(together, first[p.Stage])
		}
	}
	return containers, min(together, max(r.Parallel, 1))
}

// sweep removes what a run that was not waited for left behind.
func sweep(ctx context.Context, e runner.Engine, id string) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer stop()
	return runner.Sweep(ctx, e, id)
}
