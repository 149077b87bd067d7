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
		if m.Unadmitted() {
			return false, refuse("the commit is a fork's, and nobody has said /ok-to-test")
		}
		return m.onExecution(e, func() { m.sourceFetched(e) })
	case SourceFailed:
		return m.onExecution(e, func() { m.sourceFailed(e) })
	case Admitted:
		if m.Status == Pending && !m.Unadmitted() {
			return false, nil
		}
		return m.onExecution(e, func() { m.admit(e) })
	case Cancel:
		return m.onExecution(e, func() { m.cancel(e) })
	case Stop:
		if m.Status == Stopping && (m.Abandoned || !e.Abandon) {
			return false, refuse("execution %d stops already; all that can be done is to abandon what runs, once", m.Number)
		}
		return m.onExecution(e, func() { m.stop(e) })
	case Entered:
		return m.onStage(e, e.Stage, func(i int) (bool, error) { m.entered(i); return true, nil })
	case TurnedAway:
		return m.onStage(e, e.Stage, func(i int) (bool, error) { m.turnedAway(i); return true, nil })
	case MadeWay:
		return m.onStage(e, e.Stage, func(i int) (bool, error) { m.makeWay(i, e.By); return true, nil })
	case Granted:
		return m.onStage(e, e.Stage, func(i int) (bool, error) { return m.granted(i, e.Deployed), nil })
	case Cleared:
		return m.onStage(e, e.Stage, func(i int) (bool, error) { return m.cleared(i), nil })
	case Shut:
		return m.onStage(e, e.Stage, func(i int) (bool, error) { return m.shut(i), nil })
	case Opened:
		return m.onStage(e, e.Stage, func(i int) (bool, error) { return m.resume(i, HoldShut), nil })
	case Due:
		return m.onStage(e, e.Stage, func(i int) (bool, error) { return m.due(i, e.Attempt), nil })
	case Compared:
		return m.onStage(e, e.Stage, func(i int) (bool, error) { return m.compared(i, e), nil })
	case Trusted:
		return m.onStage(e, e.Stage, func(i int) (bool, error) { return m.trusted(i, e.Trust), nil })
	case RolledBack:
		return m.onStage(e, e.Stage, func(i int) (bool, error) { return m.rolledBack(i, e), nil })
	case Override:
		return m.onStage(e, e.Stage, func(i int) (bool, error) { return true, m.override(i, e) })
	case Retry:
		return m.onStage(e, e.Stage, func(i int) (bool, error) { return true, m.retry(i, e) })
	case JobStarted:
		return m.onAction(e, e.Job, func(_ int, a *ActionState) error {
			a.Status, a.StartedAt, a.Runner, a.Image = InProgress, e.At, e.Runner, e.Image
			return nil
		})
	case JobFinished:
		return m.onAction(e, e.Job, func(i int, a *ActionState) error { m.jobFinished(i, a, e.Result); return nil })
	case Decided:
		return m.onAction(e, e.Job, func(i int, a *ActionState) error { return m.decided(i, a, e) })
	case Described:
		return m.onAction(e, e.Job, func(_ int, a *ActionState) error { return a.described(e) })
	case Withdrawn:
		return m.onAction(e, e.Job, func(_ int, a *ActionState) error { return m.withdrawn(a, e) })
	case ApprovalExpired:
		return m.onAction(e, e.Job, func(i int, a *ActionState) error {
			m.finish(a, Expired, "nobody answered in time")
			m.advance(i)
			return nil
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

func (m *move) onStage(e Event, name string, do func(int) (bool, error)) (bool, error) {
	i := m.StageIndex(name)
	if i < 0 {
		return false, refuse("execution %d has no stage %q", m.Number, name)
	}
	switch verdict(e.Kind(), m.Stages[i].Status) {
	case Move:
		moved, err := do(i)
		return moved && err == nil, err
	case Ignore:
		return false, nil
	case Refuse:
	}
	if e.Kind() == KindOverride {
		return false, refuse("stage %s is %s; only one that its rules keep back, or have failed, can be overridden", name, words(m.Stages[i].Status))
	}
	return false, refuse("stage %s is %s; only a failed or stopped stage can be run again", name, words(m.Stages[i].Status))
}

func (m *move) onAction(e Event, id JobID, do func(stage int, a *ActionState) error) (bool, error) {
	i, j, ok := m.Find(id)
	if !ok {
		return false, refuse("execution %d has no action %s/%s", m.Number, id.Stage, id.Action)
	}
	a := &m.own(i).Actions[j]
	v := verdict(e.Kind(), a.Status)
	switch {
	case id.Attempt == a.Attempt:
	case id.Attempt < a.Attempt && !byPerson(e.Kind()):
		v = Ignore // a message about an earlier attempt came too late
	default:
		v = Refuse
	}
	switch v {
	case Move:
		err := do(i, a)
		return err == nil, err
	case Ignore:
		return false, nil
	case Refuse:
	}
	if byPerson(e.Kind()) {
		return false, refuse("%s/%s is not waiting for an approval; it is %s", id.Stage, id.Action, words(a.Status))
	}
	return false, refuse("%s does not fit action %s/%s, which is %s", e.Kind(), id.Stage, id.Action, a.Status)
}

// byPerson tells whether an event is a person's word about an approval, who is to know
// when it came too late.
func byPerson(k Kind) bool { return k == KindDecided || k == KindWithdrawn }

// makeWay ends the execution in favour of a newer one of its lane. The lock
// has already forgotten it.
func (m *move) makeWay(i, by int) {
	m.letGo(i)
	st := m.own(i)
	m.dropCommands(i)
	m.finishRest(i, Cancelled, "")
	st.Status, st.EndedAt, st.Hold = Superseded, m.now, Hold{}
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
	a.Tests = r.Tests
	again := m.goesAgain(i, a.Name, status, a.Tries)
	m.finish(a, status, r.Reason)
	if again {
		m.tryActionAgain(i, a)
	} else {
		m.failFast(i, *a)
	}
	m.advance(i)
}

// goesAgain tells whether an action that is about to end is tried again. Where the stage
// fails already, or is being stopped, nothing new starts.
func (m *move) goesAgain(i int, action string, ends Status, tries int) bool {
	def := m.Definition.Stages[i].Actions[m.action(i, action)]
	wrong := ends == Failed || ends == Errored || ends == TimedOut
	return wrong && tries < def.Retry.Times && m.Stages[i].Status == InProgress && (def.Role != RoleWork || !m.broken(i))
}

// tryActionAgain makes a new attempt of an action, which begins after its backoff.
func (m *move) tryActionAgain(i int, a *ActionState) {
	st := m.Stages[i]
	*a = ActionState{Name: a.Name, Status: Pending, Attempt: a.Attempt + 1, Tries: a.Tries + 1}
	if wait := m.Definition.Stages[i].Actions[m.action(i, a.Name)].Retry.Backoff; wait > 0 {
		a.Until = m.now.Add(wait)
		m.emit(AwaitDue{At: a.Until, Stage: st.Name, Attempt: st.Attempt})
	}
}

// failFast stops the other runs of a matrix when one has failed.
func (m *move) failFast(i int, failed ActionState) {
	st, defs := m.own(i), m.Definition.Stages[i].Actions
	def := defs[slices.IndexFunc(defs, func(d Action) bool { return d.Name == failed.Name })]
	if !failed.Status.Bad() || !def.FailFast || def.ContinueOnError {
		return
	}
	for j := range st.Actions {
		a := &st.Actions[j]
		switch {
		case defs[j].Of != def.Of || defs[j].Role != def.Role:
		case a.Status == Pending:
			m.finish(a, Cancelled, "another run of its matrix failed")
		case a.Status == Queued || a.Status == InProgress:
			a.Status = Cancelling
			m.emit(StopJob{m.JobID(i, j)})
		}
	}
}

func (m *move) finish(a *ActionState, s Status, reason string) {
	a.Status, a.Reason, a.EndedAt, a.Until = s, reason, m.now, time.Time{}
}

// finishRest ends the actions of a stage that have not.
func (m *move) finishRest(i int, s Status, reason string) {
	st := m.own(i)
	for j := range st.Actions {
		if a := &st.Actions[j]; !a.Status.Ended() {
			m.finish(a, s, reason)
		}
	}
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
