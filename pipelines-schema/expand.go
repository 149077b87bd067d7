package schema

import (
	"slices"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// maxTexts is how many bytes the texts of a definition have together at most. A
// file is less, but for what aliases and matrices repeat; every execution keeps
// one.
const maxTexts = 4 << 20

// expand makes the stages of a file without mistakes.
func (p *parser) expand(d pipeline.Definition) []pipeline.Stage {
	left := maxTexts
	for _, v := range d.Variables {
		left -= length(v.Name, v.Default, v.Description)
	}
	var stages []pipeline.Stage
	for _, s := range p.scope.stages {
		left -= s.size()
		for _, a := range s.inOrder() {
			for run := range a.runs {
				if left -= size(run); left < 0 {
					p.report(a.at, "put long scripts into files of the repository", "the texts of this pipeline are longer than %d MiB together, those of aliases and of each run of a matrix counted", maxTexts>>20)
					return nil
				}
				s.Actions = append(s.Actions, run)
			}
		}
		stages = append(stages, s.Stage)
	}
	return stages
}

// inOrder are the actions of a stage in the order of their roles.
func (s *stage) inOrder() []*action {
	return slices.Concat(s.commandsOf(pipeline.RoleEntry), s.actions, s.commandsOf(pipeline.RoleSuccess), s.finally)
}

// runs yields what an action becomes: one, or one for each run of its matrix.
func (a *action) runs(yield func(pipeline.Action) bool) {
	one := a.Action
	one.FailFast = a.FailFast && a.matrix != nil
	one.Needs = nil
	for _, other := range a.after {
		one.Needs = append(one.Needs, other.runNames()...)
	}
	if a.matrix == nil {
		yield(a.run(one, 0))
		return
	}
	i := 0
	for values := range a.matrix.runs {
		run := a.run(one, i)
		run.Name, run.Of = runName(a.Name, values), a.Name
		for k, value := range values {
			run.Matrix = append(run.Matrix, pipeline.Value{Name: a.matrix.names[k], Value: value})
		}
		if i++; !yield(run) {
			return
		}
	}
}

// run gives an action the artifacts of its run i.
func (a *action) run(one pipeline.Action, i int) pipeline.Action {
	nth := func(names []string) string { return names[min(i, len(names)-1)] }
	for _, names := range a.unpacks {
		one.Inputs = append(one.Inputs, nth(names))
	}
	one.Artifacts = slices.Clone(a.Artifacts)
	for k, names := range a.makes {
		one.Artifacts[k].Name = nth(names)
	}
	return one
}

// runNames are what an action is called in its definition: its runs, if it has a
// matrix.
func (a *action) runNames() []string {
	if a.matrix == nil {
		return []string{a.Name}
	}
	var names []string
	for values := range a.matrix.runs {
		names = append(names, runName(a.Name, values))
	}
	return names
}

// size counts the bytes of the texts of a stage beside its actions.
func (s *stage) size() int {
	bytes := length(s.Name, s.If, s.Environment, s.Concurrency)
	for _, r := range slices.Concat(s.BeforeEntry, s.OnSuccess) {
		bytes += length(r.Expression, r.Command)
		if r.Variable != nil {
			bytes += length(r.Variable.Name, r.Variable.Value)
		}
		if r.Window != nil {
			bytes += length(r.Window.Holidays...)
		}
	}
	return bytes
}

func size(a pipeline.Action) int {
	bytes := length(a.Name, a.If, a.Image, a.Run, a.Shell) + length(a.Needs...) + length(a.Inputs...)
	for _, v := range slices.Concat(a.Env, a.Matrix) {
		bytes += length(v.Name, v.Value)
	}
	bytes += length(a.Isolation.Options()...)
	for _, s := range a.Secrets {
		bytes += length(s.Name)
	}
	for _, o := range a.Artifacts {
		bytes += length(o.Name, o.Path)
	}
	return bytes
}

func length(texts ...string) int {
	sum := 0
	for _, text := range texts {
		sum += len(text)
	}
	return sum
}
