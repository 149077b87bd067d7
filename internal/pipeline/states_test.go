package pipeline_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

var updateDocs = flag.Bool("update", false, "write docs/states.md anew")

// TestStatesDocument holds docs/states.md to the table.
func TestStatesDocument(t *testing.T) {
	const path = "../../docs/states.md"
	want := statesDocument()
	if *updateDocs {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the table says; run go test ./internal/pipeline -update", path)
	}
}

func statesDocument() string {
	var b strings.Builder
	b.WriteString("# States\n\nEvery event in every status of what it is about: **move** changes it, · is ignored\n" +
		"(a duplicate, or too late), refuse tells the sender why. Made from the table in\n`internal/pipeline/table.go`, which the engine itself reads.\n")
	for _, of := range []pipeline.Subject{pipeline.OfExecution, pipeline.OfStage, pipeline.OfAction} {
		statuses := pipeline.Statuses(of)
		fmt.Fprintf(&b, "\n## %s\n\n| event |", strings.ToUpper(string(of[:1]))+string(of[1:]))
		for _, s := range statuses {
			name := string(s)
			if name == "" {
				name = "(new)"
			}
			fmt.Fprintf(&b, " %s |", name)
		}
		b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(statuses)) + "\n")
		for _, row := range pipeline.Table() {
			if row.Of != of {
				continue
			}
			fmt.Fprintf(&b, "| %s |", row.Event)
			for _, s := range statuses {
				fmt.Fprintf(&b, " %s |", cell(row, s))
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

func cell(row pipeline.Row, s pipeline.Status) string {
	switch {
	case slices.Contains(row.Moves, s):
		return "**move**"
	case slices.Contains(row.Ignore, s):
		return "·"
	}
	return "refuse"
}
