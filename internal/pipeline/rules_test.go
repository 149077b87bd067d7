package pipeline_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// ruled is an execution of two stages, build and live, whose second one is as given. It
// stands in front of that, let in by its lock.
func ruled(t *testing.T, live pipeline.Stage, more ...pipeline.Event) (pipeline.Execution, []pipeline.Effect) {
	t.Helper()
	x := release()
	x.Trust = trusting
	live.Name = "production"
	if live.Actions == nil {
		live.Actions = []pipeline.Action{{Name: "roll-out", Image: "i", Run: "r", Inputs: []string{"source"}}}
	}
	x.Definition.Stages[1] = live
	events := append(toBuild(), ended(3, id("build", "compile", 1), built), ended(4, id("build", "lint", 1), good),
		pipeline.Entered{At: at(5), Stage: "production"})
	return run(t, x, append(events, more...)...)
}

func stage(x pipeline.Execution) pipeline.StageState { return x.Stages[1] }

// has tells whether an effect of the type is among the effects.
func has[T pipeline.Effect](effects []pipeline.Effect) (found T, ok bool) {
	for _, e := range effects {
		if e, is := e.(T); is {
			return e, true
		}
	}
	return found, false
}

func command(name string, role pipeline.Role) pipeline.Action {
	return pipeline.Action{Name: name, Role: role, Image: "i", Run: "r", Inputs: []string{"source"}}
}

var (
	afternoon = &pipeline.Window{Hours: []pipeline.Span{{From: 14 * 60, To: 16 * 60}}}
	deploy    = command("roll-out", pipeline.RoleWork)
	signOff   = pipeline.Action{Name: "sign-off", Approval: &pipeline.Approval{Expires: 48 * time.Hour}}
)

// TestRules asks what one rule comes to, and with what evidence.
func TestRules(t *testing.T) {
	for _, tc := range []struct {
		rule pipeline.Rule
		want string // the status of the stage
		says string
	}{
		{pipeline.Rule{Window: afternoon}, "failed", "window does not hold: closed: 14:00-16:00 UTC; it opens Monday 2 November 14:00 UTC"},
		{pipeline.Rule{Window: afternoon, Otherwise: pipeline.OtherwiseWait}, "waiting", "window does not hold: closed"},
		{pipeline.Rule{Window: afternoon, Otherwise: pipeline.OtherwiseSkip}, "skipped", "window does not hold: closed"},
		{pipeline.Rule{Window: &pipeline.Window{Hours: []pipeline.Span{{From: 9 * 60, To: 10 * 60}}}}, "in_progress", "open: 09:00-10:00 UTC"},
		{pipeline.Rule{Window: &pipeline.Window{Timezone: "Nowhere"}}, "failed", "Nowhere"},
		{pipeline.Rule{Variable: &pipeline.VariableRule{Name: "variables.REGION", Operator: pipeline.Equal, Value: "eu"}}, "in_progress", `variables.REGION is "eu", to be == "eu"`},
		{pipeline.Rule{Variable: &pipeline.VariableRule{Name: "variables.REGION", Operator: pipeline.NotEqual, Value: "eu"}}, "failed", `variables.REGION is "eu", to be != "eu"`},
		{pipeline.Rule{Variable: &pipeline.VariableRule{Name: "build.compile.version", Operator: pipeline.Contains, Value: ".2"}}, "in_progress", `"1.2"`},
		{pipeline.Rule{Variable: &pipeline.VariableRule{Name: "build.compile.version", Operator: pipeline.Matches, Value: "^2"}}, "failed", `"1.2", to be matches "^2"`},
		{pipeline.Rule{Variable: &pipeline.VariableRule{Name: "build.compile.nothing", Operator: pipeline.NotEqual, Value: "x"}}, "failed", `wrote no output "nothing"`},
		{pipeline.Rule{Expression: "source.branch == 'main'"}, "in_progress", "source.branch == 'main'"},
		{pipeline.Rule{Expression: "source.branch != 'main'"}, "failed", "expression does not hold: source.branch != 'main'"},
		{pipeline.Rule{Expression: "source.nothing"}, "failed", "nothing is called source.nothing"},
		{pipeline.Rule{TestsPass: &pipeline.TestsPass{Stage: "build", Minimum: 100}}, "failed", "stage build has reported no tests"},
	} {
		x, _ := ruled(t, pipeline.Stage{BeforeEntry: []pipeline.Rule{tc.rule}})
		st := stage(x)
		text := st.Reason
		if len(st.Checks) > 0 {
			text += st.Checks[0].Findings[0].Evidence
		}
		if string(st.Status) != tc.want || !strings.Contains(text, tc.says) {
			t.Errorf("%+v: %s, %q; want %s, %q", tc.rule, st.Status, text, tc.want, tc.says)
		}
	}
}

