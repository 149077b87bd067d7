package web

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf8"

	terminal "github.com/buildkite/terminal-to-html/v3"
)

// maxStyles is how many changes of colour one rendering carries out. Each
// becomes a tag many times its length, so a hostile log is cut off here.
const maxStyles = 20_000

// renderLines turns lines out of a container into HTML, one for one, with the
// colours as term- classes. Colours last over line ends, as on a terminal.
//
// terminal-to-html is given nothing but text, colours and moves within the
// line: it also knows links, remote and inline images and moves of the cursor,
// of which a large one panics or allocates without end (v3.16.8).
func renderLines(lines []string) []string {
	clean := cleaner{styles: maxStyles}
	for i, line := range lines {
		if i > 0 {
			clean.out.WriteByte('\n')
		}
		clean.line(line)
	}
	rendered := strings.Split(terminal.Render([]byte(clean.out.String())), "\n")
	if len(rendered) == len(lines) {
		return rendered
	}
	for i, line := range lines { // never seen; a log without colours is better than a shifted one
		lines[i] = html.EscapeString(plain(line))
	}
	return lines
}

// cleaner collects text a terminal may be given.
type cleaner struct {
	out    strings.Builder
	styles int // changes of colour still let through
}

func (c *cleaner) line(s string) {
	visible := false
	for len(s) > 0 {
		n := 1
		switch {
		case s[0] == '\x1b':
			n = c.escape(s)
		case s[0] == '\t' || s[0] == '\r' || s[0] == '\b':
			c.out.WriteByte(s[0])
		default:
			var r rune
			if r, n = utf8.DecodeRuneInString(s); r >= ' ' {
				c.out.WriteRune(shown(r))
				visible = true
			}
		}
		s = s[n:]
	}
	if !visible {
		c.out.WriteByte(' ') // the screen makes a line only where something is written
	}
}

// escape handles the escape sequence s begins with and returns its length. It
// keeps colours, erasing within the line and the column; of an unfinished one
// only the introducer goes, so that nothing can hide the rest of a line.
func (c *cleaner) escape(s string) int {
	if len(s) < 2 {
		return 1
	}
	switch s[1] {
	case '[':
		return c.control(s)
	case ']', 'P', '_', '^', 'X':
		return stringEnd(s)
	case '(', ')', '*', '+', '#', '%', ' ':
		return min(len(s), 3)
	}
	if s[1] >= '0' && s[1] <= '~' {
		return 2
	}
	return 1
}

// control handles a control sequence: ESC [ PARAMETERS FINAL.
func (c *cleaner) control(s string) int {
	end := 2
	for end < len(s) && s[end] >= ' ' && s[end] <= '?' {
		end++
	}
	if end == len(s) || s[end] < '@' || s[end] > '~' {
		return 2
	}
	params := s[2:end]
	if strings.Trim(params, "0123456789;") != "" || len(params) > 64 {
		return end + 1
	}
	switch s[end] {
	case 'm':
		if c.styles > 0 {
			c.styles--
			c.out.WriteString("\x1b[" + indexed(params) + "m")
		}
	case 'K', 'G':
		c.out.WriteString(s[:end+1])
	}
	return end + 1
}

// stringEnd returns the length of an escape sequence that carries a string: a
// title, a link, an image.
func stringEnd(s string) int {
	end := strings.IndexAny(s[2:], "\a\x1b")
	switch {
	case end < 0:
		return 2
	case s[2+end] == '\a':
		return 2 + end + 1
	case strings.HasPrefix(s[2+end:], "\x1b\\"):
		return 2 + end + 2
	}
	return 2
}

// indexed replaces 24 bit colours, which terminal-to-html takes for a list of
// other styles, with the nearest of the 256.
func indexed(params string) string {
	p := strings.Split(params, ";")
	out := p[:0:0]
	for i := 0; i < len(p); i++ {
		if (p[i] == "38" || p[i] == "48") && i+4 < len(p) && p[i+1] == "2" {
			out = append(out, p[i], "5", strconv.Itoa(nearest(p[i+2:i+5])))
			i += 4
			continue
		}
		out = append(out, p[i])
	}
	return strings.Join(out, ";")
}

// nearest returns the place of a colour in the 6×6×6 cube.
func nearest(rgb []string) int {
	n := 0
	for _, text := range rgb {
		v, _ := strconv.Atoi(text) // what is no number is dark
		n = n*6 + (min(max(v, 0), 255)*5+127)/255
	}
	return 16 + n
}

// plain returns text with what could hide or reorder it made visible, for
// names and messages that others chose.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return shown(r)
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// shown replaces what a reader cannot see but a browser obeys: control codes,
// line separators, and marks that turn the direction of what follows.
func shown(r rune) rune {
	switch {
	case r >= 0x7f && r <= 0x9f, r == 0x2028, r == 0x2029,
		r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return utf8.RuneError
	}
	return r
}
