package pipeline_test

import (
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

func TestTouches(t *testing.T) {
	changed := pipeline.Changes{Files: []string{"docs/a/b.md", "main.go", "!x"}, Complete: true}
	for pattern, want := range map[string]bool{
		"**": true, "docs/**": true, "**/*.md": true, "*.go": true, "{cmd,docs}/**": true, "!x": true,
		"docs/*": false, "*.md": false, "docs": false, "MAIN.go": false, "[": false,
	} {
		if got := changed.Touches(pattern); got != want {
			t.Errorf("%s is touched: %v", pattern, got)
		}
	}
	if !(pipeline.Changes{Files: []string{"a"}}).Touches("b") {
		t.Error("of a list that is not all, a file that it lacks is not touched")
	}
	if (pipeline.Changes{Complete: true}).Touches("**") {
		t.Error("of no files one is touched")
	}
}

// TestWantsFiles asks that GitHub is not asked for what decides nothing.
func TestWantsFiles(t *testing.T) {
	filter := &pipeline.Filter{Branches: []string{"main"}, Tags: []string{"*"}, Paths: []string{"src/**"}}
	every := &pipeline.Filter{}
	skipped, known := push("main"), push("main")
	skipped.Message = "Docs [skip ci]"
	known.Changed.Complete = true
	asks := []pipeline.Rule{{Expression: "${{ changed('docs/**') }}"}}
	work := pipeline.Action{If: "!changed('docs/**')"}
	for _, tc := range []struct {
		name  string
		on    *pipeline.Filter
		stage pipeline.Stage
		r     pipeline.Revision
		want  bool
	}{
		{"paths", filter, pipeline.Stage{}, push("main"), true},
		{"another branch", filter, pipeline.Stage{If: "changed('a')"}, push("other"), false},
		{"a tag", filter, pipeline.Stage{If: "changed('a')"}, push("refs/tags/v1"), false},
		{"the message", filter, pipeline.Stage{If: "changed('a')"}, skipped, false},
		{"nothing", every, pipeline.Stage{If: "source.message == 'changed()'", Actions: []pipeline.Action{{}}}, push("main"), false},
		{"image", every, pipeline.Stage{Actions: []pipeline.Action{{Image: "alpine:${{ changed('a') }}"}}}, push("main"), true},
		{"env", every, pipeline.Stage{Actions: []pipeline.Action{{Env: []pipeline.Value{{}, {Value: "x${{ changed('a') }}"}}}}}, push("main"), true},
		{"env of a command", every, pipeline.Stage{BeforeEntry: []pipeline.Rule{{Command: "c"}}, Actions: []pipeline.Action{
			{Name: "c", Role: pipeline.RoleEntry, Env: []pipeline.Value{{Value: "${{ changed('a') }}"}}},
		}}, push("main"), true},
		{"concurrency", every, pipeline.Stage{Concurrency: "${{ changed('a') && 'b' || 'c' }}"}, push("main"), true},
		{"text", every, pipeline.Stage{Concurrency: "changed('a')", Actions: []pipeline.Action{{Image: "changed('a')"}}}, push("main"), false},
		{"if of a stage", every, pipeline.Stage{If: "source.tag == '' && changed('a')"}, push("main"), true},
		{"if of an action", every, pipeline.Stage{Actions: []pipeline.Action{{}, work}}, push("main"), true},
		{"before entry", every, pipeline.Stage{BeforeEntry: asks}, push("main"), true},
		{"on success", every, pipeline.Stage{OnSuccess: asks}, push("main"), true},
		{"known already", filter, pipeline.Stage{OnSuccess: asks}, known, false},
	} {
		d := pipeline.Definition{On: pipeline.Triggers{Push: tc.on}, Stages: []pipeline.Stage{tc.stage}}
		if got := d.WantsFiles(event(pipeline.Push, tc.r)); got != tc.want {
			t.Errorf("%s: wants files is %v", tc.name, got)
		}
	}
	if (pipeline.Definition{On: pipeline.Triggers{Push: filter}}).WantsFiles(event(pipeline.PullRequest, push("main"))) {
		t.Error("an event that the file does not name")
	}
}
