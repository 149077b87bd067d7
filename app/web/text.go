package web

import (
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stagegate/stagegate/internal/human"
)

// moment is a time for people and for programs, in UTC; its zero value is none.
type moment struct {
	Text string
	ISO  string
}

func momentOf(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	t = t.UTC()
	return moment{Text: t.Format("2006-01-02 15:04:05 UTC"), ISO: t.Format(time.RFC3339)}
}

// took writes how long something went on, until now when it has not ended;
// empty when it has not begun.
func took(start, end, now time.Time) string {
	if start.IsZero() {
		return ""
	}
	if end.IsZero() {
		end = now
	}
	return human.Duration(end.Sub(start))
}

// clip makes text that others chose fit to be shown: at most n characters,
// nothing invisible.
func clip(s string, n int) string {
	return plain(cut(s, n))
}

// passage does the same with a text of several lines.
func passage(s string, n int) string {
	lines := strings.Split(strings.TrimRight(cut(s, n), "\r\n"), "\n")
	for i, line := range lines {
		lines[i] = plain(strings.TrimRight(line, "\r"))
	}
	return strings.Join(lines, "\n")
}

func cut(s string, n int) string {
	s = strings.ToValidUTF8(s[:min(len(s), 4*n+4)], "")
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(line)
}

func sentence(s string) string {
	if s == "" {
		return ""
	}
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[n:]
}

// short is the beginning of a digest or a commit, enough to compare by eye.
func short(s string, n int) string {
	return clip(s[:min(len(s), n)], n)
}

// link is a text that leads somewhere; without URL it is only the text.
type link struct {
	Text string
	URL  string
}

// under joins path segments below a base; empty without a base.
func under(base string, segments ...string) string {
	if base == "" {
		return ""
	}
	base = strings.TrimRight(base, "/")
	for _, s := range segments {
		for part := range strings.SplitSeq(s, "/") {
			base += "/" + url.PathEscape(part)
		}
	}
	return base
}
