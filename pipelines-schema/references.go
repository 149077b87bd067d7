package schema

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline/expression"
)

// checkTemplates looks up the names in an action's expressions.
func (p *parser) checkTemplates(i int, a *action) {
	for _, n := range a.templates {
		t, err := expression.Parse(n.text)
		var e *expression.Error
		if errors.As(err, &e) {
			p.reportIn(n, e.Offset, e.Hint, "%s", e.Message)
			continue
		}
		for _, ref := range t.Names() {
			if p.full() {
				p.missed++
				return
			}
			if message, hint := p.reference(i, a, ref.Name); message != "" {
				p.reportIn(n, ref.Offset, hint, "%s", message)
			}
		}
		p.checkCalls(n, t.Calls())
	}
}

// checkCalls reports the functions that cannot stand in env and image.
func (p *parser) checkCalls(n node, calls []expression.Call) {
	for _, c := range calls {
		switch c.Function {
		case "success", "failure", "always", "cancelled":
			p.reportIn(n, c.Offset, "an output of an action that ran before may say how it ended", "%s() stands in if", c.Function)
		case "changed", "hash":
			p.reportIn(n, c.Offset, "", "%s() is not supported yet", c.Function)
		}
	}
}

// reference says what is wrong with a name in an expression of action a of
// stage i, or nothing.
func (p *parser) reference(i int, a *action, name expression.Name) (message, hint string) {
	switch name[0] {
	case "source":
		if slices.Equal(name, expression.Name{"source", "tag"}) {
			return "source.tag is not supported yet", ""
		}
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
		if len(a.matrix) == 0 {
			return "nothing is called " + show(name.String()), "this action has no matrix"
		}
		return inContext(name, a.matrix)
	}
	return p.output(i, a, name)
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
	j := slices.IndexFunc(p.scope.stages, func(s *stage) bool { return s.name == name[0] })
	if j < 0 {
		return unknown, p.meantContext(name)
	}
	s := p.scope.stages[j]
	if len(name) != 3 {
		return unknown, "an output is called STAGE.ACTION.KEY"
	}
	from := s.index[name[1]]
	called := show(name[0] + "." + name[1])
	switch {
	case from == nil:
		if near := nearest(name[1], s.names()); near != "" {
			return unknown, "did you mean " + strings.Join([]string{name[0], near, name[2]}, ".") + "?"
		}
		return unknown, "stage " + s.name + " has no action " + show(name[1])
	case from == a:
		return called + " is this action itself: it has no outputs before it ended", ""
	case from.Approval != nil:
		return called + " is an approval: it has no outputs", ""
	case ranBefore(j, from, i, a):
		return "", ""
	case j == i:
		return "action " + called + " may not have run yet", "add " + from.Name + " to its needs"
	}
	return "action " + called + " runs later", "move this action to a later stage"
}

// meantContext guesses what the first segment of a name should be.
func (p *parser) meantContext(name expression.Name) string {
	if hint := habit(name); hint != "" {
		return hint
	}
	var first []string
	for _, s := range p.scope.stages {
		if s.name != "" {
			first = append(first, s.name)
		}
	}
	if near := nearest(name[0], append(slices.Clone(expression.Contexts), first...)); near != "" {
		meant := append(expression.Name{near}, name[1:]...)
		j := slices.IndexFunc(p.scope.stages, func(s *stage) bool { return s.name == near })
		if j >= 0 && len(meant) == 3 && p.scope.stages[j].index[meant[1]] == nil {
			meant[1] = cmp.Or(nearest(meant[1], p.scope.stages[j].names()), meant[1])
		}
		return "did you mean " + show(meant.String()) + "?"
	}
	return "names begin with source, execution, variables or a stage's name"
}

// habit translates the names of GitHub Actions.
func habit(name expression.Name) string {
	switch name[0] {
	case "github":
		if ours := githubName(name); ours != nil {
			return "write " + ours.String()
		}
		return "source and execution hold what is known of an event"
	case "env":
		return "the environment is not read in expressions: declare it in variables"
	case "vars", "inputs":
		return "declare it in variables and write variables.NAME"
	case "secrets":
		return "list it under secrets of the action: the script finds it in its environment"
	case "steps", "needs", "jobs", "outputs":
		return "an output is called STAGE.ACTION.KEY"
	}
	return ""
}

// githubName is our name for a value of GitHub Actions, or nil.
func githubName(name expression.Name) expression.Name {
	switch name.String() {
	case "github.sha":
		return expression.Name{"source", "commit"}
	case "github.ref":
		return expression.Name{"source", "ref"}
	case "github.ref_name", "github.head_ref":
		return expression.Name{"source", "branch"}
	case "github.repository":
		return expression.Name{"source", "repository"}
	case "github.event.number", "github.event.pull_request.number":
		return expression.Name{"source", "pull_request"}
	case "github.event.head_commit.message":
		return expression.Name{"source", "message"}
	case "github.actor", "github.triggering_actor":
		return expression.Name{"execution", "actor"}
	case "github.event_name":
		return expression.Name{"execution", "trigger"}
	case "github.run_id":
		return expression.Name{"execution", "id"}
	case "github.run_number":
		return expression.Name{"execution", "number"}
	}
	return nil
}
