package schema

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// percentage is 0% to 100%, with a fraction if need be.
var percentage = newPattern(`^(100(\.0+)?|[0-9]{1,2}(\.[0-9]{1,3})?)%$`)

// ruleKinds are the keys of a rule of which it has one.
var ruleKinds = []string{"tests-pass", "window", "variable", "expression", "command"}

const maxRules = 100 // of a condition of a stage

// rules reads the rules of a condition of a stage.
func (p *parser) rules(s *stage, n node, role pipeline.Role) []pipeline.Rule {
	switch {
	case n.kind != list:
		p.report(n.at, "write each as an entry that begins with -", "%s must be a list, not %s", role, n.kind)
		return nil
	case len(n.items) == 0:
		p.report(n.at, "leave it out, or write a rule: "+enumerate(ruleKinds), "%s is empty", role)
	case len(n.items) > maxRules:
		p.report(n.items[maxRules].at, "", "%s has at most %d rules", role, maxRules)
		return nil
	}
	var rules []pipeline.Rule
	for _, item := range n.items {
		rules = append(rules, p.rule(s, item, role))
	}
	return rules
}

// rule reads a mapping of one kind of rule, and what follows when it does not
// hold.
func (p *parser) rule(s *stage, n node, role pipeline.Role) pipeline.Rule {
	var r pipeline.Rule
	ok := p.each(n, inRule, func(key, value node) {
		if key.text == "otherwise" {
			r.Otherwise = p.otherwise(value, role)
			return
		}
		p.ruleKind(s, &r, key, value, role)
	})
	kinds := slices.DeleteFunc(slices.Clone(n.pairs), func(pair pair) bool { return nearest(pair.key.text, keysOf(inRule)) == "otherwise" })
	switch {
	case !ok:
		p.report(n.at, "write - and one of "+enumerate(ruleKinds), "an entry of %s must be a mapping, not %s", role, n.kind)
	case len(kinds) == 0:
		p.report(n.at, "write one of "+enumerate(ruleKinds), "a rule is empty")
	case len(kinds) > 1:
		p.report(kinds[1].key.at, "put - in front of each", "a rule is one of %s, not several", enumerate(ruleKinds))
	}
	if _, ok := n.get("otherwise"); !ok && r.Window != nil && role == pipeline.RoleEntry {
		r.Otherwise = pipeline.OtherwiseWait
	}
	return r
}

func (p *parser) ruleKind(s *stage, r *pipeline.Rule, key, n node, role pipeline.Role) {
	to := &s.formulas
	if role == pipeline.RoleSuccess {
		to = &s.afterwards
	}
	switch key.text {
	case "tests-pass":
		r.TestsPass = p.testsPass(s, n, role)
	case "window":
		r.Window = p.window(n)
	case "variable":
		r.Variable = p.variableRule(to, n)
	case "expression":
		r.Expression = p.expression(to, formula{n, holds}, "expression")
	case "command":
		r.Command = p.command(s, to, n, role)
	}
}

// otherwise reads what becomes of a stage when a rule of it does not hold.
func (p *parser) otherwise(n node, role pipeline.Role) pipeline.Otherwise {
	words := []string{"fail", "skip", "wait"}
	if role == pipeline.RoleSuccess {
		words = []string{"fail", "rollback"}
	}
	text := p.oneOf(n, "otherwise", words...)
	if text == "fail" {
		return pipeline.OtherwiseFail
	}
	if text == "rollback" && role == pipeline.RoleSuccess && p.scope.parallel {
		p.report(n.at, "leave one of them out", "with mode: parallel nothing is rolled back")
	}
	return pipeline.Otherwise(text)
}

// tested is a stage named by tests-pass of a condition.
type tested struct {
	node

	role pipeline.Role // of the condition: before-entry or on-success
}

func (p *parser) testsPass(s *stage, n node, role pipeline.Role) *pipeline.TestsPass {
	t := &pipeline.TestsPass{Minimum: 100}
	ok := p.each(n, inTestsPass, func(key, value node) {
		switch key.text {
		case "stage":
			if name, ok := p.name(value, "a stage"); ok {
				t.Stage = name
				s.tested = append(s.tested, tested{value, role})
			}
		case "minimum":
			t.Minimum = p.percent(value)
		}
	})
	if !ok {
		p.report(n.at, "write tests-pass: { stage: test }", "%s must be a mapping, not %s", inTestsPass, n.kind)
		return t
	}
	p.require(n, inTestsPass, "stage")
	return t
}

// percent reads the share of tests that must have passed.
func (p *parser) percent(n node) float64 {
	text, ok := p.word(n, "minimum")
	if ok && !percentage.MatchString(text) {
		p.report(n.at, "write 95%, for example", "minimum must be a percentage, not %s", quote(text))
		return 0
	}
	number, _ := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64) // the pattern is one of numbers
	return number
}

// operators are those of a variable rule.
var operators = []string{string(pipeline.Equal), string(pipeline.NotEqual), string(pipeline.Contains), string(pipeline.Matches)}

