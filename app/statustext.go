package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// mostShown is how many pipelines a status shows.
const mostShown = 20

// statusText says where the newest execution of each pipeline stands. Nobody is
// mentioned by it, and times are absolute: it changes only when something does.
func (a *App) statusText(ctx context.Context, tx store.Tx, newest []store.Execution) (string, error) {
	var b strings.Builder
	b.WriteString(statusMarker + "\n")
	newest = slices.Clone(newest)
	slices.SortFunc(newest, func(x, y store.Execution) int { return cmp.Compare(x.Definition.Name, y.Definition.Name) })
	for _, x := range newest[:min(len(newest), mostShown)] {
		around, err := a.around(ctx, tx, x.Execution)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "**[%s %d](%s)** %s\n\n", plain(x.Definition.Name), x.Number, a.pageURL(x, ""), executionLine(x))
		for i := range x.Stages {
			fmt.Fprintf(&b, "- **%s** %s\n", plain(x.Stages[i].Name), stageLine(x, i, around))
		}
		if len(x.Stages) > 0 {
			b.WriteString("\n")
		}
	}
	if more := len(newest) - mostShown; more > 0 {
		fmt.Fprintf(&b, "And %s more.\n\n", count(more, "pipeline"))
	}
	b.WriteString("Edited by each `/status`, and by itself when something changes.")
	return b.String(), nil
}

// moment is a time that means the same to everybody.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func executionLine(x store.Execution) string {
	status := strings.ReplaceAll(string(x.Status), "_", " ")
	line := fmt.Sprintf("%s since %s", status, moment(x.CreatedAt))
	if x.Status.Ended() {
		line = fmt.Sprintf("%s at %s", status, moment(x.EndedAt))
	}
	line += fmt.Sprintf(", commit `%s` of %s", shortSHA(x.Revision.Commit), plain(x.Lane))
	switch {
	case len(x.Problems) > 0:
		line += ": " + plain(cut(x.Problems[0].Message, 300))
	case x.Status.Ended() && x.Reason != "":
		line += ": " + plain(cut(x.Reason, 300))
	}
	return line
}

func stageLine(x store.Execution, i int, around explain.Around) string {
	st := x.Stages[i]
	var lines []string
	for _, w := range explain.Waits(x.Execution, i, around) {
		lines = append(lines, waitLine(w))
	}
	for _, g := range gates([]store.Execution{x}) {
		if g.stage == i {
			lines = append(lines, fmt.Sprintf("answer by `/approve %s` or `/reject %s`", g.name(), g.name()))
		}
	}
	if st.Overridable() && !x.Status.Ended() {
		lines = append(lines, overrideHint(x, st))
	}
	switch {
	case len(lines) > 0:
		return strings.Join(lines, "; ")
	case st.Status == pipeline.Pending:
		return "not reached"
	case st.Status == pipeline.Failed || st.Status == pipeline.TimedOut:
		return endLine(st, failure(x.Execution, i)) + repeatHint(x, st)
	case st.Status.Ended():
		return endLine(st, st.Reason) + repeatHint(x, st)
	}
	return statusWords(st.Status)
}

func endLine(st pipeline.StageState, why string) string {
	line := statusWords(st.Status)
	if !st.EndedAt.IsZero() {
		line += " at " + moment(st.EndedAt)
	}
	return line + colon(plain(cut(why, 300)))
}

func waitLine(w explain.Wait) string {
	line := "waits for " + harmless(cut(w.Text, 500))
	if !w.Since.IsZero() {
		line += ", since " + moment(w.Since)
	}
	if w.Next != "" {
		line += "; then " + harmless(cut(w.Next, 300))
	}
	return line
}
