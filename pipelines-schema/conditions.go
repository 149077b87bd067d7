package schema

import (
	"regexp"
	"slices"
)

// percentage is 0% to 100%, with a fraction if need be.
var percentage = regexp.MustCompile(`^(100(\.0+)?|[0-9]{1,2}(\.[0-9]{1,3})?)%$`)

// rules reads the rules of a condition: each is a mapping of one key.
func (p *parser) rules(n node, what string) {
	if n.kind != list {
		p.report(n.at, "write each as an entry that begins with -", "%s must be a list, not %s", what, n.kind)
		return
	}
	for _, item := range n.items {
		if !p.each(item, inRule, p.rule) {
			p.report(item.at, "", "an entry of %s must be a mapping, not %s", what, item.kind)
		} else if len(item.pairs) > 1 {
			p.report(item.pairs[1].key.at, "put - in front of each", "a rule is one of %s, not several", enumerate(keysOf(inRule)))
		}
	}
}

func (p *parser) rule(key, n node) {
	w := inTestsPass
	switch key.text {
	case "tests-pass":
		if n.kind == mapping {
			p.require(n, "tests-pass", "stage")
		}
	case "window":
		w = inWindow
	default:
		return
	}
	ok := p.each(n, w, func(key, value node) {
		switch key.text {
		case "stage":
			if _, ok := p.name(value, "a stage"); ok {
				p.scope.tested = append(p.scope.tested, tested{stage: len(p.scope.stages), node: value})
			}
		case "minimum":
			if text, ok := p.word(value, "minimum"); ok && !percentage.MatchString(text) {
				p.report(value.at, "write 95%, for example", "minimum must be a percentage, not %s", quote(text))
			}
		case "timezone":
			p.timezone(value)
		}
	})
	if !ok {
		p.report(n.at, "", "%s must be a mapping, not %s", w, n.kind)
	}
}

// tested is a stage named by tests-pass, and the index of the stage that asks.
type tested struct {
	stage int
	node  node
}

// checkTested looks up the stages whose tests must pass, which are earlier.
func (p *parser) checkTested() {
	for _, t := range p.scope.tested {
		i := slices.IndexFunc(p.scope.stages, func(s *stage) bool { return s.name == t.node.text })
		switch {
		case p.full():
			p.missed++
		case i < 0:
			var names []string
			for _, s := range p.scope.stages {
				names = append(names, s.name)
			}
			p.report(t.node.at, DidYouMean(t.node.text, names), "there is no stage %s", quote(t.node.text))
		case i >= t.stage:
			p.report(t.node.at, "name an earlier stage", "stage %s has not run before", show(t.node.text))
		}
	}
}

// zonePattern is the form of a name of the IANA database. Which names there are
// depends on the machine, so only the form is checked.
var zonePattern = regexp.MustCompile(`^(UTC|[A-Z][A-Za-z]+(/[A-Za-z0-9_+-]+){1,2})$`)

func (p *parser) timezone(n node) {
	if text, ok := p.word(n, "timezone"); ok && !zonePattern.MatchString(text) {
		p.report(n.at, "write one such as Europe/Paris or UTC", "%s is not a time zone", quote(text))
	}
}
