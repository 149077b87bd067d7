package pipeline

import (
	"fmt"

	"github.com/stagegate/stagegate/internal/pipeline/expression"
)

// Preview is an action as it will be handed out, as far as that is known before
// the execution has begun: an expression about what is not yet, such as an
// output, stays as it is written. Of the execution and its revision what is
// empty is not known. An error is one that the action would end with.
func (x Execution) Preview(a Action) (Action, error) {
	var err error
	if a.Image, err = x.preview(a, "image", a.Image); err != nil {
		return a, err
	}
	env := make([]Value, len(a.Env))
	for i, v := range a.Env {
		env[i].Name = v.Name
		if env[i].Value, err = x.preview(a, "env "+v.Name, v.Value); err != nil {
			return a, err
		}
	}
	a.Env = env
	return a, nil
}

func (x Execution) preview(a Action, what, text string) (string, error) {
	lookup := func(name expression.Name) (string, error) {
		for _, v := range a.Matrix {
			if name.String() == "matrix."+v.Name {
				return v.Value, nil
			}
		}
		return x.known(name)
	}
	t, err := expression.Parse(text)
	if err == nil {
		text, err = t.Preview(expression.Scope{Lookup: lookup, Changed: unknownChanges})
	}
	if err != nil {
		return "", fmt.Errorf("resolve %s: %w", what, err)
	}
	return text, nil
}

func unknownChanges(string) (bool, error) { return false, expression.ErrUnknown }

// known is what a name stands for, if that is known already.
func (x Execution) known(name expression.Name) (string, error) {
	switch {
	case len(name) == 3, name.String() == "execution.number" && x.Number == 0,
		name.String() == "source.fork" && x.Trigger == PullRequest && x.Revision.PullRequest == 0:
		return "", expression.ErrUnknown
	case name.String() == "source.pull_request" && x.Trigger == Push,
		name.String() == "source.tag" && x.Revision.Branch != "",
		name.String() == "source.branch" && x.Revision.Tag() != "":
		return "", nil
	}
	text, err := (&move{Execution: x}).lookup(name)
	if err == nil && text == "" && name[0] != "variables" {
		err = expression.ErrUnknown
	}
	return text, err
}
