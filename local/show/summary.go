package show

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/stagegate/stagegate/internal/human"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/local"
)

// summary is the last thing a run says without a tree: its stages and actions,
// why it failed, and what it made.
func summary(o local.Outcome, s style) string {
	var b strings.Builder
	b.WriteByte('\n')
	width, titles := 0, titlesIn(o.Execution.Definition)
	for _, st := range o.Execution.Stages {
		width = max(width, len(st.Name))
		for _, a := range st.Actions {
			width = max(width, len(titles.of(st.Name, a.Name))+2)
		}
	}
	for _, st := range o.Execution.Stages {
		fmt.Fprintf(&b, "%-*s  %s\n", width, st.Name, s.paint(colourOf(st.Status), filter(endedStage(st), false)))
		for _, a := range st.Actions {
			fmt.Fprintf(&b, "  %-*s  %s\n", width-2, titles.of(st.Name, a.Name), s.paint(colourOf(a.Status), filter(ended(a), false)))
		}
	}
	return b.String() + blank(causes(o, s)) + blank(products(o)) + verdict(o, s) + "\n"
}

func blank(text string) string { return prefixed("\n", text) }

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func endedStage(st pipeline.StageState) string {
	text := words(st.Status)
	if st.Status == pipeline.Pending {
		text = "not reached"
	}
	if st.Status.Ended() {
		text += colon(firstLine(st.Reason))
	}
	if !st.StartedAt.IsZero() && st.EndedAt.After(st.StartedAt) {
		text += " (" + human.Duration(st.EndedAt.Sub(st.StartedAt)) + ")"
	}
	return text
}

// causes names the first error each failed action spoke of, and its log.
func causes(o local.Outcome, s style) string {
	var b strings.Builder
	eachFailed(o, func(name string, a pipeline.ActionState) { b.WriteString(cause(o, s, name, a)) })
	return b.String()
}

func eachFailed(o local.Outcome, do func(name string, a pipeline.ActionState)) {
	for _, st := range o.Execution.Stages {
		for _, a := range st.Actions {
			if a.Status.Bad() && a.Image != "" {
				do(st.Name+"/"+a.Name, a)
			}
		}
	}
}

func cause(o local.Outcome, s style, name string, a pipeline.ActionState) string {
	text := ""
	for _, n := range a.Annotations {
		if n.Level == pipeline.LevelError {
			text = s.paint(red, name+": "+placed(n)) + "\n"
			break
		}
	}
	return text + name + ": its log is " + filepath.Join(o.Logs, filepath.FromSlash(name)+".log") + "\n"
}

// placed is an annotation with the place it is about.
func placed(n pipeline.Annotation) string {
	at := ""
	switch {
	case n.File != "" && n.Line > 0 && n.Column > 0:
		at = fmt.Sprintf("%s:%d:%d: ", n.File, n.Line, n.Column)
	case n.File != "" && n.Line > 0:
		at = fmt.Sprintf("%s:%d: ", n.File, n.Line)
	case n.File != "":
		at = n.File + ": "
	}
	return clean(at + strings.Join(strings.Fields(n.Message), " "))
}

// mostLines is how many of the last lines of a failed action are shown.
const mostLines = 20

// failures shows how each failed action ended, where its log was not seen.
func failures(o local.Outcome, s style) string {
	var b strings.Builder
	eachFailed(o, func(name string, a pipeline.ActionState) {
		fmt.Fprintf(&b, "\n%s\n", s.paint(red, name+" "+clean(firstLine(ended(a)))))
		lines := strings.Split(strings.TrimRight(a.LogTail, "\n"), "\n")
		for _, l := range lines[max(0, len(lines)-mostLines):] {
			b.WriteString(s.paint(grey, "  | ") + clean(l) + "\n")
		}
		b.WriteString(cause(o, s, name, a))
	})
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	return b.String()
}

// products lists the artifacts that were made.
func products(o local.Outcome) string {
	var b strings.Builder
	for _, st := range o.Execution.Stages {
		for _, a := range st.Actions {
			for _, art := range a.Artifacts {
				fmt.Fprintf(&b, "artifact %s: %s, %s, sha256:%s\n", art.Name,
					filepath.Join(o.Artifacts, art.Name), human.Size(art.Size), art.Digest[:min(12, len(art.Digest))])
			}
		}
	}
	return b.String()
}

// verdict is how the whole run ended.
func verdict(o local.Outcome, s style) string {
	x := o.Execution
	switch {
	case o.Interrupted:
		return s.paint(yellow, "interrupted after "+human.Duration(o.Took))
	case x.Status == pipeline.Succeeded:
		return s.paint(green, "succeeded in "+human.Duration(o.Took))
	default:
		return s.paint(red, words(x.Status)+" after "+human.Duration(o.Took)+colon(x.Reason))
	}
}
