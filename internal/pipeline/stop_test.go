package pipeline_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

func stop(minute int, abandon bool) pipeline.Event {
	return pipeline.Stop{At: at(minute), Actor: "bob", Reason: "enough", Abandon: abandon}
}

func started(minute int, job pipeline.JobID) pipeline.Event {
	return pipeline.JobStarted{At: at(minute), Job: job, Runner: "r"}
}

// TestStop looks at where an execution stands after a stop and what came of it.
func TestStop(t *testing.T) {
	compile, lint, rollOut := id("build", "compile", 1), id("build", "lint", 1), id("production", "roll-out", 1)
	busy := slices.Clip(append(toBuild(), started(3, compile)))
	for _, c := range []struct {
		name   string
		events []pipeline.Event
		want   string // execution, stages, actions of the first
	}{
		{"before the source", []pipeline.Event{pipeline.Started{At: at(0)}, stop(1, false)}, "stopped: stopped pending: pending pending"},
		{"in front of a stage", []pipeline.Event{pipeline.Started{At: at(0)}, fetched, stop(2, false)}, "stopped: stopped pending: pending pending"},
		{"what runs goes on", append(busy, stop(4, false)), "stopping: stopping pending: in_progress cancelling"},
		{
			"and ends", append(busy, stop(4, false), ended(5, lint, pipeline.Result{Status: pipeline.Cancelled}), ended(6, compile, built)),
			"stopped: stopped pending: succeeded cancelled",
		},
		{"what runs is killed", append(busy, stop(4, true)), "stopping: stopping pending: cancelling cancelling"},
		{"after all", append(busy, stop(4, false), stop(5, true)), "stopping: stopping pending: cancelling cancelling"},
		{
			"a stage that ends well", append(toBuild(), started(3, compile), started(3, lint), stop(4, false), ended(5, lint, good), ended(6, compile, built)),
			"stopped: succeeded stopped: succeeded succeeded",
		},
		{"an approval is void", append(toSignOff(), stop(6, false)), "stopped: succeeded stopped: succeeded succeeded"},
		{
			"the last stage ends well", append(toSignOff(), approve(6), started(7, rollOut), stop(8, false), ended(9, rollOut, good)),
			"succeeded: succeeded succeeded: succeeded succeeded",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, _ := run(t, release(), c.events...)
			if got := standing(x); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
			if x.Status == pipeline.Stopped && x.Reason != "enough" {
				t.Errorf("reason %q", x.Reason)
			}
		})
	}
}

func standing(x pipeline.Execution) string {
	text := string(x.Status) + ":"
	for _, st := range x.Stages {
		text += " " + string(st.Status)
	}
	text += ":"
	for _, a := range x.Stages[0].Actions {
		text += " " + string(a.Status)
	}
	return text
}

// TestStopTwice may only turn a stop that waits into one that kills.
func TestStopTwice(t *testing.T) {
	for _, c := range [][2]bool{{false, false}, {true, false}, {true, true}} {
		x, _ := run(t, release(), append(toBuild(), started(3, id("build", "compile", 1)), stop(4, c[0]))...)
		if _, _, err := x.Apply(stop(5, c[1])); !errors.Is(err, pipeline.ErrRefused) || !strings.Contains(err.Error(), "stops already") {
			t.Errorf("%v: %v", c, err)
		}
	}
}

// TestRetryAfterStop goes on where a stop ended it.
func TestRetryAfterStop(t *testing.T) {
	compile := id("build", "compile", 1)
	retry := pipeline.Retry{At: at(9), Stage: "build"}
	x, _ := run(t, release(), append(toBuild(), started(3, compile), stop(4, false),
		ended(5, id("build", "lint", 1), pipeline.Result{Status: pipeline.Cancelled}), ended(6, compile, built), retry)...)
	if got, want := standing(x), "in_progress: waiting pending: succeeded pending"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	past := x.Stages[0].Past
	if len(past) != 1 || past[0].Attempt != 1 || past[0].Status != pipeline.Stopped || past[0].Actions[1].Status != pipeline.Cancelled {
		t.Errorf("the past is %+v", past)
	}
	x, effects := run(t, release(), pipeline.Started{At: at(0)}, stop(1, false), retry)
	if got, want := standing(x), "pending: pending pending: pending pending"; got != want || effects[0] != (pipeline.FetchSource{}) {
		t.Errorf("%s, %v\nwant %s and the source", got, effects, want)
	}
	x, _ = run(t, x, fetched)
	if got, want := standing(x), "in_progress: waiting pending: pending pending"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestRetryAll asks for the approval again, and runs what had succeeded.
func TestRetryAll(t *testing.T) {
	x, _ := run(t, release(), append(toSignOff(), approve(6), ended(7, id("production", "roll-out", 1), bad))...)
	some, _ := run(t, x, pipeline.Retry{At: at(8), Stage: "production"})
	all, _ := run(t, x, pipeline.Retry{At: at(8), Stage: "production", All: true})
	if s := some.Stages[1].Actions; s[0].Status != pipeline.Succeeded || s[1].Status != pipeline.Pending {
		t.Errorf("failed actions: %s %s", s[0].Status, s[1].Status)
	}
	if s := all.Stages[1].Actions; s[0].Status != pipeline.Pending || s[0].Decision != nil || s[0].Attempt != 2 {
		t.Errorf("all actions: %s, %v, attempt %d", s[0].Status, s[0].Decision, s[0].Attempt)
	}
	if past := all.Stages[1].Past; len(past) != 1 || past[0].Actions[0].Decision == nil {
		t.Errorf("the past is %+v", past)
	}
}
