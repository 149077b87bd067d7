package show

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/local"
)

// TestReasonOfAStage says why a stage did not run or did not succeed, in the
// summary and the tree.
func TestReasonOfAStage(t *testing.T) {
	stages := []pipeline.StageState{
		{Name: "test", Status: pipeline.Skipped, Reason: "its if does not hold:\x1b[31m false\nmore"},
		{Name: "production", Status: pipeline.Pending, Reason: "not yet"},
	}
	text := summary(local.Outcome{Execution: pipeline.Execution{Stages: stages}}, style(false))
	if !strings.Contains(text, "test        skipped: its if does not hold: false\n") || !strings.Contains(text, "production  not reached\n") {
		t.Errorf("the summary is\n%s", text)
	}
	var tree strings.Builder
	for _, r := range (picture{style: style(false), stages: stages, columns: 80, ended: true}).frame(0) {
		tree.WriteString(r.text + "\n")
	}
	if got := tree.String(); got != "- test  its if does not hold: false\n· production\n" {
		t.Errorf("the tree is\n%s", got)
	}
}
