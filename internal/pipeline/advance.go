package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline/expression"
)

// advance does whatever of a stage can be done now, and ends the stage when nothing
// of it is left. It is called after every change in a stage.
func (m *move) advance(i int) {
	st := m.own(i)
	if st.Status == Waiting {
		if st.Hold.For == "" {
			m.approach(i)
		}
		return
	}
	if st.Hold.For == HoldRetry && st.Status == InProgress {
		return
	}
	if st.Status == InProgress && m.broken(i) {
		m.voidApprovals(i)
	}
	if !m.over(i, RoleWork) || st.Status.Ended() {
		return
	}
	if !st.judged() && st.Status == InProgress && m.outcome(i, true) == Succeeded {
		if !m.judge(i, RoleSuccess) && st.Barred != RoleSuccess {
			return
		}
	}
	if m.busy(i, RoleEntry) || m.busy(i, RoleSuccess) || st.Claimed && !m.over(i, RoleFinally) {
		return
	}
	m.endStage(i)
}

// busy tells whether an action of a role is under way.
func (m *move) busy(i int, role Role) bool {
	for j, a := range m.Stages[i].Actions {
		under := a.Status == Queued || a.Status == Waiting || a.Status == InProgress || a.Status == Cancelling
		if under && m.Definition.Stages[i].Actions[j].Role == role {
			return true
		}
	}
	return false
}

// over starts every action of a role that can start now, and tells whether none is
// left.
func (m *move) over(i int, role Role) bool {
	for m.startReady(i, role) {
		// An action that cannot even be handed out ends at once, which may
		// decide the fate of others.
	}
	st := &m.Stages[i]
	for j, a := range st.Actions {
		if m.Definition.Stages[i].Actions[j].Role == role && !a.Status.Ended() {
			return false
		}
	}
	return true
}

// startReady starts the pending actions of a role that are ready, and ends those that
// never will be. It returns whether it did either.
func (m *move) startReady(i int, role Role) bool {
	st, moved := m.own(i), false
	for j, def := range m.Definition.Stages[i].Actions {
		a := &st.Actions[j]
		if def.Role != role || a.Status != Pending {
			continue
		}
		switch ready, end, reason := m.ready(i, def); {
		case end != "":
			m.finish(a, end, reason)
		case !ready, m.now.Before(a.Until):
			continue
		case def.Approval != nil:
			m.ask(i, j, def)
		case role == RoleWork && !st.Claimed && m.askAgain(i):
		case role == RoleWork && !m.clear(i):
			if st.Status != InProgress {
				return false
			}
			continue
		default:
			m.handOut(i, j, def)
		}
		moved = true
	}
	return moved
}

// ready tells whether an action may start, or how it ends without having started.
func (m *move) ready(i int, def Action) (ready bool, end Status, reason string) {
	st := m.Stages[i]
	status := expression.Status{
		Failed:    m.broken(i) || def.Role == RoleFinally && st.Barred == RoleSuccess,
		Cancelled: st.Status == Cancelling || st.Status == Stopping,
	}
	skipped := ""
	for _, need := range def.Needs {
		k := m.action(i, need)
		switch a := st.Actions[k]; {
		case !a.Status.Ended():
			return false, "", ""
		case a.Status == Skipped:
			skipped = need
		case a.Status != Succeeded && !m.tolerated(i, k):
			status.Failed = true
		}
	}
	usual := status
	if def.Role == RoleFinally { // it is there for whatever has happened
		usual = expression.Status{}
	}
	holds, asks, err := true, false, error(nil)
	if def.If != "" {
		holds, asks, err = m.holds(def.If, status, def.Matrix)
		if !asks {
			holds, _, err = m.holds(def.If, usual, def.Matrix)
		}
	}
	switch {
	case !asks && (usual.Failed || usual.Cancelled), def.Role == RoleWork && m.turnedDown(i), m.behindGate(i, def):
		return false, Cancelled, "not started"
	case !asks && skipped != "":
		return false, Skipped, "it needs " + skipped + ", which was skipped"
	case err != nil:
		return false, Errored, err.Error()
	case !holds:
		return false, Skipped, "its if does not hold: " + def.If
	}
	return true, "", ""
}

