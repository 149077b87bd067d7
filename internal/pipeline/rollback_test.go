package pipeline_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// wentWell is release after all of it has succeeded.
func wentWell(t *testing.T, edit func(*pipeline.Definition)) pipeline.Execution {
	t.Helper()
	x := release()
	x.Trust = trusting
	edit(&x.Definition)
	x, _ = run(t, x, append(toSignOff(), approve(6), ended(7, id("production", "roll-out", 1), good))...)
	return x
}

func unedited(*pipeline.Definition) {}

// backTo is a rollback to x in production that has been let in, after the gates.
func backTo(t *testing.T, x pipeline.Execution, gates *pipeline.Definition, more ...pipeline.Event) (pipeline.Execution, []pipeline.Effect) {
	t.Helper()
	back := x.RollBackTo(pipeline.Rollback{Stage: "production", Reason: "it is slow"}, gates)
	back.ID, back.Number = "7", 9
	return run(t, back, append([]pipeline.Event{pipeline.Started{At: at(10)}, pipeline.Entered{At: at(10), Stage: "production"}}, more...)...)
}

// guarded is the newest definition, whose stage production is as given.
func guarded(stage pipeline.Stage) *pipeline.Definition {
	stage.Name = "production"
	return &pipeline.Definition{Name: "release", Hash: "new", Stages: []pipeline.Stage{stage}}
}

// needs are the actions of a stage, each with what it needs.
func needs(s pipeline.Stage) []string {
	var all []string
	for _, a := range s.Actions {
		all = append(all, strings.TrimSpace(a.Name+" < "+strings.Join(a.Needs, " ")))
	}
	return all
}

// TestRollBackAcrossAnEdit goes back to what ran by another definition: its script and
// variables, behind the approval of the newest.
func TestRollBackAcrossAnEdit(t *testing.T) {
	newest := guarded(pipeline.Stage{Actions: []pipeline.Action{
		{Name: "approve-it", Approval: &pipeline.Approval{Users: []string{"carol"}, Expires: time.Hour}},
		{Name: "roll-out", Image: "new", Run: "new", Needs: []string{"approve-it"}, Inputs: []string{"source"}},
	}})
	newest.Variables = []pipeline.Variable{{Name: "REGION", Default: "us"}, {Name: "TEAM", Default: "red"}}
	x, effects := backTo(t, wentWell(t, unedited), newest)
	want := &pipeline.Rollback{Target: "7", Number: 3, Stage: "production", Reason: "it is slow", Gates: "new"}
	if diff := cmp.Diff(want, x.Rollback); diff != "" {
		t.Error(diff)
	}
	variables := []pipeline.Variable{{Name: "REGION", Default: "eu"}, {Name: "TEAM", Default: "red"}}
	if diff := cmp.Diff(variables, x.Definition.Variables); diff != "" || x.Definition.Hash != "abc" {
		t.Errorf("definition %s, variables:\n%s", x.Definition.Hash, diff)
	}
	if _, starts := has[pipeline.StartJob](effects); starts || stage(x).Actions[0].Status != pipeline.Waiting || stage(x).Actions[0].Name != "approve-it" {
		t.Fatalf("before the approval: %+v", stage(x).Actions)
	}
	said := pipeline.Decided{Meets: []string{"1"}, At: at(11), Job: id("production", "approve-it", 1), Actor: "carol", Approved: true}
	_, effects = backTo(t, wentWell(t, unedited), newest, said)
	job, _ := has[pipeline.StartJob](effects)
	if job.Job.Image != "deploy:1.2" || job.Job.Run != "deploy" || job.Job.Env[0].Value != "eu" || job.Job.Inputs[0] != shop {
		t.Errorf("what runs: %+v", job.Job)
	}
}

// TestRollBackKeepsOrder puts the gates of one definition around the actions of another.
func TestRollBackKeepsOrder(t *testing.T) {
	approval := func(name string, needs ...string) pipeline.Action {
		return pipeline.Action{Name: name, Needs: needs, Approval: &pipeline.Approval{}}
	}
	does := func(name string, needs ...string) pipeline.Action {
		return pipeline.Action{Name: name, Needs: needs, Image: "i"}
	}
	entry := command("before-entry.1", pipeline.RoleEntry)
	last := command("tidy", pipeline.RoleFinally)
	for _, tc := range []struct {
		name       string
		own, gates []pipeline.Action
		want       []string
	}{
		{
			"an approval of the target stood between two of its actions",
			[]pipeline.Action{does("plan"), approval("look", "plan"), does("apply", "look"), last},
			[]pipeline.Action{approval("sign-off")},
			[]string{"sign-off <", "plan < sign-off", "apply < plan", "tidy <"},
		},
		{
			"an approval of the gates needs what is not there",
			[]pipeline.Action{does("apply")},
			[]pipeline.Action{approval("first"), does("plan", "first"), does("check", "plan"), approval("second", "check", "plan"), does("apply", "second")},
			[]string{"first <", "second < first", "apply < first second"},
		},
		{
			"gates are called like actions",
			[]pipeline.Action{does("sign-off"), does("apply", "sign-off")},
			[]pipeline.Action{approval("sign-off"), approval("sign-off-gate", "sign-off")},
			[]string{"sign-off-gate-gate <", "sign-off-gate < sign-off-gate-gate", "sign-off < sign-off-gate-gate sign-off-gate", "apply < sign-off"},
		},
		{
			"the commands of rules before entry are the gates' own",
			[]pipeline.Action{command("before-entry.1", pipeline.RoleEntry), command("before-entry.2", pipeline.RoleEntry), does("apply")},
			[]pipeline.Action{entry, does("apply")},
			[]string{"before-entry.1 <", "apply <"},
		},
	} {
		target := wentWell(t, unedited)
		target.Definition.Stages[1].Actions = tc.own
		back := target.RollBackTo(pipeline.Rollback{Stage: "production"}, guarded(pipeline.Stage{Actions: tc.gates}))
		if diff := cmp.Diff(tc.want, needs(back.Definition.Stages[1])); diff != "" {
			t.Errorf("%s:\n%s", tc.name, diff)
		}
		if diff := cmp.Diff(tc.own, target.Definition.Stages[1].Actions); diff != "" {
			t.Errorf("%s: the target was changed:\n%s", tc.name, diff)
		}
	}
}

