package show

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/local"
)

// redraw is the time between two frames.
const redraw = 100 * time.Millisecond

// Tree draws stages and actions on a terminal, in place, and below them at the
// end what failed and why. Close must be called.
type Tree struct {
	to   Terminal
	size func() (columns, rows int)

	mu     sync.Mutex
	screen screen
	pic    picture
	above  strings.Builder // what is to be written above the tree and stays
	drawn  bool            // there is a tree, and nobody is asked anything
	begun  bool
	closed bool

	stop, stopped chan struct{}
}

var _ local.Reporter = (*Tree)(nil)

// NewTree returns a reporter that draws on a terminal. size tells how large that
// is at the moment; zero is unknown.
func NewTree(out io.Writer, to Terminal, size func() (columns, rows int)) *Tree {
	return &Tree{
		to: to, size: size, screen: screen{out: out},
		pic:  picture{style: style(to.Colours), last: map[string]string{}},
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
}

// Begin draws what is going to run, and from then on redraws it.
func (t *Tree) Begin(b local.Beginning) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range b.Stages {
		st := pipeline.StageState{Name: s.Stage}
		for _, a := range s.Actions {
			st.Actions = append(st.Actions, pipeline.ActionState{Name: a})
		}
		t.pic.stages = append(t.pic.stages, st)
	}
	t.pic.began, t.pic.titles = b.At, titlesOf(b)
	t.above.WriteString(clean(title(b)) + "\n")
	t.begun, t.drawn = true, true
	t.draw()
	go t.run()
}

// run draws until it is stopped.
func (t *Tree) run() {
	defer close(t.stopped)
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	for {
		select {
		case <-t.stop:
			return
		case <-tick.C:
			t.mu.Lock()
			t.pic.turn++
			t.draw()
			t.mu.Unlock()
		}
	}
}

// Change takes in where the execution stands.
func (t *Tree) Change(x pipeline.Execution) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(x.Stages) > 0 {
		t.pic.stages = x.Stages
	}
}

// longestLine is how much of an action's last line may be seen, in bytes.
const longestLine = 1 << 10

// Log keeps the last line.
func (t *Tree) Log(stage, action string, lines []byte) {
	lines = bytes.TrimRight(lines, "\n")
	from, text := split(lines[bytes.LastIndexByte(lines, '\n')+1:])
	if from != 's' {
		text, _ = speech{}.read(stage, action, text)
	}
	text = text[:min(len(text), longestLine)]
	shown := clean(strings.ToValidUTF8(string(text), ""))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pic.last[stage+"/"+action] = shown
}

// Note writes a line above the tree.
func (t *Tree) Note(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for l := range strings.Lines(text) {
		t.above.WriteString(t.pic.style.paint(yellow, own+" > "+clean(strings.TrimRight(l, "\n"))) + "\n")
	}
}

// Ask shows an approval in the tree's place and waits for its answer.
func (t *Tree) Ask(ctx context.Context, q local.Question) (local.Answer, error) {
	return t.to.Input.take(ctx, func() (local.Answer, error) {
		t.mu.Lock()
		columns, _ := t.extent()
		t.screen.clear(columns)
		t.drawn = false
		t.mu.Unlock()
		defer func() {
			t.mu.Lock()
			t.drawn = true
			t.draw()
			t.mu.Unlock()
		}()
		return t.to.Input.ask(ctx, q, func(text string) { _, _ = io.WriteString(t.screen.out, text) })
	})
}

// End draws the tree for the last time, and below it what failed and what was
// made.
func (t *Tree) End(o local.Outcome) {
	t.halt()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pic.stages, t.pic.ended = o.Execution.Stages, true
	t.pic.now = time.Now()
	columns, _ := t.extent()
	t.pic.columns = columns
	t.screen.update(t.taken(), t.pic.frame(0), columns)
	_, _ = io.WriteString(t.screen.out, failures(o, t.pic.style)+products(o)+verdict(o, t.pic.style)+"\n")
}

// Close ends the drawing; a tree whose end was not told is taken away. The
// second time it does nothing.
func (t *Tree) Close() {
	if !t.halt() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	columns, _ := t.extent()
	t.screen.update(t.taken(), nil, columns)
}

// halt ends the redrawing; false: it had ended, or never begun.
func (t *Tree) halt() bool {
	t.mu.Lock()
	runs := t.begun && !t.closed
	t.closed = true
	t.mu.Unlock()
	if runs {
		close(t.stop)
		<-t.stopped
	}
	return runs
}

// draw brings the terminal up to date.
func (t *Tree) draw() {
	if !t.drawn {
		return
	}
	columns, rows := t.extent()
	t.pic.columns, t.pic.now = columns, time.Now()
	t.screen.update(t.taken(), t.pic.frame(rows), columns)
}

// taken returns what is to be written above, once.
func (t *Tree) taken() string {
	text := t.above.String()
	t.above.Reset()
	return text
}

// extent is how large a frame may be: the cursor needs a line of its own, and
// some terminals break a line that fills the last column.
func (t *Tree) extent() (columns, rows int) {
	columns, rows = t.size()
	if columns <= 0 || rows <= 0 {
		columns, rows = 80, 24
	}
	return max(columns-1, 1), max(rows-1, 1)
}
