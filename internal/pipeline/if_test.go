package pipeline_test

import (
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// TestIf leaves actions out whose condition does not hold, and runs others though
// something has failed.
func TestIf(t *testing.T) {
	action := func(name, condition string, needs ...string) pipeline.Action {
		a := command(name, pipeline.RoleWork)
		a.If, a.Needs = condition, needs
		return a
	}
	finally := func(name, condition string) pipeline.Action {
		a := command(name, pipeline.RoleFinally)
		a.If = condition
		return a
	}
	done := func(action string, r pipeline.Result) pipeline.Event { return ended(6, id("production", action, 1), r) }
	for _, tc := range []struct {
		name    string
		actions []pipeline.Action
		events  []pipeline.Event
		want    string // of the stage
	}{
		{"false", []pipeline.Action{action("a", "false"), action("b", "")}, nil, "in_progress a=skipped b=queued"},
		{"what needs it is left out too", []pipeline.Action{action("a", "false"), action("b", "", "a"), action("c", "always()", "b")}, nil, "in_progress a=skipped b=skipped c=queued"},
		{"all left out", []pipeline.Action{action("a", "false")}, nil, "succeeded a=skipped"},
		{"an error", []pipeline.Action{action("a", "source.nothing == 'x'")}, nil, "failed a=errored"},
		{"true", []pipeline.Action{action("a", "source.branch == 'main' && variables.REGION == 'eu'")}, nil, "in_progress a=queued"},
		{"after a failure", []pipeline.Action{action("a", ""), action("b", "failure()", "a"), action("c", "always()", "a"), action("d", "", "a")}, []pipeline.Event{done("a", bad)}, "in_progress a=failed b=queued c=queued d=cancelled"},
		{"without one", []pipeline.Action{action("a", ""), action("b", "failure()", "a"), action("c", "success()", "a")}, []pipeline.Event{done("a", good)}, "in_progress a=succeeded b=skipped c=queued"},
		{"the stage fails all the same", []pipeline.Action{action("a", ""), action("b", "failure()", "a")}, []pipeline.Event{done("a", bad), done("b", good)}, "failed a=failed b=succeeded"},
		{"finally", []pipeline.Action{action("a", ""), finally("f", "")}, []pipeline.Event{done("a", bad)}, "in_progress a=failed f=queued"},
		{"finally waits", []pipeline.Action{action("a", ""), action("b", ""), finally("f", "")}, []pipeline.Event{done("a", bad)}, "in_progress a=failed b=queued f=pending"},
		{"finally with a condition", []pipeline.Action{action("a", ""), finally("f", "failure()"), finally("g", "success()"), finally("h", "source.branch == 'main'")}, []pipeline.Event{done("a", bad)}, "in_progress a=failed f=queued g=skipped h=queued"},
		{"finally fails the stage", []pipeline.Action{action("a", ""), finally("f", "")}, []pipeline.Event{done("a", good), done("f", bad)}, "failed a=succeeded f=failed"},
		{"finally after a cancel", []pipeline.Action{action("a", ""), finally("f", "cancelled()")}, []pipeline.Event{pipeline.Cancel{At: at(6), Reason: "stop"}, done("a", pipeline.Result{Status: pipeline.Cancelled})}, "cancelling a=cancelled f=queued"},
		{"a cancel ends after it", []pipeline.Action{action("a", ""), finally("f", "")}, []pipeline.Event{pipeline.Cancel{At: at(6), Reason: "stop"}, done("a", pipeline.Result{Status: pipeline.Cancelled}), done("f", good)}, "cancelled a=cancelled f=succeeded"},
		{"abandoned while it tidies", []pipeline.Action{action("a", ""), finally("f", "")}, []pipeline.Event{pipeline.Stop{At: at(6)}, done("a", good), pipeline.Stop{At: at(7), Abandon: true}, done("f", pipeline.Result{Status: pipeline.Cancelled})}, "stopped a=succeeded f=cancelled"},
		{"no condition leads past an approval", []pipeline.Action{signOff, action("a", "always()", "sign-off"), action("b", "failure()", "a")}, []pipeline.Event{pipeline.Decided{Meets: []string{"1"}, At: at(6), Job: id("production", "sign-off", 1), Actor: "bob"}}, "failed sign-off=rejected a=cancelled b=cancelled"},
		{"nothing to tidy", []pipeline.Action{signOff, finally("f", "")}, []pipeline.Event{pipeline.Decided{Meets: []string{"1"}, At: at(6), Job: id("production", "sign-off", 1), Actor: "bob"}}, "failed sign-off=rejected f=cancelled"},
	} {
		x, _ := ruled(t, pipeline.Stage{Actions: tc.actions}, tc.events...)
		got := string(stage(x).Status)
		for _, a := range stage(x).Actions {
			got += " " + a.Name + "=" + string(a.Status)
		}
		if got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.want)
		}
	}
}

