package expression

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// longestShown is how much of a text a message repeats, in bytes.
const longestShown = 40

// parseExpression reads the expression that opens at start and returns where
// the text goes on after it.
func parseExpression(text string, start int) (ref Reference, end int, err error) {
	if !strings.Contains(text[start+len(opening):], closing) {
		return ref, 0, unclosed(start)
	}
	at := skipSpace(text, start+len(opening))
	if strings.HasPrefix(text[at:], closing) {
		return ref, 0, &Error{Offset: start, Message: "the expression is empty", Hint: "write a name in it, such as ${{ source.commit }}"}
	}
	name, next, err := parseName(text, at)
	if err != nil {
		return ref, 0, err
	}
	after := skipSpace(text, next)
	switch {
	case strings.HasPrefix(text[after:], closing):
		return Reference{Name: name, Offset: at}, after + len(closing), nil
	case strings.HasPrefix(text[after:], opening):
		return ref, 0, unclosed(start)
	case text[after] == '(':
		return ref, 0, unsupported(at, "the call "+name.String()+"()")
	}
	return ref, 0, unexpected(text, after)
}

func parseName(text string, at int) (Name, int, error) {
	if !startsSegment(text[at]) {
		return nil, 0, unexpected(text, at)
	}
	start := at
	var name Name
	for {
		from := at
		for startsSegment(text[at]) || (at > from && continuesSegment(text[at])) {
			at++
		}
		if at == from {
			return nil, 0, &Error{Offset: at, Message: fmt.Sprintf("a name is missing after the dot of %s", quote(text[start:at]))}
		}
		name = append(name, text[from:at])
		if text[at] != '.' {
			break
		}
		at++
	}
	if len(name) == 1 && (name[0] == "true" || name[0] == "false" || name[0] == "null") {
		return nil, 0, unsupported(start, "the literal "+name[0])
	}
	return name, at, nil
}

// unexpected says what stands where a name or the end should: by name when it
// is a part of the language that is still to come.
func unexpected(text string, at int) error {
	rest := text[at:]
	for _, operator := range []string{"==", "!=", "<=", ">=", "&&", "||", "<", ">", "!"} {
		if strings.HasPrefix(rest, operator) {
			return unsupported(at, "the operator "+operator)
		}
	}
	switch c := rest[0]; {
	case c == '\'':
		return unsupported(at, "the literal "+stringLiteral(rest))
	case c == '"':
		return &Error{Offset: at, Message: `" does not belong in an expression`, Hint: "write a name, such as source.commit, without quotes"}
	case c >= '0' && c <= '9', c == '-' && len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9':
		return unsupported(at, "the literal "+numberLiteral(rest))
	case c == '(':
		return unsupported(at, "grouping with ( )")
	case c == '[':
		return unsupported(at, "indexing with [ ]")
	case startsSegment(c):
		return &Error{Offset: at, Message: "an expression is one name now, and here a second one begins"}
	}
	_, size := utf8.DecodeRuneInString(rest)
	return &Error{Offset: at, Message: quote(rest[:size]) + " does not belong in an expression", Hint: "write a name, such as source.commit"}
}

func unclosed(start int) error {
	return &Error{Offset: start, Message: "the expression is not closed", Hint: "end it with }}"}
}

func unsupported(at int, what string) error {
	return &Error{Offset: at, Message: what + " is not supported yet", Hint: "an expression is one name now, such as ${{ source.commit }}"}
}

// stringLiteral returns the literal at the start of a text; a doubled quote in it is one quote.
func stringLiteral(text string) string {
	for i := 1; i < len(text); i++ {
		if text[i] != '\'' {
			continue
		}
		if i+1 < len(text) && text[i+1] == '\'' {
			i++
			continue
		}
		return shorten(text[:i+1])
	}
	return "'…"
}

func numberLiteral(text string) string {
	end := strings.IndexFunc(text[1:], func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	return shorten(text[:end+1])
}

func quote(text string) string { return fmt.Sprintf("%q", shorten(text)) }

func shorten(text string) string {
	if len(text) <= longestShown {
		return text
	}
	cut := longestShown
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

func skipSpace(text string, at int) int {
	for at < len(text) && strings.IndexByte(" \t\r\n", text[at]) >= 0 {
		at++
	}
	return at
}

func startsSegment(c byte) bool {
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
}

func continuesSegment(c byte) bool { return c == '-' || (c >= '0' && c <= '9') }
