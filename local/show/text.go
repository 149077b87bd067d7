package show

import (
	"fmt"
	"strings"
	"time"

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
	case s == pipeline.Cancelled, s == pipeline.Cancelling:
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
		text += " (" + duration(took) + ")"
	}
	return text
}

func tookAction(a pipeline.ActionState) time.Duration {
	if a.StartedAt.IsZero() || a.EndedAt.Before(a.StartedAt) {
		return 0
	}
	return a.EndedAt.Sub(a.StartedAt)
}

// duration writes a time span as people say it.
func duration(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
}

// size writes a number of bytes for people.
func size(n int64) string {
	const units = "KMGT"
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/(1<<10), 0
	for f >= 1<<10 && i < len(units)-1 {
		f, i = f/(1<<10), i+1
	}
	return fmt.Sprintf("%.1f %ciB", f, units[i])
}

func colon(text string) string { return prefixed(": ", text) }

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