// TestStageIf enters a stage after a failure only when it asks for that.
func TestStageIf(t *testing.T) {
	build := func(lint pipeline.Result) []pipeline.Event {
		return append(toBuild(), ended(3, id("build", "compile", 1), built), ended(4, id("build", "lint", 1), lint))
	}
	for _, tc := range []struct {
		condition, want string
		lint            pipeline.Result
	}{
		{"source.branch == 'next'", "succeeded, skipped: its if does not hold: source.branch == 'next'", good},
		{"source.branch == 'main'", "in_progress, waiting: ", good},
		{"source.branch == 'main'", "failed, pending: ", bad},
		{"failure()", "in_progress, waiting: ", bad},
		{"failure()", "succeeded, skipped: its if does not hold: failure()", good},
		{"source.nothing", "failed, failed: resolve source.nothing: nothing is called source.nothing", good},
	} {
		x := release()
		x.Definition.Stages[1].If = tc.condition
		x, _ = run(t, x, build(tc.lint)...)
		if got := string(x.Status) + ", " + string(x.Stages[1].Status) + ": " + x.Stages[1].Reason; got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.condition, got, tc.want)
		}
	}
	// The execution fails at the end; run again, the stage behind is as if not reached.
	x := release()
	x.Definition.Stages[1].If = "always()"
	x.Definition.Stages[1].Actions = []pipeline.Action{command("tell", pipeline.RoleWork)}
	x, _ = run(t, x, append(build(bad), pipeline.Entered{At: at(5), Stage: "production"})...)
	if _, _, err := x.Apply(pipeline.Retry{At: at(6), Stage: "build"}); err == nil {
		t.Error("a stage was run again while the execution goes on")
	}
	superseded, _ := run(t, x, ended(6, id("production", "tell", 1), good))
	superseded.Status = pipeline.Superseded // it might have been, in front of the last stage
	if _, _, err := superseded.Apply(pipeline.Retry{At: at(7), Stage: "build"}); err == nil {
		t.Error("a superseded execution was run again")
	}
	x, _ = run(t, x, ended(6, id("production", "tell", 1), good))
	if x.Status != pipeline.Failed || x.Reason != "stage build failed" {
		t.Errorf("%s: %s", x.Status, x.Reason)
	}
	x, _ = run(t, x, pipeline.Retry{At: at(7), Stage: "build"}, pipeline.Entered{At: at(7), Stage: "build"}, ended(8, id("build", "lint", 2), good))
	if st := x.Stages[1]; st.Status != pipeline.Waiting || st.Attempt != 2 {
		t.Errorf("the stage behind is %s, attempt %d", st.Status, st.Attempt)
	}
}

// TestFailFast stops the other runs of a matrix when one fails.
func TestFailFast(t *testing.T) {
	of := func(name string, fast bool) pipeline.Action {
		a := command(name, pipeline.RoleWork)
		a.Of, a.FailFast = "unit", fast
		a.Matrix = []pipeline.Value{{Name: "go", Value: name}}
		a.Image = "golang:${{ matrix.go }}"
		return a
	}
	fail := ended(6, id("production", "a", 1), bad)
	x, effects := ruled(t, pipeline.Stage{Actions: []pipeline.Action{of("a", true), of("b", true), deploy}}, fail)
	if stop, ok := has[pipeline.StopJob](effects); !ok || stop.Job.Action != "b" || stage(x).Actions[2].Status != pipeline.Queued {
		t.Errorf("%s, %v", statuses(x), effects)
	}
	x, effects = ruled(t, pipeline.Stage{Actions: []pipeline.Action{of("a", false), of("b", false)}})
	if job, _ := has[pipeline.StartJob](effects); job.Job.Image != "golang:a" {
		t.Errorf("the image is %s", job.Job.Image)
	}
	if _, effects = run(t, x, fail); len(effects) != 1 {
		t.Errorf("without fail-fast: %v", effects)
	}
}
