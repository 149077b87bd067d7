package pipeline_test

import (
	"fmt"
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// large is an execution of 50 stages of ten actions, of which the first has
// begun.
func large(b *testing.B) pipeline.Execution {
	b.Helper()
	x := pipeline.Execution{ID: "7", Number: 3, RepositoryID: 42, Lane: "refs/heads/main", Definition: pipeline.Definition{Name: "large"}}
	for i := range 50 {
		st := pipeline.Stage{Name: fmt.Sprintf("stage-%d", i)}
		for j := range 10 {
			st.Actions = append(st.Actions, pipeline.Action{Name: fmt.Sprintf("action-%d", j), Image: "i", Run: "r", Inputs: []string{"source"}})
		}
		x.Definition.Stages = append(x.Definition.Stages, st)
	}
	begin := []pipeline.Event{pipeline.Started{At: at(0)}, fetched, pipeline.Entered{At: at(1), Stage: "stage-0"}, pipeline.Cleared{At: at(1), Stage: "stage-0"}}
	for _, e := range begin {
		var err error
		if x, _, err = x.Apply(e); err != nil {
			b.Fatal(err)
		}
	}
	return x
}

// BenchmarkApply is one event of a large pipeline.
func BenchmarkApply(b *testing.B) {
	x := large(b)
	job := pipeline.JobID{Execution: "7", Stage: "stage-0", Action: "action-5", Attempt: 1}
	for b.Loop() {
		if _, _, err := x.Apply(pipeline.JobFinished{At: at(2), Job: job, Result: good}); err != nil {
			b.Fatal(err)
		}
	}
}