// TestRollBackTurnedDown rejects a rollback whose target would run all the same.
func TestRollBackTurnedDown(t *testing.T) {
	always := func(d *pipeline.Definition) { d.Stages[1].Actions[1].If = "always()" }
	gates := guarded(pipeline.Stage{Actions: []pipeline.Action{signOff}})
	for _, said := range []pipeline.Event{
		pipeline.Decided{Meets: []string{"1"}, At: at(11), Job: id("production", "sign-off", 1), Actor: "carol"},
		pipeline.ApprovalExpired{At: at(11), Job: id("production", "sign-off", 1)},
	} {
		x, effects := backTo(t, wentWell(t, always), gates, said)
		if _, starts := has[pipeline.StartJob](effects); starts || !x.Status.Ended() || x.Status == pipeline.Succeeded {
			t.Errorf("after %s it is %s: %v", said.Kind(), x.Status, effects)
		}
	}
}

// TestRollBackRules asks the rules of the newest definition, which may ask for what the
// target has not.
func TestRollBackRules(t *testing.T) {
	open := guarded(pipeline.Stage{BeforeEntry: []pipeline.Rule{{Variable: &pipeline.VariableRule{Name: "variables.FREEZE", Operator: pipeline.Equal, Value: "no"}}}})
	open.Variables = []pipeline.Variable{{Name: "FREEZE", Default: "no"}}
	x, effects := backTo(t, wentWell(t, unedited), open)
	if _, starts := has[pipeline.StartJob](effects); !starts {
		t.Errorf("%s: %s", stage(x).Status, stage(x).Reason)
	}
	open.Variables[0].Default = "yes"
	if x, _ := backTo(t, wentWell(t, unedited), open); stage(x).Status != pipeline.Failed {
		t.Errorf("%s: %s", stage(x).Status, stage(x).Reason)
	}
	missing := guarded(pipeline.Stage{BeforeEntry: []pipeline.Rule{{TestsPass: &pipeline.TestsPass{Stage: "smoke"}}}})
	if x, _ := backTo(t, wentWell(t, unedited), missing); stage(x).Status != pipeline.Failed || !strings.Contains(stage(x).Reason, "stage smoke has reported no tests") {
		t.Errorf("%s: %s", stage(x).Status, stage(x).Reason)
	}
}

// TestRollBackHeldOnce goes back to a stage whose condition asks for what started it.
func TestRollBackHeldOnce(t *testing.T) {
	x, _ := backTo(t, wentWell(t, func(d *pipeline.Definition) { d.Stages[1].If = "execution.trigger == 'push'" }), guarded(pipeline.Stage{}))
	if stage(x).Status != pipeline.InProgress {
		t.Errorf("%s: %s", stage(x).Status, stage(x).Reason)
	}
}

// TestRollBackLocks takes the locks of the target, and those of the gates in their
// place where it has none.
func TestRollBackLocks(t *testing.T) {
	target := wentWell(t, unedited)
	target.Definition.Stages[1].Concurrency = "state-${{ variables.REGION }}"
	back := target.RollBackTo(pipeline.Rollback{Stage: "production"}, guarded(pipeline.Stage{Environment: "live", Concurrency: "other"}))
	want := []pipeline.LockKey{key("production"), {Repository: 42, Stage: "live"}, {Repository: 42, Lane: "concurrency", Stage: "state-eu"}}
	if diff := cmp.Diff(want, back.TakesOver()); diff != "" {
		t.Error(diff)
	}
	back = target.RollBackTo(pipeline.Rollback{Stage: "production"}, nil)
	if diff := cmp.Diff(slices.Delete(want, 1, 2), back.TakesOver()); diff != "" {
		t.Error(diff)
	}
	if back.GivesUp() {
		t.Error("a newer commit cancels it")
	}
}

// TestRollBackThatFails fails, and is not passed over as its target's file would have
// it: what is skipped counts as passed.
func TestRollBackThatFails(t *testing.T) {
	skips := func(d *pipeline.Definition) { d.Stages[1].OnFailure.Skip = true }
	x, _ := backTo(t, wentWell(t, skips), nil, ended(12, id("production", "roll-out", 1), bad))
	if x.Status != pipeline.Failed || stage(x).Status != pipeline.Failed {
		t.Errorf("%s", statuses(x))
	}
}
