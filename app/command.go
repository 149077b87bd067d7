package app

import (
	"regexp"
	"strings"
)

// command is a line of a comment that is meant for us.
type command struct {
	verb verb
	args []string
	rest string // what the arguments are made of, as it is written
	line string
}

// mistold refuses a command that is not said as it is to be.
func (c command) mistold(hint string) refusal {
	return refused(codeInvalid, "the form is `%s`%s", c.verb.form, hint)
}

// option splits a word off the end of the arguments, and tells whether it was there.
func (c command) option(word string) (args []string, given bool) {
	last := len(c.args) - 1
	if last < 0 || c.args[last] != word {
		return c.args, false
	}
	return c.args[:last], true
}

var commandLine = regexp.MustCompile(`^/([A-Za-z][A-Za-z_-]*)(?:[ \t]+(.*?))?[ \t]*$`)

// commands finds the commands of a comment, and what looks like one of ours: lines that start with one at
// column one, outside quotes, code and HTML comments. A line that follows a
// quoted one without a blank line between still belongs to the quote, as
// Markdown has it.
func commands(body string) []command {
	var (
		found  []command
		fence  string // the open code fence
		quoted bool   // the line before belongs to a quote
		hidden bool   // inside an HTML comment
	)
	for line := range strings.Lines(strings.ReplaceAll(body, "\r\n", "\n")) {
		line = strings.TrimRight(line, "\n")
		text := strings.TrimLeft(line, " ")
		switch {
		case hidden:
			hidden = !strings.Contains(line, "-->")
		case fence != "":
			if closes(text, fence) {
				fence = ""
			}
		case len(line)-len(text) < 4 && opensFence(text) != "":
			fence, quoted = opensFence(text), false
		case strings.HasPrefix(text, ">"):
			quoted = strings.TrimLeft(text, "> ") != ""
		case strings.TrimSpace(line) == "":
			quoted = false
		case strings.Contains(line, "<!--"):
			hidden = !strings.Contains(line[strings.Index(line, "<!--"):], "-->")
		case quoted:
		default:
			if m := commandLine.FindStringSubmatch(line); m != nil {
				if v, ours := verbMeant(m[1]); ours {
					found = append(found, command{verb: v, args: strings.Fields(m[2]), rest: m[2], line: line})
				}
			}
		}
	}
	return found
}

// opensFence returns the fence that a line opens, or "".
func opensFence(text string) string {
	for _, mark := range []string{"`", "~"} {
		run := len(text) - len(strings.TrimLeft(text, mark))
		if run >= 3 && (mark == "~" || !strings.Contains(text[run:], "`")) {
			return text[:run]
		}
	}
	return ""
}

// closes tells whether a line closes the fence: the same mark, at least as
// long, and nothing else.
func closes(text, fence string) bool {
	text = strings.TrimRight(text, " \t")
	return len(text) >= len(fence) && strings.Trim(text, fence[:1]) == ""
}
