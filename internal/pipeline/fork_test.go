package pipeline_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
)

func forked() pipeline.Execution {
	x := release()
	x.Revision.Fork, x.Revision.PullRequest, x.Lane = true, 7, "pull/7"
	return x
}

var okToTest = pipeline.Admitted{At: at(1), Actor: "bob", Door: "comment"}

// TestForkWaitsForAWord asks that nothing is done for a fork's commit, whatever happens,
// until somebody has said so.
func TestForkWaitsForAWord(t *testing.T) {
	for name, events := range map[string][]pipeline.Event{
		"start":  {pipeline.Started{At: at(0)}},
		"retry":  {pipeline.Started{At: at(0)}, pipeline.Stop{At: at(1), Actor: "bob"}, pipeline.Retry{At: at(2), Stage: "build"}},
		"queued": {pipeline.Started{At: at(0)}},
	} {
		x := forked()
		if name == "queued" {
			x.Definition.Mode = pipeline.Queueing
		}
		x, effects := run(t, x, events...)
		if diff := cmp.Diff([]pipeline.Effect{pipeline.Report{}}, effects); diff != "" || !x.AwaitsWord() {
			t.Errorf("%s: %s, effects\n%s", name, x.Status, diff)
		}
		if _, _, err := x.Apply(fetched); err == nil {
			t.Errorf("%s: a source was taken", name)
		}
		if x, effects = run(t, x, okToTest); x.Admission == nil || x.Admission.Actor != "bob" {
			t.Errorf("%s: admission %+v", name, x.Admission)
		}
		if _, fetches := has[pipeline.FetchSource](effects); !fetches {
			t.Errorf("%s: the word changes nothing: %v", name, effects)
		}
		if _, again, err := x.Apply(okToTest); err != nil || len(again) > 0 {
			t.Errorf("%s: the same word twice: %v, %v", name, again, err)
		}
	}
}

// TestForkRollback keeps the word with what it was about.
func TestForkRollback(t *testing.T) {
	x := forked()
	x.Admission = &pipeline.OkToTest{Actor: "bob"}
	x, _ = run(t, x, append(toSignOff(), approve(6), ended(7, id("production", "roll-out", 1), good))...)
	back := x.RollBackTo(pipeline.Rollback{Stage: "production"}, nil)
	if back.Unadmitted() {
		t.Error("a rollback to what was admitted waits")
	}
	back.Admission = nil
	back.ID = "8"
	if _, effects := run(t, back, pipeline.Started{At: at(9)}); len(effects) != 1 {
		t.Errorf("a rollback past the word: %v", effects)
	}
}

// TestForkHandsOutNothing is the second lock: an execution that got further without the
// word hands no job out.
func TestForkHandsOutNothing(t *testing.T) {
	x, _ := run(t, release(), pipeline.Started{At: at(0)}, fetched)
	x.Revision.Fork = true
	x, effects := run(t, x, pipeline.Entered{At: at(2), Stage: "build"})
	if _, job := has[pipeline.StartJob](effects); job || x.Stages[0].Actions[0].Status != pipeline.Errored {
		t.Errorf("%s, effects %v", x.Stages[0].Actions[0].Status, effects)
	}
}
