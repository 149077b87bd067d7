package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/githubtest"
)

// say prints a line with the time since the demo began.
func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.out, "%7.1f s  %s\n", time.Since(d.begun).Seconds(), fmt.Sprintf(format, args...))
}

// change prints what GitHub shows anew.
func (d *demo) change(c githubtest.Change) {
	switch {
	case c.CheckRun != nil:
		r := c.CheckRun
		d.say("%s %-22s %s", d.state(*r), r.Name, r.Title)
		if made, ok := line(r.Summary, "Artifacts: "); ok && r.Conclusion == "success" {
			d.say("%s %-22s kept %s", strings.Repeat(" ", 15), "", strings.ReplaceAll(made, "`", ""))
		}
	case c.Comment != nil && c.Comment.Bot:
		first, _, _ := strings.Cut(c.Comment.Body, "\n")
		d.say("stagegate: comments on #%d: %s", d.pull, link.ReplaceAllString(strings.ReplaceAll(first, "*", ""), "$1"))
	}
}

// link is a link in Markdown, whose text is enough for a terminal.
var link = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)

// line finds the line of a text that starts with the words, and returns the
// rest of it.
func line(text, start string) (string, bool) {
	for l := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(l, start); ok {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}

// state is a run's status or conclusion in fixed width, coloured for a person.
func (d *demo) state(r githubtest.CheckRun) string {
	word, colour := r.Status, "2"
	if r.Status == "in_progress" {
		colour = "33"
	}
	if r.Conclusion != "" {
		word, colour = r.Conclusion, "31"
	}
	switch r.Conclusion {
	case "success":
		colour = "32"
	case "action_required":
		colour = "36"
	}
	text := fmt.Sprintf("%-15s", strings.ReplaceAll(word, "_", " "))
	if d.person {
		return "\x1b[" + colour + "m" + text + "\x1b[0m"
	}
	return text
}

// summary is the end of the showing.
func (d *demo) summary() {
	fmt.Fprintln(d.out)
	var page string
	for _, name := range []string{"release / build", "release / test", "release / production"} {
		r, _ := d.newest(name)
		page, _, _ = strings.Cut(r.DetailsURL, "#")
		fmt.Fprintf(d.out, "  %-22s %s  %s\n", name, d.state(r), r.Title)
	}
	fmt.Fprintf(d.out, "\n  %d requests to GitHub, %.1f s in all. The page of the execution:\n  %s\n",
		len(d.github.Requests()), time.Since(d.begun).Seconds(), page)
	if !d.keep {
		fmt.Fprintln(d.out, "  (it is gone now; `make demo KEEP=1` leaves it up)")
	}
}
