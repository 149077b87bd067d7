package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Kind is what a stage waits for.
type Kind string

const (
	Source      Kind = "source"      // the tree of the commit is being fetched
	Stage       Kind = "stage"       // an earlier stage is not over
	Transition  Kind = "transition"  // the way into it is closed
	Lock        Kind = "lock"        // another execution of its lane is in it
	Environment Kind = "environment" // another execution is in its environment, or has a lock that it shares; or whether it trusts the ref is asked
	Condition   Kind = "condition"   // a rule of its file does not hold yet
	Commit      Kind = "commit"      // whether its commit contains what is deployed is asked
	Retry       Kind = "retry"       // it has failed, and is tried again later
	Approval    Kind = "approval"    // nobody has answered
	Runner      Kind = "runner"      // no runner has begun its jobs
	Action      Kind = "action"      // its actions run
	End         Kind = "end"         // it is being stopped
)

// Wait is one thing that a stage waits for.
type Wait struct {
	Kind  Kind
	Text  string    // what stands after "waits for"
	Since time.Time // zero: not known
	Next  string    // what happens then; empty where another Wait says it
}

// Around is what, beside an execution itself, tells what it waits for. The zero value
// knows nothing of it.
type Around struct {
	Closed map[string]pipeline.Transition // what keeps the way into a stage closed, by its name
	Holder string                         // who is in the stage or environment that it waits in front of
	Ahead  int                            // how many will be let in before it
}

// Waits lists what a stage waits for; of one that is over, nothing.
func Waits(x pipeline.Execution, i int, around Around) []Wait {
	st := x.Stages[i]
	switch {
	case x.Status.Ended() || st.Status.Ended():
		return nil
	case st.Status == pipeline.Stopping || st.Status == pipeline.Cancelling:
		return []Wait{{Kind: End, Text: "its end: it " + Stop(st.Reason, x.Abandoned || st.Status == pipeline.Cancelling)}}
	case st.Status == pipeline.Waiting:
		return []Wait{inFront(x, i, around)}
	case st.Status == pipeline.Pending:
		return unreached(x, i, around)
	}
	if w, held := Held(x, i, around); held {
		return append(inside(x, i), w)
	}
	return inside(x, i)
}

// ForRunner is what a stage waits for when it has jobs that no runner has begun.
func ForRunner(x pipeline.Execution, i int) (w Wait, ok bool) {
	for _, w := range Waits(x, i, Around{}) {
		if w.Kind == Runner {
			return w, true
		}
	}
	return Wait{}, false
}

// Held is what keeps a stage that has been entered from its first job, or from its
// next try.
func Held(x pipeline.Execution, i int, around Around) (Wait, bool) {
	st := x.Stages[i]
	w := Wait{Since: st.StartedAt, Next: "its actions run"}
	switch st.Hold.For {
	case pipeline.HoldRules:
		return rules(x, i), true
	case pipeline.HoldShared:
		w.Kind, w.Text = Environment, around.holder()+" to leave "+shared(x, i)+around.ahead()
	case pipeline.HoldCompare:
		w.Kind, w.Text = Commit, "GitHub to say whether this commit contains "+st.Deployed.Commit[:min(7, len(st.Deployed.Commit))]+", which is deployed"
	case pipeline.HoldTrust:
		w.Kind, w.Text = Environment, "GitHub to say whether the environment "+x.Definition.Stages[i].Environment+" still trusts "+x.Lane
	case pipeline.HoldShut:
		t, closed := around.Closed[st.Name]
		if !closed {
			return Wait{}, false
		}
		return closedWay(x, t), true
	case pipeline.HoldRetry:
		w.Kind, w.Text, w.Next = Retry, "its next try at "+clock(st.Hold.Until), "what failed runs again"
	default:
		return Wait{}, false
	}
	return w, true
}

// rules says which rule of a stage keeps it back.
func rules(x pipeline.Execution, i int) Wait {
	st := x.Stages[i]
	w := Wait{Kind: Condition, Text: "its rules: " + st.Reason, Since: st.HeldFrom, Next: begins(x, i)}
	if st.Status == pipeline.InProgress {
		w.Next = "its actions run"
	}
	if !st.Hold.Until.IsZero() {
		w.Text += " (asked again at " + clock(st.Hold.Until) + ")"
	}
	return w
}

// shared names the lock that a stage waits for.
func shared(x pipeline.Execution, i int) string {
	st := x.Stages[i]
	if environment := x.Definition.Stages[i].Environment; environment != "" && st.Asked <= 1 {
		return "the environment " + environment
	}
	return "what is shared as " + st.Concurrency
}

func clock(t time.Time) string { return t.UTC().Format("2 January 2006 15:04 UTC") }

func (a Around) holder() string {
	if a.Holder == "" {
		return "another execution"
	}
	return a.Holder
}