func TestTestsPass(t *testing.T) {
	rule := pipeline.TestsPass{Stage: "test", Minimum: 90}
	for _, tc := range []struct {
		now, before *pipeline.Tests
		want        bool
		says        string
	}{
		{nil, nil, false, "no tests"},
		{&pipeline.Tests{Skipped: 3}, nil, false, "no tests"},
		{&pipeline.Tests{Passed: 9, Failed: 1, Skipped: 5, Failing: []string{"a"}}, nil, true, "9 of 10 tests of stage test passed (90%, to be 90%)"},
		{&pipeline.Tests{Passed: 89, Failed: 11}, nil, false, "89 of 100"},
		{&pipeline.Tests{Passed: 9, Failed: 1, Failing: []string{"a"}}, &pipeline.Tests{Failing: []string{"a"}}, true, "9 of 10"},
		{&pipeline.Tests{Passed: 9, Failed: 1, Failing: []string{"b"}}, &pipeline.Tests{Failing: []string{"a"}}, false, "b fails, which did not"},
	} {
		if holds, says := rule.Holds(tc.now, tc.before); holds != tc.want || !strings.Contains(says, tc.says) {
			t.Errorf("%+v after %+v: %v, %s", tc.now, tc.before, holds, says)
		}
	}
}

// TestWindowOpens begins the stage when the time has come, and not before.
func TestWindowOpens(t *testing.T) {
	wait := pipeline.Stage{BeforeEntry: []pipeline.Rule{{Window: afternoon, Otherwise: pipeline.OtherwiseWait}}}
	x, effects := ruled(t, wait)
	opens := time.Date(2026, 11, 2, 14, 0, 0, 0, time.UTC)
	if due, _ := has[pipeline.AwaitDue](effects); !due.At.Equal(opens) || due.Stage != "production" {
		t.Errorf("it wants to be woken at %v", due)
	}
	early, _ := run(t, x, pipeline.Due{At: opens.Add(-time.Minute), Stage: "production", Attempt: 1})
	if stage(early).Status != pipeline.Waiting {
		t.Errorf("a timer that is early: %s", stage(early).Status)
	}
	x, effects = run(t, x, pipeline.Due{At: opens, Stage: "production", Attempt: 1})
	if _, ok := has[pipeline.StartJob](effects); !ok || stage(x).Reason != "" {
		t.Errorf("nothing began at %v: %s", opens, stage(x).Reason)
	}
}

