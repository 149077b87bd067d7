package web

import (
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRenderLines(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"colour", "a \x1b[31mred\x1b[0m b", `a <span class="term-fg31">red</span> b`},
		{"bright on ground", "\x1b[91;44mx\x1b[m", `<span class="term-fgi91 term-bg44">x</span>`},
		{"one of 256", "\x1b[38;5;208mx", `<span class="term-fgx208">x</span>`},
		{"24 bit", "\x1b[1;38;2;255;0;0;4mx", `<span class="term-fgx196 term-fg1 term-fg4">x</span>`},
		{"24 bit, unfinished", "\x1b[38;2;255mx", `x`},
		{"markup", `<script>a("b")&'c'</script>`, `&lt;script&gt;a(&quot;b&quot;)&amp;&#39;c&#39;&lt;&#47;script&gt;`},
		{"progress", "10%\r20%\r100%", "100%"},
		{"progress that erases", "downloading\r\x1b[Kdone", "done"},
		{"progress that moves", "downloading\x1b[2K\x1b[1Gdone", "done"},
		{"link", "\x1b]8;;javascript:alert(1)\x1b\\click\x1b]8;;\x1b\\ me", "click me"},
		{"link, data", "\x1b]8;;data:text/html,<script>\aclick", "click"},
		{"inline image", "a\x1b]1337;File=name=MS5naWY=;inline=1:AAAA\ab", "ab"},
		{"remote image", "a\x1b]1338;url=https://evil.example/i.png;alt=x\ab", "ab"},
		{"link of buildkite", "a\x1b]1339;url=vbscript:x;content=y\ab", "ab"},
		{"time of buildkite", "a\x1b_bk;t=123\ab", "ab"},
		{"title", "\x1b]0;title\atext", "text"},
		{"device control", "\x1bPq#0;2;0;0;0\x1b\\text", "text"},
		{"string without end hides nothing", "\x1b]0;rest of the line", "0;rest of the line"},
		{"string with an escape in it", "\x1b]0;a\x1b[31mb", `0;a<span class="term-fg31">b</span>`},
		{"sequence without end", "a\x1b[31", "a31"},
		{"escape at the end", "a\x1b", "a"},
		{"up", "a\x1b[9223372036854775807Ab", "ab"},
		{"down", "a\x1b[9223372036854775807Bb", "ab"},
		{"right", "a\x1b[9223372036854775807Cb", "ab"},
		{"home and clear", "a\x1b[H\x1b[2Jb", "ab"},
		{"delete lines is no colour", "\x1b[31Mx", "x"},
		{"colons", "\x1b[38:2::1:2:3mx", "x"},
		{"private", "\x1b[?25lx\x1b[?25h", "x"},
		{"reverse index", "a\x1bMb\x1b7\x1b8c", "abc"},
		{"character set", "\x1b(Bx", "x"},
		{"control codes", "a\x00\x01\x07\x7f\u009b31mb", "a\uFFFD\uFFFD31mb"},
		{"direction", "a\u202eb\u2066c\u2028d", "a\uFFFDb\uFFFDc\uFFFDd"},
		{"not UTF-8", "a\xff\xfeb", "a\uFFFD\uFFFDb"},
		{"tab", "a\tb", "a\tb"},
		{"wide", strings.Repeat("x", 500), strings.Repeat("x", 500)},
		{"empty", "", "&nbsp;"},
		{"colour of nothing", "\x1b[41m\x1b[0m", "&nbsp;"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := renderLines([]string{"before", tt.line, "\x1b[mafter"})
			if diff := cmp.Diff([]string{"before", tt.want, "after"}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestColoursLastOverLineEnds(t *testing.T) {
	got := renderLines([]string{"\x1b[31ma", "", "b\x1b[0m", "c"})
	want := []string{`<span class="term-fg31">a</span>`, `<span class="term-fg31"> </span>`, `<span class="term-fg31">b</span>`, "c"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestManyEmptyLinesStayInPlace(t *testing.T) {
	lines := append(make([]string, 500), "end")
	if got := renderLines(lines); len(got) != 501 || got[500] != "end" {
		t.Errorf("%d lines, the last %q", len(got), got[len(got)-1])
	}
}

func TestColoursHaveAnEnd(t *testing.T) {
	line := strings.Repeat("\x1b[31ma\x1b[32mb", 100_000)
	start := time.Now()
	got := renderLines([]string{line})[0]
	if n := strings.Count(got, "<span"); n > maxStyles {
		t.Errorf("%d changes of colour", n)
	}
	t.Logf("%d bytes to %d in %v", len(line), len(got), time.Since(start))
}

func TestTail(t *testing.T) {
	const text = "one\ntwo\nthree\n"
	for limit, want := range map[int]string{1: "\n", 6: "three\n", 9: "three\n", 10: "three\n", 11: "two\nthree\n", 14: text, 100: text} {
		for name, r := range map[string]io.Reader{"seeking": strings.NewReader(text), "reading": iotest.OneByteReader(strings.NewReader(text))} {
			got, cut, err := tail(r, limit)
			if err != nil || cut != (limit < len(text)) {
				t.Errorf("%s %d: cut %v, %v", name, limit, cut, err)
			}
			if limit > 1 && string(got) != want {
				t.Errorf("%s %d: %q, want %q", name, limit, got, want)
			}
		}
	}
}

func TestTextInColoursCanBeRead(t *testing.T) {
	for i := range 256 {
		if r := ratio(readable(indexColour(i, basic)), panel); r < contrast {
			t.Errorf("colour %d has contrast %.1f", i, r)
		}
	}
	css := string(styleSheet())
	if want := "--log: " + panel.String(); !strings.Contains(css, want) {
		t.Errorf("style.css has no %s", want)
	}
}

// onlySpans is all that may come out: text without markup, in spans.
var onlySpans = regexp.MustCompile(`^(?:[^<>"']|<span class="term-[a-z0-9 -]+">|</span>)*$`)

func FuzzRenderLines(f *testing.F) {
	for _, s := range []string{
		"\x1b]8;;javascript:alert(1)\a<b>", "\x1b[9223372036854775807B\n\x1b[38;5;1mx", "a\rb\b\b\bc\x1b[5G\x1b[1K\n\n", "\x1b_bk;t=1\x1b\\\x1b]1337;File=:\a",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		lines := strings.Split(s, "\n")
		got := renderLines(lines)
		if len(got) != len(lines) {
			t.Fatalf("%d lines became %d", len(lines), len(got))
		}
		for _, line := range got {
			if !onlySpans.MatchString(line) {
				t.Fatalf("%q became %q", s, line)
			}
		}
	})
}
