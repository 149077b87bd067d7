package pipeline

import (
	"slices"
	"time"
)

// LockKey names the lock of one stage on one lane, or one that all pipelines of a
// repository share: then Pipeline is empty, Lane tells of which kind it is, and
// Stage is its name.
type LockKey struct {
	Repository int64 // GitHub's id, which a rename keeps
	Pipeline   string
	Lane       string
	Stage      string
}

// Shared tells which of the two it is.
func (k LockKey) Shared() bool { return k.Pipeline == "" }

// The kinds of shared locks. Names under concurrency that untrusted executions
// choose are apart from those of trusted ones.
const (
	ofEnvironment          = ""
	ofConcurrency          = "concurrency"
	ofUntrustedConcurrency = "untrusted concurrency"
)

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
	Holder   Claim
	Waiters  []Claim      // in the order in which they will be let in; see Others
	Others   int          `json:",omitempty"` // how many more wait, whom the next event is not about
	Front    int          `json:",omitempty"` // where there are others: how many of Waiters surely stand before them
	Newest   int          // highest number that was ever let in, rollbacks aside
	Back     int          `json:",omitempty"` // highest number of a rollback that was let in
	Closed   bool         `json:"-"`          // nobody is let in, and nobody inside begins; whoever gives the event knows whether it is
	Shut     []Claim      `json:",omitempty"` // who is inside and wanted to begin while it was closed
	Deployed []Deployment `json:",omitempty"` // of an environment: what each pipeline last deployed there
}

// Deployment is what a pipeline has deployed in an environment. The zero value is
// nothing.
type Deployment struct {
	Pipeline string
	Commit   string
	Number   int // of the execution
}

// Claim is an execution at a lock. The zero value is nobody.
type Claim struct {
	Execution string
	Number    int
	Pipeline  string
	Stage     string // of the execution, which the lock is for
	Mode      Mode
	First     bool `json:",omitempty"` // before all others, as a rollback is
	Working   bool // it has handed out a job; before that it only waits
}

// LockEvent is what an execution, or whoever opens and closes it, tells a lock.
type LockEvent interface{ lockEvent() }

type (
	// Enter asks to be let in. The holder is let in again. Where Most wait already, it
	// is turned away; zero is no limit.
	Enter struct {
		Claim

		Most int
	}
	// Begin asks to hand out the first job: from then on nothing supersedes it.
	Begin struct{ Claim }
	// Leave gives the lock back, or gives up waiting.
	Leave struct{ Execution string }
	// Deploy tells an environment what is there from now on.
	Deploy struct{ Deployment }
	// HandOver gives the lock from its holder to another, before all who wait.
	HandOver struct {
		Execution string
		To        Claim
	}
	// Open lets in who waits, where the lock is no longer closed.
	Open struct{}
)

func (Enter) lockEvent()    {}
func (Begin) lockEvent()    {}
func (Leave) lockEvent()    {}
func (Deploy) lockEvent()   {}
func (HandOver) lockEvent() {}
func (Open) lockEvent()     {}

// About is the execution that an event is about, or "".
func About(e LockEvent) string {
	switch e := e.(type) {
	case Enter:
		return e.Execution
	case Begin:
		return e.Execution
	case Leave:
		return e.Execution
	case HandOver:
		return e.Execution
	}
	return ""
}

// Word is what a lock says to an execution.
type Word string

// The words of a lock. Each becomes an event of the execution.
const (
	LetIn   Word = "let in"   // Entered, or Granted of a shared lock
	MakeWay Word = "make way" // MadeWay
	Clear   Word = "clear"    // Cleared
	IsShut  Word = "shut"     // Shut
	IsOpen  Word = "open"     // Opened
	IsFull  Word = "full"     // TurnedAway
)

// Answer is what a lock tells an execution about a stage of it.
type Answer struct {
	Word      Word
	Execution string
	Stage     string
	By        int        // with MakeWay: the number of the execution it makes way for
	Deployed  Deployment // with LetIn: what is there of its pipeline
}

// Event is the answer as an event of the execution.
func (a Answer) Event(at time.Time, from LockKey) Event {
	switch a.Word {
	case LetIn:
		if from.Shared() {
			return Granted{At: at, Stage: a.Stage, Deployed: a.Deployed}
		}
		return Entered{At: at, Stage: a.Stage}
	case MakeWay:
		return MadeWay{At: at, Stage: a.Stage, By: a.By}
	case Clear:
		return Cleared{At: at, Stage: a.Stage}
	case IsShut:
		return Shut{At: at, Stage: a.Stage}
	case IsOpen:
		return Opened{At: at, Stage: a.Stage}
	case IsFull:
	}
	return TurnedAway{At: at, Stage: a.Stage}
}

func (c Claim) told(w Word) Answer { return Answer{Word: w, Execution: c.Execution, Stage: c.Stage} }

// Apply is the only thing that changes a lock. Events of executions that the
// lock does not know change nothing, so every event may be given twice.
func (l Lock) Apply(e LockEvent) (Lock, []Answer) {
	switch e := e.(type) {
	case Enter:
		return l.enter(e)
	case Begin:
		return l.begin(e.Claim)
	case Leave:
		return l.leave(e.Execution)
	case Deploy:
		others := slices.DeleteFunc(slices.Clone(l.Deployed), func(d Deployment) bool { return d.Pipeline == e.Pipeline })
		l.Deployed = append(others, e.Deployment)
	case HandOver:
		if l.Holder.Execution == e.Execution {
			l.Holder = e.To
			l.remember(e.To)
		}
	case Open:
		return l.open()
	}
	return l, nil
}