// TestAskedAgain looks at the rules once more before the first job, when an approval
// has been waited for.
func TestAskedAgain(t *testing.T) {
	def := pipeline.Stage{
		Environment: "live", Actions: []pipeline.Action{signOff, {Name: "roll-out", Needs: []string{"sign-off"}, Image: "i", Run: "r", Inputs: []string{"source"}}},
		BeforeEntry: []pipeline.Rule{{Window: &pipeline.Window{Hours: []pipeline.Span{{From: 9 * 60, To: 16 * 60}}}, Otherwise: pipeline.OtherwiseWait}},
	}
	x, _ := ruled(t, def)
	night := time.Date(2026, 11, 2, 20, 0, 0, 0, time.UTC)
	yes := pipeline.Decided{Meets: []string{"1"}, At: night, Job: id("production", "sign-off", 1), Actor: "bob", Approved: true}
	x, effects := run(t, x, yes)
	if st := stage(x); st.Hold.For != pipeline.HoldRules || st.Claimed || len(effects) != 2 {
		t.Fatalf("at night it is held for %q, effects %v", st.Hold.For, effects)
	}
	morning := night.Add(13 * time.Hour)
	x, _ = run(t, x, pipeline.Due{At: morning, Stage: "production", Attempt: 1})
	x, effects = run(t, x, pipeline.Granted{At: morning, Stage: "production"})
	if _, ok := has[pipeline.StartJob](effects); !ok {
		t.Errorf("in the morning it is held for %q", stage(x).Hold.For)
	}
	// The lock of the environment comes after the window has closed again.
	x, _ = ruled(t, def)
	x, _ = run(t, x, pipeline.Decided{Meets: []string{"1"}, At: at(60), Job: id("production", "sign-off", 1), Actor: "bob", Approved: true})
	x, effects = run(t, x, pipeline.Granted{At: night, Stage: "production"})
	tell, _ := has[pipeline.TellLock](effects)
	if _, left := tell.Event.(pipeline.Leave); !left || stage(x).Hold.For != pipeline.HoldRules || stage(x).Granted != 0 {
		t.Errorf("it keeps the environment while it waits for the window: %v", effects)
	}
}

// TestLapsed asks anew for an approval that ran out before anything was done with it.
func TestLapsed(t *testing.T) {
	def := pipeline.Stage{
		Actions:     []pipeline.Action{signOff, {Name: "roll-out", Needs: []string{"sign-off"}, Image: "i", Run: "r", Inputs: []string{"source"}}},
		BeforeEntry: []pipeline.Rule{{Window: &pipeline.Window{Days: []time.Weekday{time.Monday}}, Otherwise: pipeline.OtherwiseWait}},
	}
	x, _ := ruled(t, def)
	x, _ = run(t, x, pipeline.Decided{Meets: []string{"1"}, At: at(60 * 20), Job: id("production", "sign-off", 1), Actor: "bob", Approved: true})
	x, _ = run(t, x, pipeline.Due{At: at(60 * 24 * 7), Stage: "production", Attempt: 1})
	if a := stage(x).Actions[0]; a.Status != pipeline.Waiting || a.Attempt != 2 {
		t.Errorf("the approval is %s, attempt %d", a.Status, a.Attempt)
	}
	if a := stage(x).Actions[1]; a.Status != pipeline.Pending {
		t.Errorf("the deployment is %s", a.Status)
	}
}

// TestCommandRule runs a command before the stage, and again when it said no.
func TestCommandRule(t *testing.T) {
	def := pipeline.Stage{
		Actions:     []pipeline.Action{command("before-entry.1", pipeline.RoleEntry), deploy},
		BeforeEntry: []pipeline.Rule{{Command: "before-entry.1", Otherwise: pipeline.OtherwiseWait}},
	}
	x, effects := ruled(t, def)
	if job, _ := has[pipeline.StartJob](effects); job.Job.ID.Action != "before-entry.1" || stage(x).Status != pipeline.Waiting {
		t.Fatalf("first %v runs, the stage is %s", job.Job.ID, stage(x).Status)
	}
	x, effects = run(t, x, ended(6, id("production", "before-entry.1", 1), bad))
	due, ok := has[pipeline.AwaitDue](effects)
	if !ok || !strings.Contains(stage(x).Reason, "before-entry.1 failed: exit code 2") {
		t.Fatalf("it waits with %q, woken at %v", stage(x).Reason, due.At)
	}
	x, effects = run(t, x, pipeline.Due{At: due.At, Stage: "production", Attempt: 1})
	if job, _ := has[pipeline.StartJob](effects); job.Job.ID.Attempt != 2 {
		t.Fatalf("the command does not run again: %v", effects)
	}
	_, effects = run(t, x, ended(8, id("production", "before-entry.1", 2), good))
	if job, _ := has[pipeline.StartJob](effects); job.Job.ID.Action != "roll-out" {
		t.Errorf("what begins is %v", job.Job.ID)
	}
	// A newer execution takes the place of one whose command still runs.
	x, _ = ruled(t, def)
	x, effects = run(t, x, pipeline.MadeWay{At: at(7), Stage: "production", By: 4})
	if _, stops := has[pipeline.StopJob](effects); !stops || x.Status != pipeline.Superseded {
		t.Errorf("superseded: %s, %v", x.Status, effects)
	}
}

