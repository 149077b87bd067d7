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
	i := m.waiting()
	if i >= 0 {
		m.dropCommands(i)
		m.leave(i)
	}
	m.stopAt(max(0, i))
}

// stopAt ends the execution in front of a stage, which a retry can enter.
func (m *move) stopAt(i int) {
	st := m.own(i)
	st.Status, st.EndedAt, st.Reason, st.Hold = Stopped, m.now, m.Reason, Hold{}
	m.end(Stopped, m.Reason)
}

func (m *move) cancel(e Cancel) {
	m.Reason = e.Reason
	for i := range m.Stages {
		switch st := &m.Stages[i]; st.Status {
		case Waiting:
			m.dropCommands(i)
			m.leave(i)
			st.Status, st.EndedAt, st.Reason, st.Hold = Cancelled, m.now, e.Reason, Hold{}
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
// of them, or those that no runner has begun. What runs last is left to begin, unless
// it has.
func (m *move) stopActions(i int, kill bool) {
	st, defs := m.own(i), m.Definition.Stages[i].Actions
	late := false
	for j, a := range st.Actions {
		late = late || defs[j].Role == RoleFinally && (a.Status != Pending || a.Tries > 0)
	}
	for j := range st.Actions {
		switch a := &st.Actions[j]; a.Status {
		case Pending, Waiting:
			if defs[j].Role != RoleFinally || late {
				m.finish(a, Cancelled, "")
			}
		case Queued, InProgress:
			if kill || a.Status == Queued && defs[j].Role != RoleFinally {
				a.Status = Cancelling
				m.emit(StopJob{m.JobID(i, j)})
			}
		default:
		}
	}
}

func (m *move) retry(i int, e Retry) error {
	switch {
	case e.Overtaken:
		return refuse("a newer execution has entered stage %s since; run that one again, or push", e.Stage)
	case !m.Status.Ended():
		return refuse("execution %d is still %s; wait for its end, or stop it", m.Number, words(m.Status))
	case m.Status != Failed && m.Status != Stopped:
		return refuse("execution %d was %s, and is not run again; start the pipeline anew", m.Number, words(m.Status))
	}
	m.rerun(i, e.All)
	return nil
}

// rerun enters a stage again that has failed or was stopped. What came after it, for
// the sake of its failure, is as if it had not been reached.
func (m *move) rerun(i int, all bool) {
	for k := i; k < len(m.Stages); k++ {
		if k == i || m.Stages[k].Status != Pending {
			m.reset(k, all || k > i)
			st := &m.Stages[k]
			st.Status, st.Retries, st.Asked, st.Granted, st.Deployed, st.Descends, st.Vouched = Pending, 0, 0, 0, Deployment{}, "", false
		}
	}
	m.Status, m.Reason, m.EndedAt, m.Abandoned = InProgress, "", time.Time{}, false
	if m.Source.Digest == "" { // it was stopped before it had one
		m.Status = Pending
		m.want()
		return
	}
	m.request(i)
}

// reset makes a new attempt of a stage, in which what succeeded need not run again,
// unless all does. Rules are asked again, and what runs last runs again.
func (m *move) reset(i int, all bool) {
	st := m.own(i)
	st.remember()
	st.Attempt++
	st.Reason, st.StartedAt, st.EndedAt, st.Barred, st.Asking = "", time.Time{}, time.Time{}, RoleWork, false
	st.HeldFrom = time.Time{}
	st.Checks, st.Overrides, st.Hold, st.Claimed, st.RolledBack = nil, nil, Hold{}, false, 0
	for j := range st.Actions {
		a := &st.Actions[j]
		done := a.Status == Succeeded || a.Status == Skipped
		if done && m.Definition.Stages[i].Actions[j].Role == RoleWork && !m.lapsed(*a) && !all {
			continue
		}
		st.Actions[j] = ActionState{Name: a.Name, Status: Pending, Attempt: a.Attempt + 1}
	}
}

// countAsSucceeded lets a stage count that its rules on success had failed.
func (m *move) countAsSucceeded(i int) error {
	if by := m.Stages[i].RolledBack; by != 0 {
		return refuse("execution %d has rolled the stage back", by)
	}
	m.Status, m.Reason, m.EndedAt = InProgress, "", time.Time{}
	m.Stages[i].Status = Succeeded
	m.passed(i)
	for k := i + 1; k < len(m.Stages); k++ {
		if m.Stages[k].Status != Pending {
			m.reset(k, true)
			m.Stages[k].Status = Pending
		}
	}
	m.goOn(i)
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
		Checks: st.Checks, Overrides: st.Overrides,
	})
}

// lapsed tells whether a given approval has run out: a retry asks again.
func (m *move) lapsed(a ActionState) bool {
	return a.Decision != nil && !m.now.Before(a.ExpiresAt)
}
