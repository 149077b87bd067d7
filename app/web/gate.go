package web

import (
	"cmp"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/internal/human"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// tails is for how many failures the top of a page shows the end of the log.
const tails = 3

// failure is an action that went wrong, as the top of the page tells it.
type failure struct {
	Stage, Action string
	URL           string // its place on the page
	Status        badge
	Reason        string
	Tail          template.HTML
}

// failures lists what went wrong, the first first: the others may follow from
// it.
func (v *view) failures() []failure {
	type place struct{ i, j int }
	var bad []place
	for i, st := range v.x.Stages {
		for j, a := range st.Actions {
			role := v.definition(st.Name, a.Name).Role
			decides := role != pipeline.RoleEntry && role != pipeline.RoleSuccess || st.Barred == role
			if a.Status.Bad() && decides {
				bad = append(bad, place{i, j})
			}
		}
	}
	slices.SortStableFunc(bad, func(a, b place) int {
		return v.x.Stages[a.i].Actions[a.j].EndedAt.Compare(v.x.Stages[b.i].Actions[b.j].EndedAt)
	})
	var out []failure
	for n, at := range bad {
		f := v.failure(v.x.Stages[at.i], at.j)
		if tail := v.x.Stages[at.i].Actions[at.j].LogTail; n < tails && strings.TrimSpace(tail) != "" {
			f.Tail = renderTail(tail)
		}
		out = append(out, f)
	}
	return out
}

func (v *view) failure(st pipeline.StageState, j int) failure {
	a := st.Actions[j]
	f := failure{
		Stage: clip(st.Name, 100), Action: clip(a.Name, 100), URL: "#" + clip(st.Name+"."+a.Name, 200),
		Status: actionBadge(v.x, a), Reason: v.reason(st, a, v.definition(st.Name, a.Name)),
	}
	if d := a.Decision; d != nil {
		f.Reason = "By " + clip(d.Actor, 100)
	}
	return f
}

// gate is an approval that waits for an answer: who may give it, until when,
// and how.
type gate struct {
	Stage, Action string
	URL           string // its place on the page
	Status        badge
	Who           string
	NotAuthors    bool
	Missing       string // how far it has come
	New           link   // what it would let in
	Titles, Files []string
	Artifacts     []artifact
	Tests         string
	Instructions  string
	Form          []field
	Blanks        string // what follows the command and must be filled in
	Until         moment
	Left          string
	Command       string // what to say after /approve or /reject
	PullRequest   link   // where to say it; empty for a push
	Check         link   // the check run
	Button        bool   // the check run has buttons now
	Commit        string
	Ask           *ask   // the form to answer it; nil: whoever looks cannot
	Above         string // where on the page that form stands, if this is not it
	Dashboard     string // where one signs in to answer; empty: nobody can
}

func (v *view) gate(i, j int, def pipeline.Action) *gate {
	st := v.x.Stages[i]
	a, name, r := st.Actions[j], v.x.Definition.Name, v.x.Revision
	g := &gate{
		Stage: clip(st.Name, 100), Action: clip(a.Name, 100), URL: "#" + clip(st.Name+"."+a.Name, 200),
		Status: forApproval, Until: momentOf(a.ExpiresAt), Command: clip(name+"/"+st.Name+"/"+a.Name, 300),
		Check:  link{clip(name+" / "+st.Name, 200), under(v.hub, v.x.Repository, "commit", r.Commit, "checks")},
		Button: asks(st) == 1 && !works(st) && fillable(def, a), Commit: short(r.Commit, 7),
	}
	if !a.ExpiresAt.IsZero() {
		g.Left = human.Duration(a.ExpiresAt.Sub(v.now))
	}
	if r.PullRequest != 0 {
		g.PullRequest = v.pullRequest()
		g.Check.URL = under(g.PullRequest.URL, "checks")
	}
	g.Who = "whom the pipeline file names"
	if def.Approval != nil {
		g.Who, g.NotAuthors = clip(explain.Approvers(v.x, *def.Approval), 500), !def.Approval.SelfReview
		g.Missing, g.Instructions = clip(explain.Missing(v.x, a, *def.Approval), 1000), passage(a.Instructions, 5000)
		v.letsIn(g, a)
		g.Form, g.Blanks = form(*def.Approval, a), blanks(*def.Approval, a)
	}
	return g
}

// letsIn shows what a gate would let in.
func (v *view) letsIn(g *gate, a pipeline.ActionState) {
	g.Artifacts, g.Tests = v.artifacts(v.x.Artifacts()), explain.Tests(v.x)
	r := a.Request
	if r == nil {
		return
	}
	g.New = link{clip(sentence(explain.Difference(v.x, *r)), 500), r.Link}
	for _, title := range r.Titles {
		g.Titles = append(g.Titles, clip(title, 100))
	}
	for _, file := range r.Sample {
		g.Files = append(g.Files, clip(file, 200))
	}
	if more := r.Files - len(r.Sample); more > 0 && len(r.Sample) > 0 {
		g.Files = append(g.Files, "and "+strconv.Itoa(more)+" more")
	}
}

// vote is one person's answer to an approval.
type vote struct {
	Word, Actor, Door string
	At                moment
	Comment, Void     string
}

// votes lists those of an approval that says more than its decision does.
func votes(a pipeline.ActionState) []vote {
	if len(a.Votes) == 1 && a.Decision != nil {
		return nil
	}
	var out []vote
	for _, v := range a.Votes {
		one := vote{
			Word: "Rejected", Actor: clip(v.Actor, 100), Door: clip(v.Door, 30), At: momentOf(v.At),
			Comment: clip(v.Comment, 1000), Void: clip(v.Void, 500),
		}
		if v.Approved {
			one.Word = "Approved"
		}
		out = append(out, one)
	}
	return out
}

// fillable tells whether an approval can be given without filling anything in.
func fillable(def pipeline.Action, a pipeline.ActionState) bool {
	if def.Approval == nil {
		return true
	}
	_, err := def.Approval.Fill(nil, a.Filled())
	return err == nil
}

// field is one of a form, with what those who approved before filled in.
type field struct {
	Name, About string
	Value       string
	Filled      bool

	Type      string // text, number, boolean or choice
	Options   []string
	Default   string
	Required  bool
	MaxLength int
}

func form(def pipeline.Approval, a pipeline.ActionState) []field {
	before := a.Filled()
	var out []field
	for k, f := range def.Form {
		var about []string
		if f.Description != "" {
			about = append(about, f.Description)
		}
		if f.Type == pipeline.Choice {
			about = append(about, "one of "+strings.Join(f.Options, ", "))
		} else if f.Type != "" {
			about = append(about, string(f.Type))
		}
		switch {
		case before != nil:
		case f.Required:
			about = append(about, "must be filled in")
		case f.Default != "":
			about = append(about, "else "+f.Default)
		}
		one := field{Name: clip(f.Name, 50), About: clip(strings.Join(about, "; "), 500), Filled: before != nil}
		one.Type, one.Default, one.Required, one.MaxLength = cmp.Or(string(f.Type), string(pipeline.Text)), clip(f.Default, 1000), f.Required, cmp.Or(f.MaxLength, mostSaid)
		for _, o := range f.Options {
			one.Options = append(one.Options, clip(o, 200))
		}
		if one.Filled {
			one.Value = clip(before[k].Value, 1000)
		}
		out = append(out, one)
	}
	return out
}

// blanks are the fields that nobody can leave out, as a comment has them.
func blanks(def pipeline.Approval, a pipeline.ActionState) string {
	text := ""
	for _, f := range def.Form {
		if f.Required && a.Filled() == nil {
			text += " " + f.Name + "=…"
		}
	}
	return clip(text, 500)
}

// leadToAnswer shows at each approval where one signs in to answer it.
func (p *page) leadToAnswer(url string) {
	for i := range p.Gates {
		p.Gates[i].Dashboard = url + p.Gates[i].URL
	}
	for _, st := range p.Stages {
		for _, a := range st.Actions {
			if a.Gate != nil {
				a.Gate.Dashboard = url + a.Gate.URL
			}
		}
	}
}

// decision is a person's answer with what it was bound to.
type decision struct {
	Word, Actor, Door  string
	At                 moment
	Commit, Definition string
	Artifacts          []artifact
}

func (v *view) decision(d *pipeline.Decision) *decision {
	if d == nil {
		return nil
	}
	out := &decision{
		Word: "Rejected", Actor: clip(d.Actor, 100), Door: clip(d.Door, 30), At: momentOf(d.At),
		Commit: short(d.Commit, 7), Definition: short(d.Definition, 12), Artifacts: v.artifacts(d.Artifacts),
	}
	if d.Approved {
		out.Word = "Approved"
	}
	return out
}
