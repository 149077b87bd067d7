package schema

import (
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// scope is what names of the file stand for.
type scope struct {
	upstreams        []node // names of pipelines that start this one
	variables        []pipeline.Variable
	declared         map[string]bool // variables, by name
	unknownVariables bool            // they could not be read
	stages           []*stage
	producers        map[string]producer // by artifact name
	artifacts        []string            // in the order of the file
	unknownArtifacts bool                // some could not be read
	unnamedStage     bool                // there is a stage whose name could not be read
	inputs           int                 // names of inputs that hold values of a matrix, in each run
	parallel         bool                // the mode
	imageElsewhere   bool                // stands where it does for several actions elsewhere
}

// producer is the action that makes an artifact.
type producer struct {
	stage  int
	action *action
}

// check looks up what actions say of each other: needs, then what surely ran
// before each, then artifacts and expressions, which depend on it.
func (p *parser) check() {
	for _, s := range p.scope.stages {
		p.countRuns(s)
		p.indexRuns(s)
		for _, a := range s.all() {
			p.checkNeeds(s, a)
		}
		p.checkCycles(s)
	}
	p.collectArtifacts()
	for i, s := range p.scope.stages {
		p.checkTested(i, s)
		p.checkFormulas(i, nil, s.formulas)
		p.checkFormulas(i, &action{Action: pipeline.Action{Role: pipeline.RoleSuccess}, before: s.worked()}, s.afterwards)
		for _, a := range s.commands {
			if a.Role == pipeline.RoleSuccess {
				a.before = s.worked()
			}
			p.checkInputs(i, a)
			a.before = nil
		}
		for _, a := range s.all() {
			a.before = closure(a)
			p.checkInputs(i, a)
			p.checkFormulas(i, a, a.formulas)
			a.before = nil
		}
	}
}

func (p *parser) checkNeeds(s *stage, a *action) {
	for _, need := range a.needs {
		other := s.index[need.text]
		switch {
		case need.text == a.Name:
			p.report(need.at, "", "action %s needs itself", show(a.Name))
		case other != nil && other.Role == a.Role:
			a.Needs = append(a.Needs, need.text)
			a.after = append(a.after, other)
		case p.full():
			p.missed++
		case other != nil && a.Role == pipeline.RoleFinally:
			p.report(need.at, "leave it out", "what stands in finally runs when all other actions have ended")
		case other != nil:
			p.report(need.at, "leave it out: finally runs when all other actions have ended", "action %s stands in finally", show(need.text))
		default:
			if hint := p.meantNeed(s, a, need.text); hint != "" || !s.unreadable {
				p.report(need.at, hint, "this stage has no action %s", quote(need.text))
			}
		}
	}
}

// meantNeed is the hint for a need that is no action of its stage.
func (p *parser) meantNeed(s *stage, a *action, name string) string {
	other, bare, dotted := strings.Cut(name, ".")
	switch run := s.runs[name]; {
	case run != nil:
		return "write " + run.Name + ", which stands for all its runs"
	case dotted && other == s.Name && s.index[bare] != nil:
		return "write " + bare
	case p.inOtherStage(name), dotted && p.inOtherStage(bare), slices.Contains(p.stageNames(), name):
		return "leave it out: a stage begins when the one before has ended"
	}
	return DidYouMean(name, slices.DeleteFunc(s.names(), func(n string) bool { return n == a.Name }))
}

func (p *parser) inOtherStage(name string) bool {
	return slices.ContainsFunc(p.scope.stages, func(s *stage) bool { return s.index[name] != nil })
}

// checkCycles reports needs that lead back to where they came from.
func (p *parser) checkCycles(s *stage) {
	done := map[string]bool{}
	var path []string
	var visit func(name string)
	visit = func(name string) {
		if i := slices.Index(path, name); i >= 0 {
			p.reportCycle(s, path[i:])
			return
		}
		if done[name] {
			return
		}
		path = append(path, name)
		for _, need := range s.index[name].Needs {
			visit(need)
		}
		path = path[:len(path)-1]
		done[name] = true
	}
	for _, name := range s.names() {
		visit(name)
	}
}

func (p *parser) reportCycle(s *stage, members []string) {
	last, first := s.index[members[len(members)-1]], members[0]
	circle := append(slices.Clone(members), first)
	if len(circle) > mostShown {
		circle = slices.Concat(circle[:mostShown-2], []string{"…", first})
	}
	for _, need := range last.needs {
		if need.text == first {
			p.report(need.at, "leave out one of these needs", "these actions wait for each other: %s", strings.Join(circle, " → "))
			return
		}
	}
}

// closure finds the actions of its stage that surely ran before an action.
func closure(a *action) map[*action]bool {
	before := map[*action]bool{}
	next := []*action{a}
	for len(next) > 0 {
		current := next[0]
		next = next[1:]
		for _, n := range current.after {
			if !before[n] {
				before[n] = true
				next = append(next, n)
			}
		}
	}
	return before
}

// ranBefore tells whether an action of a stage surely ended well before action
// a of stage i starts, or, where a is nil, stage i itself.
func ranBefore(stage int, other *action, i int, a *action) bool {
	return stage < i || (stage == i && a != nil && other != a && a.before[other])
}

// collectArtifacts finds who makes which artifact, and names made twice.
func (p *parser) collectArtifacts() {
	p.scope.producers = map[string]producer{}
	claimed := unique{parser: p, what: "artifact", seen: map[string]node{}}
	total := 0
	for i, s := range p.scope.stages {
		for _, a := range s.all() {
			for _, pair := range a.produces {
				if total += a.matrix.size(); total > maxArtifacts {
					p.report(pair.key.at, "", "a pipeline has at most %d artifacts, those of each run of a matrix counted", maxArtifacts)
					p.scope.unknownArtifacts = true
					return
				}
				names := p.artifactNames(a, pair.key)
				a.makes = append(a.makes, names)
				for _, name := range names {
					p.produce(pair.key, name, producer{stage: i, action: a}, claimed)
				}
			}
		}
	}
}

// produce notes who makes the artifact of a name.
func (p *parser) produce(key node, name string, by producer, names unique) {
	if fold(name) == pipeline.SourceArtifact {
		p.report(key.at, "source is the commit's tree", "an artifact cannot be called %s", name)
		return
	}
	key.text = name
	if namePattern.MatchString(name) {
		names.claim(key)
	}
	if _, taken := p.scope.producers[name]; !taken {
		p.scope.producers[name] = by
		p.scope.artifacts = append(p.scope.artifacts, name)
	}
}

// checkInputs looks up the artifacts that an action of stage i unpacks.
func (p *parser) checkInputs(i int, a *action) {
	for _, input := range a.inputs {
		names := p.inputNames(a, input)
		a.unpacks = append(a.unpacks, names)
		before := p.mistakes()
		for k, name := range names {
			if p.mistakes() > before {
				break // which other runs would only say again
			}
			if !slices.Contains(names[:k], name) {
				input.text = name
				p.checkInput(i, a, input)
			}
		}
	}
	p.checkInputsOnce(a)
}

// checkInputsOnce reports an input that stands twice in a run, where its name
// holds values of the matrix.
func (p *parser) checkInputsOnce(a *action) {
	const some, every = -1, -2
	type unpacked struct {
		name string
		run  int
	}
	seen := map[unpacked]bool{}
	for k, names := range a.unpacks[:min(len(a.unpacks), len(a.inputs))] {
		for run, name := range names {
			again := seen[unpacked{name, run}] || seen[unpacked{name, every}]
			if len(names) == 1 {
				run, again = every, seen[unpacked{name, some}]
			}
			if again {
				p.report(a.inputs[k].at, "", "inputs names %s twice", quote(name))
				break
			}
			seen[unpacked{name, run}], seen[unpacked{name, some}] = true, true
		}
	}
}

func (p *parser) checkInput(i int, a *action, input node) {
	name := input.text
	made, ok := p.scope.producers[name]
	switch {
	case name == pipeline.SourceArtifact:
	case !ok && p.scope.unknownArtifacts:
	case !ok:
		p.unknownArtifact(input)
	case made.action == a:
		p.report(input.at, "", "artifact %s is made by this action itself", name)
	case ranBefore(made.stage, made.action, i, a):
	case made.stage == i && a.Role == pipeline.RoleEntry:
		p.report(input.at, "name an artifact of an earlier stage", "artifact %s is made by action %s, which runs later", name, made.action.Name)
	case made.stage == i && made.action.Role != a.Role:
		message, hint := p.besideFinally(made.action.Name, a)
		p.report(input.at, hint, "artifact %s is not sure: %s", name, message)
	case made.stage == i:
		p.report(input.at, "add "+made.action.Name+" to its needs", "artifact %s is made by action %s, which may not have run yet", name, made.action.Name)
	default:
		hint := "move this action to a later stage"
		if isRule(a) {
			hint = "name an artifact of an earlier stage"
		}
		p.report(input.at, hint, "artifact %s is made by action %s of stage %s, which runs later",
			name, made.action.Name, p.scope.stages[made.stage].Name)
	}
}

func (p *parser) unknownArtifact(input node) {
	if p.full() {
		p.missed++
		return
	}
	hint := DidYouMean(input.text, append([]string{pipeline.SourceArtifact}, p.scope.artifacts...))
	if made := p.madeBy(input.text); made != "" {
		hint = "write " + made + ", which action " + show(input.text) + " makes"
	}
	if hint == "" {
		hint = "list it under artifacts of the action that makes it"
	}
	p.report(input.at, hint, "no action makes the artifact %s", quote(input.text))
}

// madeBy is the first artifact of the action of a name, or "".
func (p *parser) madeBy(name string) string {
	for _, s := range p.scope.stages {
		if a := s.index[name]; a != nil && len(a.produces) > 0 {
			return show(a.produces[0].key.text)
		}
	}
	return ""
}
