package runner

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
)

func TestParseOutputs(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []pipeline.Value
		err  string
	}{
		"empty":            {"", nil, ""},
		"plain":            {"a=1\nb=2=3\n", []pipeline.Value{{Name: "a", Value: "1"}, {Name: "b", Value: "2=3"}}, ""},
		"later wins":       {"a=1\nb=2\na=3", []pipeline.Value{{Name: "a", Value: "3"}, {Name: "b", Value: "2"}}, ""},
		"CR and blanks":    {"a=1\r\n\r\n\nb= x \r\n", []pipeline.Value{{Name: "a", Value: "1"}, {Name: "b", Value: " x "}}, ""},
		"empty value":      {"a=", []pipeline.Value{{Name: "a"}}, ""},
		"several lines":    {"a<<END\none\ntwo=x\nEND\nb=1", []pipeline.Value{{Name: "a", Value: "one\ntwo=x"}, {Name: "b", Value: "1"}}, ""},
		"CR inside":        {"a<<E\r\none\r\ntwo\r\nE\r\n", []pipeline.Value{{Name: "a", Value: "one\ntwo"}}, ""},
		"no lines":         {"a<<E\nE", []pipeline.Value{{Name: "a"}}, ""},
		"heredoc in value": {"a=x<<y", []pipeline.Value{{Name: "a", Value: "x<<y"}}, ""},
		"no =":             {"a=1\nhello\n", nil, "line 2 is not key=value"},
		"bad key":          {"1a=x", nil, "line 1 is not key=value"},
		"space":            {"a b=x", nil, "line 1 is not key=value"},
		"no key":           {"=x", nil, "line 1 is not key=value"},
		"no delimiter":     {"a<<\nx", nil, "line 1 is not key=value"},
		"never closed":     {"\na<<END\nx", nil, "line 2: END is never closed"},
	} {
		got, err := parseOutputs(c.text)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseOutputs(f *testing.F) {
	f.Add("a=1\nb<<E\nx\nE\n")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := parseOutputs(text)
		seen := map[string]bool{}
		for _, v := range values {
			if err != nil || seen[v.Name] || !outputKey.MatchString(v.Name) {
				t.Fatalf("%q, %v", values, err)
			}
			seen[v.Name] = true
		}
	})
}

func TestCommand(t *testing.T) {
	for shell, want := range map[string]string{
		"":                          "sh -e /stagegate/run",
		"sh":                        "sh -e /stagegate/run",
		"bash":                      "bash -eo pipefail /stagegate/run",
		"python3":                   "python3 /stagegate/run",
		"  perl  -w ":               "perl -w /stagegate/run",
		"bash --noprofile {0} more": "bash --noprofile /stagegate/run more",
	} {
		if got := strings.Join(command(shell), " "); got != want {
			t.Errorf("%q: %q", shell, got)
		}
	}
}

func TestContainerNameIsOfRunnerAndJob(t *testing.T) {
	a, b, c := ContainerName("r", "7/build/a/1"), ContainerName("r", "7/build/a/2"), ContainerName("s", "7/build/a/1")
	if a == b || a == c || a != ContainerName("r", "7/build/a/1") {
		t.Error(a, b, c)
	}
}

func TestLoadID(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var all sync.WaitGroup
	ids := make([]string, 16)
	for i := range ids {
		all.Go(func() {
			id, err := LoadID(dir)
			if err != nil {
				t.Error(err)
			}
			ids[i] = id
		})
	}
	all.Wait()
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 1 || ids[0] == "" {
		t.Errorf("%q", ids)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
	if err := os.WriteFile(filepath.Join(dir, identityFile), []byte("../evil\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if id, err := LoadID(dir); err == nil {
		t.Errorf("took %q", id)
	}
}

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
	l := newJobLog(&s, minLogLimit)
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
		l := newJobLog(&s, 64<<20)
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
		l := newJobLog(&s, minLogLimit)
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

// Lines reach the file while there is room, not at the end.
func TestCutterPassesOn(t *testing.T) {
	var s sink
	l := newJobLog(&s, minLogLimit)
	l.Say("now")
	if !strings.HasSuffix(s.String(), "s now\n") {
		t.Errorf("%q", s.String())
	}
}

type broken struct{ sink }

func (*broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestLogReadsOnWhenItCannotWrite(t *testing.T) {
	l := newJobLog(&broken{}, minLogLimit)
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

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0B", 1023: "1023B", 1024: "1KiB", 1536: "1.5KiB", 4 << 30: "4GiB", 5 << 50: "5120TiB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

func BenchmarkLog(b *testing.B) {
	l := newJobLog(discard{}, 64<<30)
	c := Chunk{Stdout, time.Now(), bytes.Repeat([]byte("a line of the usual length, with some words in it\n"), 600)}
	b.SetBytes(int64(len(c.Data)))
	for b.Loop() {
		l.add(c)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }
