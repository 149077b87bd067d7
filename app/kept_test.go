package app

import (
	"errors"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// keptAt is an execution of a pipeline whose production its rules keep back, or not.
func keptAt(id, name string, number int, kept bool) store.Execution {
	st := pipeline.StageState{Name: "production", Status: pipeline.Waiting}
	if kept {
		st.Hold.For = pipeline.HoldRules
	}
	return store.Execution{Execution: pipeline.Execution{
		ID: id, Number: number, Status: pipeline.InProgress, Definition: pipeline.Definition{Name: name},
		Revision: pipeline.Revision{Commit: strings.Repeat(id, 40)}, Stages: []pipeline.StageState{st},
	}}
}

// TestWhatAnOverrideMeans finds the one stage of a name that is kept back, and guesses
// none of several.
func TestWhatAnOverrideMeans(t *testing.T) {
	for _, c := range []struct {
		name string
		lane []store.Execution // newest first
		say  string
		want string // id, or part of the refusal
	}{
		{"the one", []store.Execution{keptAt("1", "ci", 1, true)}, "production", "1"},
		{"one behind another", []store.Execution{keptAt("2", "ci", 2, false), keptAt("1", "ci", 1, true)}, "production", "1"},
		{"the pipeline named", []store.Execution{keptAt("2", "cd", 1, true), keptAt("1", "ci", 1, true)}, "CI/Production", "1"},
		{"two pipelines", []store.Execution{keptAt("2", "cd", 1, true), keptAt("1", "ci", 1, true)}, "production", "several stages are kept back; name one of them: `cd/production`, `ci/production`"},
		{"two of one", []store.Execution{keptAt("2", "ci", 2, true), keptAt("1", "ci", 1, true)}, "production", "choose by command line: `stagegate override ci/2 production --reason TEXT`, `stagegate override ci/1"},
		{"none, but one that is meant", []store.Execution{keptAt("2", "ci", 2, false)}, "production", "2"},
		{"no such stage", []store.Execution{keptAt("2", "ci", 2, false)}, "staging", `execution 2 has no stage "staging"; it has production`},
		{"nothing", nil, "production", "nothing has run here"},
	} {
		got, err := spoken{lane: c.lane}.kept(c.say)
		if err == nil && got.x.ID != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: execution %q, %v; want %s", c.name, got.x.ID, err, c.want)
		}
	}
}

// TestOverrideAfterAMerge refuses what is about another commit than the merge made.
func TestOverrideAfterAMerge(t *testing.T) {
	said := spoken{
		command: command{args: []string{"production", "hotfix"}}, pull: github.PullRequestInfo{Merged: true, Merge: strings.Repeat("2", 40)},
		lane: []store.Execution{keptAt("1", "ci", 1, true)},
	}
	_, err := (&App{}).sayOverride(t.Context(), said)
	var no refusal
	if !errors.As(err, &no) || no.code != codeConflict || !strings.Contains(no.message, "ci/production of execution 1 is about 1111111, which is not what this pull request's merge made") {
		t.Errorf("%v", err)
	}
}
