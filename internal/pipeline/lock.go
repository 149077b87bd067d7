package pipeline

import "slices"

// LockKey names the lock of one stage on one lane.
type LockKey struct {
	Repository int64 // GitHub's id, which a rename keeps
	Pipeline   string
	Lane       string
	Stage      string
}

// Lock lets one execution of a lane into a stage at a time. Its zero value is
// free. Its mode is CodePipeline's superseded: of those that wait, only the
// newest is kept.
type Lock struct {
	Holder  Claim
	Waiters []Claim // in order of arrival; at most one in superseded mode
	Newest  int     // highest number that ever entered
}

// Claim is an execution at a lock. The zero value is nobody.
type Claim struct {
	Execution string
	Number    int
	Working   bool // it has handed out a job; before that it only waits for approvals
}

// LockEvent is what an execution tells a lock.
type LockEvent interface{ lockEvent() }

type (
	// Enter asks to be let in.
	Enter struct {
		Execution string
		Number    int
	}
	// Work says that the holder hands out its first job: from now on nothing
	// supersedes it.
	Work struct{ Execution string }
	// Leave gives the lock back, or gives up waiting.
	Leave struct{ Execution string }
)

func (Enter) lockEvent() {}
func (Work) lockEvent()  {}
func (Leave) lockEvent() {}

// Answer is what a lock tells an execution. By is the number of the execution
// it makes way for; zero means that it has been let in.
type Answer struct {
	Execution string
	By        int
}

// Apply is the only thing that changes a lock. Events of executions that the
// lock does not know change nothing, so every event may be given twice.
func (l Lock) Apply(e LockEvent) (Lock, []Answer) {
	l.Waiters = slices.Clone(l.Waiters)
	switch e := e.(type) {
	case Enter:
		return l.enter(Claim{Execution: e.Execution, Number: e.Number})
	case Work:
		if l.Holder.Execution == e.Execution {
			l.Holder.Working = true
		}
	case Leave:
		return l.leave(e.Execution)
	}
	return l, nil
}

// Overtaken returns whether an execution newer than the number has been let in.
func (l Lock) Overtaken(number int) bool { return l.Newest > number }

func (l Lock) enter(c Claim) (Lock, []Answer) {
	if l.Holder.Execution == c.Execution || l.waits(c.Execution) {
		return l, nil
	}
	if by := l.newest(); by > c.Number {
		return l, []Answer{{Execution: c.Execution, By: by}}
	}
	var answers []Answer
	for _, w := range l.Waiters {
		answers = append(answers, Answer{Execution: w.Execution, By: c.Number})
	}
	l.Waiters = nil
	switch {
	case l.Holder.Execution == "":
	case l.Holder.Working:
		l.Waiters = []Claim{c}
		return l, answers
	default:
		answers = append(answers, Answer{Execution: l.Holder.Execution, By: c.Number})
	}
	l.Holder, l.Newest = c, c.Number
	return l, append(answers, Answer{Execution: c.Execution})
}

func (l Lock) leave(execution string) (Lock, []Answer) {
	l.Waiters = slices.DeleteFunc(l.Waiters, func(c Claim) bool { return c.Execution == execution })
	if l.Holder.Execution != execution {
		return l, nil
	}
	l.Holder = Claim{}
	if len(l.Waiters) == 0 {
		return l, nil
	}
	l.Holder, l.Waiters = l.Waiters[0], l.Waiters[1:]
	l.Newest = l.Holder.Number
	return l, []Answer{{Execution: l.Holder.Execution}}
}

func (l Lock) waits(execution string) bool {
	return slices.ContainsFunc(l.Waiters, func(c Claim) bool { return c.Execution == execution })
}

// newest is the highest number that is at the lock or was ever let in: an older
// execution never enters behind a newer one.
func (l Lock) newest() int {
	newest := max(l.Newest, l.Holder.Number)
	for _, w := range l.Waiters {
		newest = max(newest, w.Number)
	}
	return newest
}
