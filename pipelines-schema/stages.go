package schema

import (
	"maps"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/expression"
)

// What a pipeline may hold at most.
const (
	maxStages  = 100
	maxActions = 200 // of a stage
)

// stage is one while the file is checked. Its Actions are made last.
type stage struct {
	pipeline.Stage

	actions    []*action
	finally    []*action
	commands   []*action          // of rules, before entry and on success
	unreadable bool               // there are actions that could not be read
	index      map[string]*action // by name, the first of each
	folded     map[string]*action // by folded name
	runs       map[string]*action // those with a matrix, by the names of their runs
	formulas   formulas           // of the stage itself, before it is entered
	afterwards formulas           // likewise when its actions have succeeded
	tested     []tested
}

// action is one while the file is checked: what it refers to is only looked up
// when all actions are known.
type action struct {
	pipeline.Action

	at       place
	needs    []node
	after    []*action // the needs that exist
	inputs   []node
	unpacks  [][]string // what each of the inputs is called, in each run if they differ
	produces []pair     // artifacts
	makes    [][]string // what each of the artifacts is called, in each run if they differ
	secrets  []secretUse
	matrix   *matrix // nil for none
	formulas formulas
	before   map[*action]bool
}

// all are the actions of a stage, those of finally last.
func (s *stage) all() []*action { return slices.Concat(s.actions, s.finally) }

// commandsOf are the commands of the rules of one condition.
func (s *stage) commandsOf(role pipeline.Role) []*action {
	return slices.DeleteFunc(slices.Clone(s.commands), func(a *action) bool { return a.Role != role })
}

// worked are the actions that surely ran when the rules on success are asked.
func (s *stage) worked() map[*action]bool {
	ran := map[*action]bool{}
	for _, a := range s.actions {
		ran[a] = true
	}
	return ran
}

// names are those that others may write.
func (s *stage) names() []string {
	var names []string
	for _, a := range s.all() {
		if namePattern.MatchString(a.Name) {
			names = append(names, a.Name)
		}
	}
	return names
}

// outputs are the names of what has outputs.
func (s *stage) outputs() []string {
	return append(s.names(), slices.Sorted(maps.Keys(s.runs))...)
}

// runOf is the name of the first run of an action, or "".
func (s *stage) runOf(a *action) string {
	if a.matrix != nil && !a.matrix.unknown {
		for values := range a.matrix.runs {
			return runName(a.Name, values)
		}
	}
	return ""
}

// stages reads all stages and checks what they say of each other.
func (p *parser) stages(n node) {
	switch {
	case n.kind != list && !n.null:
		p.report(n.at, entryForm(n), "stages must be a list, not %s", n.kind)
		return
	case len(n.items) == 0:
		p.report(n.at, "a pipeline has at least one stage", "stages is empty")
		return
	case len(n.items) > maxStages:
		p.report(n.items[maxStages].at, "", "a pipeline has at most %d stages", maxStages)
		return
	}
	if p.onlyTexts(n, "stages", "write each as - name: "+show(n.items[0].text)+" and, below it, its actions") {
		return
	}
	names := unique{parser: p, what: "stage", seen: map[string]node{}}
	for _, item := range n.items {
		p.scope.stages = append(p.scope.stages, p.stage(item, names))
	}
	p.check()
}

func (p *parser) stage(n node, names unique) *stage {
	s := &stage{index: map[string]*action{}, folded: map[string]*action{}, runs: map[string]*action{}}
	if p.nameAsKey(n, inStage) {
		s.unreadable, p.scope.unknownArtifacts, p.scope.unnamedStage = true, true, true
		return s
	}
	p.scope.imageElsewhere = p.scope.imageElsewhere || hasImage(n)
	inside := unique{parser: p, what: "action of this stage", seen: map[string]node{}}
	ok := p.each(n, inStage, func(key, value node) {
		switch key.text {
		case "name":
			s.Name = p.stageName(value, names)
		case "actions":
			s.actions = p.actions(s, value, "actions", inside)
		case "finally":
			s.finally = p.actions(s, value, "finally", inside)
			p.checkFinally(s)
		default:
			p.stageKey(s, key, value)
		}
	})
	if !ok {
		p.report(n.at, "write - name: … and actions: …", "a stage must be a mapping, not %s", n.kind)
		s.unreadable, p.scope.unknownArtifacts, p.scope.unnamedStage = true, true, true
		return s
	}
	p.require(n, inStage, "name", "actions")
	p.scope.unnamedStage = p.scope.unnamedStage || !namePattern.MatchString(s.Name)
	if _, ok := n.get("actions"); !ok {
		s.unreadable = true
	}
	p.scope.unknownArtifacts = p.scope.unknownArtifacts || s.unreadable
	for _, a := range slices.Backward(s.all()) {
		s.unreadable = s.unreadable || !namePattern.MatchString(a.Name)
		if a.Name == "" {
			continue
		}
		s.index[a.Name], s.folded[fold(a.Name)] = a, a
	}
	return s
}