func (a Around) ahead() string {
	if a.Ahead == 0 {
		return ""
	}
	return fmt.Sprintf(", and for %d that came earlier", a.Ahead)
}

// unreached is what a stage waits for that the execution has not come to.
func unreached(x pipeline.Execution, i int, around Around) []Wait {
	if x.Unadmitted() {
		return []Wait{Word(x, i)}
	}
	all := []Wait{{Kind: Source, Text: "the source", Since: x.CreatedAt, Next: begins(x, i)}}
	if i > 0 {
		all = []Wait{{Kind: Stage, Text: "stage " + x.Stages[i-1].Name}}
	}
	if t, closed := around.Closed[x.Stages[i].Name]; closed {
		all = append(all, closedWay(x, t))
	}
	return all
}

func closedWay(x pipeline.Execution, t pipeline.Transition) Wait {
	w := Wait{
		Kind: Transition, Text: "the way into this stage to be opened: it is " + t.Words(), Since: t.At,
		Next: x.Definition.Mode.GoesOn(x.Lane),
	}
	if x.Rollback != nil {
		w.Next = firstIn
	}
	return w
}

// firstIn is what happens to a rollback, before which nobody enters.
const firstIn = "it enters before all others"

// inFront is what an execution waits for in front of a stage.
func inFront(x pipeline.Execution, i int, around Around) Wait {
	st := x.Stages[i]
	t, closed := around.Closed[st.Name]
	w := Wait{Since: st.WaitsFrom, Next: "it enters in its turn"}
	switch {
	case st.Hold.For == pipeline.HoldRules:
		return rules(x, i)
	case closed && !st.Admitted:
		w = closedWay(x, t)
		w.Since = st.WaitsFrom
		return w
	case !st.Admitted:
		w.Kind, w.Text = Lock, around.holder()+" to leave this stage"+around.ahead()
		switch {
		case x.Rollback != nil:
			w.Next = firstIn
		case x.Definition.Mode == pipeline.Superseding:
			w.Next = "it enters, unless a newer execution of " + x.Lane + " takes its place"
		}
	case x.Source.Digest == "":
		w.Kind, w.Text, w.Next = Source, "the source", begins(x, i)
	default:
		w.Kind, w.Text, w.Next = Condition, "the commands of its rules", begins(x, i)
	}
	return w
}

// inside is what a stage waits for that has been entered: what people are asked
// comes first.
func inside(x pipeline.Execution, i int) []Wait {
	st := x.Stages[i]
	var all []Wait
	for j, a := range st.Actions {
		if a.Status == pipeline.Waiting {
			all = append(all, approval(x, i, j))
		}
	}
	all = append(all, tries(st)...)
	queued := Wait{Kind: Runner, Since: st.StartedAt}
	running := Wait{Kind: Action}
	var waiting, busy []string
	for _, a := range st.Actions {
		switch a.Status {
		case pipeline.Queued:
			waiting = append(waiting, a.Name)
		case pipeline.InProgress, pipeline.Cancelling:
			busy = append(busy, a.Name)
			if running.Since.IsZero() || a.StartedAt.Before(running.Since) {
				running.Since = a.StartedAt
			}
		default:
		}
	}
	if len(waiting) > 0 {
		queued.Text = "a free runner: " + strings.Join(waiting, ", ")
		all = append(all, queued)
	}
	if len(busy) > 0 {
		running.Text, running.Next = "what runs: "+strings.Join(busy, ", "), after(x, i, busy)
		all = append(all, running)
	}
	return all
}

// tries are the next attempts of actions that have gone wrong.
func tries(st pipeline.StageState) []Wait {
	var all []Wait
	for _, a := range st.Actions {
		if a.Status == pipeline.Pending && !a.Until.IsZero() {
			all = append(all, Wait{Kind: Retry, Text: "the next try of " + a.Name + " at " + clock(a.Until), Next: "it runs again"})
		}
	}
	return all
}

// after is what comes when the named actions of a stage have ended well: those that
// need them, else what comes after the stage.
func after(x pipeline.Execution, i int, ended []string) string {
	var next []string
	for j, def := range x.Definition.Stages[i].Actions {
		needs := func(name string) bool { return slices.Contains(def.Needs, name) }
		if x.Stages[i].Actions[j].Status == pipeline.Pending && slices.ContainsFunc(ended, needs) {
			next = append(next, def.Name)
		}
	}
	switch {
	case len(next) > 0:
		return "what needs it goes on: " + strings.Join(next, ", ")
	case i+1 < len(x.Stages):
		return begins(x, i+1)
	}
	return "the execution succeeds"
}

func begins(x pipeline.Execution, i int) string { return "stage " + x.Stages[i].Name + " begins" }