// TestLongestWait fails what rules keep waiting that no time makes hold.
func TestLongestWait(t *testing.T) {
	x, effects := ruled(t, pipeline.Stage{BeforeEntry: []pipeline.Rule{{Expression: "false", Otherwise: pipeline.OtherwiseWait}}})
	due, ok := has[pipeline.AwaitDue](effects)
	if !ok || !due.At.Equal(at(5).Add(pipeline.LongestWait)) {
		t.Fatalf("it wants to be woken at %v", due.At)
	}
	x, _ = run(t, x, pipeline.Due{At: due.At, Stage: "production", Attempt: 1})
	if st := stage(x); x.Status != pipeline.Failed || st.Reason != "expression does not hold: false, for 30 days now" {
		t.Errorf("%s: %s", statuses(x), st.Reason)
	}
}

func TestOverride(t *testing.T) {
	over := pipeline.Override{At: at(9), Actor: "ann", Reason: "hotfix", Stage: "production"}
	for name, rule := range map[string]pipeline.Rule{
		"waiting": {Window: afternoon, Otherwise: pipeline.OtherwiseWait}, "failed": {Expression: "false"},
	} {
		x, _ := ruled(t, pipeline.Stage{BeforeEntry: []pipeline.Rule{rule}})
		if refused := over; true {
			refused.Overtaken = true
			if _, _, err := x.Apply(refused); !errors.Is(err, pipeline.ErrRefused) {
				t.Errorf("%s: overridden though a newer one has been in the stage: %v", name, err)
			}
		}
		x, _ = run(t, x, over)
		if name == "failed" {
			x, _ = run(t, x, pipeline.Entered{At: at(9), Stage: "production"})
		}
		st := stage(x)
		if st.Actions[0].Status != pipeline.Queued || len(st.Overrides) != 1 || st.Overrides[0].Reason != "hotfix" || st.Overrides[0].Actor != "ann" {
			t.Errorf("%s: %s, %+v", name, statuses(x), st.Overrides)
		}
	}
	x, _ := ruled(t, pipeline.Stage{})
	if _, _, err := x.Apply(over); !errors.Is(err, pipeline.ErrRefused) {
		t.Errorf("what no rule keeps back was overridden: %v", err)
	}
	x, _ = run(t, x, ended(8, id("production", "roll-out", 1), bad))
	if _, _, err := x.Apply(over); !errors.Is(err, pipeline.ErrRefused) {
		t.Errorf("a failed action was overridden: %v", err)
	}
}

// TestOlder refuses a commit that does not contain what is deployed.
func TestOlder(t *testing.T) {
	there := pipeline.Deployment{Pipeline: "release", Commit: "beefbeef", Number: 2}
	granted := pipeline.Granted{At: at(6), Stage: "production", Deployed: there}
	x, effects := ruled(t, pipeline.Stage{Environment: "live"}, granted)
	if ask, ok := has[pipeline.Compare](effects); !ok || ask.Deployed != "beefbeef" {
		t.Fatalf("nobody is asked: %v", effects)
	}
	no := pipeline.Compared{At: at(7), Stage: "production", Deployed: "beefbeef"}
	older, effects := run(t, x, no)
	if st := stage(older); st.Status != pipeline.Failed || st.Reason != "older than what is deployed: live has beefbee, which this commit does not contain" {
		t.Errorf("%s: %s", st.Status, st.Reason)
	}
	if tell, ok := has[pipeline.TellLock](effects); !ok || (tell.Event != pipeline.Leave{Execution: "7"}) {
		t.Errorf("the environment is not left: %v", effects)
	}
	yes := no
	yes.Descendant = true
	newer, effects := run(t, x, yes)
	if _, ok := has[pipeline.StartJob](effects); !ok {
		t.Errorf("a newer commit: %s", statuses(newer))
	}
	again, _ := run(t, older, pipeline.Override{At: at(8), Actor: "ann", Reason: "on purpose", Stage: "production"},
		pipeline.Entered{At: at(8), Stage: "production"}, granted)
	if stage(again).Actions[0].Status != pipeline.Queued {
		t.Errorf("overridden: %s", statuses(again))
	}
	same := granted
	same.Deployed.Commit = "c0ffee"
	if x, _ := ruled(t, pipeline.Stage{Environment: "live"}, same); stage(x).Actions[0].Status != pipeline.Queued {
		t.Errorf("the commit that is there: %s", statuses(x))
	}
}

