package review

import (
	"fmt"
	"slices"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// differ collects the changes of one stage.
type differ struct {
	repository string
	stage      string
	changes    []Change
}

// add notes a change. The text goes on after the stage's name.
func (d *differ) add(weakens bool, format string, args ...any) {
	d.changes = append(d.changes, Change{weakens, Code(d.stage) + " " + fmt.Sprintf(format, args...) + "."})
}

// newStage says what a stage that was not there does.
func newStage(repository string, s pipeline.Stage) []Change {
	d := differ{repository: repository, stage: s.Name}
	d.add(false, "is a new stage of %s", list(titles(s.Actions)))
	if s.Environment != "" {
		d.add(false, "changes the environment %s", Code(s.Environment))
	}
	if s.If != "" {
		d.add(false, "is skipped, which counts as passed, unless %s", Code(s.If))
	}
	for _, r := range s.BeforeEntry {
		d.add(false, "is entered only by the rule %s", Code(r.String()))
	}
	for _, a := range s.Actions {
		d.newAction(s, a)
	}
	return d.changes
}

// newAction says what an action that was not there is given, and whom it asks.
func (d *differ) newAction(s pipeline.Stage, a pipeline.Action) {
	if a.Approval != nil {
		d.add(false, "asks for the approval %s by %s", Code(a.Name), d.who(*a.Approval))
		return
	}
	if names := secrets(a); len(names) > 0 {
		d.add(true, "gives %s to %s", list(names), Code(a.Title()))
	}
	if s.Environment != "" && a.Role == pipeline.RoleWork && len(guards(s, a)) == 0 {
		d.add(true, "lets %s change %s without an approval", Code(a.Title()), Code(s.Environment))
	}
}

// stage says what differs between two states of a stage.
func stage(repository string, was, is pipeline.Stage) []Change {
	d := differ{repository: repository, stage: is.Name}
	switch {
	case was.Environment == is.Environment:
	case was.Environment == "":
		d.add(false, "now changes the environment %s", Code(is.Environment))
	case is.Environment == "":
		d.add(true, "no longer says that it changes the environment %s: it runs on every branch, and beside others", Code(was.Environment))
	default:
		d.add(true, "changed the environment %s and changes %s", Code(was.Environment), Code(is.Environment))
	}
	if was.If != is.If { // skipped counts as passed
		d.add(true, "ran only if %s and runs only if %s", condition(was.If), condition(is.If))
	}
	d.rules("to be entered", was.BeforeEntry, is.BeforeEntry)
	d.rules("to have succeeded", was.OnSuccess, is.OnSuccess)
	if was.Concurrency != is.Concurrency {
		d.add(is.Concurrency == "", "shared the lock %s and shares %s", Code(was.Concurrency), Code(is.Concurrency))
	}
	if was.OnFailure != is.OnFailure {
		d.add(is.OnFailure.Skip && !was.OnFailure.Skip, "does %s after a failure, where it did %s", Code(onFailure(is)), Code(onFailure(was)))
	}
	d.actions(was, is)
	return d.changes
}

func condition(text string) string {
	if text == "" {
		return "all before it succeeded"
	}
	return Code(text)
}

func onFailure(s pipeline.Stage) string {
	f := s.OnFailure
	text := ""
	if f.Retry != pipeline.RetryNothing {
		text = fmt.Sprintf("%d retries of %s, ", f.Times, f.Retry)
	}
	switch {
	case f.Rollback:
		return text + "a rollback"
	case f.Skip:
		return text + "pass it over"
	}
	return text + "nothing more"
}

func (d *differ) rules(what string, was, is []pipeline.Rule) {
	texts := func(rules []pipeline.Rule) []string {
		var all []string
		for _, r := range rules {
			all = append(all, r.String())
		}
		return all
	}
	for _, gone := range without(texts(was), texts(is)) {
		d.add(true, "no longer needs %s %s", Code(gone), what)
	}
	for _, more := range without(texts(is), texts(was)) {
		d.add(false, "now needs %s %s", Code(more), what)
	}
}

// actions says which actions come, go and change.
func (d *differ) actions(was, is pipeline.Stage) {
	find := func(s pipeline.Stage, name string) int {
		return slices.IndexFunc(s.Actions, func(a pipeline.Action) bool { return a.Name == name })
	}
	for _, a := range was.Actions {
		if find(is, a.Name) < 0 {
			kind := "action"
			if a.Approval != nil {
				kind = "approval"
			}
			d.add(a.Approval != nil, "no longer has the %s %s", kind, Code(a.Title()))
		}
	}
	for _, a := range is.Actions {
		i := find(was, a.Name)
		switch {
		case i < 0:
			if a.Approval == nil {
				d.add(false, "has a new action %s", Code(a.Title()))
			}
			d.newAction(is, a)
		case was.Actions[i].Approval != nil && a.Approval != nil:
			d.approval(was.Actions[i], a)
		case was.Actions[i].Approval != nil:
			d.add(true, "has made the approval %s an action", Code(a.Name))
			d.newAction(is, a)
		case a.Approval != nil:
			d.add(false, "has made the action %s an approval by %s", Code(a.Name), d.who(*a.Approval))
		default:
			d.action(was, is, was.Actions[i], a)
		}
	}
}

// action says what differs between two states of a container run.
func (d *differ) action(oldStage, newStage pipeline.Stage, was, is pipeline.Action) {
	name := Code(is.Title())
	for _, gone := range without(guards(oldStage, was), guards(newStage, is)) {
		d.add(true, "lets %s run without the approval %s", name, Code(gone))
	}
	if more := without(secrets(is), secrets(was)); len(more) > 0 {
		d.add(true, "gives %s to %s", list(more), name)
	}
	if gone := without(secrets(was), secrets(is)); len(gone) > 0 {
		d.add(false, "no longer gives %s to %s", list(gone), name)
	}
	if is.ContinueOnError && !was.ContinueOnError {
		d.add(true, "succeeds even where %s fails", name)
	}
	if was.If != is.If {
		d.add(true, "ran %s only if %s and runs it only if %s", name, condition(was.If), condition(is.If))
	}
	if was.Image != is.Image {
		d.add(false, "ran %s in %s and runs it in %s", name, Code(was.Image), Code(is.Image))
	}
	if was.Run != is.Run || was.Shell != is.Shell || !slices.Equal(was.Env, is.Env) {
		d.add(false, "runs another script in %s, or with other variables", name)
	}
}

// guards are the approvals that an action waits for, at once or by what it needs.
func guards(s pipeline.Stage, a pipeline.Action) []string {
	var found, seen []string
	for open := slices.Clone(a.Needs); len(open) > 0; open = open[1:] {
		if slices.Contains(seen, open[0]) {
			continue
		}
		seen = append(seen, open[0])
		for _, other := range s.Actions {
			if other.Name != open[0] {
				continue
			}
			if other.Approval != nil {
				found = append(found, other.Name)
			}
			open = append(open, other.Needs...)
		}
	}
	return found
}

func secrets(a pipeline.Action) []string {
	var names []string
	for _, s := range a.Secrets {
		names = append(names, s.Name)
	}
	return names
}

func titles(actions []pipeline.Action) []string {
	var names []string
	for _, a := range actions {
		names = append(names, a.Title())
	}
	return names
}
