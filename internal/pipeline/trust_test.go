package pipeline_test

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// TestTrusts holds refs to environments.
func TestTrusts(t *testing.T) {
	listed := []pipeline.Environment{
		{Name: "production", Tags: []string{"v*"}},
		{Name: "staging", Branches: []string{"main", "release/*", "!release/old"}},
		{Name: "preview", PullRequests: true},
		{Name: "anywhere", Branches: []string{"**"}, Tags: []string{"**"}, PullRequests: true},
	}
	ref := func(ref string) pipeline.Revision { return pipeline.Revision{Ref: ref} }
	pull := pipeline.Revision{Ref: "refs/pull/7/head", Branch: "main", PullRequest: 7}
	fork := pull
	fork.Fork = true
	forked := ref("refs/heads/main") // what no event says, and must not count
	forked.Fork = true
	for _, tc := range []struct {
		environment string
		revision    pipeline.Revision
		want        bool
	}{
		{"unlisted", ref("refs/heads/main"), true},
		{"unlisted", ref("refs/heads/feature"), false},
		{"unlisted", ref("refs/heads/refs/heads/main"), false},
		{"unlisted", ref("refs/tags/main"), false},
		{"unlisted", pull, false},
		{"unlisted", forked, false},
		{"unlisted", pipeline.Revision{}, false},
		{"production", ref("refs/heads/main"), false},
		{"production", ref("refs/tags/v1"), true},
		{"Production", ref("refs/tags/v1"), true},
		{"production", ref("refs/heads/v1"), false},
		{"staging", ref("refs/heads/release/2"), true},
		{"staging", ref("refs/heads/release/old"), false},
		{"staging", ref("refs/heads/release/2/x"), false},
		{"staging", ref("refs/tags/release/2"), false},
		{"staging", pull, false},
		{"preview", pull, true},
		{"preview", fork, false},
		{"preview", ref("refs/heads/main"), true},
		{"preview", ref("refs/heads/feature"), false},
		{"anywhere", ref("refs/heads/gh-readonly-queue/main/pr-7-c0ffee"), false},
		{"anywhere", ref("refs/heads/x/y"), true},
		{"anywhere", fork, false},
	} {
		if got := pipeline.Trusts(listed, tc.environment, "main", tc.revision); got.Trusted != tc.want {
			t.Errorf("%s, %+v: %+v", tc.environment, tc.revision, got)
		}
	}
	if pipeline.Trusts(nil, "production", "", ref("refs/heads/")).Trusted {
		t.Error("a default branch that is not known is trusted")
	}
	if got := pipeline.Trusts(listed, "staging", "main", pull).Words; got != "runs on main, release/*, !release/old" {
		t.Errorf("words %q", got)
	}
}

// deploying is an execution whose stage production has an environment and waits for
// the word of it, after its approval was given.
func deploying(t *testing.T, edit func(*pipeline.Execution)) (pipeline.Execution, []pipeline.Effect) {
	t.Helper()
	x := release()
	x.Trust, x.Definition.Stages[1].Environment = trusting, "live"
	edit(&x)
	for _, e := range append(toSignOff(), approve(6), pipeline.Granted{At: at(6), Stage: "production"}) {
		var effects []pipeline.Effect
		var err error
		if x, effects, err = x.Apply(e); err != nil {
			t.Fatal(err)
		}
		if _, asks := has[pipeline.AskTrust](effects); asks {
			return x, effects
		}
		x, _ = begins(t, x, effects, e.When())
	}
	t.Fatal("its environment was not asked")
	return x, nil
}

func answer(tr pipeline.Trust) pipeline.Event {
	tr.Environment = "live"
	return pipeline.Trusted{At: at(7), Stage: "production", Trust: tr}
}

func unchanged(*pipeline.Execution) {}

// TestTrustWithdrawn asks the environment again before the first job, and hands none
// out where it trusts the ref no more.
func TestTrustWithdrawn(t *testing.T) {
	x, effects := deploying(t, unchanged)
	if _, job := has[pipeline.StartJob](effects); job {
		t.Fatal("a job was handed out before the answer")
	}
	x, effects = run(t, x, answer(pipeline.Trust{Words: "runs on main"}))
	if _, job := has[pipeline.StartJob](effects); job || stage(x).Status != pipeline.Skipped || stage(x).Reason != "the environment live runs on main" {
		t.Errorf("%s: %s, effects %v", stage(x).Status, stage(x).Reason, effects)
	}
	tell, left := has[pipeline.TellLock](effects)
	if _, leaves := tell.Event.(pipeline.Leave); !left || !leaves {
		t.Errorf("its environment is not free: %v", effects)
	}
}