// variableRule reads a comparison of one name of the expressions with a text.
func (p *parser) variableRule(to *formulas, n node) *pipeline.VariableRule {
	r := &pipeline.VariableRule{Operator: pipeline.Equal}
	var value node
	ok := p.each(n, inVariableRule, func(key, n node) {
		switch key.text {
		case "name":
			if text, ok := p.word(n, "the name of a variable rule"); ok && text != "" {
				r.Name = strings.TrimSpace(text)
				*to = append(*to, formula{n, single})
			}
		case "operator":
			r.Operator = pipeline.Operator(p.oneOf(n, "operator", operators...))
		case "value":
			value = n
			r.Value, _ = p.text(n, "value")
		}
	})
	if !ok {
		p.report(n.at, "write variable: { name: variables.REGION, value: eu-west-1 }", "a variable rule must be a mapping, not %s", n.kind)
		return r
	}
	p.require(n, inVariableRule, "name", "value")
	if r.Operator == pipeline.Matches {
		if len(value.text) > longestPattern {
			p.report(value.at, "", "value is too long for a regular expression")
		} else if _, err := syntax.Parse(value.text, syntax.Perl); err != nil {
			p.report(value.at, "write one of RE2, such as ^v[0-9]+$", "%s is not a regular expression", quote(value.text))
		}
	}
	return r
}

// command reads a container run that decides by its exit code. It becomes an
// action of the stage, whose name is returned: no person's name has a dot.
func (p *parser) command(s *stage, to *formulas, n node, role pipeline.Role) string {
	a := &action{at: n.at}
	a.Role = role
	s.commands = append(s.commands, a)
	a.Name = fmt.Sprintf("%s.%d", role, len(s.commandsOf(role)))
	ok := p.each(n, inCommand, func(key, value node) {
		switch key.text {
		case "image":
			a.Image = p.image(to, value)
		case "run":
			a.Run = p.run(value)
		case "env":
			a.Env = p.env(to, value, environment)
		case "inputs":
			a.inputs = p.inputs(a, value)
		case "timeout-minutes":
			a.Timeout = p.minutes(value)
		}
	})
	if !ok {
		p.report(n.at, "write command: { image: …, run: … }", "a command rule must be a mapping, not %s", n.kind)
		return a.Name
	}
	p.require(n, inCommand, "image", "run")
	a.defaultInputs(n)
	return a.Name
}

// checkTested looks up the stages whose tests must pass. They are earlier, or
// on success the stage itself.
func (p *parser) checkTested(i int, s *stage) {
	for _, t := range s.tested {
		j := slices.IndexFunc(p.scope.stages, func(s *stage) bool { return s.Name == t.text })
		switch {
		case p.full():
			p.missed++
		case j < 0 && p.scope.unnamedStage:
		case j < 0:
			p.report(t.at, DidYouMean(t.text, p.stageNames()), "there is no stage %s", quote(t.text))
		case j > i, j == i && t.role != pipeline.RoleSuccess:
			p.report(t.at, "name an earlier stage", "stage %s has not run before", show(t.text))
		}
	}
}

// onFailure reads what follows when a stage has failed: first it is tried
// again, then rolled back or passed over.
func (p *parser) onFailure(n node) pipeline.OnFailure {
	var f pipeline.OnFailure
	ok := p.each(n, inOnFailure, func(key, value node) {
		switch key.text {
		case "retry":
			f.Retry = pipeline.RetryScope(p.oneOf(value, "retry", string(pipeline.RetryFailed), string(pipeline.RetryAll)))
		case "rollback":
			f.Rollback = p.boolean(value, key.text)
		case "skip":
			f.Skip = p.boolean(value, key.text)
		case "times":
			f.Times = p.times(value, key.text)
		case "backoff":
			f.Backoff = p.period(value, key.text, longestBackoff)
		}
	})
	if !ok {
		p.report(n.at, "write on-failure: { retry: failed-actions }, for example", "on-failure must be a mapping, not %s", n.kind)
		return f
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
	if _, ok := n.get("times"); !ok && f.Retry != pipeline.RetryNothing {
		f.Times = 1
	}
	if rollback, _ := n.get("rollback"); f.Rollback && p.scope.parallel {
		p.report(rollback.at, "leave one of them out", "with mode: parallel nothing is rolled back")
	}
	if skip, _ := n.get("skip"); f.Rollback && f.Skip {
		p.report(skip.at, "leave out one of them", "a stage that has failed is either rolled back or passed over")
	}
	return f
}

const (
	mostRetries    = 10
	longestBackoff = "1h"
)

// retry reads how often an action that failed is tried again: a number, or a
// mapping.
func (p *parser) retry(n node) pipeline.ActionRetry {
	var r pipeline.ActionRetry
	if n.kind == scalar {
		r.Times = p.times(n, "retry")
		return r
	}
	ok := p.each(n, inRetry, func(key, value node) {
		if key.text == "times" {
			r.Times = p.times(value, key.text)
			return
		}
		r.Backoff = p.period(value, key.text, longestBackoff)
	})
	if !ok {
		p.report(n.at, "write a number, or { times: 2, backoff: 30s }", "retry must be a number, not %s", n.kind)
		return r
	}
	p.require(n, inRetry, "times")
	return r
}

func (p *parser) times(n node, what string) int {
	text, ok := p.word(n, what)
	number, err := strconv.Atoi(text)
	if ok && (err != nil || number > mostRetries || !whole.MatchString(text)) {
		p.report(n.at, "", "%s must be a whole number from 1 to %d, not %s", what, mostRetries, quote(text))
	}
	return number
}
