// Package logcommand reads the commands a script gives by printing them, as in
// GitHub Actions: a line ::name property=value,…::text.
package logcommand

import (
	"bytes"
	"strconv"
	"strings"
)

// Kind is what a command is about.
type Kind int

// The kinds of commands. Nothing else is one, and stays text.
const (
	None     Kind = iota
	Error         // ::error file=,line=,endLine=,col=,endColumn=,title=::message
	Warning       // likewise
	Notice        // likewise
	Debug         // ::debug::message
	Group         // ::group::title
	EndGroup      // ::endgroup::
	AddMask       // ::add-mask::value
	Stop          // ::stop-commands::token: what follows is text
	Resume        // ::token::
)

var kinds = map[string]Kind{
	"error": Error, "warning": Warning, "notice": Notice, "debug": Debug,
	"group": Group, "endgroup": EndGroup, "add-mask": AddMask, "stop-commands": Stop,
}

// Command is one of them, decoded. All of it is hostile text. Lines and columns
// count from 1; zero is none.
type Command struct {
	Kind Kind
	Text string // message, title or value; may have several lines

	File, Title       string
	Line, EndLine     int
	Column, EndColumn int
}

// Reader finds the commands among the lines of one log. Its zero value stands
// at the beginning.
type Reader struct {
	token string // ends the stop; empty: commands count
}

// maxToken bounds what a stopped Reader remembers.
const maxToken = 256

// Read returns the command that a line is; none, most often.
func (r *Reader) Read(line []byte) (Command, bool) {
	if !Possible(line) {
		return Command{}, false
	}
	name, properties, text, ok := split(strings.TrimSpace(string(line)))
	if !ok {
		return Command{}, false
	}
	if r.token != "" {
		if name != r.token {
			return Command{}, false
		}
		r.token = ""
		return Command{Kind: Resume}, true
	}
	c := Command{Kind: kinds[strings.ToLower(name)], Text: unescape(text)}
	if c.Kind == Stop {
		if !tokenOK(c.Text) {
			return Command{}, false
		}
		r.token = c.Text
	}
	if c.Kind == Error || c.Kind == Warning || c.Kind == Notice {
		c.set(properties)
	}
	return c, c.Kind != None
}

// Possible tells whether a line begins as commands do. It costs next to
// nothing.
func Possible(line []byte) bool {
	if len(line) == 0 || line[0] != ':' && line[0] > ' ' {
		return false
	}
	line = bytes.TrimLeft(line, " \t")
	return len(line) > 4 && line[0] == ':' && line[1] == ':'
}

// split takes ::name properties::text apart.
func split(line string) (name, properties, text string, ok bool) {
	head, text, ok := strings.Cut(line[len("::"):], "::")
	if !ok || head == "" {
		return "", "", "", false
	}
	name, properties, _ = strings.Cut(head, " ")
	return name, properties, text, true
}

// tokenOK refuses a token that would be a command of its own, and one that no
// line can hold.
func tokenOK(token string) bool {
	_, command := kinds[strings.ToLower(token)]
	return token != "" && len(token) <= maxToken && !command && !strings.ContainsAny(token, " :\r\n")
}

func (c *Command) set(properties string) {
	for p := range strings.SplitSeq(properties, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		value = unescapeProperty(value)
		switch strings.ToLower(key) {
		case "file":
			c.File = value
		case "title":
			c.Title = value
		case "line":
			c.Line = position(value)
		case "endline":
			c.EndLine = position(value)
		case "col":
			c.Column = position(value)
		case "endcolumn":
			c.EndColumn = position(value)
		}
	}
}

// maxPosition is beyond any line or column there is.
const maxPosition = 1_000_000_000

func position(text string) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 1 || n > maxPosition {
		return 0
	}
	return n
}

var (
	text     = strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%")
	property = strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
)

func unescape(s string) string         { return text.Replace(s) }
func unescapeProperty(s string) string { return property.Replace(s) }

var levels = map[Kind]string{Error: "error", Warning: "warning", Notice: "notice"}

// Level is error, warning, notice, or empty for other commands.
func (c Command) Level() string { return levels[c.Kind] }

// Readable writes the command for people, in one line; ok is false where there
// is nothing to read in it.
func (c Command) Readable() (line string, ok bool) {
	switch c.Kind {
	case Group:
		return oneLine(c.Text), true
	case Error, Warning, Notice:
	default:
		return "", false
	}
	line = c.Level() + ": "
	if place := c.Place(); place != "" {
		line += place + ": "
	}
	if c.Title != "" {
		line += c.Title + ": "
	}
	return oneLine(line + c.Text), true
}

// Place is where the command points to: file:line:column as far as it says.
func (c Command) Place() string {
	place := c.File
	if place != "" && c.Line > 0 {
		place += ":" + strconv.Itoa(c.Line)
		if c.Column > 0 {
			place += ":" + strconv.Itoa(c.Column)
		}
	}
	return place
}

func oneLine(s string) string {
	return strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(s)
}
