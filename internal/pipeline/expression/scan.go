package expression

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	longestExpression = 8 << 10 // bytes from its first to its last token
	longestShown      = 40      // bytes of a text that a message repeats
)

type tokenKind int

const (
	endToken tokenKind = iota
	textToken
	numberToken
	nameToken
	operatorToken // and parentheses and the comma
)

// token is a word of an expression as it is written.
type token struct {
	kind tokenKind
	text string
	at   int
}

func (t token) end() int { return t.at + len(t.text) }

// is tells whether a token is an operator.
func (t token) is(operator string) bool { return t.kind == operatorToken && t.text == operator }

// scanner cuts an expression into tokens. One in braces ends with }}, another
// with the text.
type scanner struct {
	text   string
	start  int // of the expression, its ${{ included
	at     int
	braced bool
}

// operators are tried in this order.
var operators = []string{"==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "(", ")", ","}

// next reads a token.
func (s *scanner) next() (token, *Error) {
	s.at = skipSpace(s.text, s.at)
	t, wrong := s.token(s.text[s.at:])
	if wrong != nil {
		return token{}, wrong
	}
	if t.kind != endToken && t.end()-s.start > longestExpression {
		return token{}, &Error{Offset: s.start, Message: fmt.Sprintf("the expression is longer than %d bytes", longestExpression)}
	}
	s.at = t.end()
	return t, nil
}

func (s *scanner) token(rest string) (token, *Error) {
	switch {
	case s.braced && strings.HasPrefix(rest, closing):
		return token{endToken, closing, s.at}, nil
	case s.braced && (rest == "" || strings.HasPrefix(rest, opening)):
		return token{}, unclosed(s.start)
	case rest == "":
		return token{endToken, "", s.at}, nil
	case rest[0] == '\'':
		return s.literal(rest)
	case startsNumber(rest):
		return s.number(rest)
	case startsSegment(rest[0]):
		return s.name(rest)
	}
	for _, operator := range operators {
		if after, ok := strings.CutPrefix(rest, operator); ok && !(strings.HasPrefix(after, "=") && strings.ContainsAny(operator, "=!<>")) {
			return token{operatorToken, operator, s.at}, nil
		}
	}
	return token{}, foreign(rest, s.at)
}

// literal reads a text between quotes; a doubled quote in it is one quote.
func (s *scanner) literal(rest string) (token, *Error) {
	for i := 1; i < len(rest); i++ {
		switch {
		case rest[i] != '\'':
		case strings.HasPrefix(rest[i+1:], "'"):
			i++
		default:
			return token{textToken, rest[:i+1], s.at}, nil
		}
	}
	return token{}, &Error{Offset: s.at, Message: "the text is not closed", Hint: "end it with '; a quote in a text is written ''"}
}

// number reads all that could belong to a number, to refuse it as a whole.
func (s *scanner) number(rest string) (token, *Error) {
	end := 1
	for end < len(rest) && (continuesSegment(rest[end]) || startsSegment(rest[end]) || strings.IndexByte(".+", rest[end]) >= 0) {
		end++
	}
	if _, ok := parseNumber(rest[:end]); !ok {
		return token{}, &Error{Offset: s.at, Message: shorten(rest[:end]) + " is not a number", Hint: "write a text between ', a number such as 10 or 1.5"}
	}
	return token{numberToken, rest[:end], s.at}, nil
}

func (s *scanner) name(rest string) (token, *Error) {
	for end := 0; ; end++ {
		from := end
		for end < len(rest) && (startsSegment(rest[end]) || (end > from && continuesSegment(rest[end]))) {
			end++
		}
		if end == from {
			return token{}, noSegment(rest, s.at, end)
		}
		if end == len(rest) || rest[end] != '.' {
			return token{nameToken, rest[:end], s.at}, nil
		}
	}
}

func noSegment(rest string, at, end int) *Error {
	hint := ""
	if strings.HasPrefix(rest[end:], "*") {
		hint = "there are no lists: write the name of one value"
	}
	return &Error{Offset: at + end, Message: "a name is missing after the dot of " + quote(rest[:end]), Hint: hint}
}

func unclosed(start int) *Error {
	return &Error{Offset: start, Message: "the expression is not closed", Hint: "end it with }}"}
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

func continuesSegment(c byte) bool { return c == '-' || isDigit(c) }

func startsNumber(rest string) bool {
	if rest[0] == '-' || rest[0] == '+' {
		rest = rest[1:]
	}
	return rest != "" && isDigit(rest[0])
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

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
