package pipeline

import "slices"

// LockKey names the lock of one stage on one lane, or that of an environment,
// which all pipelines of a repository share: then Pipeline and Lane are empty and
// Stage is the environment's name.
type LockKey struct {
	Repository int64 // GitHub's id, which a rename keeps
	Pipeline   string
	Lane       string
	Stage      string
}

// OfEnvironment tells which of the two it is.
func (k LockKey) OfEnvironment() bool { return k.Pipeline == "" }

// Mode is what becomes of executions that want into a stage, as in CodePipeline.
type Mode string

const (
	// Superseding keeps of those that wait only the newest. The zero Mode is this.
	Superseding Mode = ""
	// Queueing lets all in, in the order in which they came.
	Queueing Mode = "queued"
	// Parallel lets all in at once.
	Parallel Mode = "parallel"
)

// Lock lets executions into a stage: one at a time, but for those whose mode is
// Parallel. Its zero value is free and open.
type Lock struct {
	Holder  Claim
	Waiters []Claim // in the order in which they will be let in
	Newest  int     // highest number that was ever let in
	Closed  bool    // nobody is let in
}

// Claim is an execution at a lock. The zero value is nobody.
type Claim struct {
	Execution string
	Number    int
	Stage     string // of the execution, which the lock is for
	Mode      Mode
	Working   bool // it has handed out a job; before that it only waits for approvals
}

// LockEvent is what an execution, or whoever opens and closes it, tells a lock.
type LockEvent interface{ lockEvent() }

type (
	// Enter asks to be let in.
	Enter struct{ Claim }
	// Work says that the holder hands out its first job: from now on nothing
	// supersedes it.
	Work struct{ Execution string }
	// Leave gives the lock back, or gives up waiting.
	Leave struct{ Execution string }
	// Close keeps everybody out until Open. Who is inside stays.
	Close struct{}
	// Open lets in who waits.
	Open struct{}
)

func (Enter) lockEvent() {}
func (Work) lockEvent()  {}
func (Leave) lockEvent() {}
func (Close) lockEvent() {}
func (Open) lockEvent()  {}

// Answer is what a lock tells an execution about a stage of it. By is the number
// of the execution it makes way for; zero means that it has been let in.
type Answer struct {
	Execution string
	Stage     string
	By        int
}

// Apply is the only thing that changes a lock. Events of executions that the
// lock does not know change nothing, so every event may be given twice.
func (l Lock) Apply(e LockEvent) (Lock, []Answer) {
	switch e := e.(type) {
	case Enter:
		l.Waiters = slices.Clone(l.Waiters)
		return l.enter(e.Claim)
	case Work:
		if l.Holder.Execution == e.Execution {
			l.Holder.Working = true
		}
	case Leave:
		l.Waiters = slices.Clone(l.Waiters)
		if l.Waiters = slices.DeleteFunc(l.Waiters, is(e.Execution)); l.Holder.Execution == e.Execution {
			l.Holder = Claim{}
		}
		return l.admit()
	case Close:
		l.Closed = true
	case Open:
		l.Closed = false
		return l.admit()
	}
	return l, nil
}

// Overtaken returns whether an execution newer than the number has been let in.
func (l Lock) Overtaken(number int) bool { return l.Newest > number }

func is(execution string) func(Claim) bool {
	return func(c Claim) bool { return c.Execution == execution }
}

func (l Lock) enter(c Claim) (Lock, []Answer) {
	if l.Holder.Execution == c.Execution || slices.ContainsFunc(l.Waiters, is(c.Execution)) {
		return l, nil
	}
	var answers []Answer
	if c.Mode == Superseding {
		if by := l.newest(); by > c.Number {
			return l, []Answer{{Execution: c.Execution, Stage: c.Stage, By: by}}
		}
		l.Waiters = slices.DeleteFunc(l.Waiters, func(w Claim) bool {
			gives := w.Mode == Superseding
			if gives {
				answers = append(answers, Answer{Execution: w.Execution, Stage: w.Stage, By: c.Number})
			}
			return gives
		})
	}
	l.Waiters = append(l.Waiters, c)
	l, in := l.admit()
	return l, append(answers, in...)
}

// admit lets in whoever may come in now.
func (l Lock) admit() (Lock, []Answer) {
	var answers []Answer
	for !l.Closed && len(l.Waiters) > 0 {
		next := l.Waiters[0]
		if next.Mode != Parallel {
			switch {
			case l.Holder.Execution == "":
			case l.Holder.gives(next.Mode):
				answers = append(answers, Answer{Execution: l.Holder.Execution, Stage: l.Holder.Stage, By: next.Number})
			default:
				return l, answers
			}
			l.Holder = next
		}
		l.Waiters, l.Newest = l.Waiters[1:], max(l.Newest, next.Number)
		answers = append(answers, Answer{Execution: next.Execution, Stage: next.Stage})
	}
	return l, answers
}

// gives tells whether a holder makes way for the next execution, which is newer: it
// has only waited for approvals, as if in front of the stage.
func (c Claim) gives(next Mode) bool {
	return !c.Working && c.Mode == Superseding && next == Superseding
}

// newest is the highest number that is at the lock or was ever let in: in
// superseded mode an older execution never enters behind a newer one.
func (l Lock) newest() int {
	newest := max(l.Newest, l.Holder.Number)
	for _, w := range l.Waiters {
		newest = max(newest, w.Number)
	}
	return newest
}
