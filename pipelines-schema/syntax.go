package schema

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/stagegate/stagegate/internal/human"
)

// longestReason is how much is shown of what the YAML library says, in bytes.
const longestReason = 200

// syntax reports what the YAML library refused.
func (p *parser) syntax(err error, tooDeep bool) {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		p.reportAt(0, "", "the file is not YAML: %s", human.Cut(err.Error(), longestReason))
		return
	}
	mark, context := place{e.Mark.Line, e.Mark.Column}, place{e.ContextMark.Line, e.ContextMark.Column}
	if mark.line == 0 || strings.Contains(e.Message, "end of stream") && context.line > 0 {
		mark = context
	}
	if tooDeep {
		p.report(mark, "", "the file is nested deeper than %d levels", maxDepth)
		return
	}
	message := e.Message
	if e.ContextMsg != "" {
		message = e.ContextMsg + ": " + message
	}
	hint := p.lineHint(mark)
	if hint == "" {
		hint = p.characterHint(mark, context)
	}
	if hint == "" {
		hint = reasonHint(message)
	}
	p.report(mark, hint, "the file is not YAML: %s", human.Cut(message, longestReason))
}

// lineHint guesses from the lines at a syntax error.
func (p *parser) lineHint(at place) string {
	before, line := p.src.lineText(at.line-1), p.src.lineText(at.line)
	trimmed := strings.TrimLeft(before, " ")
	switch {
	case strings.HasPrefix(line, "<<<<<<< "), strings.HasPrefix(line, "======="), strings.HasPrefix(line, ">>>>>>> "), strings.HasPrefix(before, "<<<<<<< "):
		return "choose one side of the merge conflict"
	case strings.HasPrefix(line, "%"):
		return "leave out the line that starts with %"
	case strings.Contains(line, "{") && strings.Contains(line, "${{"):
		return `put quotes around an expression within { } or [ ]: "${{ … }}"`
	case len(trimmed) > 1 && trimmed[0] == '-' && strings.IndexByte(" -\t\r\n", trimmed[1]) < 0 && strings.Contains(trimmed, ":"):
		return "write a space after the - of the line before"
	}
	return ""
}

// characterHint guesses from the characters at the places of a syntax error.
func (p *parser) characterHint(places ...place) string {
	for _, at := range places {
		offset := p.src.offset(at)
		if at.line == 0 || offset >= len(p.src.text) {
			continue
		}
		switch c := p.src.text[offset]; c {
		case ':':
			return "check the indentation, and put quotes around a text that holds a colon and a space"
		case '\t':
			return "indent with spaces, not tabs"
		case '*', '&', '!', '@', '`', '%':
			return fmt.Sprintf("put quotes around a text that starts with %c", c)
		}
	}
	return ""
}

// reasons are what the YAML library says, in part, and what to do about it. The
// first that fits counts.
var reasons = []struct{ part, hint string }{
	{"tab character", "indent with spaces, not tabs"},
	{"expected ',' or '}'", "end the mapping with }, and put , between its keys"},
	{"expected ',' or ']'", "end the list with ], and put , between its entries"},
	{"expected key", "check the indentation: the keys of a mapping stand in one column"},
	{"expected '-'", "check the indentation: the - of a list stand in one column"},
	{"expected ':'", "write KEY: value; the : is missing here or on the line before"},
	{"comment or line break", "write the lines of the text below | or >, not beside it"},
	{"quoted scalar", "end the text with the quote that it begins with"},
}

func reasonHint(reason string) string {
	for _, r := range reasons {
		if strings.Contains(reason, r.part) {
			return r.hint
		}
	}
	return ""
}
