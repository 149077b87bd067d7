package local

import (
	"fmt"
	"sync"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// door is where approvals of a local run are given.
const door = "command line"

// machine holds one execution and its locks in memory and carries out what they
// ask for: the work of the app's store, with nothing that lasts.
type machine struct {
	mu    sync.Mutex
	x     pipeline.Execution
	locks map[pipeline.LockKey]pipeline.Lock
	// What carries jobs on, answers approvals and tells of every change. All
	// are called under mu.
	answer  func(pipeline.JobID, time.Time) (pipeline.Result, bool) // instead of begin
	begin   func(pipeline.Job)
	stop    func(pipeline.JobID) bool // false: it was never begun
	decide  func(pipeline.AwaitExpiry, time.Time) []pipeline.Event
	change  func(pipeline.Execution)
	ended   chan struct{} // closed when the execution has
	isEnded bool
}

// apply gives an event to the execution, and what follows from it to the locks
// and back, until nothing is left.
func (m *machine) apply(e pipeline.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	events := []pipeline.Event{e}
	for i := 0; i < len(events); i++ {
		next, effects, err := m.x.Apply(events[i])
		if err != nil {
			return fmt.Errorf("apply %s: %w", events[i].Kind(), err)
		}
		m.x = next
		for _, effect := range effects {
			events = append(events, m.carry(effect, e.When())...)
		}
	}
	m.change(m.x)
	if m.x.Status.Ended() && !m.isEnded {
		m.isEnded = true
		close(m.ended)
	}
	return nil
}

// carry does what an execution asks for and returns what follows at once.
// FetchSource is not looked at: the source is packed anyway.
func (m *machine) carry(effect pipeline.Effect, at time.Time) []pipeline.Event {
	switch e := effect.(type) {
	case pipeline.TellLock:
		lock, answers := m.locks[e.Key].Apply(e.Event)
		m.locks[e.Key] = lock
		if len(answers) > 0 {
			return []pipeline.Event{pipeline.Entered{At: at, Stage: answers[0].Stage, Environment: e.Key.OfEnvironment()}}
		}
	case pipeline.StartJob:
		if r, ok := m.answer(e.Job.ID, at); ok {
			return []pipeline.Event{pipeline.JobFinished{At: at, Job: e.Job.ID, Result: r}}
		}
		m.begin(e.Job)
	case pipeline.StopJob:
		if !m.stop(e.Job) {
			never := pipeline.Result{Status: pipeline.Cancelled, FinishedAt: at}
			return []pipeline.Event{pipeline.JobFinished{At: at, Job: e.Job, Result: never}}
		}
	case pipeline.AwaitExpiry: // comes with each approval that is asked for
		return m.decide(e, at)
	}
	return nil
}

// now returns where the execution stands.
func (m *machine) now() pipeline.Execution {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.x
}