// Overtaken returns whether an execution newer than the number has been let in.
func (l Lock) Overtaken(number int) bool { return max(l.Newest, l.Back) > number }

// remember notes who was let in.
func (l *Lock) remember(c Claim) {
	if c.First {
		l.Back = max(l.Back, c.Number)
		return
	}
	l.Newest = max(l.Newest, c.Number)
}

func is(execution string) func(Claim) bool {
	return func(c Claim) bool { return c.Execution == execution }
}

func (l Lock) enter(e Enter) (Lock, []Answer) {
	c := e.Claim
	switch {
	case l.Holder.Execution == c.Execution:
		return l, []Answer{l.in(c)}
	case slices.ContainsFunc(l.Waiters, is(c.Execution)):
		return l, nil
	case e.Most > 0 && len(l.Waiters)+l.Others >= e.Most:
		return l, []Answer{c.told(IsFull)}
	}
	var answers []Answer
	l.Waiters = slices.Clone(l.Waiters)
	if c.Mode == Superseding {
		if by := l.newest(); by > c.Number {
			away := c.told(MakeWay)
			away.By = by
			return l, []Answer{away}
		}
		for i := 0; i < len(l.Waiters); {
			if l.Waiters[i].Mode != Superseding {
				i++
				continue
			}
			answers = append(answers, l.Waiters[i].makesWay(c))
			l.remove(i)
		}
	}
	if c.First {
		l.Waiters = slices.Insert(l.Waiters, 0, c)
		if l.Others > 0 {
			l.Front++
		}
	} else {
		l.Waiters = append(l.Waiters, c)
	}
	l, in := l.admit()
	return l, append(answers, in...)
}

// begin answers at once where the lock is open, else when it opens.
func (l Lock) begin(c Claim) (Lock, []Answer) {
	if c.Mode != Parallel && l.Holder.Execution != c.Execution {
		return l, nil // it has made way, and is about to be told
	}
	if l.Closed {
		if !slices.ContainsFunc(l.Shut, is(c.Execution)) {
			l.Shut = append(slices.Clone(l.Shut), c)
		}
		return l, []Answer{c.told(IsShut)}
	}
	if l.Holder.Execution == c.Execution {
		l.Holder.Working = true
	}
	return l, []Answer{c.told(Clear)}
}

func (l Lock) leave(execution string) (Lock, []Answer) {
	if at := slices.IndexFunc(l.Waiters, is(execution)); at >= 0 {
		l.remove(at)
	}
	if at := slices.IndexFunc(l.Shut, is(execution)); at >= 0 {
		l.Shut = slices.Delete(slices.Clone(l.Shut), at, at+1)
	}
	if l.Holder.Execution == execution {
		l.Holder = Claim{}
	}
	return l.admit()
}

// open lets in who waits, and tells those inside to ask again.
func (l Lock) open() (Lock, []Answer) {
	if l.Closed {
		return l, nil
	}
	var answers []Answer
	for _, c := range l.Shut {
		answers = append(answers, c.told(IsOpen))
	}
	l.Shut = nil
	l, in := l.admit()
	return l, append(answers, in...)
}

// Calls tells whether there is more to do than the events so far could: the next that
// waits may come in, but is not known here. Then Open does it.
func (l Lock) Calls() bool { return !l.Closed && l.Others > 0 && l.Front == 0 }

// remove takes a waiter out.
func (l *Lock) remove(i int) {
	l.Waiters = slices.Delete(slices.Clone(l.Waiters), i, i+1)
	if i < l.Front {
		l.Front--
	}
}

// admit lets in whoever may come in now.
func (l Lock) admit() (Lock, []Answer) {
	var answers []Answer
	for !l.Closed && len(l.Waiters) > 0 && (l.Others == 0 || l.Front > 0) {
		next := l.Waiters[0]
		if next.Mode != Parallel {
			switch {
			case l.Holder.Execution == "":
			case l.Holder.gives(next):
				answers = append(answers, l.Holder.makesWay(next))
			default:
				return l, answers
			}
			l.Holder = next
		}
		l.remove(0)
		l.remember(next)
		answers = append(answers, l.in(next))
	}
	return l, answers
}

// in is the answer to whom is let in.
func (l Lock) in(c Claim) Answer {
	a := c.told(LetIn)
	if at := slices.IndexFunc(l.Deployed, func(d Deployment) bool { return d.Pipeline == c.Pipeline }); at >= 0 {
		a.Deployed = l.Deployed[at]
	}
	return a
}

func (c Claim) makesWay(next Claim) Answer {
	a := c.told(MakeWay)
	a.By = next.Number
	return a
}

// gives tells whether a holder makes way for the next execution, which is newer: it
// has only waited for approvals, as if in front of the stage.
func (c Claim) gives(next Claim) bool {
	return !c.Working && c.Mode == Superseding && (next.Mode == Superseding || next.First)
}

// Yields tells whether a rollback would be let in at once, if the lock is open.
func (l Lock) Yields() bool { return l.Holder.Execution == "" || l.Holder.gives(Claim{First: true}) }

// newest is the highest number that is at the lock or was ever let in: in
// superseded mode an older execution never enters behind a newer one. A rollback does
// not count: it has the highest number and deploys what is old, and whoever was on the
// way with what is newer goes on after it.
func (l Lock) newest() int {
	newest := l.Newest
	for _, c := range append([]Claim{l.Holder}, l.Waiters...) {
		if !c.First {
			newest = max(newest, c.Number)
		}
	}
	return newest
}
