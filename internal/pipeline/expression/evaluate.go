package expression

import (
	"fmt"
	"slices"
)

// mostBytes is how long the texts may be, together, that one evaluation looks
// up, makes and puts in its result: expressions repeat texts, calls within
// calls more than they are long.
const mostBytes = 1 << 20

// Scope is what an evaluation is told from outside. Where a field is nil, what
// needs it is an error of the evaluation.
type Scope struct {
	// Lookup finds what a name stands for; of one that is true or false, that word.
	// It may keep and change the name.
	Lookup func(Name) (string, error)
	// Status is how the actions before ended.
	Status *Status
	// Changed tells whether a file that the pattern matches was changed.
	Changed func(pattern string) (bool, error)
}

// Status is how the actions before ended; its zero value is success.
type Status struct {
	Failed    bool
	Cancelled bool
}

func (s Status) succeeded() bool { return !s.Failed && !s.Cancelled }

type evaluation struct {
	scope Scope
	left  int // bytes that texts may still take
}

// value evaluates a whole expression; its error is an *Error.
func (e *evaluation) value(root node) (value, error) {
	v, wrong := root.eval(e)
	if wrong != nil {
		return value{}, wrong
	}
	if _, wrong = e.spend(v.String(), root.start()); wrong != nil {
		return value{}, wrong
	}
	return v, nil
}

// spend counts a text against the limit.
func (e *evaluation) spend(s string, at int) (value, *Error) {
	if len(s) > e.left {
		return value{}, &Error{Offset: at, Message: fmt.Sprintf("the texts of the expressions are longer than %d bytes together", mostBytes)}
	}
	e.left -= len(s)
	return ofText(s), nil
}

func (n literal) eval(*evaluation) (value, *Error) { return n.value, nil }

func (n reference) eval(e *evaluation) (value, *Error) {
	if e.scope.Lookup == nil {
		return value{}, &Error{Offset: n.at, Message: "no name is known here, so not " + shorten(n.name.String())}
	}
	s, err := e.scope.Lookup(slices.Clone(n.name))
	if err != nil {
		return value{}, outside(n.at, err)
	}
	v, wrong := e.spend(s, n.at)
	if wrong == nil && n.name.truth() {
		v = ofTruth(s == "true")
	}
	return v, wrong
}

func (n call) eval(e *evaluation) (value, *Error) {
	args := make([]value, len(n.args))
	for i, arg := range n.args {
		var wrong *Error
		if args[i], wrong = arg.eval(e); wrong != nil {
			return value{}, wrong
		}
	}
	v, wrong := n.function.apply(e, args)
	if wrong != nil {
		wrong.Offset = n.at
	}
	return v, wrong
}

func (n not) eval(e *evaluation) (value, *Error) {
	v, wrong := n.operand.eval(e)
	if wrong != nil {
		return value{}, wrong
	}
	holds, wrong := decide(v, n.operand)
	return ofTruth(!holds), wrong
}

// eval gives back an operand: the first that decides, or the last.
func (n logic) eval(e *evaluation) (value, *Error) {
	last := len(n.operands) - 1
	for _, operand := range n.operands[:last] {
		v, wrong := operand.eval(e)
		if wrong != nil {
			return value{}, wrong
		}
		holds := v.truthy()
		if n.operator == "&&" {
			// After || the text 'false' is only given back, as in: x && 'false' || 'true'.
			if holds, wrong = decide(v, operand); wrong != nil {
				return value{}, wrong
			}
		}
		if holds == (n.operator == "||") {
			return v, nil
		}
	}
	return n.operands[last].eval(e)
}

func (n comparison) eval(e *evaluation) (value, *Error) {
	left, wrong := n.left.eval(e)
	if wrong != nil {
		return value{}, wrong
	}
	right, wrong := n.right.eval(e)
	if wrong != nil {
		return value{}, wrong
	}
	if n.operator == "==" || n.operator == "!=" {
		return ofTruth(equal(left, right) == (n.operator == "==")), nil
	}
	a, ok := left.asNumber()
	if !ok {
		return value{}, n.unordered(n.left, "the left side")
	}
	b, ok := right.asNumber()
	if !ok {
		return value{}, n.unordered(n.right, "the right side")
	}
	return ofTruth(ordered(n.operator, a, b)), nil
}

func ordered(operator string, a, b float64) bool {
	switch operator {
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	}
	return a >= b
}

func (n comparison) unordered(side node, called string) *Error {
	return &Error{
		Offset:  side.start(),
		Message: fmt.Sprintf("%s compares numbers, and %s is none", n.operator, describe(side, called)),
		Hint:    "== and != compare texts",
	}
}

// decide tells whether a value counts as true where that is asked. A text that
// says false counts as true and never means it.
func decide(v value, n node) (bool, *Error) {
	if v.deceives() {
		return false, &Error{
			Offset:  n.start(),
			Message: fmt.Sprintf("%s is the text '%s', which would count as true", describe(n, "this"), v.text),
			Hint:    "compare it, as in == 'true'",
		}
	}
	return v.truthy(), nil
}

// describe names a node by what the author wrote. Values are not shown: one may
// be longer or more private than a message.
func describe(n node, otherwise string) string {
	switch n := n.(type) {
	case reference:
		return shorten(n.name.String())
	case call:
		return n.function.name + "()"
	}
	return otherwise
}

// outside is an error of the scope at the place that asked.
func outside(at int, err error) *Error {
	return &Error{Offset: at, Message: err.Error(), Err: err}
}
