package app

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// maxAnnotations of a check run are what one request takes: sent with the run's
// end, they are there at once or not at all.
const maxAnnotations = 50

// annotations is what the stage's scripts said about files, the errors first.
func annotations(x pipeline.Execution, i int) []github.Annotation {
	var all []github.Annotation
	for _, level := range []pipeline.Level{pipeline.LevelError, pipeline.LevelWarning, pipeline.LevelNotice} {
		for _, act := range x.Stages[i].Actions {
			for _, n := range act.Annotations {
				if n.Level == level {
					all = append(all, annotation(x, act.Name, n))
				}
			}
		}
	}
	return all[:min(len(all), maxAnnotations)]
}

// annotation is a remark of an action. GitHub wants a file, and the pipeline's
// is where a remark without one comes from.
func annotation(x pipeline.Execution, action string, n pipeline.Annotation) github.Annotation {
	if strings.ContainsFunc(n.File, unicode.IsControl) { // no file, but a whole run that GitHub might refuse
		n.File = ""
	}
	out := github.Annotation{
		Path: cmp.Or(n.File, x.Definition.File), StartLine: max(n.Line, 1), EndLine: max(n.EndLine, n.Line, 1),
		StartColumn: n.Column, EndColumn: n.EndColumn, Level: string(n.Level), Message: n.Message,
		Title: action + colon(n.Title),
	}
	if n.Level == pipeline.LevelError {
		out.Level = "failure"
	}
	return out
}

// shownErrors is how many errors stand above the end of a log.
const shownErrors = 5

// firstErrors lists the first errors a script named.
func firstErrors(act pipeline.ActionState) string {
	var b strings.Builder
	left := slices.DeleteFunc(slices.Clone(act.Annotations), func(n pipeline.Annotation) bool { return n.Level != pipeline.LevelError })
	for _, n := range left[:min(len(left), shownErrors)] {
		place := ""
		if n.File != "" {
			place = plain(fmt.Sprintf("%s:%d", n.File, max(n.Line, 1))) + ": "
		}
		fmt.Fprintf(&b, "- %s%s\n", place, plain(cut(n.Message, 300)))
	}
	if more := len(left) - shownErrors; more > 0 {
		fmt.Fprintf(&b, "- and %s more\n", count(more, "error"))
	}
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

// summaryRoom is how much of a check run's text its summaries take, in bytes.
const summaryRoom = 60_000

// summaries is the Markdown the stage's scripts wrote, each as a quotation: no
// fence, heading or tag of one reaches into what follows it.
func summaries(st pipeline.StageState) string {
	n := 0
	for _, act := range st.Actions {
		if act.Summary != "" {
			n++
		}
	}
	var b strings.Builder
	for _, act := range st.Actions {
		if act.Summary == "" {
			continue
		}
		fmt.Fprintf(&b, "**%s** wrote:\n\n%s\n\n", plain(act.Name), quotation(act.Summary, summaryRoom/n))
	}
	return b.String()
}

// mention is what GitHub would take for a person or a team.
var mention = regexp.MustCompile(`(^|[^\w@])@(\w)`)

// quotation quotes a text of so many bytes at most. Nobody is mentioned by it.
func quotation(text string, room int) string {
	text = mention.ReplaceAllString(text, "$1@\u200b$2")
	var b strings.Builder
	for line := range strings.Lines(strings.TrimRight(text, "\r\n ")) {
		line = "> " + strings.TrimRight(line, "\r\n") + "\n"
		if b.Len()+len(line) > room {
			b.WriteString(">\n> *Cut here: there is no room for more.*\n")
			break
		}
		b.WriteString(line)
	}
	return b.String()
}
