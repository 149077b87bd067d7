package show

import (
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/human"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/local"
)

// notStarted is the reason of an action that was never reached.
const notStarted = "not started"

// colour is a colour of a terminal, by its ANSI code.
type colour string

const (
	plain  colour = ""
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
	blue   colour = "34"
	grey   colour = "90"
	bold   colour = "1"
)

// style tells whether there are colours.
type style bool

func (s style) paint(c colour, text string) string {
	if !s || c == plain || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

func colourOf(s pipeline.Status) colour {
	switch {
	case s == pipeline.Succeeded:
		return green
	case s.Bad():
		return red
	case s == pipeline.Cancelled, s == pipeline.Stopped, s == pipeline.Stopping, s == pipeline.Cancelling:
		return yellow
	case s == pipeline.InProgress, s == pipeline.Waiting:
		return blue
	}
	return grey
}

// title names what runs.
func title(b local.Beginning) string {
	text := "pipeline " + b.Pipeline + " (" + b.File + ")"
	if b.Revision != "" {
		text += ", " + b.Revision
	}
	return text
}

// words puts a status for people.
func words(s pipeline.Status) string {
	return strings.ReplaceAll(string(s), "_", " ")
}

// ended says how an action ended and how long it took.
func ended(a pipeline.ActionState) string {
	text := words(a.Status)
	if a.Reason != "" {
		text += ": " + a.Reason
	}
	if took := tookAction(a); took > 0 {
		text += " (" + human.Duration(took) + ")"
	}
	return text
}

func tookAction(a pipeline.ActionState) time.Duration {
	if a.StartedAt.IsZero() || a.EndedAt.Before(a.StartedAt) {
		return 0
	}
	return a.EndedAt.Sub(a.StartedAt)
}

func colon(text string) string { return prefixed(": ", text) }

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