func (p *parser) stageName(n node, names unique) string {
	name, ok := p.name(n, "a stage")
	switch {
	case slices.ContainsFunc(expression.Contexts, func(c string) bool { return fold(c) == fold(name) }):
		p.report(n.at, enumerate(expression.Contexts)+" have a meaning in expressions", "a stage cannot be called %s", name)
	case ok:
		names.claim(n)
	}
	return name
}

// stageKey reads what surrounds the actions of a stage.
func (p *parser) stageKey(s *stage, key, n node) {
	switch key.text {
	case "if":
		s.If = p.condition(&s.formulas, n)
	case "before-entry":
		s.BeforeEntry = p.rules(s, n, pipeline.RoleEntry)
	case "on-success":
		s.OnSuccess = p.rules(s, n, pipeline.RoleSuccess)
	case "on-failure":
		s.OnFailure = p.onFailure(n)
	case "concurrency":
		if n.kind == mapping {
			p.report(n.at, "write a name that stages share, such as deploy", "concurrency must be a text, not %s", n.kind)
			return
		}
		text, ok := p.template(&s.formulas, n, "concurrency")
		if ok && (n.null || strings.TrimSpace(text) == "") {
			p.report(n.at, "write a name that stages share, such as deploy", "concurrency is empty")
		}
		s.Concurrency = text
	case "environment":
		p.deploysTo(s, n)
	}
}

// deploysTo reads what a stage deploys to: a name, or a name with an address.
func (p *parser) deploysTo(s *stage, n node) {
	if n.kind != mapping {
		s.Environment, _ = p.name(n, "an environment")
		return
	}
	_, named := n.get("name")
	if _, addressed := n.get("url"); !named && !addressed {
		p.report(n.at, "environment names a deployment target; variables of the script stand in env", "environment must be a name, or name and url, not %s", n.kind)
		return
	}
	p.each(n, inTarget, func(key, value node) {
		switch key.text {
		case "name":
			s.Environment, _ = p.name(value, "an environment")
		case "url":
			s.Address, _ = p.template(&s.afterwards, value, "url")
			p.address(value)
		}
	})
	p.require(n, inTarget, "name")
}

// address reports an url that can never be one; an expression may begin it.
func (p *parser) address(n node) {
	if n.kind != scalar || strings.Contains(n.text, "${{") {
		return
	}
	if err := pipeline.CheckAddress(n.text); err != nil {
		p.report(n.at, "write https://HOST/PATH", "%s", err.Error())
	}
}

// checkFinally reports what cannot stand in finally.
func (p *parser) checkFinally(s *stage) {
	for _, a := range s.finally {
		a.Role = pipeline.RoleFinally
		if a.Approval != nil {
			p.report(a.at, "put it among the actions", "an approval cannot stand in finally, which runs after failure too")
		}
	}
}

func (p *parser) actions(s *stage, n node, what string, names unique) []*action {
	switch {
	case n.kind != list && !n.null:
		p.report(n.at, entryForm(n), "%s must be a list, not %s", what, n.kind)
		s.unreadable = true
		return nil
	case len(n.items) == 0:
		hint := "a stage has at least one action"
		if what == "finally" {
			hint = "leave it out"
		}
		p.report(n.at, hint, "%s is empty", what)
		return nil
	case len(n.items) > maxActions:
		p.report(n.items[maxActions].at, "", "a stage has at most %d actions", maxActions)
		s.unreadable = true
		return nil
	}
	if p.onlyTexts(n, what, "write each as - name: …, image: … and run: …") {
		s.unreadable = true
		return nil
	}
	common := p.missedByAll(n)
	var actions []*action
	for _, item := range n.items {
		a := p.action(item, common)
		if a == nil {
			s.unreadable = true
			continue
		}
		actions = append(actions, a)
		if name, ok := item.get("name"); ok && namePattern.MatchString(a.Name) {
			names.claim(name)
		}
	}
	return actions
}

// stageNames lists the names of stages that others may write.
func (p *parser) stageNames() []string {
	var names []string
	for _, s := range p.scope.stages {
		if namePattern.MatchString(s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
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
