// Package expression is the small language between ${{ and }} in pipeline
// files: texts with names in them that are filled in when an action starts.
// Now an expression is one dotted name; operators, literals and calls are
// refused by name. The package is pure and imports nothing of the project.
package expression

import (
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
	SourceKeys = []string{"repository", "commit", "ref", "branch", "message", "author", "pull_request"}
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

// Reference is a name where it stands: Offset counts bytes from the start of
// the text.
type Reference struct {
	Name   Name
	Offset int
}

// Template is a text that may hold expressions. Its zero value is an empty
// text.
type Template struct {
	parts []part
	tail  string
}

// part is a literal text and the reference that follows it.
type part struct {
	text string
	ref  Reference
}

// Error is what is wrong with an expression. Offset counts bytes from the start
// of the text; Hint, which may be empty, says what to write instead.
type Error struct {
	Offset  int
	Message string
	Hint    string
}

// Error is the message with its hint.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + " (" + e.Hint + ")"
}

// Find returns where the first expression of a text starts.
func Find(text string) (offset int, ok bool) {
	offset = strings.Index(text, opening)
	return max(offset, 0), offset >= 0
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
		ref, end, err := parseExpression(text, rest+i)
		if err != nil {
			return Template{}, err
		}
		t.parts = append(t.parts, part{text: text[rest : rest+i], ref: ref})
		rest = end
	}
}

// Names lists the names of the text in the order they stand, each as often as
// it is written.
func (t Template) Names() []Reference {
	var refs []Reference
	for _, p := range t.parts {
		refs = append(refs, Reference{Name: slices.Clone(p.ref.Name), Offset: p.ref.Offset})
	}
	return refs
}

// Expand puts in place of each expression what lookup returns for its name,
// and returns the first error of lookup as it is. What lookup returns is not
// read again: an expression in it stays text.
func (t Template) Expand(lookup func(Name) (string, error)) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		value, err := lookup(slices.Clone(p.ref.Name))
		if err != nil {
			return "", err
		}
		b.WriteString(p.text)
		b.WriteString(value)
	}
	b.WriteString(t.tail)
	return b.String(), nil
}