// behindGate tells whether an action needs an approval that was not given, or needs
// what does: no condition leads past it. One that was skipped is no gate.
func (m *move) behindGate(i int, def Action) bool {
	for _, need := range def.Needs {
		k := m.action(i, need)
		other := m.Definition.Stages[i].Actions[k]
		status := m.Stages[i].Actions[k].Status
		if other.Approval != nil && status != Succeeded && status != Skipped || m.behindGate(i, other) {
			return true
		}
	}
	return false
}

func (m *move) ask(i, j int, def Action) {
	a := &m.Stages[i].Actions[j]
	var err error
	if a.Instructions, err = m.expandFor(def, "instructions", def.Approval.Instructions); err != nil {
		m.finish(a, Errored, err.Error())
		return
	}
	a.Status, a.StartedAt, a.ExpiresAt = Waiting, m.now, m.now.Add(def.Approval.Expires)
	m.emit(AwaitExpiry{a.ExpiresAt, m.JobID(i, j)})
	m.emit(Describe{m.JobID(i, j)})
}

func (m *move) handOut(i, j int, def Action) {
	a := &m.Stages[i].Actions[j]
	if m.Unadmitted() { // want keeps it from here; this is the lock on the second door
		m.finish(a, Errored, "the commit is a fork's, and nobody has said /ok-to-test")
		return
	}
	job, err := m.job(i, j, def)
	if err != nil {
		m.finish(a, Errored, err.Error())
		return
	}
	a.Status, a.Until = Queued, time.Time{}
	m.emit(StartJob{job})
}

// broken tells whether an action of the stage has gone wrong that may not.
func (m *move) broken(i int) bool {
	for j, a := range m.Stages[i].Actions {
		if a.Status.Bad() && m.Definition.Stages[i].Actions[j].Role == RoleWork && !m.tolerated(i, j) {
			return true
		}
	}
	return false
}

// tolerated tells whether an action has gone wrong, and may.
func (m *move) tolerated(i, j int) bool {
	return m.Stages[i].Actions[j].Status.Bad() && m.Definition.Stages[i].Actions[j].ContinueOnError
}

// voidApprovals withdraws what waits for an answer that no longer matters.
func (m *move) voidApprovals(i int) {
	for j := range m.Stages[i].Actions {
		if a := &m.Stages[i].Actions[j]; a.Status == Waiting {
			m.finish(a, Cancelled, "no longer needed: another action of the stage failed")
		}
	}
}

// endStage ends a stage of which nothing is left to do, and goes on to what follows.
func (m *move) endStage(i int) {
	st := m.own(i)
	m.finishRest(i, Cancelled, "not started")
	st.Status, st.EndedAt, st.Hold = m.outcome(i, false), m.now, Hold{}
	switch {
	case m.Status == Cancelling:
		m.leave(i)
		m.end(Cancelled, m.Reason)
	case st.Status == Stopped:
		m.leave(i)
		m.end(Stopped, m.Reason)
	case st.Status == Succeeded:
		m.passed(i)
		m.leave(i)
		m.goOn(i)
	default:
		m.failed(i)
	}
}

// passed tells everybody that a stage has succeeded, and its environment what it has
// now.
func (m *move) passed(i int) {
	st := m.own(i)
	m.emit(Passed{Stage: st.Name})
	m.succeeded(st.Name, st.Attempt)
	if key, ok := m.EnvironmentKey(i); ok && st.Claimed {
		there := Deployment{Pipeline: m.Definition.Name, Commit: m.Revision.Commit, Number: m.Number}
		m.emit(TellLock{key, Deploy{there}})
	}
}

// failed does what the stage says of its failure.
func (m *move) failed(i int) {
	st, then := m.own(i), m.Definition.Stages[i].OnFailure
	answered := slices.ContainsFunc(st.Actions, func(a ActionState) bool { return a.Status == Rejected || a.Status == Expired })
	worked := st.Claimed && !answered && m.Status == InProgress
	roll := then.Rollback || m.rollsBack(i)
	switch {
	case worked && then.Retry != RetryNothing && st.Retries < then.Times:
		m.tryAgain(i, then)
		return
	case worked && roll && m.Rollback == nil && m.Definition.Mode != Parallel:
		m.emit(RollBack{Stage: st.Name, Locks: append([]LockKey{m.LockKey(i)}, m.SharedKeys(i)[:st.Asked]...)})
	case worked && then.Skip:
		m.leave(i)
		st.Status, st.Reason = Skipped, "it "+words(Failed)+", and its on-failure passes it over"
	default:
		m.leave(i)
	}
	m.goOn(i)
}

