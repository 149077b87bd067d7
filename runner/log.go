package runner

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/stagegate/stagegate/internal/gather"
	"github.com/stagegate/stagegate/internal/logcommand"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner/redact"
)

// maxLine is where a line that does not end is split.
const maxLine = 64 << 10

// logPatience is how long a line may be on its way to whoever reads a log that
// grows.
const logPatience = 100 * time.Millisecond

// logTime is how a line's time is written, always in UTC.
const logTime = "2006-01-02T15:04:05.000Z"

// jobLog writes a job's log, line by line as they come:
//
//	TIME STREAM TEXT\n
//
// A line's time is that of its first byte. Carriage returns at the end of a
// line are dropped, those inside stay for whoever shows it; what is not UTF-8,
// and NUL, becomes U+FFFD. Secrets become ***, and commands a line gives are
// carried out. Any goroutine may use it.
type jobLog struct {
	mu      sync.Mutex
	w       io.WriteCloser
	out     *gather.Writer // in front of w
	cut     cutter
	tail    tail
	said    remarks
	partial map[Stream]*partial
	line    []byte // reused
	stamped []byte // the time of the last line, and that in milliseconds
	stamp   int64
	err     error // the first of writing; the rest of the log is then dropped
	closed  bool
}

// partial is a line whose end has not come yet.
type partial struct {
	text []byte
	at   time.Time

	long  bool // so long that pieces of it may be written already
	hide  redact.Stream
	shown []byte // of a long one: hidden what must be, and not yet written
}

// newJobLog writes to w, no more than limit bytes, and hides what the masker
// does.
func newJobLog(w io.WriteCloser, limit int64, masker *redact.Masker) *jobLog {
	open := map[Stream]*partial{Stdout: {}, Stderr: {}, Stagegate: {}}
	out := gather.NewWriter(w, logPatience)
	return &jobLog{w: w, out: out, cut: newCutter(out, limit), said: newRemarks(masker), partial: open}
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

// Annotations returns what the script said about files.
func (l *jobLog) Annotations() []pipeline.Annotation {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.annotations
}

// Masker returns what hides the job's secrets, and what the script added to them.
func (l *jobLog) Masker() *redact.Masker {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.masker
}

// Hide hides a value from here on.
func (l *jobLog) Hide(value string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said.masker = l.said.masker.With(value)
}

// Close writes what was held back and closes what is below. The second time it
// does nothing.
func (l *jobLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	if left := l.said.leftOut(); left != "" {
		l.emit(Stagegate, time.Now(), []byte(left))
	}
	l.closed = true
	err := l.cut.finish(func(text string) []byte {
		return l.appendLine(nil, time.Now(), Stagegate, []byte(text))
	})
	return errors.Join(l.err, err, l.out.Flush(), l.w.Close())
}

func (l *jobLog) add(c Chunk) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.partial[c.Stream]
	for data := c.Data; len(data) > 0; {
		end := bytes.IndexByte(data, '\n')
		switch {
		case end < 0:
			p.hold(data, c.Time)
			l.split(c.Stream, p)
			return
		case p.empty():
			l.emit(c.Stream, c.Time, data[:end])
		default:
			p.text = append(p.text, data[:end]...)
			l.finish(c.Stream, p)
		}
		data = data[end+1:]
	}
}

func (p *partial) empty() bool { return len(p.text) == 0 && !p.long }

func (p *partial) hold(data []byte, at time.Time) {
	if p.empty() {
		p.at = at
	}
	p.text = append(p.text, data...)
}

// split puts out what a line that grows too long has for full pieces.
func (l *jobLog) split(s Stream, p *partial) {
	if len(p.text) <= maxLine+utf8.UTFMax {
		return
	}
	p.long = true
	p.shown = p.hide.Next(p.shown, l.said.masker, p.text)
	p.text = p.text[:0]
	rest := l.pieces(s, p.at, p.shown)
	p.shown = p.shown[:copy(p.shown, rest)]
}

// finish puts out a line of which a part was held.
func (l *jobLog) finish(s Stream, p *partial) {
	if !p.long {
		l.emit(s, p.at, p.text)
		p.text = p.text[:0]
		return
	}
	p.shown = p.hide.End(p.hide.Next(p.shown, l.said.masker, p.text), l.said.masker)
	l.end(s, p.at, p.shown)
	*p = partial{text: p.text[:0], shown: p.shown[:0]}
}

// flush puts out the last lines, which end without a line feed, and all that
// is on its way.
func (l *jobLog) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range []Stream{Stdout, Stderr} {
		if p := l.partial[s]; !p.empty() {
			l.finish(s, p)
		}
	}
	if err := l.out.Flush(); l.err == nil {
		l.err = err
	}
}

// emit puts out a whole line.
func (l *jobLog) emit(s Stream, at time.Time, text []byte) {
	if s != Stagegate && len(text) <= maxLine {
		if c, ok := l.said.reader.Read(text); ok {
			l.obey(s, at, c, text)
			return
		}
	}
	l.end(s, at, l.said.masker.Bytes(text))
}

// end puts out the rest of a line. It is cut before it is trimmed, as it is
// when it comes bit by bit.
func (l *jobLog) end(s Stream, at time.Time, text []byte) {
	l.write(s, at, bytes.TrimRight(l.pieces(s, at, text), "\r"))
}

// obey carries out a command and puts out its line. People who read the tail
// are spared how commands are written.
func (l *jobLog) obey(s Stream, at time.Time, c logcommand.Command, text []byte) {
	refused := ""
	if c.Kind == logcommand.AddMask {
		text = []byte("::add-mask::" + redact.Mask)
		refused = l.said.hide(c.Text)
	}
	l.said.annotate(c)
	if line, ok := c.Readable(); ok {
		l.tail.add(harmless(l.said.masker.Bytes([]byte(line))))
	}
	l.store(s, at, harmless(l.said.masker.Bytes(bytes.TrimRight(text, "\r"))))
	if refused != "" {
		l.emit(Stagegate, at, []byte(refused))
	}
}

// pieces puts out a text that is too long for one line but for its last piece,
// which it returns.
func (l *jobLog) pieces(s Stream, at time.Time, text []byte) []byte {
	for len(text) > maxLine {
		n := pieceOf(text)
		l.write(s, at, text[:n])
		text = text[n:]
	}
	return text
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
	text = harmless(text)
	l.tail.add(text)
	l.store(s, at, text)
}

// harmless returns the text as UTF-8 without NUL.
func harmless(text []byte) []byte {
	if !utf8.Valid(text) {
		text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	if bytes.IndexByte(text, 0) >= 0 {
		text = bytes.ReplaceAll(text, []byte{0}, []byte("\uFFFD"))
	}
	return text
}

func (l *jobLog) store(s Stream, at time.Time, text []byte) {
	if l.err != nil || l.closed {
		return
	}
	l.line = l.appendLine(l.line[:0], at, s, text)
	l.err = l.cut.write(l.line)
}

// appendLine writes a line. Many come within a millisecond, so its text is
// made once.
func (l *jobLog) appendLine(b []byte, at time.Time, s Stream, text []byte) []byte {
	if stamp := at.UnixMilli(); stamp != l.stamp || len(l.stamped) == 0 {
		l.stamped, l.stamp = at.UTC().AppendFormat(l.stamped[:0], logTime), stamp
	}
	b = append(b, l.stamped...)
	b = append(b, ' ', byte(s), ' ')
	b = append(b, text...)
	return append(b, '\n')
}
