package schema

import (
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline/expression"
)

const (
	maxCombinations = 256    // runs that a matrix makes of one action
	maxRuns         = 300    // of the actions of a stage, those of a matrix and of rules counted each
	maxArtifacts    = 10_000 // of a pipeline, those of a matrix counted each
	longestRun      = 140    // bytes of the name of a run, which is part of paths and addresses
)

// matrix makes several runs of one action. Names and values are in the order
// of the file; values[i] belongs to names[i].
type matrix struct {
	at      place
	names   []string
	values  [][]string
	unnamed bool // there are names that could not be read
	unknown bool // there are mistakes in it
}

// matrix reads the names and values that a matrix gives to the expressions of
// its action.
func (p *parser) matrix(n node) *matrix {
	m := &matrix{at: n.at}
	before := p.mistakes()
	m.unnamed = n.torn
	defer func() { m.unknown = m.unnamed || p.mistakes() > before }()
	switch {
	case n.kind != mapping:
		p.report(n.at, "write NAME: [value, value]", "matrix must be a mapping, not %s", n.kind)
		m.unnamed = true
		return m
	case len(n.pairs) == 0:
		p.report(n.at, "write NAME: [value, value]", "matrix is empty")
		return m
	}
	names := unique{parser: p, what: "value of this matrix", seen: map[string]node{}}
	combinations := 1
	for _, pair := range n.pairs {
		if hint := matrixHabit(pair); hint != "" {
			p.report(pair.key.at, hint, "a matrix has no %s: it is all combinations of its values", pair.key.text)
			m.unnamed = true
			continue
		}
		if _, ok := p.name(pair.key, "a matrix value"); ok {
			names.claim(pair.key)
		}
		what := "matrix." + show(pair.key.text)
		var values []string
		for _, item := range p.distinct(p.some(pair.value, what, "write at least one value"), what, exact) {
			values = append(values, item.text)
		}
		m.names, m.values = append(m.names, pair.key.text), append(m.values, values)
		combinations = min(combinations*max(len(values), 1), maxCombinations+1)
	}
	if combinations > maxCombinations {
		p.report(n.at, "", "a matrix has at most %d combinations", maxCombinations)
		return m
	}
	p.checkRuns(m)
	return m
}

// matrixHabit is the hint for what GitHub Actions has in a matrix, or "".
func matrixHabit(pair pair) string {
	nested := slices.ContainsFunc(pair.value.items, func(item node) bool { return item.kind == mapping })
	switch {
	case pair.key.text == "include" && nested:
		return "write an action of its own for what differs"
	case pair.key.text == "exclude" && nested:
		return "write the other combinations as actions of their own"
	}
	return ""
}

// checkRuns reports combinations that cannot be told apart by their names.
func (p *parser) checkRuns(m *matrix) {
	seen := map[string]bool{}
	for values := range m.runs {
		name := fold(runName("", values))
		if seen[name] {
			p.report(m.at, "in a name, all but letters, digits and - becomes _", "two combinations of this matrix are both called %s", quote(strings.TrimPrefix(name, "_")))
			return
		}
		seen[name] = true
	}
}

// runs yields the values of each run, the last name turning fastest. The slice
// is reused.
func (m *matrix) runs(yield func(values []string) bool) {
	values := make([]string, len(m.names))
	var fill func(i int) bool
	fill = func(i int) bool {
		if i == len(values) {
			return yield(values)
		}
		for _, value := range m.values[i] {
			values[i] = value
			if !fill(i + 1) {
				return false
			}
		}
		return true
	}
	fill(0)
}

// size is how many runs there are; without a matrix it is one.
func (m *matrix) size() int {
	size := 1
	if m == nil {
		return size
	}
	for _, values := range m.values {
		size = min(size*len(values), maxCombinations)
	}
	return size
}

// runName is what a run of a matrix is called where its outputs are asked for:
// unit-1_26-linux.
func runName(action string, values []string) string {
	for _, value := range values {
		action += "-" + nameOf(value)
	}
	return action
}

// nameOf makes a value part of a name.
func nameOf(value string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, value)
}

