package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// An operation is what a person asks for: to decide an approval, to run a stage
// again, to stop. Each has one function here, whichever door the wish came in
// by, so that comments, buttons, the API and the command line share what it
// means, who may, and the words of a refusal. The function asks GitHub what it
// must and returns what to do in the transaction, or a refusal.
type operation []change

// change is a part of an operation. What the state forbids is a refusal, after
// which the transaction may go on and everything is as it was. It may have
// something to tell to whoever asked.
type change interface {
	apply(ctx context.Context, tx store.Tx) (tells string, err error)
}

// addressed is an event for an execution.
type addressed struct {
	x     store.Execution
	event pipeline.Event
}

func (e addressed) apply(ctx context.Context, tx store.Tx) (string, error) {
	event, err := withLock(ctx, tx, e.x, e.event)
	if err != nil {
		return "", err
	}
	err = store.Apply(ctx, tx, e.x.ID, event)
	if errors.Is(err, pipeline.ErrRefused) {
		if errors.Is(err, pipeline.ErrAlready) {
			return "", refused(codeAlready, "%s", refusedWords(err))
		}
		no := refused(codeConflict, "%s", refusedWords(err))
		return "", e.instead(no)
	}
	return "", err
}

// refusedWords are the engine's, for whoever asked.
func refusedWords(err error) string {
	return strings.TrimPrefix(err.Error(), pipeline.ErrRefused.Error()+": ")
}

// instead adds to the refusal of a retry the stage that can be run again.
func (e addressed) instead(no refusal) refusal {
	retry, ok := e.event.(pipeline.Retry)
	if failed := failedStage(e.x); ok && failed != "" && failed != retry.Stage {
		no.message += "; of execution " + strconv.Itoa(e.x.Number) + " that is " + failed
		return no.offering([]string{failed})
	}
	return no
}

// withLock tells a retry or an override whether a newer execution has been in its
// stage.
func withLock(ctx context.Context, tx store.Tx, x store.Execution, event pipeline.Event) (pipeline.Event, error) {
	switch e := event.(type) {
	case pipeline.Retry:
		var err error
		e.Overtaken, err = overtaken(ctx, tx, x, e.Stage)
		return e, err
	case pipeline.Override:
		var err error
		e.Overtaken, err = overtaken(ctx, tx, x, e.Stage)
		return e, err
	}
	return event, nil
}

// overtaken tells whether a newer execution has been in a stage. In mode parallel, in
// which each is on its own, that is of no account.
func overtaken(ctx context.Context, tx store.Tx, x store.Execution, stage string) (bool, error) {
	i := x.StageIndex(stage)
	if i < 0 || x.Definition.Mode == pipeline.Parallel {
		return false, nil
	}
	lock, err := tx.Lock(ctx, x.LockKey(i), x.ID)
	return lock.Overtaken(x.Number), err
}

// caller is who asks for an operation, and by which door.
type caller struct {
	login string // GitHub's, or theOperator
	door  string // comment, button, review, deployment-review, dashboard or api; kept with a decision
	says  string // in their own words, if anything

	review int64 // the review that says it, if one does
}

// theOperator is who holds the operator's token. No login has a space in it.
// They may what write access allows, and are nobody whom a file could name.
const theOperator = "the operator"

func (c caller) String() string {
	if c.login == theOperator {
		return theOperator
	}
	return "@" + c.login
}

// code tells a program why an operation was refused. It is part of the API.
type code string

const (
	codeInvalid   code = "invalid"   // what was asked for makes no sense
	codeNotFound  code = "not_found" // there is nothing of that name
	codeAmbiguous code = "ambiguous" // there is more than one
	codeConflict  code = "conflict"  // the state does not allow it
	codeForbidden code = "forbidden" // somebody else may
	codeAlready   code = "already"   // the person has done it before
)

// refusal is why an operation is not carried out: one sentence for whoever
// asked, with what can be said instead.
type refusal struct {
	code         code
	message      string
	alternatives []string // for programs: what would be understood in place of what was said
	execution    string   // the id of the one that it is about, if it is about one
}

