package show

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unicode/utf8"
)

// vt is a terminal of a fixed size, as far as trees need one. What scrolls out
// at the top is kept.
type vt struct {
	t             *testing.T
	mu            sync.Mutex // trees draw while tests look
	columns, rows int
	history       []string
	lines         [][]rune // a wide character stands in front of a zero
	x, y          int
	writes        atomic.Int64
}

func newVT(t *testing.T, columns, rows int) *vt {
	v := &vt{t: t, columns: columns, rows: rows}
	for range rows {
		v.lines = append(v.lines, v.blank())
	}
	return v
}

func (v *vt) blank() []rune { return []rune(strings.Repeat(" ", v.columns)) }

func (v *vt) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.writes.Add(1)
	text := string(p)
	for text != "" {
		if text[0] == '\x1b' {
			n := sequence(text)
			v.order(text[1:n])
			text = text[n:]
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		v.put(r)
		text = text[size:]
	}
	return len(p), nil
}

func (v *vt) put(r rune) {
	switch r {
	case '\n': // a terminal's driver adds the \r
		v.x = 0
		v.down()
		return
	case '\r':
		v.x = 0
		return
	}
	n := cells(r)
	if n == 0 {
		return
	}
	if v.x+n > v.columns {
		v.x = 0
		v.down()
	}
	v.lines[v.y][v.x] = r
	if n == 2 {
		v.lines[v.y][v.x+1] = 0
	}
	v.x += n
}

func (v *vt) down() {
	if v.y < v.rows-1 {
		v.y++
		return
	}
	v.history = append(v.history, rowText(v.lines[0]))
	v.lines = append(v.lines[1:], v.blank())
}

func (v *vt) order(o string) {
	if o[0] != '[' {
		v.t.Fatalf("order %q", o)
	}
	n, _ := strconv.Atoi(strings.Trim(o[1:len(o)-1], "?"))
	switch o[len(o)-1] {
	case 'A':
		v.y = max(0, v.y-n)
	case 'K':
		copy(v.lines[v.y][v.x:], v.blank())
	case 'J':
		copy(v.lines[v.y][v.x:], v.blank())
		for i := v.y + 1; i < v.rows; i++ {
			v.lines[i] = v.blank()
		}
	case 'm', 'h', 'l':
	default:
		v.t.Fatalf("order %q", o)
	}
}

func (v *vt) size() (columns, rows int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.columns, v.rows
}

// resize breaks lines that have become too long, as terminals do; the cursor
// stays at the line it was at.
func (v *vt) resize(columns int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := v.lines[:v.y]
	rest := v.rows - v.y
	v.columns, v.lines, v.y = columns, nil, 0
	for _, l := range all {
		text := []rune(strings.TrimRight(string(l), " "))
		for first := true; first || len(text) > 0; first = false {
			n := min(columns, len(text))
			line := v.blank()
			copy(line, text[:n])
			v.lines, text = append(v.lines, line), text[n:]
			v.y++
		}
	}
	for range rest {
		v.lines = append(v.lines, v.blank())
	}
	for ; len(v.lines) > v.rows; v.y-- {
		v.history, v.lines = append(v.history, rowText(v.lines[0])), v.lines[1:]
	}
}

func rowText(line []rune) string {
	return strings.TrimRight(strings.ReplaceAll(string(line), "\x00", ""), " ")
}

// String is all there ever was, without the empty lines at the end.
func (v *vt) String() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := v.history[:len(v.history):len(v.history)]
	for _, l := range v.lines {
		all = append(all, rowText(l))
	}
	return strings.TrimRight(strings.Join(all, "\n"), "\n") + "\n"
}
