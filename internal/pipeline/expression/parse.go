package expression

import (
	"fmt"
	"slices"
	"strings"
)

// deepest is how many parentheses, calls and ! may stand in one another.
const deepest = 50

// parser reads an expression by recursive descent. After the first mistake
// every token is the end, so that it returns soon; its node is of no use then.
type parser struct {
	scanner
	tok   token // the next one
	prev  token
	depth int
	wrong *Error
}

// parseBraced reads the expression that opens at start and returns where the
// text goes on after it.
func parseBraced(text string, start int) (node, int, error) {
	p := &parser{scanner: scanner{text: text, start: start, at: start + len(opening), braced: true}}
	root := p.whole("the expression is empty", "write a name in it, such as ${{ source.commit }}")
	if p.wrong == nil {
		return root, p.tok.end(), nil
	}
	// Whatever came next would be the mistake of one that was meant to end before.
	if near := text[start:min(start+longestExpression, len(text))]; len(near) < longestExpression && !strings.Contains(near, closing) {
		return nil, 0, unclosed(start)
	}
	return nil, 0, p.wrong
}

func parseCondition(text string) (node, error) {
	at := skipSpace(text, 0)
	if strings.HasPrefix(text[at:], opening) {
		root, end, err := parseBraced(text, at)
		if err != nil {
			return nil, err
		}
		if rest := skipSpace(text, end); rest < len(text) {
			return nil, &Error{Offset: rest, Message: "a condition is one expression, and this stands after it", Hint: "put all of it between ${{ and }}, or leave them out"}
		}
		return root, nil
	}
	p := &parser{scanner: scanner{text: text, start: at, at: at}}
	root := p.whole("the condition is empty", "write an expression, such as source.branch == 'main'")
	if p.wrong != nil {
		return nil, p.wrong
	}
	return root, nil
}

// whole reads all of an expression.
func (p *parser) whole(empty, hint string) node {
	p.advance()
	if p.tok.kind == endToken {
		p.fail(p.start, hint, "%s", empty)
		return nil
	}
	root := p.expression()
	if p.tok.kind != endToken {
		p.stray()
	}
	return root
}

func (p *parser) advance() {
	if p.wrong != nil {
		return
	}
	p.prev = p.tok
	tok, wrong := p.next()
	if wrong != nil {
		p.refuse(wrong)
		return
	}
	p.tok = tok
}

func (p *parser) refuse(wrong *Error) {
	if p.wrong == nil {
		p.wrong = wrong
	}
	p.tok = token{}
}

func (p *parser) fail(at int, hint, format string, args ...any) {
	p.refuse(&Error{Offset: at, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// accept goes past an operator if it is next.
func (p *parser) accept(operator string) bool {
	if !p.tok.is(operator) {
		return false
	}
	p.advance()
	return true
}

// nested reads what stands deeper.
func (p *parser) nested(at int, read func() node) node {
	if p.depth == deepest {
		p.fail(at, "", "the expression is nested deeper than %d levels", deepest)
		return nil
	}
	p.depth++
	n := read()
	p.depth--
	return n
}

func (p *parser) expression() node {
	return p.chain("||", func() node { return p.chain("&&", p.comparison) })
}

func (p *parser) chain(operator string, operand func() node) node {
	first := operand()
	if !p.tok.is(operator) {
		return first
	}
	n := logic{operator: operator, operands: []node{first}}
	for p.accept(operator) {
		n.operands = append(n.operands, operand())
	}
	return n
}

var comparing = []string{"==", "!=", "<", "<=", ">", ">="}

func (p *parser) compares() bool { return slices.ContainsFunc(comparing, p.tok.is) }

// comparison reads two operands at most. What others read as (a == b) == c or
// (!a) == b is mostly meant as something else, so it has to be written out.
func (p *parser) comparison() node {
	first := p.tok
	left := p.unary()
	if !p.compares() {
		return left
	}
	operator := p.tok
	if first.is("!") {
		p.fail(first.at, "write !(a "+operator.text+" b), or (!a) "+operator.text+" b", "! comes before %s, so this compares what is negated", operator.text)
		return nil
	}
	p.advance()
	right := p.unary()
	if p.compares() {
		p.fail(p.tok.at, "write a < b && b < c, or use parentheses", "comparisons do not follow on one another")
	}
	return comparison{operator: operator.text, left: left, right: right, at: operator.at}
}

func (p *parser) unary() node {
	at := p.tok.at
	if !p.accept("!") {
		return p.primary()
	}
	return not{operand: p.nested(at, p.unary), at: at}
}

func (p *parser) primary() node {
	t := p.tok
	switch {
	case t.kind == textToken:
		p.advance()
		return literal{ofText(strings.ReplaceAll(t.text[1:len(t.text)-1], "''", "'")), t.at}
	case t.kind == numberToken:
		p.advance()
		n, _ := parseNumber(t.text)
		return literal{value{kind: number, number: n}, t.at}
	case t.kind == nameToken:
		p.advance()
		return p.named(t)
	case t.is("("):
		p.advance()
		inner := p.nested(t.at, p.expression)
		p.close(t)
		return inner
	}
	p.missing()
	return nil
}

// named reads what begins with a word: a call, a literal or a name.
func (p *parser) named(word token) node {
	if p.tok.is("(") {
		return p.call(word)
	}
	switch word.text {
	case "true", "false":
		return literal{ofTruth(word.text == "true"), word.at}
	case "null":
		return literal{value{}, word.at}
	}
	if hint := misnamed(word.text); hint != "" {
		p.fail(word.at, hint, "nothing is called %s", word.text)
	}
	return reference{name: strings.Split(word.text, "."), at: word.at}
}

func (p *parser) call(word token) node {
	f := find(word.text)
	if f == nil {
		p.fail(word.at, functionHint(word.text), "there is no function %s()", shorten(word.text))
		return nil
	}
	open := p.tok
	p.advance()
	n := call{function: f, at: word.at}
	if !p.tok.is(")") {
		n.args = p.arguments(open.at)
	}
	p.close(open)
	p.checkCall(n)
	return n
}

func (p *parser) arguments(at int) []node {
	var args []node
	for {
		args = append(args, p.nested(at, p.expression))
		if !p.accept(",") {
			return args
		}
	}
}

func (p *parser) checkCall(n call) {
	f := n.function
	switch got := len(n.args); {
	case p.wrong != nil:
	case got < f.least || got > f.most:
		p.fail(n.at, "write "+f.name+"("+f.arguments+")", "%s() takes %s, not %d", f.name, f.wants(), got)
	case f.check != nil:
		if wrong := f.check(n.args); wrong != nil {
			p.refuse(wrong)
		}
	}
}

// wants says how many arguments a function takes.
func (f *function) wants() string {
	switch {
	case f.most == 0:
		return "no arguments"
	case f.least != f.most:
		return fmt.Sprintf("%d to %d arguments", f.least, f.most)
	case f.most == 1:
		return "one argument"
	}
	return fmt.Sprintf("%d arguments", f.most)
}

// close goes past the parenthesis that ends what open began.
func (p *parser) close(open token) {
	switch {
	case p.accept(")"):
	case p.tok.kind == endToken:
		p.fail(open.at, "end it with )", "the parenthesis is not closed")
	default:
		p.stray()
	}
}