// TestOverrideOnSuccessCountsAsDeployed tells the environment what is there, although it
// was left when the stage failed.
func TestOverrideOnSuccessCountsAsDeployed(t *testing.T) {
	def := pipeline.Stage{
		Environment: "live", Actions: []pipeline.Action{deploy, command("on-success.1", pipeline.RoleSuccess)},
		OnSuccess: []pipeline.Rule{{Command: "on-success.1"}},
	}
	x, effects := ruled(
		t, def, pipeline.Granted{At: at(6), Stage: "production"},
		ended(7, id("production", "roll-out", 1), good), ended(8, id("production", "on-success.1", 1), bad),
	)
	deployed := func(effects []pipeline.Effect) bool {
		return slices.ContainsFunc(effects, func(e pipeline.Effect) bool {
			tell, ok := e.(pipeline.TellLock)
			return ok && tell.Event == pipeline.Deploy{Deployment: pipeline.Deployment{Pipeline: "release", Commit: "c0ffee", Number: x.Number}}
		})
	}
	if x.Status != pipeline.Failed || deployed(effects) {
		t.Fatalf("it has failed: %s", statuses(x))
	}
	x, effects = run(t, x, pipeline.Override{At: at(9), Actor: "ann", Reason: "flaky", Stage: "production"})
	if x.Status != pipeline.Succeeded || !deployed(effects) {
		t.Errorf("%s, and the environment does not know it: %v", statuses(x), effects)
	}
}

// TestOnSuccess counts a stage as succeeded when its rules hold after its actions.
func TestOnSuccess(t *testing.T) {
	def := pipeline.Stage{
		Actions:   []pipeline.Action{deploy, command("on-success.1", pipeline.RoleSuccess), command("tidy", pipeline.RoleFinally)},
		OnSuccess: []pipeline.Rule{{Command: "on-success.1"}},
	}
	done := func(action string, r pipeline.Result) pipeline.Event { return ended(6, id("production", action, 1), r) }
	x, _ := ruled(t, def, done("roll-out", good), done("on-success.1", good), done("tidy", good))
	if x.Status != pipeline.Succeeded {
		t.Errorf("it holds: %s", statuses(x))
	}
	x, _ = ruled(t, def, done("roll-out", good), done("on-success.1", bad), done("tidy", good))
	if st := stage(x); x.Status != pipeline.Failed || !strings.Contains(st.Reason, "on-success.1 failed") || st.Actions[2].Status != pipeline.Succeeded {
		t.Errorf("it does not hold: %s, %s", statuses(x), st.Reason)
	}
	x, effects := run(t, x, pipeline.Override{At: at(9), Actor: "ann", Reason: "flaky", Stage: "production"})
	if _, passed := has[pipeline.Passed](effects); x.Status != pipeline.Succeeded || !passed {
		t.Errorf("overridden: %s", statuses(x))
	}
	x, _ = ruled(t, def, done("roll-out", bad), done("tidy", good))
	if stage(x).Actions[1].Status != pipeline.Cancelled || x.Status != pipeline.Failed {
		t.Errorf("rules are asked after a failure: %s", statuses(x))
	}
	def.OnSuccess[0].Otherwise = pipeline.OtherwiseRollback
	x, effects = ruled(t, def, done("roll-out", good), done("on-success.1", bad), done("tidy", good))
	if back, ok := has[pipeline.RollBack](effects); !ok || back.Stage != "production" || len(back.Locks) != 1 {
		t.Errorf("not rolled back: %v", effects)
	}
	x, _ = run(t, x, pipeline.RolledBack{At: at(7), Stage: "production", By: 4, To: 2})
	if _, _, err := x.Apply(pipeline.Override{At: at(9), Actor: "ann", Stage: "production"}); !errors.Is(err, pipeline.ErrRefused) {
		t.Errorf("what was rolled back was overridden: %v", err)
	}
}

