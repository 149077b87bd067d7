package runner

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/stagegate/stagegate/internal/human"
)

const (
	minLogLimit = 256 << 10
	maxTail     = 4 << 20 // what of a log's end is held in memory
	cutReserve  = 256     // for the line that says what was cut
)

// cutter keeps a log within its limit by leaving out its middle. Lines pass
// through until only the room for the tail is left; from there on the newest
// are held back, and written when the log ends.
type cutter struct {
	w       io.Writer
	head    int64 // bytes still to pass through
	tail    int   // bytes to hold
	held    []byte
	holding bool
	lost    int64
	lines   int
}

func newCutter(w io.Writer, limit int64) cutter {
	tail := min(limit/2, maxTail)
	return cutter{w: w, head: limit - tail - cutReserve, tail: int(tail)}
}

func (c *cutter) write(line []byte) error {
	if !c.holding && int64(len(line)) <= c.head {
		c.head -= int64(len(line))
		_, err := c.w.Write(line)
		return err
	}
	c.holding = true
	c.held = append(c.held, line...)
	if len(c.held) > 2*c.tail {
		c.trim()
	}
	return nil
}

// trim drops the oldest lines held until they fit.
func (c *cutter) trim() {
	over := len(c.held) - c.tail
	if over <= 0 {
		return
	}
	if i := bytes.IndexByte(c.held[over-1:], '\n'); i >= 0 {
		over += i
	}
	c.lost += int64(over)
	c.lines += bytes.Count(c.held[:over], []byte{'\n'})
	c.held = c.held[:copy(c.held, c.held[over:])]
}

// finish writes what was held, behind a line made by say if some was lost.
func (c *cutter) finish(say func(text string) []byte) error {
	c.trim()
	if c.lost > 0 {
		note := fmt.Sprintf("%d lines (%s) left out here: the log is longer than it may be", c.lines, human.Size(c.lost))
		c.held = append(say(note), c.held...)
	}
	if len(c.held) == 0 {
		return nil
	}
	_, err := c.w.Write(c.held)
	c.held = nil
	return err
}

const (
	tailLines = 50
	tailBytes = 16 << 10
)

// tail remembers the last lines of a log.
type tail struct {
	ring [tailLines][]byte
	n    int
}

func (t *tail) add(text []byte) {
	if i := bytes.LastIndexByte(text, '\r'); i >= 0 {
		text = text[i+1:] // what a terminal would show of it
	}
	slot := &t.ring[t.n%tailLines]
	*slot = append((*slot)[:0], text[:min(len(text), tailBytes)]...)
	t.n++
}

// String returns the lines, whole ones only unless the last alone is too long.
func (t *tail) String() string {
	var lines []string
	room := tailBytes
	for i := t.n - 1; i >= max(0, t.n-tailLines); i-- {
		text := strings.ToValidUTF8(string(t.ring[i%tailLines]), "")
		room -= len(text) + 1
		if room < 0 && len(lines) > 0 {
			break
		}
		lines = append(lines, text)
	}
	for i, j := 0, len(lines)-1; i < j; i, j = i+1, j-1 {
		lines[i], lines[j] = lines[j], lines[i]
	}
	return strings.Join(lines, "\n")
}
