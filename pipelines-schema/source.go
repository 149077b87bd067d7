package schema

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// source is the text of a file, and where its lines begin. Offsets count bytes
// of text.
type source struct {
	text  string
	lines []int // as people and GitHub count: after \n, or a lone \r
	yaml  []int // as YAML 1.1 counts: after NEL, LS and PS too
}

func newSource(text string) *source {
	s := &source{text: text, lines: []int{0}, yaml: []int{0}}
	for i := 0; i < len(text); i++ {
		next := i + 1
		switch c := text[i]; {
		case c == '\n', c == '\r' && !strings.HasPrefix(text[next:], "\n"):
			s.lines = append(s.lines, next)
		case strings.HasPrefix(text[i:], "\u0085"):
			next = i + 2
		case strings.HasPrefix(text[i:], "\u2028"), strings.HasPrefix(text[i:], "\u2029"):
			next = i + 3
		default:
			continue
		}
		s.yaml = append(s.yaml, next)
		i = next - 1
	}
	return s
}

// place is a position as the YAML library counts: lines and characters from 1.
type place struct {
	line, column int
}

// offset finds a place in the text. It walks along the line, so only what is
// reported is worth it.
func (s *source) offset(p place) int {
	at := s.yaml[min(max(p.line, 1), len(s.yaml))-1]
	for column := p.column; column > 1 && at < len(s.text); column-- {
		_, size := utf8.DecodeRuneInString(s.text[at:])
		at += size
	}
	return at
}

// position counts the line and the column, in characters, of an offset.
func (s *source) position(at int) (line, column int) {
	at = min(max(at, 0), len(s.text))
	line = sort.SearchInts(s.lines, at+1)
	return line, utf8.RuneCountInString(s.text[s.lines[line-1]:at]) + 1
}

// lineText is a line as YAML counts; of a long one its beginning.
func (s *source) lineText(line int) string {
	if line < 1 || line > len(s.yaml) {
		return ""
	}
	text := s.text[s.yaml[line-1]:]
	text = text[:min(len(text), 1000)]
	if end := strings.IndexAny(text, "\r\n"); end >= 0 {
		text = text[:end]
	}
	return text
}

// unreadable finds the first thing in a file that no text file holds: bytes
// that are not UTF-8, and control characters.
func unreadable(text string) (at int, what string) {
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			return i, fmt.Sprintf("the byte 0x%02X is not UTF-8 text", text[i])
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0xFFFE, r == 0xFFFF:
			return i, fmt.Sprintf("the control character %U is not possible here", r)
		}
	}
	return 0, ""
}

// line is the line of a place as people count.
func (s *source) line(p place) int {
	line, _ := s.position(s.offset(p))
	return line
}
