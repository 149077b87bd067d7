package github

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCutMarkdown(t *testing.T) {
	room := 100 + len(cutNotice)
	for _, tt := range []struct{ name, in, want string }{
		{"fits", strings.Repeat("x", room), strings.Repeat("x", room)},
		{"at the end of a line", strings.Repeat("x", 95) + "\n" + strings.Repeat("y", 200), strings.Repeat("x", 95) + cutNotice},
		{"inside a long line", strings.Repeat("x", 300), strings.Repeat("x", 100) + cutNotice},
		{"between runes", strings.Repeat("€", 100), strings.Repeat("€", 33) + cutNotice},
		{"closes a fence", "````go\n" + strings.Repeat("x", 300), "````go\n" + strings.Repeat("x", 88) + "\n````" + cutNotice},
		{"leaves a closed fence", "```\nx\n```\n" + strings.Repeat("y", 300), "```\nx\n```\n" + strings.Repeat("y", 90) + cutNotice},
		{"not text", "\xff" + strings.Repeat("x", 10), "\uFFFD" + strings.Repeat("x", 10)},
		{"a fence longer than all", strings.Repeat("`", 300), strings.TrimSpace(cutNotice)},
	} {
		if got := cutMarkdown(tt.in, room); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestOpenFence(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"```\nx":                 "```",
		"```\nx\n```":            "",
		"````\n```\n":            "````",
		"~~~ sh\n```\n~~~\n":     "",
		"``` a`b\n":              "", // an inline span
		"text ```":               "",
		"> ```\n> x":             "```",
		"```\n``` not the end\n": "```",
		"```\r\nx\r\n```\r\n":    "",
		"```\nx\n~~~\n":          "```",
		"```\nx\n`````\n":        "",
		"   ```\n":               "```",
		"```\n```\n~~~~\n~~~\n":  "~~~~",
	} {
		if got := openFence(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzCutMarkdown(f *testing.F) {
	f.Add("```\n"+strings.Repeat("é\n", 80), 150)
	f.Add(strings.Repeat("`", 200), 120)
	f.Add("a\xffb", 90)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < len(cutNotice) || limit > 1<<16 {
			return
		}
		got := cutMarkdown(s, limit)
		valid := strings.ToValidUTF8(s, "\uFFFD")
		switch {
		case !utf8.ValidString(got):
			t.Errorf("%q is not UTF-8", got)
		case len(got) > limit:
			t.Errorf("%d bytes, limit %d", len(got), limit)
		case len(valid) <= limit && got != valid:
			t.Errorf("%q fits but became %q", s, got)
		case len(valid) > limit && !strings.HasSuffix(got, strings.TrimSpace(cutNotice)+"\n") && got != strings.TrimSpace(cutNotice):
			t.Errorf("%q does not say that it was cut", got)
		case len(valid) > limit && openFence(got) != "":
			t.Errorf("%q leaves a fence open", got)
		}
	})
}