func TestOnFailure(t *testing.T) {
	fail := func(minute, attempt int) pipeline.Event {
		return ended(minute, id("production", "roll-out", attempt), bad)
	}
	def := pipeline.Stage{OnFailure: pipeline.OnFailure{Retry: pipeline.RetryFailed, Times: 2, Backoff: 10 * time.Minute, Rollback: true}}
	x, effects := ruled(t, def, fail(6, 1))
	if due, _ := has[pipeline.AwaitDue](effects); !due.At.Equal(at(16)) || stage(x).Status != pipeline.InProgress || x.Status != pipeline.InProgress {
		t.Fatalf("it is tried again at %v: %s", due.At, statuses(x))
	}
	x, effects = run(t, x, pipeline.Due{At: at(16), Stage: "production", Attempt: 2})
	if job, ok := has[pipeline.StartJob](effects); !ok || job.Job.ID.Attempt != 2 {
		t.Fatalf("not tried again: %v", effects)
	}
	x, _ = run(t, x, fail(17, 2), pipeline.Due{At: at(27), Stage: "production", Attempt: 3})
	x, effects = run(t, x, fail(28, 3))
	if _, ok := has[pipeline.RollBack](effects); !ok || x.Status != pipeline.Failed || len(stage(x).Past) != 2 {
		t.Errorf("after the last try: %s, %v", statuses(x), effects)
	}
	if _, ok := has[pipeline.TellLock](effects); ok {
		t.Error("the lock is left before the rollback has it")
	}
	x, _ = ruled(t, pipeline.Stage{OnFailure: pipeline.OnFailure{Skip: true}}, fail(6, 1))
	if stage(x).Status != pipeline.Skipped || x.Status != pipeline.Succeeded {
		t.Errorf("passed over: %s", statuses(x))
	}
	gated := pipeline.Stage{Actions: []pipeline.Action{signOff}, OnFailure: pipeline.OnFailure{Retry: pipeline.RetryAll, Times: 1, Rollback: true}}
	_, effects = ruled(t, gated, pipeline.Decided{Meets: []string{"1"}, At: at(6), Job: id("production", "sign-off", 1), Actor: "bob"})
	if _, ok := has[pipeline.RollBack](effects); ok {
		t.Error("a rejection is rolled back, though nothing was done")
	}
}

// TestShut holds a stage that was entered before the way was closed.
func TestShut(t *testing.T) {
	x := release()
	x, _ = run(t, x, append(toSignOff(), approve(10))[:6]...)
	x, effects, err := x.Apply(approve(10))
	if err != nil {
		t.Fatal(err)
	}
	if tell, _ := has[pipeline.TellLock](effects); tell.Key != key("production") {
		t.Fatalf("it asks %v", tell)
	}
	x, _ = run(t, x, pipeline.Shut{At: at(10), Stage: "production"})
	if x.Stages[1].Hold.For != pipeline.HoldShut || x.Stages[1].Actions[1].Status != pipeline.Pending {
		t.Fatalf("shut: %s", statuses(x))
	}
	if x, _ = run(t, x, pipeline.Opened{At: at(20), Stage: "production"}); x.Stages[1].Actions[1].Status != pipeline.Queued {
		t.Errorf("opened: %s", statuses(x))
	}
}
