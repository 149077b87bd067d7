package pipeline

import (
	"slices"
	"time"
)

// advance starts whatever of the stage can start now and ends the stage when
// nothing of it is left to do. It is called after every change in a stage.
func (m *move) advance(i int) {
	st := m.own(i)
	for m.startReady(i) {
		// An action that cannot even be handed out ends at once, which may
		// decide the fate of others.
	}
	if st.Status == InProgress && m.broken(i) {
		m.voidApprovals(i)
	}
	for _, a := range st.Actions {
		if a.Status == Queued || a.Status == Waiting || a.Status == InProgress || a.Status == Cancelling {
			return
		}
	}
	m.endStage(i)
}

// startReady starts every pending action whose needs are met; after a failure
// nothing new starts. It returns whether it started any.
func (m *move) startReady(i int) bool {
	st := &m.Stages[i]
	started := false
	for j := range st.Actions {
		if st.Status != InProgress || m.broken(i) {
			return false
		}
		def := m.Definition.Stages[i].Actions[j]
		if st.Actions[j].Status != Pending || !m.needsMet(i, def) {
			continue
		}
		started = true
		if def.Approval != nil {
			m.ask(i, j, *def.Approval)
		} else {
			m.handOut(i, j, def)
		}
	}
	return started
}

func (m *move) ask(i, j int, def Approval) {
	a := &m.Stages[i].Actions[j]
	a.Status, a.StartedAt, a.ExpiresAt = Waiting, m.now, m.now.Add(def.Expires)
	m.emit(AwaitExpiry{a.ExpiresAt, m.JobID(i, j)})
}

func (m *move) handOut(i, j int, def Action) {
	a := &m.Stages[i].Actions[j]
	job, err := m.job(i, j, def)
	if err != nil {
		m.finish(a, Errored, err.Error())
		return
	}
	if st := &m.Stages[i]; !st.Claimed {
		st.Claimed = true
		m.emit(TellLock{m.LockKey(i), Work{m.ID}})
	}
	a.Status = Queued
	m.emit(StartJob{job})
}

// broken tells whether an action of the stage has gone wrong that may not.
func (m *move) broken(i int) bool {
	for j, a := range m.Stages[i].Actions {
		if a.Status.Bad() && !m.Definition.Stages[i].Actions[j].ContinueOnError {
			return true
		}
	}
	return false
}

// needsMet tells whether everything the action needs has succeeded, or has failed
// and may.
func (m *move) needsMet(i int, def Action) bool {
	actions := m.Stages[i].Actions
	for _, need := range def.Needs {
		k := slices.IndexFunc(actions, func(a ActionState) bool { return a.Name == need })
		if k < 0 {
			return false
		}
		tolerated := actions[k].Status.Bad() && m.Definition.Stages[i].Actions[k].ContinueOnError
		if actions[k].Status != Succeeded && !tolerated {
			return false
		}
	}
	return true
}

// voidApprovals withdraws what waits for an answer that no longer matters.
func (m *move) voidApprovals(i int) {
	for j := range m.Stages[i].Actions {
		if a := &m.Stages[i].Actions[j]; a.Status == Waiting {
			m.finish(a, Cancelled, "no longer needed: another action of the stage failed")
		}
	}
}

// endStage gives the lock back and goes on to the next stage, or ends the
// execution.
func (m *move) endStage(i int) {
	st := &m.Stages[i]
	for j := range st.Actions {
		if a := &st.Actions[j]; a.Status == Pending {
			m.finish(a, Cancelled, "not started")
		}
	}
	st.Status, st.EndedAt = m.outcome(i), m.now
	m.leave(i)
	switch {
	case m.Status == Cancelling:
		m.end(Cancelled, m.Reason)
	case st.Status == Stopped:
		m.end(Stopped, m.Reason)
	case st.Status != Succeeded:
		m.end(Failed, "stage "+st.Name+" "+words(st.Status))
	default:
		m.succeeded(st.Name, st.Attempt)
		m.goOn(i)
	}
}

// goOn leads from a stage that did not fail to the next one, or to the end.
func (m *move) goOn(i int) {
	if m.Status == Stopping && i+1 < len(m.Stages) {
		m.stopAt(i + 1)
		return
	}
	ran := func(st StageState) bool { return st.Status != Skipped }
	switch {
	case i+1 < len(m.Stages):
		m.request(i + 1)
	case slices.ContainsFunc(m.Stages, ran):
		m.end(Succeeded, "")
		m.succeeded("", 0)
	default:
		m.end(Skipped, m.Stages[i].Reason)
	}
}

// outcome is the status of a stage whose actions have all ended. Only a stage
// in which time alone ran out has timed out.
func (m *move) outcome(i int) Status {
	succeeded := func(a ActionState) bool { return a.Status == Succeeded }
	if m.Status == Stopping && !all(m.Stages[i].Actions, succeeded) {
		return Stopped
	}
	result := Succeeded
	for j, a := range m.Stages[i].Actions {
		if a.Status.Bad() && m.Definition.Stages[i].Actions[j].ContinueOnError {
			continue
		}
		switch a.Status {
		case Failed, Errored, Rejected:
			return Failed
		case TimedOut, Expired:
			result = TimedOut
		case Cancelled:
			if result == Succeeded {
				result = Cancelled
			}
		default:
		}
	}
	if m.Status == Cancelling {
		return Cancelled
	}
	return result
}

func all[T any](list []T, is func(T) bool) bool {
	return !slices.ContainsFunc(list, func(t T) bool { return !is(t) })
}

// job makes the job of an action with every expression resolved.
func (m *move) job(i, j int, def Action) (Job, error) {
	job := Job{
		ID: m.JobID(i, j), Repository: m.Repository, Pipeline: m.Definition.Name,
		Commit: m.Revision.Commit, CommitTime: m.Revision.Time.UTC().Truncate(time.Second), Ref: m.Revision.Ref,
		Run: def.Run, Shell: def.Shell, Artifacts: def.Artifacts, Secrets: def.Secrets, Timeout: def.Timeout,
	}
	var err error
	if job.Image, err = m.expand("image", def.Image); err != nil {
		return Job{}, err
	}
	for _, v := range def.Env {
		text, err := m.expand("env "+v.Name, v.Value)
		if err != nil {
			return Job{}, err
		}
		job.Env = append(job.Env, Value{v.Name, text})
	}
	job.Inputs, err = m.inputs(def)
	return job, err
}
