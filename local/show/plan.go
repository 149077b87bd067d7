package show

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/expression"
	"github.com/stagegate/stagegate/local"
)

// Plan writes what an event would start, for people.
func Plan(w io.Writer, p local.Plan, colours bool) error {
	t := planText{style: style(colours)}
	t.line(t.style.paint(bold, visible(event(p))))
	for _, f := range p.Pipelines {
		t.pipeline(f)
	}
	if t.later {
		t.line("")
		t.line(t.style.paint(grey, "What stands between ${{ and }} is known only when the pipeline runs."))
	}
	if _, err := io.WriteString(w, t.out.String()); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}

// event names what the plan is about.
func event(p local.Plan) string {
	r := p.Revision
	text := "push to " + r.Branch
	switch {
	case p.Event == pipeline.PullRequest:
		text = "pull request from " + r.Branch + " into " + r.Base
		if !pipeline.UsualActivity(p.Type) {
			text += ", " + p.Type
		}
	case p.Event == pipeline.MergeGroup && r.Base != "":
		text = "merge group into " + r.Base
	case p.Event == pipeline.MergeGroup:
		text = "merge group"
	case p.Event == pipeline.OnPipeline:
		text = "success of " + cmp.Or(p.Upstream, "a pipeline") + " on " + cmp.Or(r.Branch, r.Ref)
	case p.Event == pipeline.OnSchedule, p.Event == pipeline.OnWebhook:
		text = string(p.Event) + ", of the default branch"
	case r.Branch == "":
		text = "push of the tag " + strings.TrimPrefix(r.Ref, "refs/tags/")
	}
	if r.Commit != "" {
		text += ", commit " + r.Commit[:min(7, len(r.Commit))]
	}
	return text
}

// planText is a plan as it is written.
type planText struct {
	out   strings.Builder
	style style
	later bool // an expression is left
}

func (t *planText) line(text string) {
	t.out.WriteString(strings.TrimRight(text, " "))
	t.out.WriteByte('\n')
}

func (t *planText) pipeline(f local.PlannedPipeline) {
	verdict, c := "does not start", grey
	switch {
	case f.Starts && len(f.Mistakes) > 0:
		verdict, c = "fails at once", red
	case f.Starts:
		verdict, c = "starts", green
	case f.Skips:
		verdict, c = "ends skipped", grey
	}
	t.line("")
	t.line(fmt.Sprintf("%s %s: %s %s", t.style.paint(bold, visible(f.Name)), t.style.paint(c, verdict), visible(f.Why),
		t.style.paint(grey, "("+visible(f.File)+")")))
	for _, d := range f.Mistakes {
		t.line("  " + visible(d.String()))
	}
	for _, s := range f.Stages {
		t.line("  " + t.style.paint(bold, s.Stage.Name))
		for _, f := range conditions(s.Stage) {
			t.line(strings.Repeat(" ", 7) + t.style.paint(grey, fmt.Sprintf("%-12s", f.name)) + "  " + visible(short(t.known(f.text))))
		}
		t.stage(s)
	}
}

func (t *planText) stage(s local.PlannedStage) {
	width, groups := 0, map[string]string{}
	for _, a := range s.Actions {
		width = max(width, len(visible(a.Title())))
		groups[a.Name] = cmp.Or(a.Of, a.Name)
	}
	wave := 0
	for _, a := range s.Actions {
		head := strings.Repeat(" ", 6)
		if a.Wave != wave {
			head = fmt.Sprintf("%5d ", a.Wave)
		}
		wave = a.Wave
		head += fmt.Sprintf(" %-*s  ", width, visible(a.Title()))
		a.Needs = needed(a.Needs, groups)
		for _, f := range t.facts(a) {
			c := grey
			if f.name == fails {
				c = red
			}
			t.line(head + t.style.paint(c, fmt.Sprintf("%-9s", f.name)) + " " + visible(short(f.text)))
			head = strings.Repeat(" ", len(head))
		}
	}
}

// needed names actions as the file does: unit for all its runs.
func needed(needs []string, groups map[string]string) []string {
	var names []string
	for _, need := range needs {
		names = append(names, groups[need])
	}
	return slices.Compact(names)
}

