package github

import (
	"strings"
	"unicode/utf8"
)

// maxMarkdown is the most bytes of a summary, a text or a comment. GitHub's
// description says characters; it counts bytes: "summary exceeds a maximum
// bytesize of 65535", github/docs#35252.
const maxMarkdown = 65535

const cutNotice = "\n\n*Cut here: GitHub takes no more than 65,535 bytes.*\n"

// cutMarkdown shortens a text to limit bytes, at the end of a line if one is
// near, closes a code block that the cut opened, and says that it was cut.
func cutMarkdown(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	for room := limit - len(cutNotice); room > 0; {
		head := cutLine(s, room)
		if fence := openFence(head); fence != "" {
			head += "\n" + fence
		}
		over := len(head) + len(cutNotice) - limit
		if over <= 0 {
			return head + cutNotice
		}
		room -= over
	}
	return cutText(strings.TrimSpace(cutNotice), limit)
}

// cutLine takes at most n bytes, whole runes, and whole lines unless that
// would cost an eighth of them.
func cutLine(s string, n int) string {
	s = cutText(s, n)
	if i := strings.LastIndexByte(s, '\n'); i > n-n/8 {
		return s[:i]
	}
	return s
}

// cutText takes at most n bytes, whole runes.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// openFence returns the fence of a code block that s leaves open, or nothing.
func openFence(s string) string {
	open := ""
	for line := range strings.Lines(s) {
		line = strings.TrimRight(strings.TrimLeft(line, " \t>"), " \t\r\n")
		fence := fenceOf(line)
		switch {
		case fence == "":
		case open == "" && (fence[0] == '~' || !strings.Contains(line[len(fence):], "`")):
			open = fence
		case open != "" && fence == line && fence[0] == open[0] && len(fence) >= len(open):
			open = ""
		}
	}
	return open
}

// fenceOf returns the run of three or more backticks or tildes that begins a
// line.
func fenceOf(line string) string {
	if line == "" || line[0] != '`' && line[0] != '~' {
		return ""
	}
	run := line[:len(line)-len(strings.TrimLeft(line, line[:1]))]
	if len(run) < 3 {
		return ""
	}
	return run
}
