package schema

import (
	"errors"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline/expression"
)

// formula is a text of the file that holds expressions or is one. What its
// names stand for is looked up when all stages are known.
type formula struct {
	node

	form form
}

type form int

const (
	template    form = iota // text around ${{ }}
	environment             // such a text that is known only where the action runs
	condition               // an if: one expression
	holds                   // a rule: one expression
	single                  // a rule: one name
)

type formulas []formula

// template reads a scalar that may hold expressions, and keeps it for check.
func (p *parser) template(to *formulas, n node, what string) (string, bool) {
	return p.formulaText(to, formula{n, template}, what)
}

func (p *parser) formulaText(to *formulas, n formula, what string) (string, bool) {
	if n.torn && n.kind == scalar {
		return "", false
	}
	if n.kind != scalar {
		p.report(n.at, "", "%s must be a text, not %s", what, n.kind)
		return "", false
	}
	*to = append(*to, n)
	return n.text, true
}

// condition reads an if.
func (p *parser) condition(to *formulas, n node) string {
	return p.expression(to, formula{n, condition}, "if")
}

// expression reads a scalar that is one expression, and keeps it for check.
func (p *parser) expression(to *formulas, f formula, what string) string {
	if f.torn {
		return ""
	}
	if f.kind != scalar || f.null || strings.TrimSpace(f.text) == "" {
		p.report(f.at, "write an expression, such as source.branch == 'main'", "%s must be an expression", what)
		return ""
	}
	*to = append(*to, f)
	return f.text
}

// checkFormulas looks up the names and calls in the formulas of an action of
// stage i, or, where a is nil, of the stage itself.
func (p *parser) checkFormulas(i int, a *action, all formulas) {
	for _, f := range all {
		names, calls, err := f.read()
		if err != nil {
			p.wrongFormula(f.node, err)
			continue
		}
		for _, ref := range names {
			if p.full() {
				p.missed++
				return
			}
			if message, hint := p.reference(i, a, ref.Name); message != "" {
				p.reportIn(f.node, ref.Offset, hint, "%s", message)
			}
		}
		p.checkCalls(f, calls)
	}
}

// isText tells whether a formula is a text that holds expressions.
func (f formula) isText() bool { return f.form == template || f.form == environment }

// read takes a formula apart.
func (f formula) read() ([]expression.Reference, []expression.Call, error) {
	if f.isText() {
		t, err := expression.Parse(f.text)
		return t.Names(), t.Calls(), err
	}
	c, err := expression.ParseCondition(f.text)
	names := c.Names()
	if f.form == single && err == nil && (len(names) != 1 || names[0].Name.String() != strings.TrimSpace(f.text)) {
		err = &expression.Error{Message: "a variable rule looks at one name", Hint: "write one such as variables.REGION, or an expression rule"}
	}
	return names, c.Calls(), err
}

// wrongFormula reports what the expression language refused.
func (p *parser) wrongFormula(n node, err error) {
	var e *expression.Error
	if errors.As(err, &e) {
		p.reportIn(n, e.Offset, e.Hint, "%s", e.Message)
	}
}

// checkCalls reports the functions that cannot stand in a formula.
func (p *parser) checkCalls(f formula, calls []expression.Call) {
	for _, c := range calls {
		switch c.Function {
		case "success", "failure", "always", "cancelled":
			if f.isText() {
				p.reportIn(f.node, c.Offset, "an output of an action that ran before may say how it ended", "%s() stands in if", c.Function)
			} else if f.form == holds {
				p.reportIn(f.node, c.Offset, "a rule is asked only where all before has succeeded", "%s() stands in if", c.Function)
			}
		case "hash":
			p.checkHash(f, c)
		case "changed":
			p.checkPattern(f, c, func(positive string) string { return "write !changed('" + positive + "')" })
		}
	}
}

// checkHash reports a hash() that nobody could compute, or that would be asked for
// before it is known.
func (p *parser) checkHash(f formula, c expression.Call) {
	switch {
	case f.form == template:
		p.reportIn(f.node, c.Offset, "put it in env, where the script sees it", "hash() is only known where an action runs: it stands in env of an action")
	case f.form != environment:
		p.reportIn(f.node, c.Offset, "changed() tells whether the event touched a file", "hash() is only known where an action runs: it stands in env of an action")
	case !c.Alone:
		p.reportIn(f.node, c.Offset, "write ${{ hash('"+strings.ReplaceAll(show(c.Pattern), "'", "''")+"') }} with other text around it, and compare it in the script", "hash() stands alone between ${{ and }}: nothing else can be known of it before the action runs")
	default:
		p.checkPattern(f, c, func(string) string { return "write what is to be hashed" })
	}
}

// checkPattern reports a pattern that matches nothing, or not what was meant.
func (p *parser) checkPattern(f formula, c expression.Call, instead func(positive string) string) {
	if positive, ok := strings.CutPrefix(c.Pattern, "!"); ok {
		p.reportIn(f.node, c.Offset, instead(show(positive)), "! excludes in a list of patterns, and %s() has one pattern", c.Function)
	} else if message, hint := wrongPattern(c.Pattern, filePaths); message != "" {
		p.reportIn(f.node, c.Offset, hint, "%s %s", quote(c.Pattern), message)
	}
}