// fact is something about an action.
type fact struct{ name, text string }

// fails is the fact that an action will end badly.
const fails = "fails"

// facts are what there is to say about an action; never none.
func (t *planText) facts(a local.PlannedAction) []fact {
	var all []fact
	add := func(name, text string) {
		if text != "" {
			all = append(all, fact{name, text})
		}
	}
	add("image", t.known(a.Image))
	if a.Approval != nil {
		add("approval", approvers(*a.Approval))
	}
	add("if", a.If)
	add("needs", strings.Join(a.Needs, ", "))
	if a.Role == pipeline.RoleFinally {
		add("finally", "when all others have ended, after failure and cancel too")
	}
	if len(a.Inputs) != 1 || a.Inputs[0] != pipeline.SourceArtifact {
		add("inputs", strings.Join(a.Inputs, ", "))
	}
	for _, v := range a.Env {
		add("env", v.Name+"="+t.known(v.Value))
	}
	if len(a.Secrets) > 0 {
		add("secrets", secretUses(a.Secrets))
	}
	if !a.Isolation.IsZero() {
		add("isolation", strings.Join(a.Isolation.Options(), ", ")+" (where the operator allows it)")
	}
	for _, o := range a.Artifacts {
		add("makes", o.Name+" from "+o.Path)
	}
	if a.Timeout > 0 {
		add("timeout", period(a.Timeout))
	}
	if a.Retry.Times > 0 {
		text := "once"
		if a.Retry.Times > 1 {
			text = fmt.Sprintf("%d times", a.Retry.Times)
		}
		if a.Retry.Backoff > 0 {
			text += ", " + period(a.Retry.Backoff) + " after each failure"
		}
		add("retry", text)
	}
	if a.Problem != "" {
		add(fails, a.Problem)
	}
	return all
}

// known passes a text on that may hold what is not known yet.
func (t *planText) known(text string) string {
	if _, ok := expression.Find(text); ok {
		t.later = true
	}
	return text
}

// secretUses tells which secrets an action is given, and which of them as files.
func secretUses(uses []pipeline.SecretUse) string {
	names := pipeline.SecretNames(uses)
	for i, s := range uses {
		if s.File {
			names[i] += " (a file)"
		}
	}
	return strings.Join(names, ", ")
}

// short cuts what is too long to be read at a glance.
func short(text string) string {
	const most = 200
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// approvers says who may open a gate, and for how long.
func approvers(a pipeline.Approval) string {
	var groups []string
	for _, g := range a.Groups() {
		groups = append(groups, group(g))
	}
	between := " and by "
	if len(a.AnyOf) > 0 {
		between = " or by "
	}
	text := "by " + strings.Join(groups, between)
	if a.ReviewersAlone() {
		text = "by the reviewers of the environment " + a.Environment + " at GitHub,"
	} else if a.Environment != "" {
		text += ", also by a review of the environment " + a.Environment + " at GitHub,"
	}
	if !a.SelfReview {
		text += " except authors of the change"
	}
	if names := a.Fields(); len(names) > 0 {
		text += ", who fill in " + strings.Join(names, ", ")
	}
	return text + ", within " + period(a.Expires)
}

// group names people of whom some must approve.
func group(g pipeline.Group) string {
	people := append([]string{}, g.Users...)
	for _, team := range g.Teams {
		people = append(people, "the team "+team)
	}
	text := strings.Join(people, " or ")
	switch {
	case text != "" && g.Permission != "":
		text += ", if they have " + string(g.Permission) + " access,"
	case text == "" && g.CodeOwners:
		text = "code owners of all changed files"
	case text == "" && g.Permission != "":
		text = "people with " + string(g.Permission) + " access"
	case text == "":
		text = "people with write access"
	}
	if len(people) > 0 && g.CodeOwners {
		text += " and code owners of all changed files"
	}
	if g.Count > 1 {
		return fmt.Sprintf("%d of %s", g.Count, text)
	}
	return text
}

// period writes a time span as a file would, in words.
func period(d time.Duration) string {
	for _, unit := range []struct {
		span time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		n := d / unit.span
		switch {
		case n == 0 || d%unit.span != 0:
		case n == 1:
			return "1 " + unit.name
		default:
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return d.String()
}
