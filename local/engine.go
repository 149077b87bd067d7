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

// sweep removes what a run that was not waited for left behind.
func sweep(ctx context.Context, e runner.Engine, id string) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer stop()
	return runner.Sweep(ctx, e, id)
}
