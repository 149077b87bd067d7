package schema

import (
	"cmp"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/expression"
)

// reference says what is wrong with a name in an expression of action a of
// stage i, or nothing. Without a the expression is what lets an execution into
// stage i.
func (p *parser) reference(i int, a *action, name expression.Name) (message, hint string) {
	switch name[0] {
	case "source":
		return inContext(name, expression.SourceKeys)
	case "execution":
		return inContext(name, expression.ExecutionKeys)
	case "variables":
		if p.scope.unknownVariables {
			return "", ""
		}
		if len(name) == 2 && p.scope.declared[name[1]] {
			return "", ""
		}
		var declared []string
		for _, v := range p.scope.variables {
			declared = append(declared, v.Name)
		}
		return inContext(name, declared)
	case "matrix":
		switch {
		case isRule(a):
			return "nothing is called " + show(name.String()), "a stage has no matrix: only its actions have"
		case a.matrix == nil:
			return "nothing is called " + show(name.String()), "this action has no matrix"
		case a.matrix.unnamed:
			return "", ""
		}
		return inContext(name, a.matrix.names)
	}
	return p.output(i, a, name)
}

// isRule tells whether an expression is one of a stage: of its if, or of a rule.
func isRule(a *action) bool {
	return a == nil || a.Role == pipeline.RoleEntry || a.Role == pipeline.RoleSuccess
}

// inContext looks up a name of two segments.
func inContext(name expression.Name, keys []string) (message, hint string) {
	if len(name) == 2 && slices.Contains(keys, name[1]) {
		return "", ""
	}
	if len(name) > 1 {
		if key := nearest(name[1], keys); key != "" {
			hint = "did you mean " + name[0] + "." + key + "?"
		}
	}
	switch {
	case hint != "":
	case len(keys) == 0:
		hint = "this pipeline declares no " + name[0]
	default:
		hint = name[0] + " has " + enumerate(keys[:min(len(keys), mostShown)])
	}
	return "nothing is called " + show(name.String()), hint
}

// mostShown is how many names a hint lists.
const mostShown = 12

// output looks up STAGE.ACTION.KEY.
func (p *parser) output(i int, a *action, name expression.Name) (message, hint string) {
	unknown := "nothing is called " + show(name.String())
	j := slices.IndexFunc(p.scope.stages, func(s *stage) bool { return s.Name == name[0] })
	if j < 0 {
		hint := p.meantContext(name)
		if hint == "" && p.scope.unnamedStage {
			return "", ""
		}
		return unknown, cmp.Or(hint, "names begin with source, execution, variables or a stage's name")
	}
	s := p.scope.stages[j]
	if len(name) != 3 {
		return unknown, "an output is called STAGE.ACTION.KEY"
	}
	from := cmp.Or(s.index[name[1]], s.runs[name[1]])
	called := show(name[0] + "." + name[1])
	switch {
	case from == nil:
		if near := nearest(name[1], s.outputs()); near != "" {
			return unknown, "did you mean " + strings.Join([]string{name[0], near, name[2]}, ".") + "?"
		}
		if s.unreadable {
			return "", ""
		}
		return unknown, "stage " + s.Name + " has no action " + show(name[1])
	case from == a:
		return called + " is this action itself: it has no outputs before it ended", ""
	case from.Approval != nil && len(from.Approval.Form) == 0:
		return called + " is an approval without a form: it has no outputs", "write form under approval"
	case from.Approval != nil && !from.Approval.HasField(name[2]):
		return "the form of " + called + " has no field " + show(name[2]), DidYouMean(name[2], from.Approval.Fields())
	case from.matrix != nil && from.Name == name[1]:
		if first := s.runOf(from); first != "" {
			hint = "write " + strings.Join([]string{name[0], first, name[2]}, ".") + " for the first run's"
		}
		return called + " runs once for each combination of its matrix", hint
	case ranBefore(j, from, i, a):
		return "", ""
	case j != i || a == nil:
		return "action " + called + " runs later", later(a)
	case from.Role != a.Role:
		return p.besideFinally(called, a)
	}
	return "action " + called + " may not have run yet", "add " + from.Name + " to its needs"
}

// later is the hint for who asks for what runs later.
func later(a *action) string {
	if isRule(a) {
		return "a stage knows the outputs of earlier stages"
	}
	return "move this action to a later stage"
}

// besideFinally says why an action cannot count on another of its stage when
// one of the two stands in finally.
func (p *parser) besideFinally(called string, a *action) (message, hint string) {
	if isRule(a) {
		return "action " + called + " stands in finally: it runs when all others have ended", "a rule can count on the stage's other actions"
	}
	if a.Role == pipeline.RoleFinally {
		return "action " + called + " may have failed or not have run", "finally runs after failure too: it can count on earlier stages only"
	}
	return "action " + called + " stands in finally: it runs when all others have ended", "move this action to a later stage"
}

// meantContext guesses what the first segment of a name should be, or nothing.
func (p *parser) meantContext(name expression.Name) string {
	last := name[len(name)-1]
	status := slices.Contains([]string{"outcome", "conclusion", "result"}, last)
	if len(name) > 2 && !status && slices.Contains([]string{"steps", "needs", "jobs"}, name[0]) {
		if hint := p.outputOf(name[1], last); hint != "" {
			return hint
		}
	}
	if hint := habit(name); hint != "" {
		return hint
	}
	if len(name) > 1 {
		if hint := p.outputOf(name[0], last); hint != "" {
			return hint
		}
	}
	if near := nearest(name[0], slices.Concat(expression.Contexts, p.stageNames())); near != "" {
		meant := append(expression.Name{near}, name[1:]...)
		j := slices.IndexFunc(p.scope.stages, func(s *stage) bool { return s.Name == near })
		if j >= 0 && len(meant) == 3 && p.scope.stages[j].index[meant[1]] == nil {
			meant[1] = cmp.Or(nearest(meant[1], p.scope.stages[j].names()), meant[1])
		}
		return "did you mean " + show(meant.String()) + "?"
	}
	return ""
}

// outputOf writes out which output was meant by the name of an action and a
// key, or nothing.
func (p *parser) outputOf(action, key string) string {
	for _, s := range p.scope.stages {
		if a := s.index[action]; a != nil && s.Name != "" && a.Approval == nil {
			return "write " + show(strings.Join([]string{s.Name, cmp.Or(s.runOf(a), action), key}, "."))
		}
	}
	return ""
}
