package runner

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"time"
	"unicode/utf8"
)

// maxLine is where a line that does not end is split.
const maxLine = 64 << 10

// logTime is how a line's time is written, always in UTC.
const logTime = "2006-01-02T15:04:05.000Z"

// jobLog writes a job's log, line by line as they come:
//
//	TIME STREAM TEXT\n
//
// A line's time is that of its first byte. Carriage returns at the end of a
// line are dropped, those inside stay for whoever shows it; what is not UTF-8,
// and NUL, becomes U+FFFD. Any goroutine may use it.
type jobLog struct {
	mu      sync.Mutex
	w       io.WriteCloser
	cut     cutter
	tail    tail
	partial map[Stream]*partial
	line    []byte // reused
	err     error  // the first of writing; the rest of the log is then dropped
	closed  bool
}

// partial is a line whose end has not come yet.
type partial struct {
	text []byte
	at   time.Time
}

func newJobLog(w io.WriteCloser, limit int64) *jobLog {
	open := map[Stream]*partial{Stdout: {}, Stderr: {}, Stagegate: {}}
	return &jobLog{w: w, cut: newCutter(w, limit), partial: open}
}

// Copy writes what a container puts out until it ends. It always reads to the
// end, even when nothing can be written any more, because a container blocks
// on an output nobody reads; only errors of reading are returned.
func (l *jobLog) Copy(out Output) error {
	for {
		c, err := out.Next()
		if err != nil {
			l.flush()
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if c.Time.IsZero() {
			c.Time = time.Now()
		}
		l.add(c)
	}
}

// Say writes a line of Stagegate itself.
func (l *jobLog) Say(text string) {
	l.add(Chunk{Stream: Stagegate, Time: time.Now(), Data: append([]byte(text), '\n')})
}

// Err returns the first error of writing.
func (l *jobLog) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Tail returns the texts of the last lines.
func (l *jobLog) Tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tail.String()
}

// Close writes what was held back and closes what is below. The second time it
// does nothing.
func (l *jobLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	err := l.cut.finish(func(text string) []byte {
		return appendLine(nil, time.Now(), Stagegate, []byte(text))
	})
	return errors.Join(l.err, err, l.w.Close())
}

func (l *jobLog) add(c Chunk) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.partial[c.Stream]
	for data := c.Data; len(data) > 0; {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			p.hold(data, c.Time)
			l.split(c.Stream, p)
			return
		}
		if len(p.text) == 0 {
			l.emit(c.Stream, c.Time, data[:end])
		} else {
			p.text = append(p.text, data[:end]...)
			l.emit(c.Stream, p.at, p.text)
			p.text = p.text[:0]
		}
		data = data[end+1:]
	}
}

func (p *partial) hold(data []byte, at time.Time) {
	if len(p.text) == 0 {
		p.at = at
	}
	p.text = append(p.text, data...)
}

// split puts out what a line that grows too long has for full pieces.
func (l *jobLog) split(s Stream, p *partial) {
	for len(p.text) > maxLine+utf8.UTFMax {
		n := pieceOf(p.text)
		l.write(s, p.at, p.text[:n])
		p.text = p.text[:copy(p.text, p.text[n:])]
	}
}

// flush puts out the last lines, which end without a line feed.
func (l *jobLog) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range []Stream{Stdout, Stderr} {
		if p := l.partial[s]; len(p.text) > 0 {
			l.emit(s, p.at, p.text)
			p.text = nil
		}
	}
}

func (l *jobLog) emit(s Stream, at time.Time, text []byte) {
	text = bytes.TrimRight(text, "\r")
	for len(text) > maxLine {
		n := pieceOf(text)
		l.write(s, at, text[:n])
		text = text[n:]
	}
	l.write(s, at, text)
}

// pieceOf returns how much of a long text makes one line: maxLine, or less
// where that would cut a character.
func pieceOf(text []byte) int {
	for n := maxLine; n > maxLine-utf8.UTFMax; n-- {
		if utf8.RuneStart(text[n]) {
			return n
		}
	}
	return maxLine
}

func (l *jobLog) write(s Stream, at time.Time, text []byte) {
	if !utf8.Valid(text) {
		text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	if bytes.IndexByte(text, 0) >= 0 {
		text = bytes.ReplaceAll(text, []byte{0}, []byte("\uFFFD"))
	}
	l.tail.add(text)
	if l.err != nil || l.closed {
		return
	}
	l.line = appendLine(l.line[:0], at, s, text)
	l.err = l.cut.write(l.line)
}

func appendLine(b []byte, at time.Time, s Stream, text []byte) []byte {
	b = at.UTC().AppendFormat(b, logTime)
	b = append(b, ' ', byte(s), ' ')
	b = append(b, text...)
	return append(b, '\n')
}