func (r refusal) Error() string { return r.message }

func (r refusal) offering(alternatives []string) refusal {
	r.alternatives = alternatives
	return r
}

// about adds to a refusal the execution that it is about.
func about(x store.Execution, err error) error {
	var no refusal
	if errors.As(err, &no) {
		no.execution = x.ID
		return no
	}
	return err
}

func refused(c code, format string, args ...any) refusal {
	return refusal{code: c, message: fmt.Sprintf(format, args...)}
}

// retry runs a failed or stopped stage again, the actions that did not succeed or
// all; without a name, the one that failed.
func (a *App) retry(ctx context.Context, by caller, x store.Execution, stage string, all bool) (operation, error) {
	may, err := a.mayWrite(ctx, repository(x), by)
	switch {
	case err != nil:
		return nil, err
	case !may:
		return nil, about(x, refused(codeForbidden, "%s may not run it again: that takes write access", by))
	case stage == "" && len(x.Problems) > 0:
		return nil, unstartable()
	case stage == "" && failedStage(x) == "":
		return nil, refused(codeConflict, "execution %d is %s and has no failed or stopped stage", x.Number, strings.ReplaceAll(string(x.Status), "_", " "))
	}
	stage = cmp.Or(stage, failedStage(x))
	i := slices.IndexFunc(x.Stages, func(st pipeline.StageState) bool { return strings.EqualFold(st.Name, stage) })
	if i < 0 {
		return nil, noStage(x, stage)
	}
	stage = x.Stages[i].Name
	return operation{addressed{x, pipeline.Retry{At: a.now(), Actor: by.login, Door: by.door, Stage: stage, All: all}}}, nil
}

// stop stops executions of one repository: what runs of them finishes, unless it is
// to be abandoned, and nothing else begins.
func (a *App) stop(ctx context.Context, by caller, repo github.Repository, running []store.Execution, abandon bool) (operation, error) {
	may, err := a.mayWrite(ctx, repo, by)
	switch {
	case err != nil:
		return nil, err
	case !may:
		return nil, refused(codeForbidden, "%s may not stop executions: that takes write access", by)
	case len(running) == 0:
		return nil, refused(codeConflict, "nothing runs here that could be stopped")
	}
	why := "stopped by " + by.login
	if by.says != "" {
		why += ": " + by.says
	}
	meant := slices.DeleteFunc(slices.Clone(running), func(x store.Execution) bool { return stops(x, abandon) })
	if len(meant) == 0 {
		meant = running // which says why not
	}
	var all operation
	for _, x := range meant {
		if x.Status == pipeline.Cancelling {
			return nil, refused(codeConflict, "execution %d of %s is stopping already: it %s", x.Number, x.Definition.Name, explain.Stop(x.Reason, true))
		}
		all = append(all, addressed{x, pipeline.Stop{At: a.now(), Actor: by.login, Door: by.door, Reason: why, Abandon: abandon}})
	}
	return all, nil
}

// stops tells whether an execution stops already as it is to.
func stops(x store.Execution, abandon bool) bool {
	return x.Status == pipeline.Cancelling || x.Status == pipeline.Stopping && (x.Abandoned || !abandon)
}

// failedStage is the stage that a retry means when it names none.
func failedStage(x store.Execution) string {
	i := slices.IndexFunc(x.Stages, repeatable)
	if i < 0 {
		return ""
	}
	return x.Stages[i].Name
}

func unstartable() refusal {
	return refused(codeConflict, "the pipeline could not start, and the same commit gives the same answer; push one that mends it")
}

// repeatable tells whether a stage can be run again.
func repeatable(st pipeline.StageState) bool {
	return st.Status == pipeline.Failed || st.Status == pipeline.TimedOut || st.Status == pipeline.Stopped
}

// noStage refuses a stage that an execution does not have.
func noStage(x store.Execution, name string) error {
	var names []string
	for _, st := range x.Stages {
		names = append(names, st.Name)
	}
	return refused(codeNotFound, "execution %d has no stage %q; it has %s", x.Number, name, strings.Join(names, ", ")).
		offering(names)
}
