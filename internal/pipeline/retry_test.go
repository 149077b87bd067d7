package pipeline_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// stubborn is release with a compile that is tried again.
func stubborn(times int, backoff time.Duration) pipeline.Execution {
	x := release()
	x.Definition.Stages[0].Actions[0].Retry = pipeline.ActionRetry{Times: times, Backoff: backoff}
	return x
}

func begun(effects []pipeline.Effect) []pipeline.JobID {
	var jobs []pipeline.JobID
	for _, e := range effects {
		if start, ok := e.(pipeline.StartJob); ok {
			jobs = append(jobs, start.Job.ID)
		}
	}
	return jobs
}

// TestRetryOfAnAction tries an action again, whatever has gone wrong, until it succeeds.
func TestRetryOfAnAction(t *testing.T) {
	x, effects := run(t, stubborn(3, 0), append(toBuild(), ended(3, id("build", "compile", 1), bad))...)
	for n, status := range []pipeline.Status{pipeline.Errored, pipeline.TimedOut, pipeline.Succeeded} {
		job := id("build", "compile", n+2)
		if diff := cmp.Diff([]pipeline.JobID{job}, begun(effects)); diff != "" {
			t.Fatalf("%s (-want +got)\n%s", statuses(x), diff)
		}
		r := built
		r.Status = status
		x, effects = run(t, x, ended(4+n, job, r))
	}
	x, _ = run(t, x, ended(9, id("build", "lint", 1), good))
	if got, want := standing(x), "in_progress: succeeded waiting: succeeded succeeded"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if st := x.Stages[0]; st.Attempt != 1 || st.Actions[0].Attempt != 4 || st.Actions[0].Tries != 3 {
		t.Errorf("attempt %d of the stage, %+v", st.Attempt, st.Actions[0])
	}
}

// TestRetryOfAnActionEnds asks for the last failure before the stage says what follows,
// and counts anew in the stage's own next attempt.
func TestRetryOfAnActionEnds(t *testing.T) {
	x := stubborn(1, 0)
	x.Definition.Stages[0].OnFailure = pipeline.OnFailure{Retry: pipeline.RetryFailed, Times: 1}
	x, _ = run(t, x, append(toBuild(), ended(3, id("build", "lint", 1), good))...)
	for n := 1; n <= 3; n++ {
		var effects []pipeline.Effect
		x, effects = run(t, x, ended(3+n, id("build", "compile", n), bad))
		if diff := cmp.Diff([]pipeline.JobID{id("build", "compile", n+1)}, begun(effects)); diff != "" || x.Stages[0].Attempt != 1+n/2 {
			t.Fatalf("after failure %d the stage is in attempt %d\n%s", n, x.Stages[0].Attempt, diff)
		}
	}
	if x, _ = run(t, x, ended(9, id("build", "compile", 4), bad)); x.Status != pipeline.Failed {
		t.Error(statuses(x))
	}
}

func TestBackoffOfAnAction(t *testing.T) {
	x, effects := run(t, stubborn(1, 10*time.Minute), append(toBuild(), ended(3, id("build", "compile", 1), bad), ended(4, id("build", "lint", 1), good))...)
	if len(begun(effects)) > 0 || standing(x) != "in_progress: in_progress pending: pending succeeded" {
		t.Fatalf("%s, %v", statuses(x), effects)
	}
	early := pipeline.Due{At: at(12), Stage: "build", Attempt: 1}
	if same, _, err := x.Apply(early); err != nil || statuses(same) != statuses(x) {
		t.Errorf("too early: %s, %v", statuses(same), err)
	}
	due := pipeline.Due{At: at(13), Stage: "build", Attempt: 1}
	x, effects = run(t, x, due)
	if diff := cmp.Diff([]pipeline.JobID{id("build", "compile", 2)}, begun(effects)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, effects, _ = x.Apply(due); len(effects) > 0 {
		t.Errorf("again: %v", effects)
	}
}

// TestWhatEndsARetry sees that nothing new starts where the stage fails anyway or is to
// stop.
func TestWhatEndsARetry(t *testing.T) {
	compile, lint := id("build", "compile", 1), id("build", "lint", 1)
	for name, tc := range map[string]struct {
		events []pipeline.Event
		want   string
	}{
		"another failed before":   {[]pipeline.Event{ended(3, lint, bad), ended(4, compile, bad)}, "failed: failed pending: failed failed"},
		"another fails meanwhile": {[]pipeline.Event{ended(3, compile, bad), ended(4, lint, bad)}, "failed: failed pending: cancelled failed"},
		"stop":                    {[]pipeline.Event{ended(3, compile, bad), ended(4, lint, good), pipeline.Stop{At: at(5)}}, "stopped: stopped pending: cancelled succeeded"},
		"cancel":                  {[]pipeline.Event{ended(3, compile, bad), ended(4, lint, good), pipeline.Cancel{At: at(5)}}, "cancelled: cancelled pending: cancelled succeeded"},
		"stop while it runs":      {[]pipeline.Event{ended(3, lint, good), pipeline.JobStarted{At: at(3), Job: compile}, pipeline.Stop{At: at(4)}, ended(5, compile, bad)}, "stopped: stopped pending: failed succeeded"},
	} {
		x, effects := run(t, stubborn(2, time.Hour), append(toBuild(), tc.events...)...)
		if got := standing(x); got != tc.want || len(begun(effects)) > 0 {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// TestRetryOfFinally is ended by a stop too, though what runs last is otherwise left to.
func TestRetryOfFinally(t *testing.T) {
	x := release()
	x.Definition.Stages[0].Actions = append(slices.Clone(x.Definition.Stages[0].Actions), pipeline.Action{
		Name: "sweep", Role: pipeline.RoleFinally, Image: "i", Run: "r", Inputs: []string{"source"}, Retry: pipeline.ActionRetry{Times: 1, Backoff: time.Hour},
	})
	x, _ = run(t, x, append(toBuild(), ended(3, id("build", "compile", 1), built), ended(4, id("build", "lint", 1), good), ended(5, id("build", "sweep", 1), bad))...)
	if a := x.Stages[0].Actions[2]; a.Status != pipeline.Pending || !a.Until.Equal(at(65)) {
		t.Fatalf("%+v", a)
	}
	if stopped, _ := run(t, x, pipeline.Stop{At: at(6)}); stopped.Status != pipeline.Stopped {
		t.Error(statuses(stopped))
	}
	if swept, _ := run(t, x, pipeline.Due{At: at(65), Stage: "build", Attempt: 1}, ended(66, id("build", "sweep", 2), good)); swept.Stages[0].Status != pipeline.Succeeded {
		t.Error(statuses(swept))
	}
}

// TestFailFastWaitsForTheLastTry leaves the other runs of a matrix alone until then.
func TestFailFastWaitsForTheLastTry(t *testing.T) {
	x := stubborn(1, 0)
	for k := range 2 {
		x.Definition.Stages[0].Actions[k].Of, x.Definition.Stages[0].Actions[k].FailFast = "unit", true
	}
	x, _ = run(t, x, append(toBuild(), ended(3, id("build", "compile", 1), bad))...)
	if got, want := standing(x), "in_progress: in_progress pending: queued queued"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	x, _ = run(t, x, ended(4, id("build", "compile", 2), bad))
	if got, want := standing(x), "in_progress: in_progress pending: failed cancelling"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
