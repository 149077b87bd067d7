package app

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// TestRunsOfAMatrix calls them by their values in a check run, where those are
// not read as Markdown.
func TestRunsOfAMatrix(t *testing.T) {
	run := func(name string, values ...string) pipeline.Action {
		a := pipeline.Action{Name: name, Of: "unit"}
		for _, v := range values {
			a.Matrix = append(a.Matrix, pipeline.Value{Name: "v", Value: v})
		}
		return a
	}
	x := store.Execution{Execution: pipeline.Execution{
		Definition: pipeline.Definition{Name: "ci", Stages: []pipeline.Stage{{
			Name: "test", Actions: []pipeline.Action{run("unit-1_25-linux", "1.25", "linux"), run("unit-_", "@a|\n# b"), {Name: "lint"}},
		}}},
		Stages: []pipeline.StageState{{Name: "test", Status: pipeline.Failed, Actions: []pipeline.ActionState{
			{Name: "unit-1_25-linux", Status: pipeline.Failed, Reason: "exit code 1", Summary: "red"},
			{Name: "unit-_", Status: pipeline.Succeeded},
			{Name: "lint", Status: pipeline.Succeeded},
		}}},
	}}
	got := (&App{}).stageRun(x, 0).run
	if got.Title != "unit (1.25, linux): exit code 1" {
		t.Errorf("the title is %q", got.Title)
	}
	for _, want := range []string{"**unit (1.25, linux)** failed: exit code 1", "| unit (1.25, linux) | failed", "| unit (@\u200ba\\| \\# b) | succeeded", "| lint | succeeded"} {
		if !strings.Contains(got.Summary, want) {
			t.Errorf("the summary lacks %q:\n%s", want, got.Summary)
		}
	}
	if !strings.HasPrefix(got.Text, "**unit (1.25, linux)** wrote:") {
		t.Errorf("the text is %q", got.Text)
	}
	if x.Stages[0].Actions[0].Name != "unit-1_25-linux" {
		t.Error("the execution itself was changed")
	}
}

func TestProgressTitle(t *testing.T) {
	x := pipeline.Execution{
		Status:     pipeline.InProgress,
		Definition: pipeline.Definition{Stages: []pipeline.Stage{{Name: "test", Actions: []pipeline.Action{{Name: "unit"}, {Name: "lint"}}}}},
		Stages: []pipeline.StageState{{Name: "test", Status: pipeline.InProgress, Actions: []pipeline.ActionState{
			{Name: "unit", Status: pipeline.Succeeded}, {Name: "lint", Status: pipeline.Queued},
		}}},
	}
	if got := progressTitle(x, 0); got != "1 of 2 actions done, waiting for a free runner: lint" {
		t.Error(got)
	}
	x.Stages[0].Actions[1].Status = pipeline.InProgress
	if got := progressTitle(x, 0); got != "1 of 2 actions done, running: lint" {
		t.Error(got)
	}
}

// TestFailureNamesWhatDecided calls a stage failed by its rule, or by its actions, and
// never by the command of a rule that somebody overrode.
func TestFailureNamesWhatDecided(t *testing.T) {
	x := pipeline.Execution{
		Definition: pipeline.Definition{Stages: []pipeline.Stage{{Name: "production", Actions: []pipeline.Action{
			{Name: "before-entry.1", Role: pipeline.RoleEntry}, {Name: "roll-out"},
		}}}},
		Stages: []pipeline.StageState{{Name: "production", Status: pipeline.Failed, Reason: "command does not hold", Actions: []pipeline.ActionState{
			{Name: "before-entry.1", Status: pipeline.Failed, Reason: "exit code 7"}, {Name: "roll-out", Status: pipeline.Failed, Reason: "exit code 3"},
		}}},
	}
	if got := failure(x, 0); got != "roll-out: exit code 3" {
		t.Errorf("overridden: %q", got)
	}
	x.Stages[0].Barred = pipeline.RoleEntry
	if got := failure(x, 0); got != "Command does not hold" {
		t.Errorf("by its rule: %q", got)
	}
}
