package pipeline

import (
	"fmt"
	"slices"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline/expression"
)

// MostWaiting is how many executions of mode queued wait for the first stage of a
// lane; further ones are turned away, as CodePipeline does with its fifty.
const MostWaiting = 1000

// mostLockName is how many bytes the name of a shared lock may have.
const mostLockName = 200

// begin lays the stages out. Those that a rollback takes from its target are there
// already.
func (m *move) begin() {
	m.Status, m.CreatedAt = Pending, m.now
	for _, s := range m.Definition.Stages[len(m.Stages):] {
		st := StageState{Name: s.Name, Status: Pending, Attempt: 1}
		for _, a := range s.Actions {
			st.Actions = append(st.Actions, ActionState{Name: a.Name, Status: Pending, Attempt: 1})
		}
		m.Stages = append(m.Stages, st)
	}
}

// skip ends all stages with the execution: their check runs are declared, and
// may be required.
func (m *move) skip(reason string) {
	m.begin()
	for i := range m.Stages {
		m.skipStage(i, reason)
	}
	m.end(Skipped, reason)
}

func (m *move) skipStage(i int, reason string) {
	st := m.own(i)
	st.Status, st.Reason, st.EndedAt, st.Hold = Skipped, reason, m.now, Hold{}
	m.finishRest(i, Skipped, "")
}

// start wants the source. Where nobody may be overtaken, the place in front of the
// first stage is taken at once: sources may come in another order.
func (m *move) start() {
	m.begin()
	m.want()
}

// want asks for the source, or goes on where it is there. Whatever begins an execution, or
// begins it again, comes here.
func (m *move) want() {
	if m.Unadmitted() {
		return
	}
	if m.Source.Digest != "" { // a rollback has its target's
		m.Status = InProgress
		m.goOn(-1)
		return
	}
	m.emit(FetchSource{})
	if m.Definition.Mode == Queueing {
		m.goOn(-1)
	}
}

func (m *move) sourceFetched(e SourceFetched) {
	m.Source, m.Notes, m.Status = e.Source, e.Notes, InProgress
	switch i := m.waiting(); {
	case i < 0:
		m.goOn(-1)
	case m.Stages[i].Admitted:
		m.approach(i)
	}
}

func (m *move) sourceFailed(e SourceFailed) {
	if i := m.waiting(); i >= 0 {
		m.leave(i)
		m.Stages[i].Status, m.Stages[i].WaitsFrom = Pending, time.Time{}
	}
	m.end(Failed, e.Reason)
}

// waiting is the stage that the execution waits in front of, or -1.
func (m *move) waiting() int {
	return slices.IndexFunc(m.Stages, func(st StageState) bool { return st.Status == Waiting })
}

// goOn leads past a stage to the next that is to be entered, or to the end.
func (m *move) goOn(i int) {
	for k := i + 1; k < len(m.Stages); k++ {
		if m.Stages[k].Status != Pending {
			continue
		}
		if m.Status == Stopping {
			m.stopAt(k)
			return
		}
		if m.wants(k) {
			m.request(k)
			return
		}
	}
	failed := slices.IndexFunc(m.Stages, StageState.wentWrong)
	ran := func(st StageState) bool { return st.Status != Skipped }
	switch {
	case failed >= 0:
		m.end(Failed, "stage "+m.Stages[failed].Name+" "+words(m.Stages[failed].Status))
	case slices.ContainsFunc(m.Stages, ran):
		m.end(Succeeded, "")
		m.succeeded("", 0)
	default:
		m.end(Skipped, m.Stages[len(m.Stages)-1].Reason)
	}
}

// wants tells whether a stage is to be entered. Of one that is not, it notes why:
// after a failure it was not reached, else it is skipped.
func (m *move) wants(i int) bool {
	def, st := m.Definition.Stages[i], m.own(i)
	broken := slices.ContainsFunc(m.Stages, StageState.wentWrong)
	holds, asks, err := true, false, error(nil)
	if def.If != "" {
		holds, asks, err = m.holds(def.If, expression.Status{Failed: broken}, nil)
	}
	if err == nil && def.Concurrency != "" {
		st.Concurrency, err = m.expand("concurrency", def.Concurrency)
		if n := len(st.Concurrency); n > mostLockName {
			st.Concurrency, err = "", fmt.Errorf("its concurrency has %d bytes, and may have %d: the name of a lock is to be short", n, mostLockName)
		}
	}
	switch {
	case broken && !asks:
		return false
	case err != nil:
		m.fail(i, err.Error())
		return false
	case !holds:
		m.skipStage(i, "its if does not hold: "+def.If)
		return false
	case m.distrusted(i):
		return false
	}
	return true
}

// wentWrong tells whether what follows the stage is not reached.
func (st StageState) wentWrong() bool {
	return st.Status == Failed || st.Status == TimedOut || st.Status == Cancelled
}

// fail ends a stage that has not begun.
func (m *move) fail(i int, reason string) {
	st := m.own(i)
	st.Status, st.Reason, st.EndedAt, st.Hold = Failed, reason, m.now, Hold{}
	m.finishRest(i, Cancelled, "not started")
}

// request asks to be let into a stage.
func (m *move) request(i int) {
	st := &m.Stages[i]
	st.Status, st.Admitted, st.WaitsFrom = Waiting, false, m.now
	enter := Enter{Claim: m.claim(i, m.Definition.Mode)}
	if m.Rollback != nil {
		enter.Mode, enter.First = Queueing, true
	} else if i == 0 && m.Definition.Mode == Queueing {
		enter.Most = MostWaiting
	}
	m.emit(TellLock{m.LockKey(i), enter})
}

