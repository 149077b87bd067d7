// Package expression is the small language between ${{ and }} in pipeline
// files, and in the conditions of if: names, literals, comparisons, logic and
// a few calls. docs/expressions.md says what it means. The package is pure and
// imports nothing of the project.
package expression

import (
	"errors"
	"slices"
	"strings"
)

const (
	opening = "${{"
	closing = "}}"
)

// The names a context has, in the order people are shown them. Both who checks
// a pipeline file and who resolves it use these lists; nobody changes them.
var (
	// SourceKeys are the names after "source.".
	SourceKeys = []string{"repository", "commit", "ref", "branch", "tag", "message", "author", "pull_request", "fork"}
	// ExecutionKeys are the names after "execution.".
	ExecutionKeys = []string{"id", "number", "trigger", "actor"}
	// Contexts are the first names that are not a stage's: no stage may be
	// called like one. matrix is kept for later.
	Contexts = []string{"source", "execution", "variables", "matrix"}
)

// Name is what an expression asks for, by segment: build.compile.version has
// three. A segment is letters, digits, - and _, and starts with a letter or _.
type Name []string

// String joins the segments with dots.
func (n Name) String() string { return strings.Join(n, ".") }

// truth tells whether the name stands for true or false. All others stand for texts.
func (n Name) truth() bool { return n.String() == "source.fork" }

// Reference is a name where it stands: Offset counts bytes from the start of
// the text.
type Reference struct {
	Name   Name
	Offset int
}

// Call is a call of a function where it stands: Offset counts bytes from the
// start of the text. The function exists and has the arguments it wants.
// Pattern is what changed and hash ask for. Alone is a call that is all of its
// expression.
type Call struct {
	Function string
	Pattern  string
	Offset   int
	Alone    bool
}

// Error is what is wrong with an expression. Offset counts bytes from the start
// of the text; Hint, which may be empty, says what to write instead; Err is the
// error of the Scope behind it, if any.
type Error struct {
	Offset  int
	Message string
	Hint    string
	Err     error
}

// Error is the message with its hint.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + " (" + e.Hint + ")"
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Find returns where the first expression of a text starts.
func Find(text string) (offset int, ok bool) {
	offset = strings.Index(text, opening)
	return max(offset, 0), offset >= 0
}

// Template is a text that may hold expressions. Its zero value is an empty
// text.
type Template struct {
	parts []part
	tail  string
}

// part is a literal text and the expression that follows it.
type part struct {
	text    string
	written string // the expression, with its braces
	root    node
}

// Parse reads a text. An error is an *Error about the first expression that is
// wrong. A text without ${{ is never wrong.
func Parse(text string) (Template, error) {
	var t Template
	rest := 0
	for {
		i := strings.Index(text[rest:], opening)
		if i < 0 {
			t.tail = text[rest:]
			return t, nil
		}
		root, end, err := parseBraced(text, rest+i)
		if err != nil {
			return Template{}, err
		}
		t.parts = append(t.parts, part{text: text[rest : rest+i], written: text[rest+i : end], root: root})
		rest = end
	}
}

// Names lists the names of the text in the order they stand, each as often as
// it is written.
func (t Template) Names() []Reference {
	var refs []Reference
	for _, p := range t.parts {
		refs = append(refs, names(p.root)...)
	}
	return refs
}

// Calls lists the calls of the text in the order they stand.
func (t Template) Calls() []Call {
	var all []Call
	for _, p := range t.parts {
		all = append(all, calls(p.root)...)
	}
	return all
}

// Expand puts in place of each expression the text of its value. What the scope
// returns is not read again: an expression in it stays text. An error is an
// *Error.
func (t Template) Expand(scope Scope) (string, error) {
	return t.expand(scope, refuse)
}

func refuse(_ part, err error) (string, error) { return "", err }

// Piece is a part of an expanded text: the text itself or, where Hash is not empty,
// the digest of the files that this pattern matches.
type Piece struct {
	Text string
	Hash string
}

// Pieces is Expand for a text in which hash() may stand alone between ${{ and }}:
// its digests are known to nobody yet. Of a text without it there is one piece.
func (t Template) Pieces(scope Scope) ([]Piece, error) {
	var pieces []Piece
	rest := Template{tail: t.tail}
	e := evaluation{scope: scope, left: mostBytes}
	for _, p := range t.parts {
		pattern, ok := hashed(p.root)
		if !ok {
			rest.parts = append(rest.parts, p)
			continue
		}
		text, err := Template{parts: rest.parts, tail: p.text}.with(&e, refuse)
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, Piece{Text: text}, Piece{Hash: pattern})
		rest.parts = nil
	}
	text, err := rest.with(&e, refuse)
	if err != nil {
		return nil, err
	}
	return append(pieces, Piece{Text: text}), nil
}

// ErrUnknown is the error of a Lookup for what will have a value, and has none
// yet.
var ErrUnknown = errors.New("not known yet")

// Preview is Expand before all values are known: an expression that cannot do
// without an ErrUnknown stays as it is written.
func (t Template) Preview(scope Scope) (string, error) {
	return t.expand(scope, func(p part, err error) (string, error) {
		if errors.Is(err, ErrUnknown) {
			return p.written, nil
		}
		return "", err
	})
}

// expand asks instead for the text of an expression that has no value.
func (t Template) expand(scope Scope, instead func(part, error) (string, error)) (string, error) {
	return t.with(&evaluation{scope: scope, left: mostBytes}, instead)
}

func (t Template) with(e *evaluation, instead func(part, error) (string, error)) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		value, err := e.value(p.root)
		text := value.String()
		if err != nil {
			if text, err = instead(p, err); err != nil {
				return "", err
			}
		}
		b.WriteString(p.text)
		b.WriteString(text)
	}
	b.WriteString(t.tail)
	return b.String(), nil
}

// Condition is the text of an if. Its zero value never holds.
type Condition struct {
	root node
	asks bool // calls a function about how the actions before ended
}

// ParseCondition reads the text of an if: one expression, with ${{ }} around
// all of it or without. An error is an *Error.
func ParseCondition(text string) (Condition, error) {
	root, err := parseCondition(text)
	if err != nil {
		return Condition{}, err
	}
	return Condition{root: root, asks: slices.ContainsFunc(calls(root), func(c Call) bool { return find(c.Function).status })}, nil
}

// Names lists the names of the condition in the order they stand, each as often
// as it is written.
func (c Condition) Names() []Reference {
	if c.root == nil {
		return nil
	}
	return names(c.root)
}

// Calls lists the calls of the condition in the order they stand.
func (c Condition) Calls() []Call {
	if c.root == nil {
		return nil
	}
	return calls(c.root)
}

// Asks tells whether the condition calls one of success, failure, always and
// cancelled.
func (c Condition) Asks() bool { return c.asks }

// Evaluate tells whether the condition holds. One that calls none of success,
// failure, always and cancelled does not hold after a failure or a cancel,
// where the scope knows of them; it is not even looked at then. An error is an
// *Error.
func (c Condition) Evaluate(scope Scope) (bool, error) {
	if c.root == nil || (!c.asks && scope.Status != nil && !scope.Status.succeeded()) {
		return false, nil
	}
	e := evaluation{scope: scope, left: mostBytes}
	value, err := e.value(c.root)
	if err != nil {
		return false, err
	}
	holds, wrong := decide(value, c.root)
	if wrong != nil {
		return false, wrong
	}
	return holds, nil
}
