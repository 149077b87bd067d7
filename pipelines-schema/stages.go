package schema

import (
	"slices"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/expression"
)

// What a pipeline may hold at most.
const (
	maxStages  = 100
	maxActions = 200 // of a stage
)

// stage is one while the file is checked.
type stage struct {
	name    string
	actions []*action
	index   map[string]*action // by name, the first of each
}

// action is one while the file is checked: what it refers to is only looked up
// when all actions are known.
type action struct {
	pipeline.Action

	at        place
	needs     []node
	after     []*action // the needs that exist
	inputs    []node
	produces  []pair // artifacts
	secrets   []node
	matrix    []string // names
	templates []node   // texts that may hold expressions
	before    map[*action]bool
}

// stages reads all stages and checks what they say of each other.
func (p *parser) stages(n node) []pipeline.Stage {
	switch {
	case n.kind != list && !n.null:
		p.report(n.at, "write each stage as - name: …", "stages must be a list, not %s", n.kind)
		return nil
	case len(n.items) == 0:
		p.report(n.at, "a pipeline has at least one stage", "stages is empty")
		return nil
	case len(n.items) > maxStages:
		p.report(n.items[maxStages].at, "", "a pipeline has at most %d stages", maxStages)
		return nil
	}
	names := unique{parser: p, what: "stage", seen: map[string]node{}}
	for _, item := range n.items {
		p.scope.stages = append(p.scope.stages, p.stage(item, names))
	}
	p.check()
	var stages []pipeline.Stage
	for _, s := range p.scope.stages {
		out := pipeline.Stage{Name: s.name}
		for _, a := range s.actions {
			out.Actions = append(out.Actions, a.Action)
		}
		stages = append(stages, out)
	}
	return stages
}

func (p *parser) stage(n node, names unique) *stage {
	s := &stage{index: map[string]*action{}}
	ok := p.each(n, inStage, func(key, value node) {
		switch key.text {
		case "name":
			name, ok := p.name(value, "a stage")
			s.name = name
			switch {
			case slices.ContainsFunc(expression.Contexts, func(c string) bool { return fold(c) == fold(name) }):
				p.report(value.at, enumerate(expression.Contexts)+" have a meaning in expressions", "a stage cannot be called %s", name)
			case ok:
				names.claim(value)
			}
		case "actions":
			s.actions = p.actions(value)
			for _, a := range slices.Backward(s.actions) {
				if a.Name != "" {
					s.index[a.Name] = a
				}
			}
		}
	})
	if !ok {
		p.report(n.at, "write - name: … and actions: …", "a stage must be a mapping, not %s", n.kind)
		return s
	}
	p.require(n, "a stage", "name", "actions")
	return s
}

func (p *parser) actions(n node) []*action {
	switch {
	case n.kind != list && !n.null:
		p.report(n.at, "write each action as - name: …", "actions must be a list, not %s", n.kind)
		return nil
	case len(n.items) == 0:
		p.report(n.at, "a stage has at least one action", "actions is empty")
		return nil
	case len(n.items) > maxActions:
		p.report(n.items[maxActions].at, "", "a stage has at most %d actions", maxActions)
		return nil
	}
	names := unique{parser: p, what: "action of this stage", seen: map[string]node{}}
	var actions []*action
	for _, item := range n.items {
		if a := p.action(item); a != nil {
			actions = append(actions, a)
			if name, ok := item.get("name"); ok && namePattern.MatchString(a.Name) {
				names.claim(name)
			}
		}
	}
	return actions
}

// require reports the keys that a mapping misses.
func (p *parser) require(n node, what string, keys ...string) {
	for _, key := range keys {
		if _, ok := n.get(key); !ok {
			p.report(n.at, "", "%s needs %s", what, article(key))
		}
	}
}

func article(key string) string {
	switch key {
	case "name":
		return "a name"
	case "image":
		return "an image: the container it runs in"
	case "run":
		return "a run: the script it runs"
	}
	return key
}

// unique tells names apart, by fold.
type unique struct {
	*parser

	what string
	seen map[string]node
}

// claim reports a name that is taken, and takes it otherwise.
func (u unique) claim(n node) {
	key := fold(n.text)
	first, taken := u.seen[key]
	if !taken {
		u.seen[key] = n
		return
	}
	if u.full() {
		u.missed++
		return
	}
	hint := ""
	if first.text != n.text {
		hint = "names that differ only in case, or in - for _, are the same"
	}
	line := u.src.line(first.at)
	u.report(n.at, hint, "another %s is called %s, on line %d", u.what, show(first.text), line)
}
