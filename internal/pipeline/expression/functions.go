package expression

import (
	"fmt"
	"strconv"
	"strings"
)

// function is what can be called. check, which may be nil, looks at the
// arguments when the expression is read.
type function struct {
	name      string
	arguments string // how people are shown them
	least     int
	most      int
	status    bool // asks how the actions before ended
	pattern   bool // its one argument is a pattern of files
	check     func(args []node) *Error
	// apply leaves the Offset of its error to the call.
	apply func(e *evaluation, args []value) (value, *Error)
}

const mostArguments = 50

var functions = []*function{
	{name: "contains", arguments: "text, part", least: 2, most: 2, apply: onTexts(strings.Contains)},
	{name: "startsWith", arguments: "text, start", least: 2, most: 2, apply: onTexts(strings.HasPrefix)},
	{name: "endsWith", arguments: "text, end", least: 2, most: 2, apply: onTexts(strings.HasSuffix)},
	{name: "format", arguments: "'… {0} …', value", least: 1, most: mostArguments, check: checkFormat, apply: format},
	{name: "success", status: true, apply: onStatus("success", Status.succeeded)},
	{name: "failure", status: true, apply: onStatus("failure", func(s Status) bool { return s.Failed })},
	{name: "cancelled", status: true, apply: onStatus("cancelled", func(s Status) bool { return s.Cancelled })},
	{name: "always", status: true, apply: onStatus("always", func(Status) bool { return true })},
	{name: "changed", arguments: "'docs/**'", least: 1, most: 1, pattern: true, check: checkPattern, apply: changed},
	{name: "hash", arguments: "'**/go.sum'", least: 1, most: 1, pattern: true, check: checkPattern, apply: hash},
}

// find returns the function of a name, or nil.
func find(name string) *function {
	for _, f := range functions {
		if f.name == name {
			return f
		}
	}
	return nil
}

func onTexts(test func(s, part string) bool) func(*evaluation, []value) (value, *Error) {
	return func(_ *evaluation, args []value) (value, *Error) {
		return ofTruth(test(args[0].String(), args[1].String())), nil
	}
}

func onStatus(name string, test func(Status) bool) func(*evaluation, []value) (value, *Error) {
	return func(e *evaluation, _ []value) (value, *Error) {
		if e.scope.Status == nil {
			return value{}, &Error{Message: name + "() stands in if only"}
		}
		return ofTruth(test(*e.scope.Status)), nil
	}
}

// checkPattern asks for a literal: who resolves a pattern wants to know it
// before anything runs.
func checkPattern(args []node) *Error {
	pattern, ok := literalText(args[0])
	switch {
	case !ok:
		return &Error{Offset: args[0].start(), Message: "a pattern is written out", Hint: "write it between ', such as 'docs/**'"}
	case pattern == "":
		return &Error{Offset: args[0].start(), Message: "the pattern is empty", Hint: "'**' matches every file"}
	}
	return nil
}

func changed(e *evaluation, args []value) (value, *Error) {
	if e.scope.Changed == nil {
		return value{}, &Error{Message: "changed() is not known here"}
	}
	b, err := e.scope.Changed(args[0].text)
	if err != nil {
		return value{}, outside(0, err)
	}
	return ofTruth(b), nil
}

// hash has no value before there are files; see Pieces.
func hash(*evaluation, []value) (value, *Error) {
	return value{}, &Error{Message: "hash() is known only where an action runs", Err: ErrUnknown}
}

// checkFormat reads the text of format once, so that it cannot be wrong later.
func checkFormat(args []node) *Error {
	layout, ok := literalText(args[0])
	if !ok {
		return &Error{Offset: args[0].start(), Message: "the first argument of format() is written out", Hint: "write it between ', such as '{0}-{1}'"}
	}
	used := make([]bool, len(args)-1)
	problem, hint := "", ""
	readLayout(layout, func(string) {}, func(digits string) {
		i, err := strconv.Atoi(digits)
		switch {
		case problem != "":
		case err != nil:
			problem, hint = "a { in format() is followed by a number and }", "write {{ and }} for braces"
		case i >= len(used):
			problem, hint = fmt.Sprintf("format() has no argument for {%d}", i), "{0} is the one after the text"
		default:
			used[i] = true
		}
	})
	if problem != "" {
		return &Error{Offset: args[0].start(), Message: problem, Hint: hint}
	}
	for i, ok := range used {
		if !ok {
			return &Error{Offset: args[i+1].start(), Message: fmt.Sprintf("format() does not use this argument: there is no {%d} in its text", i)}
		}
	}
	return nil
}

func format(e *evaluation, args []value) (value, *Error) {
	var b strings.Builder
	var wrong *Error
	add := func(s string) {
		if wrong == nil {
			if _, wrong = e.spend(s, 0); wrong == nil {
				b.WriteString(s)
			}
		}
	}
	readLayout(args[0].text, add, func(digits string) {
		if i, err := strconv.Atoi(digits); err == nil && i+1 < len(args) {
			add(args[i+1].String())
		}
	})
	return ofText(b.String()), wrong
}

// readLayout cuts the text of format into plain texts and places. A place is
// what stands between { and }, or a word that is no number where a brace is
// wrong.
func readLayout(layout string, plain, place func(string)) {
	for {
		i := strings.IndexAny(layout, "{}")
		if i < 0 {
			plain(layout)
			return
		}
		plain(layout[:i])
		brace, rest := layout[i], layout[i+1:]
		if strings.HasPrefix(rest, string(brace)) {
			plain(string(brace))
			layout = rest[1:]
			continue
		}
		after, ok := digits(rest)
		if brace == '}' || !ok || !strings.HasPrefix(after, "}") {
			place("brace")
			return
		}
		place(rest[:len(rest)-len(after)])
		layout = after[1:]
	}
}

func literalText(n node) (string, bool) {
	l, ok := n.(literal)
	return l.value.text, ok && l.value.kind == text
}
