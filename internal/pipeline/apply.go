package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrRefused is wrapped by every error of Apply: the event does not fit the
// state, and the text says why in words for the person who caused it.
var ErrRefused = errors.New("refused")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}

// Apply is the only thing that changes an execution. It returns the execution
// after the event and what is to be done about it; an event that is a
// duplicate or came too late returns the execution as it was and no effects.
// An error wraps ErrRefused and leaves everything as it was.
func (x Execution) Apply(e Event) (Execution, []Effect, error) {
	m := &move{Execution: x, now: e.When()}
	m.Stages = slices.Clone(x.Stages)
	moved, err := m.apply(e)
	if err != nil || !moved {
		return x, nil, err
	}
	return m.Execution, append(m.effects, Report{}), nil
}

// move is an execution while an event is applied to it. Its stages are its own
// from the beginning, their actions from a call of own on: most events touch one
// stage of many.
type move struct {
	Execution
	now     time.Time
	effects []Effect
	owned   []int // the stages of which it may change the actions
}

// own makes the actions of a stage the move's to change.
func (m *move) own(i int) *StageState {
	st := &m.Stages[i]
	if !slices.Contains(m.owned, i) {
		st.Actions = slices.Clone(st.Actions)
		m.owned = append(m.owned, i)
	}
	return st
}

func (m *move) emit(e Effect) { m.effects = append(m.effects, e) }

func (m *move) apply(e Event) (bool, error) {
	switch e := e.(type) {
	case Started:
		return m.onExecution(e, m.start)
	case Invalid:
		return m.onExecution(e, func() { m.Problems = e.Problems; m.end(Failed, e.Reason) })
	case Outrun:
		return m.onExecution(e, func() { m.begin(); m.end(Superseded, "the branch was already at "+short(e.By)) })
	case Skip:
		return m.onExecution(e, func() { m.skip(e.Reason) })
	case SourceFetched:
		return m.onExecution(e, func() { m.sourceFetched(e) })
	case SourceFailed:
		return m.onExecution(e, func() { m.sourceFailed(e) })
	case Cancel:
		return m.onExecution(e, func() { m.cancel(e) })
	case Stop:
		if m.Status == Stopping && (m.Abandoned || !e.Abandon) {
			return false, refuse("execution %d stops already; all that can be done is to abandon what runs, once", m.Number)
		}
		return m.onExecution(e, func() { m.stop(e) })
	case Entered:
		return m.onStage(e, e.Stage, func(i int) error { m.entered(i, e.Environment); return nil })
	case MadeWay:
		return m.onStage(e, e.Stage, func(i int) error { m.makeWay(i, e.By); return nil })
	case Retry:
		return m.onStage(e, e.Stage, func(i int) error { return m.retry(i, e) })
	case JobStarted:
		return m.onAction(e, e.Job, func(_ int, a *ActionState) {
			a.Status, a.StartedAt, a.Runner, a.Image = InProgress, e.At, e.Runner, e.Image
		})
	case JobFinished:
		return m.onAction(e, e.Job, func(i int, a *ActionState) { m.jobFinished(i, a, e.Result) })
	case Decided:
		return m.onAction(e, e.Job, func(i int, a *ActionState) { m.decided(i, a, e) })
	case ApprovalExpired:
		return m.onAction(e, e.Job, func(i int, a *ActionState) {
			m.finish(a, Expired, "nobody answered in time")
			m.advance(i)
		})
	}
	return false, refuse("unknown event %T", e)
}

func (m *move) onExecution(e Event, do func()) (bool, error) {
	switch verdict(e.Kind(), m.Status) {
	case Move:
		do()
		return true, nil
	case Ignore:
		return false, nil
	case Refuse:
	}
	if m.Status.Ended() {
		return false, refuse("execution %d has already ended: %s", m.Number, m.Status)
	}
	return false, refuse("%s does not fit an execution that is %s", e.Kind(), m.Status)
}

func (m *move) onStage(e Event, name string, do func(int) error) (bool, error) {
	i := m.StageIndex(name)
	if i < 0 {
		return false, refuse("execution %d has no stage %q", m.Number, name)
	}
	switch verdict(e.Kind(), m.Stages[i].Status) {
	case Move:
		err := do(i)
		return err == nil, err
	case Ignore:
		return false, nil
	case Refuse:
	}
	return false, refuse("stage %s is %s; only a failed or stopped stage can be run again", name, words(m.Stages[i].Status))
}

func (m *move) onAction(e Event, id JobID, do func(stage int, a *ActionState)) (bool, error) {
	i, j, ok := m.Find(id)
	if !ok {
		return false, refuse("execution %d has no action %s/%s", m.Number, id.Stage, id.Action)
	}
	a := &m.own(i).Actions[j]
	v := verdict(e.Kind(), a.Status)
	switch {
	case id.Attempt == a.Attempt:
	case id.Attempt < a.Attempt && e.Kind() != KindDecided:
		v = Ignore // a message about an earlier attempt came too late
	default:
		v = Refuse
	}
	switch v {
	case Move:
		do(i, a)
		return true, nil
	case Ignore:
		return false, nil
	case Refuse:
	}
	if e.Kind() == KindDecided {
		return false, refuse("%s/%s is not waiting for an approval; it is %s", id.Stage, id.Action, words(a.Status))
	}
	return false, refuse("%s does not fit action %s/%s, which is %s", e.Kind(), id.Stage, id.Action, a.Status)
}