func TestTrustUnknown(t *testing.T) {
	x, _ := deploying(t, unchanged)
	x, _ = run(t, x, answer(pipeline.Trust{Trusted: true, Problem: "nobody can read it"}))
	if stage(x).Status != pipeline.Failed || stage(x).Reason != "nobody can read it" || x.Status != pipeline.Failed {
		t.Errorf("%s: %s", stage(x).Status, stage(x).Reason)
	}
	if stage(x).Overridable() {
		t.Error("want of trust can be overridden")
	}
	if _, _, err := x.Apply(pipeline.Override{At: at(8), Stage: "production", Actor: "bob"}); err == nil {
		t.Error("want of trust was overridden")
	}
	x, effects := run(t, x, pipeline.Retry{At: at(9), Stage: "production"}, pipeline.Entered{At: at(9), Stage: "production"})
	if _, job := has[pipeline.StartJob](effects); job {
		t.Error("a retry asked nobody")
	}
	if stage(x).Vouched {
		t.Error("what was found before counts for the retry")
	}
	x.Trust = nil // as if it had not been trusted at the start
	if x.TrustedIn(1) {
		t.Error("it is trusted before the environment has said so")
	}
	x.Stages[1].Vouched = true
	if x.TrustedIn(1) == x.Trusts("live") {
		t.Error("what was found before the first job does not count")
	}
}

// TestTrustGranted goes on, and asks again after it had to give its locks back.
func TestTrustGranted(t *testing.T) {
	x, _ := deploying(t, unchanged)
	for _, late := range []pipeline.Event{
		pipeline.Trusted{At: at(7), Stage: "production", Trust: pipeline.Trust{Environment: "other", Trusted: true}},
		pipeline.Trusted{At: at(7), Stage: "build", Trust: pipeline.Trust{Trusted: true}},
	} {
		if after, effects, err := x.Apply(late); err != nil || len(effects) > 0 || stage(after).Vouched {
			t.Errorf("the word of another environment counts: %v, %v", effects, err)
		}
	}
	held, _, err := x.Apply(answer(pipeline.Trust{Trusted: true}))
	if err != nil || stage(held).Hold.For != pipeline.HoldClear {
		t.Fatalf("held for %q, %v", stage(held).Hold.For, err)
	}
	shut, _, err := held.Apply(pipeline.Shut{At: at(8), Stage: "production"})
	if err != nil || stage(shut).Vouched {
		t.Errorf("it is still vouched for behind a closed way: %v", err)
	}
	x, effects := run(t, x, answer(pipeline.Trust{Trusted: true}))
	if _, job := has[pipeline.StartJob](effects); !job {
		t.Errorf("stage %s, effects %v", stage(x).Status, effects)
	}
}

// TestForkGetsNoEnvironment whatever anybody says.
func TestForkGetsNoEnvironment(t *testing.T) {
	x := release()
	x.Trust, x.Revision.Fork, x.Admission, x.Definition.Stages[1].Environment = trusting, true, &pipeline.OkToTest{}, "live"
	x, _ = run(t, x, append(toBuild(), ended(3, id("build", "compile", 1), built), ended(4, id("build", "lint", 1), good))...)
	if stage(x).Status != pipeline.Skipped || !strings.Contains(stage(x).Reason, "for no fork") {
		t.Errorf("%s: %s", stage(x).Status, stage(x).Reason)
	}
	x, _ = deploying(t, unchanged)
	x.Revision.Fork = true
	if x, effects := run(t, x, answer(pipeline.Trust{Trusted: true})); stage(x).Status != pipeline.Skipped || len(effects) == 0 {
		t.Errorf("%s: %s", stage(x).Status, stage(x).Reason)
	}
}

// TestNoTrustAtTheStart does not even enter the stage.
func TestNoTrustAtTheStart(t *testing.T) {
	for reason, trust := range map[string]pipeline.Trust{
		"the environment live runs on tags v*": {Environment: "live", Words: "runs on tags v*"},
		"it has a mistake":                     {Environment: "live", Trusted: true, Problem: "it has a mistake"},
	} {
		x := release()
		x.Trust, x.Definition.Stages[1].Environment = []pipeline.Trust{trust}, "live"
		x, _ = run(t, x, append(toBuild(), ended(3, id("build", "compile", 1), built), ended(4, id("build", "lint", 1), good))...)
		want := pipeline.Skipped
		if trust.Problem != "" {
			want = pipeline.Failed
		}
		if stage(x).Status != want || stage(x).Reason != reason {
			t.Errorf("%s: %s", stage(x).Status, stage(x).Reason)
		}
	}
}

// TestEnvironmentInOtherLetters has one lock for an environment, however it is written:
// else two executions would change it at once, or an older one after a newer.
func TestEnvironmentInOtherLetters(t *testing.T) {
	key := func(name string) pipeline.LockKey {
		x := pipeline.Execution{RepositoryID: 1, Definition: pipeline.Definition{Stages: []pipeline.Stage{{Name: "deploy", Environment: name}}}}
		k, ok := x.EnvironmentKey(0)
		if !ok {
			t.Fatalf("%q has no lock", name)
		}
		return k
	}
	if a, b := key("Production"), key("production"); a != b {
		t.Errorf("two locks, %+v and %+v", a, b)
	}
	if a, b := key("production"), key("staging"); a == b {
		t.Errorf("one lock, %+v", a)
	}
}