// rollsBack tells whether a rule on success says that a failure by it is rolled back.
func (m *move) rollsBack(i int) bool {
	st := m.Stages[i]
	return st.Barred == RoleSuccess && slices.ContainsFunc(st.Checks, func(c Check) bool {
		worst := c.worst()
		return c.Point == RoleSuccess && worst != nil && slices.ContainsFunc(c.Findings, func(f Finding) bool {
			return !f.Holds && f.Otherwise == OtherwiseRollback
		})
	})
}

// tryAgain runs a failed stage again, which keeps its locks.
func (m *move) tryAgain(i int, how OnFailure) {
	st := m.own(i)
	tried := st.Retries + 1
	m.reset(i, how.Retry == RetryAll)
	st.Retries, st.Status, st.StartedAt, st.Claimed = tried, InProgress, m.now, true
	if how.Backoff > 0 {
		st.Hold = Hold{For: HoldRetry, Until: m.now.Add(how.Backoff)}
		m.emit(AwaitDue{At: st.Hold.Until, Stage: st.Name, Attempt: st.Attempt})
		return
	}
	m.advance(i)
}

// outcome is the status of a stage whose actions have all ended; with only, of its
// own actions alone. Only a stage in which time alone ran out has timed out.
func (m *move) outcome(i int, only bool) Status {
	result := Succeeded
	for j, a := range m.Stages[i].Actions {
		role := m.Definition.Stages[i].Actions[j].Role
		if m.tolerated(i, j) || role != RoleWork && (only || role != RoleFinally) {
			continue
		}
		switch a.Status {
		case Failed, Errored, Rejected:
			result = Failed
		case TimedOut, Expired:
			if result != Failed {
				result = TimedOut
			}
		case Cancelled:
			if result == Succeeded {
				result = Cancelled
			}
		default:
		}
	}
	switch {
	case m.Status == Stopping && result != Succeeded:
		return Stopped
	case m.Status == Cancelling && result != Failed:
		return Cancelled
	case !only && m.Stages[i].Barred == RoleSuccess && result == Succeeded:
		return Failed
	}
	return result
}

// mostConfiguration is how many bytes the image and the env of an action may have
// together, every expression resolved: CodePipeline's 100 KB.
const mostConfiguration = 100 << 10

// job makes the job of an action with every expression resolved.
func (m *move) job(i, j int, def Action) (Job, error) {
	job := Job{
		ID: m.JobID(i, j), Repository: m.Repository, Pipeline: m.Definition.Name,
		Commit: m.Revision.Commit, CommitTime: m.Revision.Time.UTC().Truncate(time.Second), Ref: m.Revision.Ref,
		Run: def.Run, Shell: def.Shell, Artifacts: def.Artifacts, Secrets: def.Secrets, Timeout: def.Timeout,
		Isolation: def.Isolation,
	}
	if m.Revision.Fork && def.Isolation.Lowered() {
		return Job{}, fmt.Errorf("isolation is the base repository's alone: a commit from a fork gets no %s", strings.Join(def.Isolation.Options(), ", "))
	}
	var err error
	if job.Image, err = m.expandFor(def, "image", def.Image); err != nil {
		return Job{}, err
	}
	if err = m.environment(&job, def); err != nil {
		return Job{}, err
	}
	job.Inputs, err = m.inputs(def)
	return job, err
}

// environment sets the variables of a job.
func (m *move) environment(job *Job, def Action) error {
	size := len(job.Image)
	for _, v := range def.Env {
		parts, err := m.parts(def, "env "+v.Name, v.Value)
		if err != nil {
			return err
		}
		size += len(v.Name)
		for _, p := range parts {
			size += len(p.Text)
			if p.Hash != "" {
				size += hex.EncodedLen(sha256.Size)
			}
		}
		if size > mostConfiguration {
			return fmt.Errorf("with env %s, image and env have more than %d bytes together: hand large texts on as an artifact", v.Name, mostConfiguration)
		}
		if len(parts) == 1 {
			job.Env = append(job.Env, Value{v.Name, parts[0].Text})
		} else {
			job.Hashed = append(job.Hashed, Hashed{v.Name, parts})
		}
	}
	return nil
}
