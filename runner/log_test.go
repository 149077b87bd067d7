package runner

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/runner/redact"
)

// pieces is an Output made of chunks.
type pieces struct{ list []Chunk }

func (p *pieces) Next() (Chunk, error) {
	if len(p.list) == 0 {
		return Chunk{}, io.EOF
	}
	c := p.list[0]
	p.list = p.list[1:]
	return c, nil
}

func (p *pieces) Close() error { return nil }

type sink struct {
	bytes.Buffer
	closed int
}

func (s *sink) Close() error { s.closed++; return nil }

func TestLogLines(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678900000, time.FixedZone("", 3600))
	var s sink
	l := newJobLog(&s, minLogLimit, nil)
	l.Say("pulling")
	err := l.Copy(&pieces{[]Chunk{
		{Stdout, at, []byte("one\ntw")},
		{Stderr, at, []byte("err")},
		{Stdout, at.Add(time.Second), []byte("o\r")},
		{Stdout, at, []byte("\n\nthree")},
		{Stderr, at, []byte("or\n\xff\x00\n")},
	}})
	if err = errors.Join(err, l.Close(), l.Close()); err != nil || s.closed != 1 {
		t.Errorf("%v, closed %d times", err, s.closed)
	}
	_, got, _ := strings.Cut(s.String(), "\n")
	const stamp = "2026-01-02T02:04:05.678Z "
	want := ""
	for _, line := range []string{"o one", "o two", "o ", "e error", "e \uFFFD\uFFFD", "o three"} {
		want += stamp + line + "\n"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := l.Tail(); got != "pulling\none\ntwo\n\nerror\n\uFFFD\uFFFD\nthree" {
		t.Errorf("%q", got)
	}
}

func TestLongLinesAreSplitBetweenCharacters(t *testing.T) {
	for _, size := range []int{1, 1000, 1 << 20} {
		var s sink
		l := newJobLog(&s, 64<<20, nil)
		text := []byte(strings.Repeat("€", 100_000) + "\n")
		var p pieces
		for part := range slices.Chunk(text, size) {
			p.list = append(p.list, Chunk{Stdout, time.Now(), part})
		}
		if err := errors.Join(l.Copy(&p), l.Close()); err != nil {
			t.Fatal(err)
		}
		joined := ""
		for line := range strings.Lines(s.String()) {
			if len(line) > maxLine+100 || !utf8.ValidString(line) {
				t.Errorf("a line of %d bytes", len(line))
			}
			joined += strings.TrimSuffix(line[27:], "\n")
		}
		if joined+"\n" != string(text) {
			t.Errorf("in pieces of %d: %d bytes", size, len(joined))
		}
	}
}

func TestCutterKeepsBothEnds(t *testing.T) {
	for _, lines := range []int{10, 5000, 6000, 7000, 100_000} {
		var s sink
		l := newJobLog(&s, minLogLimit, nil)
		p := &pieces{}
		for i := range lines {
			p.list = append(p.list, Chunk{Stdout, time.Now(), fmt.Appendf(nil, "line %09d\n", i)})
		}
		if err := l.Copy(p); err != nil {
			t.Fatal(err)
		}
		l.Say("the end")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		got := strings.Split(strings.TrimSpace(s.String()), "\n")
		kept, cut := 0, 0
		for _, line := range got {
			if strings.Contains(line, " o line ") {
				kept++
			}
			if _, err := fmt.Sscanf(line[25:], "s %d lines", &cut); err != nil {
				continue
			}
		}
		if s.Len() > minLogLimit || kept+cut != lines || !strings.HasSuffix(got[len(got)-1], "s the end") {
			t.Errorf("%d lines: %d bytes, kept %d, cut %d, last %q", lines, s.Len(), kept, cut, got[len(got)-1])
		}
		if whole := 42*lines+40 < minLogLimit; whole != (cut == 0) {
			t.Errorf("%d lines: cut %d", lines, cut)
		}
		if lines > 10 && s.Len() < minLogLimit/2 {
			t.Errorf("%d lines: only %d bytes kept", lines, s.Len())
		}
	}
}

// first is a writer that passes on what comes first.
type first struct {
	discard
	come chan string
}

func (f first) Write(p []byte) (int, error) {
	f.come <- string(p)
	return len(p), nil
}

// Lines reach the file while the job runs, not at its end.
func TestLogIsReadableWhileItGrows(t *testing.T) {
	w := first{come: make(chan string, 10)}
	l := newJobLog(w, minLogLimit, nil)
	l.Say("now")
	if got := <-w.come; !strings.HasSuffix(got, "s now\n") {
		t.Errorf("%q", got)
	}
}

type broken struct{ sink }

func (*broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestLogReadsOnWhenItCannotWrite(t *testing.T) {
	l := newJobLog(&broken{}, minLogLimit, nil)
	p := &pieces{[]Chunk{{Stdout, time.Now(), []byte("a\n")}, {Stdout, time.Now(), []byte("b\n")}}}
	if err := l.Copy(p); err != nil || len(p.list) > 0 {
		t.Errorf("%v, %d left", err, len(p.list))
	}
	if l.Err() == nil || l.Close() == nil || l.Tail() != "a\nb" {
		t.Errorf("%v, tail %q", l.Err(), l.Tail())
	}
}

func TestTail(t *testing.T) {
	var s tail
	for i := range 100 {
		s.add(fmt.Appendf(nil, "10%%\r%d%%\r%d", i, i))
	}
	if got := strings.Split(s.String(), "\n"); len(got) != tailLines || got[0] != "50" || got[49] != "99" {
		t.Errorf("%q", got)
	}
	s.add(bytes.Repeat([]byte("€"), 100_000))
	if got := s.String(); len(got) > tailBytes || !utf8.ValidString(got) || !strings.HasPrefix(got, "€") {
		t.Errorf("%d bytes", len(got))
	}
}

// BenchmarkLog is what a log takes in, without secrets and with 20 of 1 KiB.
func BenchmarkLog(b *testing.B) {
	var secrets []string
	for i := range 20 {
		secrets = append(secrets, strings.Repeat(fmt.Sprintf("Secret-%d/", i), 1<<10/10))
	}
	for name, masker := range map[string]*redact.Masker{"clear": nil, "secrets": redact.New(secrets...)} {
		b.Run(name, func(b *testing.B) {
			l := newJobLog(discard{}, 64<<30, masker)
			c := Chunk{Stdout, time.Now(), bytes.Repeat([]byte("a line of the usual length, with some words in it\n"), 600)}
			b.SetBytes(int64(len(c.Data)))
			for b.Loop() {
				l.add(c)
			}
		})
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }
