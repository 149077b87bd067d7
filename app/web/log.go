package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/logcommand"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// What of logs a page shows at most, in bytes of the log.
const (
	pageLimit = 3 << 20
	logLimit  = 1 << 20
	logLines  = 2000
	liveLimit = 64 << 10 // on a page that is loaded anew every few seconds
	liveLines = 100
)

// logView is the log of one action as the page shows it.
type logView struct {
	job   pipeline.JobID
	start time.Time // of the action; zero: of the log
	limit int
	lines int

	Label  string        // what it is the log of
	Whole  string        // where all of it is
	Open   bool          // without a click
	Live   bool          // still growing
	Lines  template.HTML // empty: there is none
	Count  int
	Cut    bool // earlier lines are left out
	Stderr bool // some of the lines came by standard error
	Own    bool // some are Stagegate's own word
	Note   string
}

// addLog reads and renders a log and returns how many bytes of it are shown.
func (s *server) addLog(ctx context.Context, l *logView, limit int) int {
	r, err := s.Executions.Log(ctx, l.job)
	if errors.Is(err, ErrNotFound) {
		l.Whole = ""
		if l.Live {
			l.Note = "No output yet."
		}
		return 0
	}
	var text []byte
	if err == nil {
		defer r.Close()
		text, l.Cut, err = tail(r, limit)
	}
	if err != nil {
		if ctx.Err() == nil {
			s.Log.Error("log not shown", "job", l.job.String(), "error", err)
		}
		l.Note = "The log could not be read."
		return 0
	}
	l.render(text)
	return len(text)
}

// tail returns the last limit bytes at most, beginning with a whole line
// unless there is none, and
// whether there is more before them.
func tail(r io.Reader, limit int) (text []byte, cut bool, err error) {
	if f, ok := r.(io.Seeker); ok {
		if cut, err = skip(f, int64(limit)); err != nil {
			return nil, false, err
		}
	}
	chunk := make([]byte, 64<<10)
	for {
		n, err := r.Read(chunk)
		text = append(text, chunk[:n]...)
		if len(text) > 2*limit {
			text, cut = append(text[:0], text[len(text)-limit:]...), true
		}
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, false, err
		}
	}
	if len(text) > limit {
		text, cut = text[len(text)-limit:], true
	}
	if end := bytes.IndexByte(text, '\n'); cut && end < len(text)-1 {
		text = text[end+1:]
	}
	return text, cut, nil
}

// skip moves to limit bytes before the end and tells whether any were skipped.
func skip(f io.Seeker, limit int64) (bool, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return false, err
	}
	_, err = f.Seek(max(0, size-limit), io.SeekStart)
	return size > limit, err
}

// render makes the lines. The text in them is the only thing on a page that
// html/template does not escape: renderLines does.
func (l *logView) render(text []byte) {
	if len(text) == 0 {
		return
	}
	raw := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if over := len(raw) - l.lines; over > 0 {
		raw, l.Cut = raw[over:], true
	}
	l.Count = len(raw)
	lines := make([]logLine, len(raw))
	var commands logcommand.Reader
	for i, text := range raw {
		lines[i], raw[i] = parseLine(text)
		l.Stderr = l.Stderr || lines[i].stream == 'e'
		l.Own = l.Own || lines[i].stream == 's'
		if l.start.IsZero() {
			l.start = lines[i].at
		}
		if c, ok := commands.Read([]byte(raw[i])); ok && lines[i].stream != 's' {
			lines[i].kind = c.Kind
			if text, ok := c.Readable(); ok {
				raw[i] = text
			}
		}
	}
	for i, html := range renderLines(raw) {
		lines[i].html = html
	}
	l.Lines = template.HTML(l.join(lines)) // #nosec G203 -- escaped by renderLines
}

// logLine is one line of a log as the page shows it.
type logLine struct {
	at     time.Time
	stream byte
	kind   logcommand.Kind // None: text
	html   string
}

// join puts lines one below the other, and those of a group into what can be
// folded. Groups are not nested: a new one ends the last, as on GitHub.
func (l *logView) join(lines []logLine) string {
	var b strings.Builder
	open := false
	end := func() {
		if open {
			b.WriteString("</details>")
		}
		open = false
	}
	for i, line := range lines {
		switch line.kind {
		case logcommand.EndGroup:
			end()
		case logcommand.Group:
			end()
			open = true
			fmt.Fprintf(&b, `<details%s><summary data-t="%s">%s</summary>`, l.unfolded(lines[i+1:]), sinceStart(line.at, l.start), line.html)
		default:
			fmt.Fprintf(&b, `<div class="%c%s" data-t="%s">%s</div>`, line.stream, tones[line.kind], sinceStart(line.at, l.start), line.html)
		}
	}
	end()
	return b.String()
}

// tones are the classes of lines that are commands.
var tones = map[logcommand.Kind]string{
	logcommand.Error: " error", logcommand.Warning: " warning", logcommand.Notice: " notice", logcommand.Debug: " debug",
	logcommand.AddMask: " debug", logcommand.Stop: " debug", logcommand.Resume: " debug",
}

// unfolded tells whether a group, of which the lines after its first are
// given, stands open: it holds an error, or never ended, or the log still grows.
func (l *logView) unfolded(lines []logLine) string {
	const open = " open"
	if l.Live {
		return open
	}
	for _, line := range lines {
		switch line.kind {
		case logcommand.Error:
			return open
		case logcommand.EndGroup, logcommand.Group:
			return ""
		default: // goes on
		}
	}
	return open
}

// parseLine takes a line of a log apart. What is none is shown as it stands.
func parseLine(line string) (l logLine, text string) {
	head, rest, _ := strings.Cut(line, " ")
	at, err := time.Parse(time.RFC3339, head)
	if err != nil || rest == "" || !strings.Contains("oes", rest[:1]) {
		return logLine{stream: 'o'}, line
	}
	return logLine{at: at, stream: rest[0]}, strings.TrimPrefix(rest[1:], " ")
}

// sinceStart writes a time of the log in seconds, or minutes and so on, after
// the start.
func sinceStart(at, start time.Time) string {
	if at.IsZero() {
		return ""
	}
	tenths, sign := at.Sub(start).Round(100*time.Millisecond).Milliseconds()/100, ""
	if tenths < 0 {
		tenths, sign = -tenths, "−" // before the script ran: Stagegate prepared it
	}
	m, s, t := tenths/600, tenths/10%60, tenths%10
	switch {
	case m == 0:
		return fmt.Sprintf("%s%d.%d", sign, s, t)
	case m < 60:
		return fmt.Sprintf("%s%d:%02d.%d", sign, m, s, t)
	}
	return fmt.Sprintf("%s%d:%02d:%02d", sign, m/60, m%60, s)
}

// renderTail makes the lines of a log tail, which have no times.
func renderTail(text string) template.HTML {
	var b strings.Builder
	for _, line := range renderLines(strings.Split(strings.TrimRight(text, "\n"), "\n")) {
		b.WriteString("<div>" + line + "</div>")
	}
	return template.HTML(b.String()) // #nosec G203 -- escaped by renderLines
}
