package pipeline_test

import "testing"

// TestContinueOnError lets an action fail without the stage.
func TestContinueOnError(t *testing.T) {
	x := release()
	x.Definition.Stages[0].Actions[1].ContinueOnError = true
	x.Definition.Stages[0].Actions[0].Needs = []string{"lint"}
	x, effects := run(t, x, append(toBuild(), ended(3, id("build", "lint", 1), bad))...)
	if got, want := standing(x), "in_progress: in_progress pending: queued failed"; got != want {
		t.Fatalf("%s, %v\nwant %s", got, effects, want)
	}
	x, _ = run(t, x, ended(4, id("build", "compile", 1), built))
	if got, want := standing(x), "in_progress: succeeded waiting: succeeded failed"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestOthersDoNotContinue sees that one which may fail does not save one that may
// not.
func TestOthersDoNotContinue(t *testing.T) {
	x := release()
	x.Definition.Stages[0].Actions[1].ContinueOnError = true
	x, _ = run(t, x, append(toBuild(), ended(3, id("build", "lint", 1), bad), ended(4, id("build", "compile", 1), bad))...)
	if got, want := standing(x), "failed: failed pending: failed failed"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
