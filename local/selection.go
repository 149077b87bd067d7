package local

import (
	"cmp"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/expression"
)

// place names an action of a pipeline.
type place struct{ Stage, Action string }

// String is the form in which people name it. Without an action it is the stage.
func (p place) String() string { return p.Stage + prefixed(".", p.Action) }

func placeOf(id pipeline.JobID) place { return place{id.Stage, id.Action} }

// selection is what of a pipeline runs. Nil is all of it.
type selection map[place]bool

func (s selection) has(p place) bool { return s == nil || s[p] }

// choice finds the stages and actions that a person names: an action as ACTION
// or STAGE.ACTION.
func choice(d pipeline.Definition, stages, actions []string) (selection, error) {
	if len(stages)+len(actions) == 0 {
		return nil, nil
	}
	s := selection{}
	var wrong []error
	for _, name := range stages {
		wrong = append(wrong, s.stage(d, name))
	}
	for _, name := range actions {
		wrong = append(wrong, s.action(d, name))
	}
	return s, join(wrong)
}

func (s selection) stage(d pipeline.Definition, name string) error {
	i := d.StageIndex(name)
	if i < 0 {
		var names []string
		for _, st := range d.Stages {
			names = append(names, st.Name)
		}
		return usage("there is no stage %s: %s", name, instead(name, names))
	}
	for _, a := range d.Stages[i].Actions {
		s[place{name, a.Name}] = true
	}
	return nil
}

func (s selection) action(d pipeline.Definition, name string) error {
	var found []string
	for p, a := range everyAction(d) {
		asked, ok := chosenAs(p, a)
		switch name {
		case asked.Action, asked.String():
		case p.Action, p.String():
			asked = p
		default:
			continue
		}
		if !ok {
			continue
		}
		s[p] = true
		if !slices.Contains(found, asked.String()) {
			found = append(found, asked.String())
		}
	}
	switch {
	case len(found) > 1:
		return usage("action %s stands in several stages: write one of %s", name, strings.Join(found, ", "))
	case len(found) == 1:
		return nil
	}
	names := ActionNames(d)
	if !strings.Contains(name, ".") {
		for i, long := range names {
			_, names[i], _ = strings.Cut(long, ".")
		}
	}
	return usage("there is no action %s: %s", name, instead(name, names))
}

// chosenAs is how a person names an action: all runs of a matrix as one. False:
// it is the command of a rule, which runs when that is asked.
func chosenAs(p place, a pipeline.Action) (place, bool) {
	return place{p.Stage, cmp.Or(a.Of, p.Action)}, a.Role == pipeline.RoleWork || a.Role == pipeline.RoleFinally
}

// ActionNames are the actions that a run can be narrowed to, as STAGE.ACTION.
func ActionNames(d pipeline.Definition) []string {
	var names []string
	for p, a := range everyAction(d) {
		if asked, ok := chosenAs(p, a); ok && !slices.Contains(names, asked.String()) {
			names = append(names, asked.String())
		}
	}
	return names
}

// everyAction walks through a pipeline's actions, in the order of the file.
func everyAction(d pipeline.Definition) func(yield func(place, pipeline.Action) bool) {
	return func(yield func(place, pipeline.Action) bool) {
		for _, st := range d.Stages {
			for _, a := range st.Actions {
				if !yield(place{st.Name, a.Name}, a) {
					return
				}
			}
		}
	}
}

// strip leaves of the actions that do not run only their names and their order,
// so that nothing of them is asked, resolved or missed, and of the stages that do
// not run as a whole no condition.
func (s selection) strip(d pipeline.Definition) pipeline.Definition {
	if s == nil {
		return d
	}
	d.Stages = slices.Clone(d.Stages)
	for i, st := range d.Stages {
		actions := slices.Clone(st.Actions)
		for j, a := range actions {
			if !s.has(place{st.Name, a.Name}) {
				actions[j] = pipeline.Action{Name: a.Name, Role: a.Role, Needs: a.Needs}
			}
		}
		d.Stages[i] = s.conditions(d, st)
		d.Stages[i].Actions = actions
	}
	return d
}

// of leaves out of an execution what people did not choose.
func (s selection) of(x pipeline.Execution) pipeline.Execution {
	if s == nil {
		return x
	}
	var stages []pipeline.StageState
	for _, st := range x.Stages {
		name := st.Name
		st.Actions = slices.DeleteFunc(slices.Clone(st.Actions), func(a pipeline.ActionState) bool {
			return !s.has(place{name, a.Name})
		})
		if len(st.Actions) > 0 {
			stages = append(stages, st)
		}
	}
	x.Stages = stages
	return x
}

// want is what an action that runs needs of one that does not.
type want struct {
	by, from place
	artifact string // or else it is output variables
}

func (w want) String() string {
	return w.by.String() + " needs " + cmp.Or(prefixed("artifact ", w.artifact), "outputs") + " of " + w.from.String()
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// wants lists what has to come from earlier runs.
func (s selection) wants(d pipeline.Definition) []want {
	if s == nil {
		return nil
	}
	makers := map[string]place{}
	known := map[place]bool{}
	for p, a := range everyAction(d) {
		known[p] = true
		for _, o := range a.Artifacts {
			makers[o.Name] = p
		}
	}
	all := s.wantsOfStages(d, known)
	for p, a := range everyAction(d) {
		if !s.has(p) {
			continue
		}
		for _, name := range a.Inputs {
			if maker, ok := makers[name]; ok && !s.has(maker) {
				all = append(all, want{by: p, from: maker, artifact: name})
			}
		}
		for _, from := range outputsOf(a) {
			if known[from] && !s.has(from) {
				all = append(all, want{by: p, from: from})
			}
		}
	}
	return all
}

// outputsOf lists the actions whose outputs an action asks for.
func outputsOf(a pipeline.Action) []place {
	texts := []string{a.Image}
	for _, v := range a.Env {
		texts = append(texts, v.Value)
	}
	return outputs(texts, []string{a.If})
}

// outputs lists the actions whose outputs texts and conditions ask for. What
// cannot be read was a mistake of the file.
func outputs(texts, conditions []string) []place {
	var refs []expression.Reference
	for _, text := range texts {
		if t, err := expression.Parse(text); err == nil {
			refs = append(refs, t.Names()...)
		}
	}
	for _, text := range conditions {
		if c, err := expression.ParseCondition(text); err == nil {
			refs = append(refs, c.Names()...)
		}
	}
	var all []place
	for _, ref := range refs {
		if len(ref.Name) == 3 && !slices.Contains(all, place{ref.Name[0], ref.Name[1]}) {
			all = append(all, place{ref.Name[0], ref.Name[1]})
		}
	}
	return all
}
