package web

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
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
	return duration(end.Sub(start))
}

// duration writes a time span as people say it.
func duration(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 9950*time.Millisecond:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days %d h", int(d.Hours())/24, int(d.Hours())%24)
}

func size(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	v, units := float64(n)/(1<<10), "KMGTP"
	for v >= 1024 && len(units) > 1 {
		v, units = v/1024, units[1:]
	}
	return fmt.Sprintf("%.1f %ciB", v, units[0])
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
