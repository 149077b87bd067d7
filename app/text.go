package app

import (
	"fmt"
	"regexp"
	"strings"
)

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func colon(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

func parenthesised(hint string) string {
	if hint == "" {
		return ""
	}
	return " (" + hint + ")"
}

func by(actor string) string {
	if actor == "" {
		return ""
	}
	return " by " + plain(actor)
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// shown quotes what somebody said, as code that nothing gets out of.
func shown(said string) string {
	return "`" + cut(strings.ReplaceAll(said, "`", "'"), 100) + "`"
}

// harmless does to a text what plain does, but leaves code between backticks as it
// is: nothing in code is read as anything else.
func harmless(s string) string {
	parts := strings.Split(strings.Join(strings.Fields(s), " "), "`")
	if len(parts)%2 == 0 || strings.Contains(s, "``") { // where code ends is not what it seems
		return plain(s)
	}
	for i := 0; i < len(parts); i += 2 {
		parts[i] = escaper.Replace(parts[i])
	}
	return strings.Join(parts, "`")
}

// plain keeps hostile text from being read as Markdown, HTML or a mention.
func plain(s string) string {
	return escaper.Replace(strings.Join(strings.Fields(s), " "))
}

var escaper = strings.NewReplacer(
	"\\", "\\\\", "&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "\\|", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]",
	"@", "@\u200b", "#", "\\#", "!", "\\!",
)

var ansi = regexp.MustCompile("\x1b(\\[[0-9;?]*[ -/]*[@-~]|\\][^\x07\x1b]*(\x07|\x1b\\\\)?|[@-Z\\\\-_])")

// fenced puts text that came out of a container into a code block it cannot
// get out of.
func fenced(text string) string {
	text = ansi.ReplaceAllString(text, "")
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + "text\n" + strings.TrimRight(text, "\n") + "\n" + fence
}
