package app

import (
	"fmt"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// howToApprove is what people are shown of an approval that waits: who may give it,
// how many are missing, what to look at, what to fill in, and how.
func howToApprove(x pipeline.Execution, i, j int) string {
	act, def := x.Stages[i].Actions[j], x.Definition.Stages[i].Actions[j].Approval
	var b strings.Builder
	fmt.Fprintf(&b, "May approve: %s%s.\n", explain.Approvers(x, *def), notAuthors(*def))
	if missing := explain.Missing(x, act, *def); missing != "" {
		fmt.Fprintf(&b, "So far: %s.\n", plain(missing))
	}
	if shown := letsIn(x, act); shown != "" {
		fmt.Fprintf(&b, "It lets in:\n\n%s\n\n", shown)
	}
	if act.Instructions != "" {
		fmt.Fprintf(&b, "\n%s\n\n", instructions(act.Instructions))
	}
	b.WriteString(formOf(*def, act))
	name := x.Stages[i].Name
	if !soleApproval(x.Definition.Stages[i]) {
		name += "/" + act.Name
	}
	until := act.ExpiresAt.UTC().Format("2 January 2006 15:04 MST")
	if def.ReviewersAlone() {
		fmt.Fprintf(&b, "Review it at GitHub, until %s.\nIt is about commit `%s`.", until, x.Revision.Commit)
		return b.String()
	}
	button := ", or press the button of the check run"
	if !pressable(x, i, j) {
		button = ""
	}
	fmt.Fprintf(&b, "Comment `/approve %s%s` or `/reject %s` on the pull request%s, until %s.\nIt is about commit `%s`.",
		name, blanks(*def, act), name, button, until, x.Revision.Commit)
	return b.String()
}

// pressable tells whether a button can answer the approval: nothing need be
// filled in, and not only a review at GitHub does.
func pressable(x pipeline.Execution, i, j int) bool {
	def := x.Definition.Stages[i].Actions[j].Approval
	_, err := def.Fill(nil, x.Stages[i].Actions[j].Filled())
	return err == nil && !def.ReviewersAlone()
}

// longestInstructions is how many characters of them are shown.
const longestInstructions = 5000

var unmentioned = strings.NewReplacer("<", "&lt;", "@", "@\u200b")

// instructions are the author's Markdown as a quotation: it may hold what others
// wrote, which gets neither HTML nor a mention out of it.
func instructions(text string) string {
	var lines []string
	for line := range strings.Lines(cut(strings.TrimSpace(text), longestInstructions)) {
		lines = append(lines, "> "+unmentioned.Replace(strings.TrimRight(line, "\r\n")))
	}
	return strings.Join(lines, "\n")
}

// formOf lists the fields of a form, with what those who approved before filled in.
func formOf(def pipeline.Approval, act pipeline.ActionState) string {
	if len(def.Form) == 0 {
		return ""
	}
	var b strings.Builder
	before := act.Filled()
	b.WriteString("To be filled in:\n\n")
	for k, f := range def.Form {
		fmt.Fprintf(&b, "- `%s`", f.Name)
		if f.Description != "" {
			b.WriteString(": " + plain(f.Description))
		}
		switch {
		case f.Type == pipeline.Choice:
			fmt.Fprintf(&b, " (one of %s)", plain(strings.Join(f.Options, ", ")))
		case f.Type != "":
			fmt.Fprintf(&b, " (%s)", f.Type)
		}
		switch {
		case before != nil:
			b.WriteString(", is " + shown(before[k].Value))
		case f.Required:
			b.WriteString(", must be filled in")
		case f.Default != "":
			b.WriteString(", else " + shown(f.Default))
		}
		b.WriteString("\n")
	}
	return b.String() + "\n"
}

// blanks are the fields of a form that nobody can leave out, as a comment has them.
func blanks(def pipeline.Approval, act pipeline.ActionState) string {
	text := ""
	if act.Filled() != nil {
		return text
	}
	for _, f := range def.Form {
		if f.Required {
			text += " " + f.Name + "=…"
		}
	}
	return text
}

// soleApproval tells whether the stage's name is enough to name its approval.
func soleApproval(s pipeline.Stage) bool {
	n := 0
	for _, act := range s.Actions {
		if act.Approval != nil {
			n++
		}
	}
	return n == 1
}

func notAuthors(def pipeline.Approval) string {
	if def.SelfReview {
		return ""
	}
	return ", but no author of the change"
}
