package local

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Question is an approval that waits for an answer, with all the answer is
// bound to.
type Question struct {
	Stage     string
	Action    string
	Pipeline  string
	Revision  string // such as main at c0ffee1 with uncommitted changes; empty outside a repository
	Commit    string // empty where there is none
	Artifacts []pipeline.Artifact

	Instructions string
	Form         []pipeline.Field
}

// Answer is what a person says to it.
type Answer struct {
	Approved bool
	Comment  string
	Values   []pipeline.Value // of the form
}

// desk has approvals decided. Its methods are called under the machine's lock;
// the answers come later.
type desk struct {
	ask    func(ctx context.Context, q Question) (Answer, error)
	apply  func(pipeline.Event) error
	actor  string
	report func(note string)

	all sync.WaitGroup
	mu  sync.Mutex
	// What ends a question that nobody has to answer any more.
	open map[pipeline.JobID]context.CancelFunc
}

// put asks a question until it is answered or expires.
func (d *desk) put(ctx context.Context, id pipeline.JobID, q Question, expires time.Time) {
	ctx, end := context.WithDeadline(ctx, expires)
	d.mu.Lock()
	d.open[id] = end
	d.mu.Unlock()
	d.all.Go(func() {
		defer end()
		answer, err := d.ask(ctx, q)
		var event pipeline.Event = pipeline.Decided{
			At: time.Now(), Job: id, Actor: d.actor, Door: door, Approved: answer.Approved, Comment: answer.Comment,
			Values: answer.Values, Meets: everybody,
		}
		switch {
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			event = pipeline.ApprovalExpired{At: time.Now(), Job: id}
		case ctx.Err() != nil:
			return
		case err != nil:
			d.report(id.Stage + "/" + id.Action + " was not answered: " + err.Error())
		}
		// Refused where the answer no longer matters.
		if err := d.apply(event); err != nil && !errors.Is(err, pipeline.ErrRefused) {
			d.report(err.Error())
		}
	})
}

// withdraw ends the questions of approvals that no longer wait.
func (d *desk) withdraw(x pipeline.Execution) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, end := range d.open {
		i, j, ok := x.Find(id)
		if !ok || x.Stages[i].Actions[j].Status != pipeline.Waiting {
			end()
			delete(d.open, id)
		}
	}
}

// question is what people are shown of an approval.
func (r *run) question(x pipeline.Execution, id pipeline.JobID) Question {
	i, j, _ := x.Find(id)
	return Question{
		Stage: id.Stage, Action: id.Action, Pipeline: x.Definition.Name,
		Revision: r.revision, Commit: x.Revision.Commit, Artifacts: x.Artifacts(),
		Instructions: x.Stages[i].Actions[j].Instructions, Form: x.Definition.Stages[i].Actions[j].Approval.Form,
	}
}

// everybody is what the one person meets who decides on their own machine.
var everybody = []string{pipeline.GroupRequirement(0)}

// alone is a definition whose approvals one person decides.
func alone(d pipeline.Definition) pipeline.Definition {
	d.Stages = slices.Clone(d.Stages)
	for i := range d.Stages {
		actions := slices.Clone(d.Stages[i].Actions)
		for j := range actions {
			if a := actions[j].Approval; a != nil {
				one := a.Alone()
				actions[j].Approval = &one
			}
		}
		d.Stages[i].Actions = actions
	}
	return d
}

// decide answers an approval, or has it answered.
func (r *run) decide(ctx context.Context, e pipeline.AwaitExpiry, at time.Time) []pipeline.Event {
	if !r.Approve && r.Ask != nil {
		r.desk.put(ctx, e.Job, r.question(r.machine.x, e.Job), e.At)
		return nil
	}
	approves := r.Approve
	if !r.Approve {
		r.Reporter.Note(e.Job.Stage + "/" + e.Job.Action + " is an approval: run with --approve to give it")
	} else if _, err := (pipeline.Approval{Form: r.question(r.machine.x, e.Job).Form}).Fill(nil, nil); err != nil {
		approves = false
		r.Reporter.Note(e.Job.Stage + "/" + e.Job.Action + " has a form, and " + err.Error() + ": run it on a terminal, without --approve")
	}
	return []pipeline.Event{pipeline.Decided{At: at, Job: e.Job, Actor: r.Actor, Door: door, Approved: approves, Meets: everybody}}
}
