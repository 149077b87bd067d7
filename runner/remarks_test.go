package runner

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner/redact"
)

// written returns the log of an output, without times.
func written(t *testing.T, masker *redact.Masker, chunks ...Chunk) (*jobLog, []string) {
	t.Helper()
	var s sink
	l := newJobLog(&s, 64<<20, masker)
	if err := errors.Join(l.Copy(&pieces{chunks}), l.Close()); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(s.String()) {
		lines = append(lines, strings.TrimSuffix(line[len(logTime)+1:], "\n"))
	}
	return l, lines
}

func out(text string) Chunk { return Chunk{Stdout, time.Now(), []byte(text)} }

func TestCommandsInALog(t *testing.T) {
	l, got := written(t, redact.New("hunter2!"),
		out("::group::Tests of %25\nok\n"),
		out("::error file=a.go,line=3,col=4,title=Broken::it is%0Abroken by hunter2!\n"),
		Chunk{Stderr, time.Now(), []byte("::warning::careful\n")},
		out("::endgroup::\n::debug::nothing\n"),
		out("::add-mask::sesame\nopen sesame, or sesame%21\n::add-mask::abc\n"),
		out("::stop-commands::stop\n::error::no command\n::stop::\n::notice::again"),
	)
	want := []string{
		"o ::group::Tests of %25", "o ok", "o ::error file=a.go,line=3,col=4,title=Broken::it is%0Abroken by ***",
		"e ::warning::careful", "o ::endgroup::", "o ::debug::nothing",
		"o ::add-mask::***", "o open ***, or ***%21", "o ::add-mask::***", "s add-mask: a value shorter than 4 bytes is not masked",
		"o ::stop-commands::stop", "o ::error::no command", "o ::stop::", "o ::notice::again",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	annotations := []pipeline.Annotation{
		{Level: "error", File: "a.go", Line: 3, Column: 4, Title: "Broken", Message: "it is\nbroken by ***"},
		{Level: "warning", Message: "careful"},
		{Level: "notice", Message: "again"},
	}
	if diff := cmp.Diff(annotations, l.Annotations()); diff != "" {
		t.Error(diff)
	}
	tail := strings.Join([]string{
		"Tests of %", "ok", "error: a.go:3:4: Broken: it is broken by ***", "warning: careful", "open ***, or ***%21",
		"add-mask: a value shorter than 4 bytes is not masked", "::error::no command", "notice: again",
	}, "\n")
	if diff := cmp.Diff(tail, l.Tail()); diff != "" {
		t.Error(diff)
	}
}

// Whatever a job prints, what is kept of it in memory has a bound, and that
// something was left out is said.
func TestAnnotationsHaveBounds(t *testing.T) {
	line := "::error file=" + strings.Repeat("f", 3000) + ",title=" + strings.Repeat("€", 300) + "::" + strings.Repeat("m", 9000) + "\n"
	l, got := written(t, nil, out(strings.Repeat(line, 60)+strings.Repeat("::notice::short\n", 60)))
	total, notices := 0, 0
	for _, a := range l.Annotations() {
		total += len(a.File) + len(a.Title) + len(a.Message)
		if len(a.File) > maxFile || len(a.Title) > maxTitle || len(a.Message) > maxMessage || !utf8.ValidString(a.Title) {
			t.Fatalf("file %d, title %d, message %d", len(a.File), len(a.Title), len(a.Message))
		}
		if a.Level == pipeline.LevelNotice {
			notices++
		}
	}
	if total > maxAnnotationText || total < maxAnnotationText/2 || notices != maxAnnotations {
		t.Errorf("%d bytes, %d notices", total, notices)
	}
	want := fmt.Sprintf("s annotations left out: %d; at most 50 of a level are kept, and 128 KiB in all", 120-len(l.Annotations()))
	if last := got[len(got)-1]; last != want {
		t.Errorf("got %q, want %q", last, want)
	}
}

func TestMasksHaveBounds(t *testing.T) {
	text := ""
	for i := range maxMasks + 1 {
		text += fmt.Sprintf("::add-mask::value-%03d\n", i)
	}
	_, got := written(t, nil, out(text+"value-000 value-063 value-064\n::add-mask::"+strings.Repeat("x", maxMaskText+1)+"\n"))
	refused := "s add-mask: not masked, because a job may add 64 values of 32 KiB in all"
	if n := len(got); got[n-4] != refused || got[n-3] != "o *** *** value-064" || got[n-2] != "o ::add-mask::***" || got[n-1] != refused {
		t.Errorf("%q", got[len(got)-4:])
	}
}

// A secret is hidden wherever a line that is too long is cut.
func TestSecretsInLinesThatAreCut(t *testing.T) {
	const secret = "correct horse battery staple"
	for _, before := range []int{maxLine - 40, maxLine - 10, maxLine, maxLine + 3, 3*maxLine - 5} {
		text := strings.Repeat("-", before) + secret + strings.Repeat("-", maxLine) + secret + "\n"
		for _, size := range []int{1, 16 << 10, len(text)} {
			var chunks []Chunk
			for part := range slices.Chunk([]byte(text), size) {
				chunks = append(chunks, Chunk{Stdout, time.Now(), part})
			}
			_, got := written(t, redact.New(secret), chunks...)
			joined := ""
			for _, line := range got {
				joined += strings.TrimPrefix(line, "o ")
			}
			if want := strings.Repeat("-", before) + "***" + strings.Repeat("-", maxLine) + "***"; joined != want {
				t.Errorf("%d bytes before, pieces of %d: %d bytes, want %d", before, size, len(joined), len(want))
			}
		}
	}
}

func TestAnnotationsArePlacedInTheRepository(t *testing.T) {
	for file, want := range map[string]string{
		"":                                   "",
		"a/b.go":                             "a/b.go",
		"./a/../b.go":                        "b.go",
		"../shop/b.go":                       "",
		"../../../etc/passwd":                "",
		path.Join(inputsPath, "source/x.go"): "x.go",
		path.Join(inputsPath, "shop/x.go"):   "",
		"/etc/passwd":                        "",
		inputsPath + "/source":               "",
	} {
		job := pipeline.Job{Inputs: []pipeline.Artifact{{Name: "source"}, {Name: "shop"}}}
		got := (&task{job: job}).place([]pipeline.Annotation{{File: file, Line: 7, Message: "m"}})[0]
		if got.File != want || want != "" && (got.Line != 7 || got.Message != "m") {
			t.Errorf("%q: %+v, want %q", file, got, want)
		}
		if want == "" && file != "" && (got.Line != 0 || got.Message != file+": m") {
			t.Errorf("%q: %+v", file, got)
		}
	}
}

// However an output is cut into chunks, its log is the same, has no secret in
// it, and every line has the form that readers rely on.
func FuzzLog(f *testing.F) {
	f.Add([]byte("one\ntwo\r\n::add-mask::value\nvalue"), uint16(3), uint16(1))
	f.Add([]byte("\xff\x00 hunter22 \r\r\n::error::hunter22\n"), uint16(1), uint16(1))
	f.Add([]byte("hunter2-€\r"), uint16(1000), uint16(9000))
	f.Fuzz(func(t *testing.T, data []byte, size, times uint16) {
		const secret = "hunter2"
		text := string(data)
		if len(text) > 0 {
			text = strings.Repeat(text, 1+int(times)%(1+200_000/len(text)))
		}
		var chunks []Chunk
		for part := range slices.Chunk([]byte(text), 1+int(size)) {
			chunks = append(chunks, Chunk{Stdout, time.Now(), part})
		}
		whole, want := written(t, redact.New(secret), out(text))
		_, got := written(t, redact.New(secret), chunks...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		for _, line := range got {
			if strings.Contains(line, secret) || !utf8.ValidString(line) || line[1] != ' ' || !strings.Contains("os", line[:1]) {
				t.Fatalf("%q", line)
			}
		}
		for _, a := range whole.Annotations() {
			if strings.Contains(a.Message+a.Title+a.File, secret) {
				t.Fatalf("%+v", a)
			}
		}
	})
}
