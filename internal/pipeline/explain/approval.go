package explain

import (
	"fmt"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// approval says who may answer, how many are missing, and until when.
func approval(x pipeline.Execution, i, j int) Wait {
	a := x.Stages[i].Actions[j]
	w := Wait{Kind: Approval, Text: "the approval " + a.Name, Since: a.StartedAt, Next: after(x, i, []string{a.Name})}
	if def := x.Definition.Stages[i].Actions[j].Approval; def != nil {
		w.Text += " by " + Approvers(x, *def)
		if !def.SelfReview {
			w.Text += ", but no author of the change"
		}
		if missing := Missing(x, a, *def); missing != "" {
			w.Text += " (" + missing + ")"
		}
	}
	if !a.ExpiresAt.IsZero() {
		w.Text += ", until " + clock(a.ExpiresAt)
	}
	return w
}

// Approvers names who may answer an approval, authorship aside.
func Approvers(x pipeline.Execution, def pipeline.Approval) string {
	if def.ReviewersAlone() {
		return "the reviewers of the environment " + def.Environment + ", by its review at GitHub"
	}
	var all []string
	for _, g := range def.Groups() {
		all = append(all, group(x, g))
	}
	if len(def.AnyOf) > 0 {
		return strings.Join(all, ", or ")
	}
	return strings.Join(all, ", and ")
}

// group names the people of a group, and how many of them it takes.
func group(x pipeline.Execution, g pipeline.Group) string {
	who := people(x, g)
	if g.Count > 1 {
		who = fmt.Sprintf("%d of %s", g.Count, who)
	}
	if g.CodeOwners && !codeOwnersAlone(g) {
		who += " and code owners of all changed files"
	}
	return who
}

func codeOwnersAlone(g pipeline.Group) bool {
	return g.CodeOwners && len(g.Users) == 0 && len(g.Teams) == 0
}

// people names a group's own people.
func people(x pipeline.Execution, g pipeline.Group) string {
	owner, _, _ := strings.Cut(x.Repository, "/")
	var who []string
	for _, u := range g.Users {
		who = append(who, "@"+u)
	}
	for _, t := range g.Teams {
		who = append(who, "@"+owner+"/"+t)
	}
	access := ""
	if g.Permission != "" {
		access = " with " + string(g.Permission) + " access"
	}
	switch {
	case codeOwnersAlone(g):
		return "code owners of all changed files" + access
	case len(who) == 0 && access == "":
		return "anyone with write access"
	case len(who) == 0:
		return "anyone" + access
	}
	return strings.Join(who, ", ") + access
}

// Who names the people of one requirement of an approval.
func Who(x pipeline.Execution, def pipeline.Approval, r pipeline.Requirement) string {
	if r.Owned == nil {
		return people(x, def.Groups()[r.Group])
	}
	var who []string
	for _, o := range r.Owned.Owners {
		if strings.Contains(o, "@") {
			who = append(who, o+" (an address, by which nobody is known here)")
		} else {
			who = append(who, "@"+o)
		}
	}
	text := "an owner of " + r.Owned.Sample
	if more := r.Owned.Files - 1; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text + ": " + strings.Join(who, ", ")
}

// Missing says how far an approval that waits has come: nothing before the first vote
// of one that takes a single vote.
func Missing(x pipeline.Execution, a pipeline.ActionState, def pipeline.Approval) string {
	var counts, all []string
	for _, r := range a.Tally(def) {
		if len(def.AllOf)+len(def.AnyOf) == 0 && r.Count == 1 && r.Owned == nil && len(r.Have) == 0 {
			continue
		}
		text := fmt.Sprintf("%d of %d", len(r.Have), r.Count)
		if len(r.Have) > 0 {
			text += ": " + at(r.Have) + " approved"
		}
		if need := r.Count - len(r.Have); need > 0 {
			text += fmt.Sprintf("; still needs %s %s", number(need), Who(x, def, r))
		}
		counts = append(counts, text)
	}
	between := ". "
	if len(def.AnyOf) > 0 {
		between = ". Or "
	}
	if len(counts) > 0 {
		all = append(all, strings.Join(counts, between))
	}
	if no := a.Voters(false); len(no) > 0 {
		all = append(all, fmt.Sprintf("%s rejected, of %d that end it", at(no), def.Rejections()))
	}
	for _, v := range a.Votes {
		if v.Void != "" {
			all = append(all, "the vote of "+at([]string{v.Actor})+" is void: "+v.Void)
		}
	}
	return strings.Join(all, ". ")
}

// Progress is how many of the votes that an approval needs are there, where it needs
// more than one: " (1 of 2)".
func Progress(a pipeline.ActionState, def *pipeline.Approval) string {
	if def == nil || len(def.AnyOf) > 0 {
		return ""
	}
	have, need := 0, 0
	for _, r := range a.Tally(*def) {
		have, need = have+min(len(r.Have), r.Count), need+r.Count
	}
	if need < 2 {
		return ""
	}
	return fmt.Sprintf(" (%d of %d)", have, need)
}

func number(n int) string {
	if n == 1 {
		return "one of"
	}
	return fmt.Sprintf("%d of", n)
}

func at(logins []string) string {
	var all []string
	for _, l := range logins {
		if !strings.Contains(l, " ") { // as that of nobody at GitHub has
			l = "@" + l
		}
		all = append(all, l)
	}
	return strings.Join(all, ", ")
}