func (m *move) claim(i int, mode Mode) Claim {
	return Claim{Execution: m.ID, Number: m.Number, Pipeline: m.Definition.Name, Stage: m.Stages[i].Name, Mode: mode}
}

// entered is the word of the stage's lock.
func (m *move) entered(i int) {
	m.Stages[i].Admitted = true
	if m.Source.Digest != "" {
		m.approach(i)
	}
}

func (m *move) turnedAway(i int) {
	m.fail(i, "too many executions wait for it already; run this one again when there are fewer")
	m.end(Failed, "the queue is full")
}

// approach begins a stage that the execution has been let into, once its rules hold.
func (m *move) approach(i int) {
	if m.judge(i, RoleEntry) {
		st := &m.Stages[i]
		st.Status, st.StartedAt, st.Claimed, st.Reason = InProgress, m.now, false, ""
		m.advance(i)
	}
}

// clear tells whether a stage may hand out jobs. Before the first, everything is
// looked at that may have changed while it waited for approvals: its rules, the
// locks it shares, what is deployed, whether its environment still trusts it, and
// whether the way into it is still open.
func (m *move) clear(i int) bool {
	st := m.own(i)
	if st.Claimed || st.Hold.For == HoldShut {
		return st.Claimed
	}
	if !m.judge(i, RoleEntry) {
		return false
	}
	keys := m.SharedKeys(i)
	switch newer := st.Deployed.Commit; {
	case st.Asked > st.Granted:
		st.Hold = Hold{For: HoldShared}
	case st.Granted < len(keys):
		st.Hold = Hold{For: HoldShared}
		st.Asked++
		enter := Enter{Claim: m.claim(i, Queueing)}
		enter.First = m.Rollback != nil
		m.emit(TellLock{keys[st.Granted], enter})
	case newer != "" && newer != m.Revision.Commit && newer != st.Descends && m.Rollback == nil && !st.overridden(RoleEntry):
		if st.Hold.For != HoldCompare {
			st.Hold = Hold{For: HoldCompare}
			m.emit(Compare{Stage: st.Name, Deployed: newer})
		}
	case !m.vouched(i):
	case st.Hold.For != HoldClear:
		st.Hold = Hold{For: HoldClear}
		m.emit(TellLock{m.LockKey(i), Begin{m.claim(i, m.Definition.Mode)}})
	}
	return false
}

// askAgain asks for approvals of the stage that were given, and have run out before
// anything was done with them.
func (m *move) askAgain(i int) bool {
	st, again := m.own(i), false
	for j, a := range st.Actions {
		if a.Status == Succeeded && m.lapsed(a) {
			st.Actions[j] = ActionState{Name: a.Name, Status: Pending, Attempt: a.Attempt + 1}
			again = true
		}
	}
	return again
}

func (m *move) granted(i int, there Deployment) bool {
	st := m.own(i)
	if st.Granted >= st.Asked {
		return false
	}
	if _, ok := m.EnvironmentKey(i); ok && st.Granted == 0 {
		st.Deployed = there
	}
	st.Granted++
	return m.resume(i, HoldShared)
}

func (m *move) cleared(i int) bool {
	if m.Stages[i].Hold.For != HoldClear {
		return false
	}
	m.own(i).Claimed = true
	return m.resume(i, HoldClear)
}

// shut gives back what is shared, for as long as the way into the stage is closed.
func (m *move) shut(i int) bool {
	st := m.own(i)
	if st.Hold.For != HoldClear {
		return false
	}
	m.letGo(i)
	st.Hold = Hold{For: HoldShut}
	return true
}

func (m *move) compared(i int, e Compared) bool {
	st := m.own(i)
	if st.Hold.For != HoldCompare || e.Deployed != st.Deployed.Commit {
		return false
	}
	if e.Descendant {
		st.Descends = e.Deployed
		return m.resume(i, HoldCompare)
	}
	there := m.Definition.Stages[i].Environment + " has " + short(e.Deployed) + ", "
	reason := "older than what is deployed: " + there + "which this commit does not contain"
	if e.Unknown != "" {
		reason = "it may be older than what is deployed: " + there + "and whether this commit contains it could not be found out: " + e.Unknown
	}
	st.Barred = RoleEntry
	m.bar(i, reason)
	return true
}

// due looks again when a time has come, of the stage or of an action that is tried again.
func (m *move) due(i, attempt int) bool {
	st := m.own(i)
	come := func(at time.Time) bool { return !at.IsZero() && !m.now.Before(at) }
	switch {
	case st.Attempt != attempt:
		return false
	case come(st.Hold.Until):
		return m.resume(i, st.Hold.For)
	case slices.ContainsFunc(st.Actions, func(a ActionState) bool { return come(a.Until) }):
		m.advance(i)
		return true
	}
	return false
}

// resume goes on with a stage that waited for one thing.
func (m *move) resume(i int, kind HoldKind) bool {
	st := m.own(i)
	if st.Hold.For != kind {
		return false
	}
	st.Hold = Hold{}
	m.advance(i)
	return true
}

// letGo gives back the locks that the stage shares, or the places in front of them.
func (m *move) letGo(i int) {
	st := m.own(i)
	for _, key := range m.SharedKeys(i)[:st.Asked] {
		m.emit(TellLock{key, Leave{Execution: m.ID}})
	}
	st.Asked, st.Granted, st.Deployed, st.Descends, st.Vouched = 0, 0, Deployment{}, "", false
}

// leave gives back all locks of a stage, or the places in front of them.
func (m *move) leave(i int) {
	m.letGo(i)
	m.emit(TellLock{m.LockKey(i), Leave{Execution: m.ID}})
}
