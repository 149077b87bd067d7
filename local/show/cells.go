package show

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// cells is how many columns of a terminal a character takes. Where terminals do
// not agree it is the larger number, so that no line is ever too long.
func cells(r rune) int {
	switch {
	case r < 0x7f:
		return 1
	case r == '\ufe0f': // makes some characters before it wide
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}

// columns is how many of them a text takes.
func columns(text string) int {
	n := 0
	for _, r := range text {
		n += cells(r)
	}
	return n
}

// cut shortens a text to at most n columns, with an ellipsis if some is lost.
func cut(text string, n int) string {
	if columns(text) <= n {
		return text
	}
	used := 0
	for i, r := range text {
		if used += cells(r); used > n-1 {
			return text[:i] + strings.Repeat("…", min(n, 1))
		}
	}
	return text
}

// Clean makes one line of plain text of what somebody else wrote, for a terminal:
// no colours, links, titles or other orders to it.
func Clean(text string) string { return clean(text) }

// clean makes one line of plain text of what a container wrote: of a line that
// was overwritten the end, and no colours, links, titles or other orders to a
// terminal.
func clean(text string) string {
	text = strings.TrimRight(text, "\r")
	if i := strings.LastIndexByte(text, '\r'); i >= 0 {
		text = text[i+1:]
	}
	return filter(text, false)
}

// filter takes orders to a terminal out of a text, but for colours where those
// may stay. Tabs become a space. Bytes that are no character are replaced: two of
// them could become an order once what stood between is gone.
func filter(text string, colours bool) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if !strings.ContainsFunc(text, isControl) {
		return text
	}
	b := make([]byte, 0, len(text))
	for len(text) > 0 {
		n := 0
		switch r, size := utf8.DecodeRuneInString(text); {
		case r == '\x1b':
			n = sequence(text)
			if colours && isColour(text[:n]) {
				b = append(b, text[:n]...)
			}
		case r == '\t':
			b, n = append(b, ' '), size
		case isControl(r):
			n = size
		default:
			b, n = append(b, text[:size]...), size
		}
		text = text[n:]
	}
	return string(b)
}

// isControl tells whether a character is none that is shown: those of ASCII,
// their likes of eight bits, and what turns the direction of writing around.
func isControl(r rune) bool {
	return r < ' ' || 0x7f <= r && r < 0xa0 || 0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069
}

// sequence is how long the order is that a text begins with: ESC, and what
// belongs to it.
func sequence(text string) int {
	if len(text) < 2 {
		return len(text)
	}
	switch text[1] {
	case '[': // parameters, then a letter
		for i := 2; i < len(text); i++ {
			switch c := text[i]; {
			case 0x40 <= c && c <= 0x7e:
				return i + 1
			case c < 0x20 || c > 0x7e:
				return i
			}
		}
		return len(text)
	case ']', 'P', 'X', '^', '_': // a text that BEL or ESC \ ends
		for i := 2; i < len(text); i++ {
			if text[i] == '\a' {
				return i + 1
			}
			if text[i] == '\x1b' {
				return min(i+2, len(text))
			}
		}
		return len(text)
	}
	if text[1] < 0x20 || text[1] > 0x7e {
		return 1
	}
	return 2
}

// isColour tells whether an order sets colours and the like.
func isColour(order string) bool {
	if len(order) < 3 || order[1] != '[' || order[len(order)-1] != 'm' {
		return false
	}
	return strings.Trim(order[2:len(order)-1], "0123456789;:") == ""
}
