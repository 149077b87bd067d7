package local

import (
	"fmt"
	"sync"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// machine holds one execution and its locks in memory and carries out what they
// ask for: the work of the app's store, with nothing that lasts.
type machine struct {
	mu    sync.Mutex
	x     pipeline.Execution
	locks map[pipeline.LockKey]pipeline.Lock
	// begun and stopped carry jobs on, change tells of every change, and
	// waiting of approvals. All are called under mu.
	begin   func(pipeline.Job) *pipeline.Result // not nil: the job is done already
	stop    func(pipeline.JobID) bool           // false: it was never begun
	change  func(pipeline.Execution)
	expiry  []*time.Timer
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
		for _, t := range m.expiry {
			t.Stop()
		}
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
			return []pipeline.Event{pipeline.Entered{At: at, Stage: e.Key.Stage}}
		}
	case pipeline.StartJob:
		if done := m.begin(e.Job); done != nil {
			return []pipeline.Event{pipeline.JobFinished{At: at, Job: e.Job.ID, Result: *done}}
		}
	case pipeline.StopJob:
		if !m.stop(e.Job) {
			never := pipeline.Result{Status: pipeline.Cancelled, FinishedAt: at}
			return []pipeline.Event{pipeline.JobFinished{At: at, Job: e.Job, Result: never}}
		}
	case pipeline.AwaitExpiry:
		m.expiry = append(m.expiry, time.AfterFunc(time.Until(e.At), func() {
			_ = m.apply(pipeline.ApprovalExpired{At: time.Now(), Job: e.Job}) // refused when it was answered
		}))
	}
	return nil
}

// now returns where the execution stands.
func (m *machine) now() pipeline.Execution {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.x
}
