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
	note    func(string)
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
		events = append(events, m.goOn(e.When())...)
	}
	m.change(m.x)
	if m.x.Status.Ended() && !m.isEnded {
		m.isEnded = true
		close(m.ended)
	}
	return nil
}

// goOn lets a stage begin whose rules would have it wait: who runs a pipeline on their
// machine waits for no window.
func (m *machine) goOn(at time.Time) []pipeline.Event {
	for _, st := range m.x.Stages {
		if st.Hold.For == pipeline.HoldRules {
			m.note("stage " + st.Name + " goes on here, though " + st.Reason)
			return []pipeline.Event{pipeline.Override{At: at, Actor: m.x.Actor, Reason: "a run on this machine does not wait", Stage: st.Name}}
		}
	}
	return nil
}

// wake applies Due when its time has come.
func (m *machine) wake(e pipeline.AwaitDue) {
	time.AfterFunc(time.Until(e.At), func() {
		if err := m.apply(pipeline.Due(e)); err != nil {
			m.note(err.Error())
		}
	})
}

// carry does what an execution asks for and returns what follows at once.
// FetchSource is not looked at: the source is packed anyway.
func (m *machine) carry(effect pipeline.Effect, at time.Time) []pipeline.Event {
	switch e := effect.(type) {
	case pipeline.TellLock:
		lock, answers := m.locks[e.Key].Apply(e.Event)
		m.locks[e.Key] = lock
		var events []pipeline.Event
		for _, a := range answers {
			events = append(events, a.Event(at, e.Key))
		}
		return events
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
	case pipeline.AwaitDue:
		m.wake(e)
	case pipeline.AskTrust:
		here := pipeline.Trust{Environment: e.Environment, Trusted: true}
		return []pipeline.Event{pipeline.Trusted{At: at, Stage: e.Stage, Trust: here}}
	case pipeline.RollBack:
		return []pipeline.Event{pipeline.RolledBack{At: at, Stage: e.Stage, Why: "a run on this machine has nothing to go back to"}}
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
