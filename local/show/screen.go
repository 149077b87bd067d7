package show

import (
	"fmt"
	"io"
	"strings"
)

// Orders to a terminal, by ECMA-48; those that begin and end an update are
// ignored where they are not known.
const (
	beginUpdate = "\x1b[?2026h"
	endUpdate   = "\x1b[?2026l"
	eraseRight  = "\x1b[K"
	eraseBelow  = "\x1b[J"
)

// row is a line of a frame.
type row struct {
	text  string // with colours
	width int    // in columns
}

// screen draws frames in place, one over the other. Between two updates the
// cursor stands on the line below the frame.
type screen struct {
	out   io.Writer
	drawn []row // of the frame that is there
}

// update writes text that stays, if any, and the frame below it, in the place
// of the last frame, in one write: nothing is ever seen half. columns is how wide
// the terminal is now.
func (s *screen) update(text string, frame []row, columns int) {
	if text == "" && same(s.drawn, frame) {
		return
	}
	var b strings.Builder
	b.WriteString(beginUpdate)
	b.WriteString(s.back(columns))
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimSuffix(line, "\n") + eraseRight + "\n")
	}
	for _, r := range frame {
		b.WriteString(r.text + eraseRight + "\n")
	}
	b.WriteString(eraseBelow + endUpdate)
	_, _ = io.WriteString(s.out, b.String()) // a terminal that is gone ends the run by its signal
	s.drawn = frame
}

// back moves the cursor to the beginning of the frame. A terminal that became
// narrower has broken its lines.
func (s *screen) back(columns int) string {
	up := 0
	for _, r := range s.drawn {
		up += max(1, (r.width+columns-1)/max(columns, 1))
	}
	if up == 0 {
		return ""
	}
	return fmt.Sprintf("\r\x1b[%dA", up)
}

// clear takes the frame away.
func (s *screen) clear(columns int) { s.update("", nil, columns) }

func same(a, b []row) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// line builds a row of a bounded width.
type line struct {
	style style
	left  int // columns
	text  strings.Builder
	width int
}

// add appends a text as far as it fits.
func (l *line) add(c colour, text string) {
	text = cut(text, l.left)
	n := columns(text)
	l.left, l.width = l.left-n, l.width+n
	l.text.WriteString(l.style.paint(c, text))
}

// cell appends a text, if there is one, at a column or behind what is there.
func (l *line) cell(at int, c colour, text string) {
	if text == "" {
		return
	}
	if n := at - l.width; n > 0 {
		l.add(plain, strings.Repeat(" ", n))
	}
	l.add(c, text)
}

func (l *line) row() row { return row{text: l.text.String(), width: l.width} }
