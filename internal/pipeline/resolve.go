package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline/expression"
)

// expand resolves the expressions of a text; what names the field for people.
func (m *move) expand(what, text string) (string, error) { return m.expandFor(Action{}, what, text) }

// expandFor resolves the expressions of a text of an action.
func (m *move) expandFor(a Action, what, text string) (string, error) {
	t, err := expression.Parse(text)
	if err != nil {
		return "", fmt.Errorf("resolve %s: %w", what, err)
	}
	out, err := t.Expand(m.scope(a.Matrix))
	if err != nil {
		return "", fmt.Errorf("resolve %s: %w", what, err)
	}
	return out, nil
}

// parts resolves a text of an action in which hash() may stand. One without it has one
// part.
func (m *move) parts(a Action, what, text string) ([]Part, error) {
	t, err := expression.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", what, err)
	}
	pieces, err := t.Pieces(m.scope(a.Matrix))
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", what, err)
	}
	parts := make([]Part, len(pieces))
	for i, p := range pieces {
		parts[i] = Part(p)
	}
	return parts, nil
}

// scope is what expressions know; matrix are the values of the action they belong to.
func (m *move) scope(matrix []Value) expression.Scope {
	lookup := func(name expression.Name) (string, error) {
		if len(name) == 2 && name[0] == "matrix" {
			return valueOf(matrix, name)
		}
		return m.lookup(name)
	}
	return expression.Scope{Lookup: lookup, Changed: m.changed}
}

func valueOf(matrix []Value, name expression.Name) (string, error) {
	for _, v := range matrix {
		if v.Name == name[1] {
			return v.Value, nil
		}
	}
	return "", fmt.Errorf("nothing is called %s", name)
}

func (m *move) changed(pattern string) (bool, error) { return m.Revision.Changed.Touches(pattern), nil }

// lookup finds what a name of an expression stands for. The names are those
// of DESIGN's language: source, execution, variables, and STAGE.ACTION.KEY.
func (m *move) lookup(name expression.Name) (string, error) {
	switch {
	case len(name) == 2 && name[0] == "source":
		return m.sourceValue(name[1])
	case len(name) == 2 && name[0] == "execution":
		return m.executionValue(name[1])
	case len(name) == 2 && name[0] == "variables":
		for _, v := range m.Definition.Variables {
			if v.Name == name[1] {
				return v.Default, nil
			}
		}
	case len(name) == 3:
		return m.output(name[0], name[1], name[2])
	}
	return "", fmt.Errorf("nothing is called %s", strings.Join(name, "."))
}

func (m *move) sourceValue(key string) (string, error) {
	r := m.Revision
	switch key {
	case "repository":
		return m.Repository, nil
	case "commit":
		return r.Commit, nil
	case "ref":
		return r.Ref, nil
	case "branch":
		return r.Branch, nil
	case "tag":
		return r.Tag(), nil
	case "message":
		return r.Message, nil
	case "author":
		return r.Author, nil
	case "pull_request":
		if r.PullRequest == 0 {
			return "", nil
		}
		return strconv.Itoa(r.PullRequest), nil
	case "fork":
		return strconv.FormatBool(r.Fork), nil
	}
	return "", errors.New("nothing is called source." + key)
}

func (m *move) executionValue(key string) (string, error) {
	switch key {
	case "id":
		return m.ID, nil
	case "number":
		return strconv.Itoa(m.Number), nil
	case "trigger":
		return string(m.Trigger), nil
	case "actor":
		return m.Actor, nil
	}
	return "", errors.New("nothing is called execution." + key)
}

// output finds an output variable of an action that has succeeded.
func (m *move) output(stage, action, key string) (string, error) {
	i, j, ok := m.Find(JobID{Stage: stage, Action: action})
	if !ok {
		return "", fmt.Errorf("there is no action %s.%s", stage, action)
	}
	a := m.Stages[i].Actions[j]
	outputs := a.Outputs
	for k := len(outputs) - 1; k >= 0; k-- {
		if outputs[k].Name == key {
			return outputs[k].Value, nil
		}
	}
	if a.Status != Succeeded && len(outputs) == 0 {
		return "", fmt.Errorf("action %s/%s has no output %q: it is %s; an if that asks for the same as that of %s avoids this", stage, action, key, words(a.Status), action)
	}
	return "", fmt.Errorf("action %s/%s wrote no output %q; it wrote %s", stage, action, key, outputNames(outputs))
}

func outputNames(outputs []Value) string {
	if len(outputs) == 0 {
		return "none"
	}
	var names []string
	for _, o := range outputs {
		names = append(names, o.Name)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// inputs finds the artifacts an action asks for, in its order.
func (m *move) inputs(def Action) ([]Artifact, error) {
	have := m.Execution.Artifacts()
	var out []Artifact
	for _, name := range def.Inputs {
		k := slices.IndexFunc(have, func(a Artifact) bool { return a.Name == name })
		if k < 0 {
			return nil, fmt.Errorf("input artifact %s does not exist: the action that makes it has not run", name)
		}
		out = append(out, have[k])
	}
	return out, nil
}
