package docker

import (
	"context"
	"errors"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"

	"github.com/stagegate/stagegate/runner"
)

// exit is a wait for the container's next end.
type exit struct {
	done   <-chan container.WaitResponse
	failed <-chan error
	life   <-chan events.Message // the start and the end; nil: not told
}

func (e *Engine) expect(ctx context.Context, id string, when container.WaitCondition) exit {
	done, failed := e.api.ContainerWait(ctx, id, when)
	return exit{done: done, failed: failed}
}

// life tells of a container's start and end until ctx ends. That it does is
// not sure: an engine may be too busy to pass on an event.
func (e *Engine) life(ctx context.Context, id string) <-chan events.Message {
	messages, _ := e.api.Events(ctx, events.ListOptions{Filters: filters.NewArgs(
		filters.Arg("type", string(events.ContainerEventType)),
		filters.Arg("container", id),
		filters.Arg("event", string(events.ActionStart)),
		filters.Arg("event", string(events.ActionDie)),
	)})
	return messages
}

// wait returns once the engine has answered, one way or the other. It must be
// called for every exit: the client holds on to the answer until then. A state
// that is not nil is all there is to know of a container that ended well. Its
// processes are gone when the engine says that it died; only the answer waits
// until its network is taken down, 40 ms and more. Of any other end a look at
// the container tells more.
func (x exit) wait() (*runner.State, error) {
	state := runner.State{Phase: runner.Ended}
	for {
		select {
		case m := <-x.life:
			well := m.Action == events.ActionDie && m.Actor.Attributes["exitCode"] == "0"
			switch {
			case m.Action == events.ActionStart:
				state.StartedAt = time.Unix(0, m.TimeNano)
			case well && !state.StartedAt.IsZero():
				state.FinishedAt = time.Unix(0, m.TimeNano)
				go x.discard()
				return &state, nil
			}
		case r := <-x.done:
			if r.Error != nil {
				return nil, errors.New(r.Error.Message)
			}
			return nil, nil
		case err := <-x.failed:
			return nil, err
		}
	}
}

// discard takes the answer that nobody waits for. It comes when the context of
// the exit ends, if not before.
func (x exit) discard() {
	select {
	case <-x.done:
	case <-x.failed: //nolint:errcheck // nobody waits for it
	}
}
