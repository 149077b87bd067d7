package pipeline

import (
	"slices"
	"strings"
)

// Link is an execution whose success started another one.
type Link struct {
	Execution string
	Number    int
	Pipeline  string
	Stage     string `json:",omitempty"` // the stage that succeeded; empty: all of it
	Trigger   Trigger
}

// Next is the chain of an execution that the success of a stage of x starts, or
// that of x where the stage is empty.
func (x Execution) Next(stage string) []Link {
	last := Link{Execution: x.ID, Number: x.Number, Pipeline: x.Definition.Name, Stage: stage, Trigger: x.Trigger}
	return append(slices.Clone(x.Chain), last)
}

// Root is the execution at the beginning of the chain that led to x: itself where
// there is none.
func (x Execution) Root() Link {
	return x.Next("")[0]
}

// follows tells whether the triggers name what led to x.
func (t Triggers) follows(x Execution) Match {
	var names []string
	for _, u := range t.Upstreams {
		name := u.Pipeline
		if u.Stage != "" {
			name += "/" + u.Stage
		}
		last := Link{Pipeline: u.Pipeline, Stage: u.Stage}
		if len(x.Chain) > 0 {
			last = x.Chain[len(x.Chain)-1]
		}
		if last.Pipeline == u.Pipeline && last.Stage == u.Stage {
			names = append(names, name)
		}
	}
	switch {
	case t.Unreadable():
		return Match{Starts: true, Why: unreadable}
	case len(t.Upstreams) == 0:
		return Match{Why: "on has no pipeline"}
	case len(names) == 0:
		return Match{Why: "pipeline names others"}
	}
	return Match{Starts: true, Why: "pipeline names " + strings.Join(names, ", ")}
}

// succeeded starts the pipelines that wait for a stage, or for the execution.
func (m *move) succeeded(stage string, attempt int) {
	if slices.Contains(m.Followed, stage) {
		m.emit(StartFollowers{stage, attempt})
	}
}
