// Package show presents a local run to people: as plain lines, or as a tree on
// a terminal that is drawn in place. It knows nothing of flags and decides
// nothing.
package show

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/stagegate/stagegate/internal/gather"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/local"
)

// Plain writes a line for everything that happens, behind the stage and action
// it is about:
//
//	build/compile | what the action writes
//	build/compile > what Stagegate says of it
type Plain struct {
	out   *gather.Writer
	style style
	to    Terminal

	mu     sync.Mutex
	width  int // of the longest prefix
	titles titles
	before map[string]pipeline.Status
	said   speech
	line   []byte // reused
}

var _ local.Reporter = (*Plain)(nil)

// patience is how long a line may be missing from what is shown.
const patience = 4 * time.Millisecond

// Terminal says what is written to. The zero value is no terminal: all that
// actions write is passed on as it is.
type Terminal struct {
	Is      bool // orders of actions to it are held back
	Colours bool
	Input   *Input // where approvals are answered; nil: nowhere
}

// NewPlain returns a reporter that writes to out.
func NewPlain(out io.Writer, to Terminal) *Plain {
	return &Plain{out: gather.NewWriter(out, patience), style: style(to.Colours), to: to, before: map[string]pipeline.Status{}, said: speech{}}
}

// Ask shows an approval and waits for its answer, while lines go on.
func (p *Plain) Ask(ctx context.Context, q local.Question) (local.Answer, error) {
	return p.to.Input.take(ctx, func() (local.Answer, error) {
		return p.to.Input.ask(ctx, q, func(text string) {
			_, _ = io.WriteString(p.out, text)
			_ = p.out.Flush()
		})
	})
}

// own is the prefix of lines about the run itself.
const own = "stagegate"

// Begin says what runs.
func (p *Plain) Begin(b local.Beginning) {
	p.mu.Lock()
	p.width, p.titles = len(own), titlesOf(b)
	for _, s := range b.Stages {
		for _, a := range s.Actions {
			p.width = max(p.width, len(s.Stage)+1+len(p.titles.of(s.Stage, a)))
		}
	}
	p.mu.Unlock()
	p.say(own, title(b))
}

// Change says what began and what ended.
func (p *Plain) Change(x pipeline.Execution) {
	for _, s := range x.Stages {
		for _, a := range s.Actions {
			name := s.Name + "/" + a.Name
			p.mu.Lock()
			before, seen := p.before[name]
			p.before[name] = a.Status
			p.mu.Unlock()
			if seen && before != a.Status {
				p.moved(s.Name+"/"+p.titles.of(s.Name, a.Name), a)
			}
		}
	}
}

func (p *Plain) moved(name string, a pipeline.ActionState) {
	switch {
	case a.Status == pipeline.InProgress:
		p.say(name, "running in "+a.Image)
	case a.Status.Ended() && a.Reason != notStarted:
		if a.Image != "" {
			a.Reason = "" // its log has said it
		}
		p.say(name, p.style.paint(colourOf(a.Status), ended(a)))
	}
}

// Log writes the lines of an action.
func (p *Plain) Log(stage, action string, lines []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(lines) > 0 {
		end := bytes.IndexByte(lines, '\n')
		if end < 0 {
			end = len(lines)
		}
		p.logLine(stage, action, lines[:end])
		lines = lines[min(end+1, len(lines)):]
	}
}

func (p *Plain) logLine(stage, action string, line []byte) {
	from, text := split(line)
	mark, tone := byte('|'), plain
	if from == 's' {
		mark = '>'
	} else {
		text, tone = p.said.read(stage, action, text)
	}
	if text == nil {
		return
	}
	p.line = p.prefix(p.line[:0], mark, stage, p.titles.of(stage, action))
	switch {
	case p.to.Is && tone != plain:
		p.line = append(p.line, p.style.paint(tone, clean(string(text)))...)
	case p.to.Is:
		p.line = append(p.line, p.shown(text)...)
	default:
		p.line = append(p.line, text...)
	}
	p.line = append(p.line, '\n')
	_, _ = p.out.Write(p.line) // the end says whether it could be written
}

// shown is a line of an action as a terminal may have it.
func (p *Plain) shown(text []byte) string {
	if i := bytes.LastIndexByte(text, '\r'); i >= 0 {
		text = text[i+1:]
	}
	line := filter(string(text), p.to.Colours)
	if p.to.Colours && strings.Contains(line, "\x1b[") {
		line += "\x1b[0m"
	}
	return line
}

// prefix appends the padded name of an action, or of a part of it.
func (p *Plain) prefix(b []byte, mark byte, parts ...string) []byte {
	start := len(b)
	for i, part := range parts {
		if i > 0 {
			b = append(b, '/')
		}
		b = append(b, part...)
	}
	for len(b)-start < p.width {
		b = append(b, ' ')
	}
	return append(b, ' ', mark, ' ')
}

// Note writes a line about the run.
func (p *Plain) Note(text string) { p.say(own, text) }

func (p *Plain) say(name, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for line := range strings.Lines(text) {
		p.line = p.prefix(p.line[:0], '>', name)
		p.line = append(append(p.line, strings.TrimRight(line, "\r\n")...), '\n')
		_, _ = p.out.Write(p.line)
	}
}

// End writes the summary.
func (p *Plain) End(o local.Outcome) {
	_, _ = io.WriteString(p.out, summary(o, p.style))
	_ = p.out.Flush()
}

// stampLength is that of the time and the stream in front of a stored line.
const stampLength = len("2006-01-02T15:04:05.000Z o ")

// split parts a stored line in who wrote it and what.
func split(line []byte) (from byte, text []byte) {
	if len(line) < stampLength {
		return 's', line
	}
	return line[stampLength-2], line[stampLength:]
}
