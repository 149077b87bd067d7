package pipeline

import (
	"slices"
	"time"
)

func (m *move) stop(e Stop) {
	m.Reason, m.Abandoned = e.Reason, e.Abandon
	under := func(st StageState) bool { return st.Status == InProgress || st.Status == Stopping }
	if i := slices.IndexFunc(m.Stages, under); i >= 0 {
		m.Status, m.Stages[i].Status, m.Stages[i].Reason = Stopping, Stopping, e.Reason
		m.stopActions(i, e.Abandon)
		m.advance(i)
		return
	}
	i := max(0, m.waiting())
	if m.Stages[i].Status == Waiting {
		m.leave(i)
	}
	m.stopAt(i)
}

// stopAt ends the execution in front of a stage, which a retry can enter.
func (m *move) stopAt(i int) {
	st := &m.Stages[i]
	st.Status, st.EndedAt, st.Reason = Stopped, m.now, m.Reason
	m.end(Stopped, m.Reason)
}

func (m *move) cancel(e Cancel) {
	m.Reason = e.Reason
	for i := range m.Stages {
		switch st := &m.Stages[i]; st.Status {
		case Waiting:
			m.leave(i)
			st.Status, st.EndedAt, st.Reason = Cancelled, m.now, e.Reason
		case InProgress, Stopping:
			st.Status, st.Reason = Cancelling, e.Reason
			m.Status = Cancelling
			m.stopActions(i, true)
			m.advance(i)
			return
		default:
		}
	}
	m.end(Cancelled, e.Reason)
}

// stopActions voids what only waits, and tells the jobs of the stage to stop: all
// of them, or those that no runner has begun.
func (m *move) stopActions(i int, kill bool) {
	st := m.own(i)
	for j := range st.Actions {
		switch a := &st.Actions[j]; a.Status {
		case Pending, Waiting:
			m.finish(a, Cancelled, "")
		case Queued, InProgress:
			if kill || a.Status == Queued {
				a.Status = Cancelling
				m.emit(StopJob{m.JobID(i, j)})
			}
		default:
		}
	}
}

func (m *move) retry(i int, e Retry) error {
	if e.Overtaken {
		return refuse("a newer execution has entered stage %s since; run that one again, or push", e.Stage)
	}
	st := m.own(i)
	st.remember()
	st.Attempt++
	st.Reason, st.StartedAt, st.EndedAt = "", time.Time{}, time.Time{}
	for j := range st.Actions {
		a := &st.Actions[j]
		if a.Status == Succeeded && !m.lapsed(*a) && !e.All {
			continue
		}
		st.Actions[j] = ActionState{Name: a.Name, Status: Pending, Attempt: a.Attempt + 1}
	}
	m.Status, m.Reason, m.EndedAt, m.Abandoned = InProgress, "", time.Time{}, false
	if m.Source.Digest == "" { // it was stopped before it had one
		m.Status, st.Status = Pending, Pending
		m.want()
		return nil
	}
	m.request(i)
	return nil
}

// remember keeps an attempt that another one will take the place of.
func (st *StageState) remember() {
	actions := slices.Clone(st.Actions)
	for j := range actions {
		actions[j].LogTail, actions[j].Annotations, actions[j].Summary = "", nil, ""
	}
	past := slices.Clone(st.Past)
	st.Past = append(past[max(0, len(past)+1-maxPast):], Attempt{
		Attempt: st.Attempt, Status: st.Status, Reason: st.Reason, StartedAt: st.StartedAt, EndedAt: st.EndedAt, Actions: actions,
	})
}

// lapsed tells whether a given approval has run out: a retry asks again.
func (m *move) lapsed(a ActionState) bool {
	return a.Decision != nil && !m.now.Before(a.ExpiresAt)
}