// indexRuns finds the runs of a stage's matrices by their names.
func (p *parser) indexRuns(s *stage) {
	folded := map[string]*action{}
	for _, a := range s.all() {
		if a.matrix == nil || a.matrix.unknown || a.Name == "" {
			continue
		}
		for values := range a.matrix.runs {
			name := runName(a.Name, values)
			if len(name) > longestRun {
				p.report(a.matrix.at, "write shorter values", "a run of this matrix would be called by more than %d characters: %s", longestRun, show(name))
				break
			}
			if other := s.folded[fold(name)]; other != nil && other != a {
				p.report(other.at, "call it otherwise", "action %s is called like a run of action %s", show(other.Name), show(a.Name))
				break
			}
			if other := folded[fold(name)]; other != nil && other != a {
				p.report(a.at, "call one of them otherwise", "a run of action %s is called like one of action %s", show(a.Name), show(other.Name))
				break
			}
			s.runs[name], folded[fold(name)] = a, a
		}
	}
}

// countRuns reports a stage that runs more than it may.
func (p *parser) countRuns(s *stage) {
	total := 0
	for _, a := range slices.Concat(s.commands, s.all()) {
		if a.matrix != nil && a.matrix.unknown {
			continue
		}
		if total += a.matrix.size(); total > maxRuns {
			p.report(a.at, "make several stages of it", "a stage has at most %d actions, each run of a matrix and each command of a rule counted", maxRuns)
			return
		}
	}
}

// artifactNames are what an artifact is called in each run of its action.
func (p *parser) artifactNames(a *action, key node) []string {
	if a.matrix == nil || a.matrix.unknown {
		return []string{key.text}
	}
	if _, ok := expression.Find(key.text); !ok {
		hint := "write " + show(key.text) + "-${{ matrix." + show(a.matrix.names[0]) + " }}"
		if a.matrix.size() > 1 && !p.full() {
			p.report(key.at, hint, "each run of the matrix makes artifact %s: put a matrix value in its name", show(key.text))
		}
		return []string{key.text}
	}
	names := p.runNames(a, key)
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			p.report(key.at, "put in each value of the matrix: "+enumerate(a.matrix.names), "two runs of the matrix make artifact %s", show(name))
			return names[:i]
		}
	}
	return names
}

// inputNames are what an input is called in each run of its action, or in all.
func (p *parser) inputNames(a *action, input node) []string {
	if _, ok := expression.Find(input.text); !ok || a.matrix == nil || a.matrix.unknown {
		return []string{input.text}
	}
	if p.scope.inputs += a.matrix.size(); p.scope.inputs > maxArtifacts {
		p.report(input.at, "", "a pipeline has at most %d inputs with values of a matrix, those of each run counted", maxArtifacts)
		return nil
	}
	return p.runNames(a, input)
}

// runNames are what the name of an artifact is in each run of a matrix, or
// nothing where one is no name.
func (p *parser) runNames(a *action, n node) []string {
	t, ok := p.artifactFormula(a, n)
	if !ok {
		return nil
	}
	var names []string
	for values := range a.matrix.runs {
		name, err := t.Expand(expression.Scope{Lookup: func(n expression.Name) (string, error) {
			return nameOf(values[slices.Index(a.matrix.names, n[1])]), nil
		}})
		switch {
		case err != nil:
			p.wrongFormula(n, err)
			return nil
		case !namePattern.MatchString(name):
			p.report(n.at, nameRule, "%s is not a name for an artifact", quote(name))
			return nil
		}
		names = append(names, name)
	}
	return names
}

// artifactFormula reads the name of an artifact, in which only values of the
// matrix can stand: it is known before anything runs.
func (p *parser) artifactFormula(a *action, key node) (expression.Template, bool) {
	t, err := expression.Parse(key.text)
	if err != nil {
		p.wrongFormula(key, err)
		return t, false
	}
	for _, ref := range t.Names() {
		switch message, hint := inContext(ref.Name, a.matrix.names); {
		case ref.Name[0] != "matrix":
			p.reportIn(key, ref.Offset, "", "the name of an artifact can hold values of the matrix, not %s", show(ref.Name.String()))
			return t, false
		case message != "":
			p.reportIn(key, ref.Offset, hint, "%s", message)
			return t, false
		}
	}
	return t, true
}
