package local

import (
	"slices"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// whole tells whether everything in a stage runs.
func (s selection) whole(st pipeline.Stage) bool {
	return !slices.ContainsFunc(st.Actions, func(a pipeline.Action) bool { return !s.has(place{st.Name, a.Name}) })
}

// conditions leaves out of a stage what decides whether it begins and succeeds,
// unless the stage runs as a whole: who names an action means that one. Tests
// that were reported by a stage that does not run are not known.
func (s selection) conditions(d pipeline.Definition, st pipeline.Stage) pipeline.Stage {
	if !s.whole(st) {
		st.If, st.Concurrency, st.BeforeEntry, st.OnSuccess, st.OnFailure = "", "", nil, nil, pipeline.OnFailure{}
		return st
	}
	unknown := func(r pipeline.Rule) bool {
		return r.TestsPass != nil && !s.whole(d.Stages[d.StageIndex(r.TestsPass.Stage)])
	}
	st.BeforeEntry = slices.DeleteFunc(slices.Clone(st.BeforeEntry), unknown)
	st.OnSuccess = slices.DeleteFunc(slices.Clone(st.OnSuccess), unknown)
	return st
}

// wantsOfStages lists the outputs that the conditions of stages need of actions
// that do not run.
func (s selection) wantsOfStages(d pipeline.Definition, known map[place]bool) []want {
	var all []want
	for _, st := range d.Stages {
		st = s.conditions(d, st)
		texts, conditions := []string{st.Concurrency}, []string{st.If}
		for _, r := range slices.Concat(st.BeforeEntry, st.OnSuccess) {
			conditions = append(conditions, r.Expression)
			if r.Variable != nil {
				conditions = append(conditions, r.Variable.Name)
			}
		}
		for _, from := range outputs(texts, conditions) {
			if known[from] && !s.has(from) {
				all = append(all, want{by: place{Stage: st.Name}, from: from})
			}
		}
	}
	return all
}
