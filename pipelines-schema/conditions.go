package schema

import (
	"regexp/syntax"
	"slices"
)

// percentage is 0% to 100%, with a fraction if need be.
var percentage = newPattern(`^(100(\.0+)?|[0-9]{1,2}(\.[0-9]{1,3})?)%$`)

// rules reads the rules of a condition of a stage: each is a mapping of one
// key.
func (p *parser) rules(s *stage, n node, what string) {
	switch {
	case n.kind != list:
		p.report(n.at, "write each as an entry that begins with -", "%s must be a list, not %s", what, n.kind)
		return
	case len(n.items) == 0:
		p.report(n.at, "leave it out, or write a rule: "+enumerate(keysOf(inRule)), "%s is empty", what)
	}
	for _, item := range n.items {
		ok := p.each(item, inRule, func(key, value node) { p.rule(s, key, value, what) })
		switch {
		case !ok:
			p.report(item.at, "write - and one of "+enumerate(keysOf(inRule)), "an entry of %s must be a mapping, not %s", what, item.kind)
		case len(item.pairs) == 0:
			p.report(item.at, "write one of "+enumerate(keysOf(inRule)), "a rule is empty")
		case len(item.pairs) > 1:
			p.report(item.pairs[1].key.at, "put - in front of each", "a rule is one of %s, not several", enumerate(keysOf(inRule)))
		}
	}
}

func (p *parser) rule(s *stage, key, n node, what string) {
	to := &s.formulas
	if what == "on-success" {
		to = &s.afterwards
	}
	switch key.text {
	case "tests-pass":
		p.testsPass(s, n, what)
	case "window":
		p.window(n)
	case "variable":
		p.variableRule(to, n)
	case "expression":
		p.condition(to, n, "expression")
	case "command":
		p.command(to, n)
	}
}

// tested is a stage named by tests-pass of a condition.
type tested struct {
	node

	condition string // before-entry or on-success
}

func (p *parser) testsPass(s *stage, n node, what string) {
	ok := p.each(n, inTestsPass, func(key, value node) {
		switch key.text {
		case "stage":
			if _, ok := p.name(value, "a stage"); ok {
				s.tested = append(s.tested, tested{value, what})
			}
		case "minimum":
			if text, ok := p.word(value, "minimum"); ok && !percentage.MatchString(text) {
				p.report(value.at, "write 95%, for example", "minimum must be a percentage, not %s", quote(text))
			}
		}
	})
	if !ok {
		p.report(n.at, "write tests-pass: { stage: test }", "%s must be a mapping, not %s", inTestsPass, n.kind)
		return
	}
	p.require(n, inTestsPass, "stage")
}

// operators are those of a variable rule.
var operators = []string{"==", "!=", "contains", "matches"}

// variableRule reads a comparison of one name of the expressions with a text.
func (p *parser) variableRule(to *formulas, n node) {
	var operator, value node
	ok := p.each(n, inVariableRule, func(key, n node) {
		switch key.text {
		case "name":
			if text, ok := p.word(n, "the name of a variable rule"); ok && text != "" {
				*to = append(*to, formula{n, single})
			}
		case "operator":
			operator = n
			p.oneOf(n, "operator", operators...)
		case "value":
			value = n
			p.text(n, "value")
		}
	})
	if !ok {
		p.report(n.at, "write variable: { name: variables.REGION, value: eu-west-1 }", "a variable rule must be a mapping, not %s", n.kind)
		return
	}
	p.require(n, inVariableRule, "name", "value")
	if operator.text == "matches" {
		if len(value.text) > longestPattern {
			p.report(value.at, "", "value is too long for a regular expression")
		} else if _, err := syntax.Parse(value.text, syntax.Perl); err != nil {
			p.report(value.at, "write one of RE2, such as ^v[0-9]+$", "%s is not a regular expression", quote(value.text))
		}
	}
}

// command reads a container run that decides by its exit code.
func (p *parser) command(to *formulas, n node) {
	ok := p.each(n, inCommand, func(key, value node) {
		switch key.text {
		case "image":
			p.image(to, value)
		case "run":
			p.run(value)
		case "env":
			p.env(to, value)
		case "timeout-minutes":
			p.minutes(value)
		}
	})
	if !ok {
		p.report(n.at, "write command: { image: …, run: … }", "a command rule must be a mapping, not %s", n.kind)
		return
	}
	p.require(n, inCommand, "image", "run")
}

// checkTested looks up the stages whose tests must pass. They are earlier, or
// on success the stage itself.
func (p *parser) checkTested(i int, s *stage) {
	for _, t := range s.tested {
		j := slices.IndexFunc(p.scope.stages, func(s *stage) bool { return s.name == t.text })
		switch {
		case p.full():
			p.missed++
		case j < 0 && p.scope.unnamedStage:
		case j < 0:
			p.report(t.at, DidYouMean(t.text, p.stageNames()), "there is no stage %s", quote(t.text))
		case j > i, j == i && t.condition != "on-success":
			p.report(t.at, "name an earlier stage", "stage %s has not run before", show(t.text))
		}
	}
}

// onFailure reads what follows when a stage has failed: first it is tried
// again, then rolled back or passed over.
func (p *parser) onFailure(n node) {
	ok := p.each(n, inOnFailure, func(key, value node) {
		switch key.text {
		case "retry":
			p.oneOf(value, "retry", "failed-actions", "all-actions")
		case "rollback", "skip":
			p.boolean(value, key.text)
		default:
			p.again(key, value)
		}
	})
	if !ok {
		p.report(n.at, "write on-failure: { retry: failed-actions }, for example", "on-failure must be a mapping, not %s", n.kind)
		return
	}
	if len(n.pairs) == 0 {
		p.report(n.at, "write retry, rollback or skip", "on-failure is empty")
	}
	if _, ok := n.get("retry"); !ok && !replaced(n, inOnFailure, "retry") {
		for _, key := range []string{"times", "backoff"} {
			if value, ok := n.get(key); ok {
				p.report(value.at, "write retry: failed-actions", "%s says nothing without retry", key)
			}
		}
	}
	rollback, _ := n.get("rollback")
	if rollback.text == "true" && p.scope.parallel {
		p.report(rollback.at, "leave one of them out", "with mode: parallel nothing is rolled back")
	}
	if skip, _ := n.get("skip"); rollback.text == "true" && skip.text == "true" {
		p.report(skip.at, "leave out one of them", "a stage that has failed is either rolled back or passed over")
	}
}

const (
	mostRetries    = 10
	longestBackoff = "1h"
)

// retry reads how often an action that failed is tried again: a number, or a
// mapping.
func (p *parser) retry(n node) {
	if n.kind == scalar {
		p.times(n, "retry")
		return
	}
	ok := p.each(n, inRetry, p.again)
	if !ok {
		p.report(n.at, "write a number, or { times: 2, backoff: 30s }", "retry must be a number, not %s", n.kind)
		return
	}
	p.require(n, inRetry, "times")
}

// again reads times and backoff.
func (p *parser) again(key, n node) {
	if key.text == "times" {
		p.times(n, "times")
		return
	}
	p.period(n, "backoff", longestBackoff)
}

func (p *parser) times(n node, what string) {
	text, ok := p.word(n, what)
	if number := len(text) < 3 && whole.MatchString(text); ok && (!number || len(text) == 2 && text != "10") {
		p.report(n.at, "", "%s must be a whole number from 1 to %d, not %s", what, mostRetries, quote(text))
	}
}