// begin lays the stages out.
func (m *move) begin() {
	m.Status, m.CreatedAt = Pending, m.now
	m.Stages = make([]StageState, len(m.Definition.Stages))
	for i, s := range m.Definition.Stages {
		st := StageState{Name: s.Name, Status: Pending, Attempt: 1}
		for _, a := range s.Actions {
			st.Actions = append(st.Actions, ActionState{Name: a.Name, Status: Pending, Attempt: 1})
		}
		m.Stages[i] = st
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
	st.Status, st.Reason, st.EndedAt = Skipped, reason, m.now
	for j := range st.Actions {
		m.finish(&st.Actions[j], Skipped, "")
	}
}

// start wants the source. Where nobody may be overtaken, the place in front of the
// first stage is taken at once: sources may come in another order.
func (m *move) start() {
	m.begin()
	m.want()
}

func (m *move) want() {
	m.emit(FetchSource{})
	if m.Definition.Mode == Queueing {
		m.request(0)
	}
}

func (m *move) sourceFetched(e SourceFetched) {
	m.Source, m.Notes, m.Status = e.Source, e.Notes, InProgress
	switch i := m.waiting(); {
	case i < 0:
		m.request(0)
	case m.Stages[i].Admitted:
		m.goIn(i)
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

// request asks to be let into a stage, or goes on past one that is not for this
// execution.
func (m *move) request(i int) {
	st := &m.Stages[i]
	if env := m.Definition.Stages[i].Environment; env != "" && !m.Trusted {
		m.skipStage(i, "the environment "+env+" is for the default branch only")
		m.goOn(i)
		return
	}
	st.Status, st.Admitted, st.WaitsFrom = Waiting, false, m.now
	m.emit(TellLock{m.LockKey(i), Enter{m.claim(i, m.Definition.Mode)}})
}

func (m *move) claim(i int, mode Mode) Claim {
	return Claim{Execution: m.ID, Number: m.Number, Stage: m.Stages[i].Name, Mode: mode}
}

// entered is the word of the stage's lock, or of its environment's.
func (m *move) entered(i int, environment bool) {
	switch {
	case environment:
		m.beginStage(i)
	case m.Source.Digest == "":
		m.Stages[i].Admitted = true
	default:
		m.Stages[i].Admitted = true
		m.goIn(i)
	}
}

// goIn begins a stage whose lock the execution has, after a wait for the
// environment where there is one.
func (m *move) goIn(i int) {
	if key, ok := m.EnvironmentKey(i); ok {
		m.emit(TellLock{key, Enter{m.claim(i, Queueing)}})
		return
	}
	m.beginStage(i)
}

func (m *move) beginStage(i int) {
	st := &m.Stages[i]
	st.Status, st.StartedAt, st.Claimed = InProgress, m.now, false
	m.advance(i)
}

// leave gives back the locks of a stage, or the places in front of them.
func (m *move) leave(i int) {
	if key, ok := m.EnvironmentKey(i); ok {
		m.emit(TellLock{key, Leave{m.ID}})
	}
	m.emit(TellLock{m.LockKey(i), Leave{m.ID}})
}

// makeWay ends the execution in favour of a newer one of its lane. The lock
// has already forgotten it.
func (m *move) makeWay(i, by int) {
	if key, ok := m.EnvironmentKey(i); ok {
		m.emit(TellLock{key, Leave{m.ID}})
	}
	st := m.own(i)
	for j := range st.Actions {
		if a := &st.Actions[j]; !a.Status.Ended() {
			m.finish(a, Cancelled, "")
		}
	}
	st.Status, st.EndedAt = Superseded, m.now
	st.Reason = fmt.Sprintf("execution %d took its place", by)
	m.end(Superseded, fmt.Sprintf("superseded by execution %d", by))
}

func (m *move) jobFinished(i int, a *ActionState, r Result) {
	status := r.Status
	if a.Status == Cancelling && status != Succeeded {
		status = Cancelled
	}
	a.ExitCode, a.Outputs, a.Artifacts, a.LogTail = r.ExitCode, r.Outputs, r.Artifacts, r.LogTail
	a.Annotations, a.Summary = r.Annotations, r.Summary
	if r.Image != "" {
		a.Image = r.Image
	}
	if a.StartedAt.IsZero() {
		a.StartedAt = r.StartedAt
	}
	m.finish(a, status, r.Reason)
	m.advance(i)
}

func (m *move) decided(i int, a *ActionState, e Decided) {
	a.Decision = &Decision{
		Approved: e.Approved, Actor: e.Actor, At: e.At, Door: e.Door, Comment: e.Comment,
		Commit: m.Revision.Commit, Definition: m.Definition.Hash, Artifacts: m.Execution.Artifacts(),
	}
	said := ""
	if e.Comment != "" {
		said = ": " + e.Comment
	}
	if e.Approved {
		m.finish(a, Succeeded, "approved by "+e.Actor+said)
	} else {
		m.finish(a, Rejected, "rejected by "+e.Actor+said)
	}
	m.advance(i)
}

func (m *move) finish(a *ActionState, s Status, reason string) {
	a.Status, a.Reason, a.EndedAt = s, reason, m.now
}

// end ends the execution. Stages that were not reached stay pending: they
// never count as passed.
func (m *move) end(s Status, reason string) {
	m.Status, m.Reason, m.EndedAt = s, reason, m.now
	if m.CreatedAt.IsZero() {
		m.CreatedAt = m.now
	}
}

func short(commit string) string {
	return commit[:min(len(commit), 7)]
}

func words(s Status) string {
	switch s {
	case Pending:
		return "not reached"
	case InProgress:
		return "running"
	case TimedOut:
		return "timed out"
	default:
		return string(s)
	}
}
