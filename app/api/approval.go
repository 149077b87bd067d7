package api

import (
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// Approval says who may open a gate, and who has voted. Without anybody named it is
// people with write access; with AllOf or AnyOf, each or one of those groups.
type Approval struct {
	Who          string        `json:"who"`               // may approve, in words
	Missing      string        `json:"missing,omitempty"` // how far it has come, in words, while it waits
	Users        []string      `json:"users,omitempty"`
	Teams        []string      `json:"teams,omitempty"`
	Permission   string        `json:"permission,omitempty"`
	CodeOwners   bool          `json:"code_owners,omitempty"`
	Count        int           `json:"count,omitempty"` // zero: 1
	AllOf        []Group       `json:"all_of,omitempty"`
	AnyOf        []Group       `json:"any_of,omitempty"`
	Environment  string        `json:"environment,omitempty"` // whose reviewers are asked at GitHub
	SelfReview   bool          `json:"self_review"`
	RejectCount  int           `json:"reject_count,omitempty"` // zero: 1
	Request      *Request      `json:"request,omitempty"`      // what it would let in, once it waits and that is known
	Instructions string        `json:"instructions,omitempty"` // Markdown, hostile
	Form         []Field       `json:"form,omitempty"`
	ExpiresAt    time.Time     `json:"expires_at,omitzero"`
	Requirements []Requirement `json:"requirements,omitempty"` // once it waits
	Votes        []Vote        `json:"votes,omitempty"`
}

// Request is what an approval would let in, beside the execution's artifacts.
type Request struct {
	Text    string   `json:"text"`            // all of it, in words
	Since   string   `json:"since,omitempty"` // the commit with which the stage last succeeded
	Commits int      `json:"commits"`
	Titles  []string `json:"titles,omitempty"` // of the first commits; hostile
	Files   int      `json:"files"`
	Sample  []string `json:"sample,omitempty"` // the first files; hostile
	URL     string   `json:"url,omitempty"`    // at GitHub
}

// Group is people of whom some must approve.
type Group struct {
	Users      []string `json:"users,omitempty"`
	Teams      []string `json:"teams,omitempty"`
	Permission string   `json:"permission,omitempty"`
	CodeOwners bool     `json:"code_owners,omitempty"`
	Count      int      `json:"count,omitempty"` // zero: 1
}

// Field is a field of an approval's form.
type Field struct {
	Name        string   `json:"name"`
	Type        string   `json:"type"` // text, number, boolean or choice
	Description string   `json:"description,omitempty"`
	Required    bool     `json:"required,omitempty"`
	Default     string   `json:"default,omitempty"`
	Options     []string `json:"options,omitempty"`
	MaxLength   int      `json:"max_length,omitempty"`
	Pattern     string   `json:"pattern,omitempty"`
}

// Requirement is people of whom so many must approve.
type Requirement struct {
	Group int      `json:"group"` // from 0
	Who   string   `json:"who"`
	Count int      `json:"count"`
	Have  []string `json:"have"` // who has approved and counts for it
}

// Vote is one person's answer to an approval.
type Vote struct {
	Approved bool       `json:"approved"`
	Actor    string     `json:"actor"`
	At       time.Time  `json:"at"`
	Door     string     `json:"door"` // as of a decision
	Comment  string     `json:"comment,omitempty"`
	Values   []Variable `json:"values,omitempty"`
	Void     string     `json:"void,omitempty"` // why it counts no longer
}

// Decision is the vote that decided an approval, with what it was bound to.
type Decision struct {
	Approved   bool       `json:"approved"`
	Actor      string     `json:"actor"`
	At         time.Time  `json:"at"`
	Door       string     `json:"door"` // comment, button, review, deployment-review, dashboard or api
	Comment    string     `json:"comment,omitempty"`
	Commit     string     `json:"commit"`
	Definition string     `json:"definition"`
	Variables  string     `json:"variables,omitempty"` // SHA-256 of the pipeline's, as they were resolved
	Artifacts  []Artifact `json:"artifacts,omitempty"`
	Values     []Variable `json:"values,omitempty"`
}

// Answer is the body of approve and reject. Approval, STAGE or STAGE/ACTION, may be
// left out where only one waits. With a commit, the answer counts only for that.
// Values are what is filled in of the form, by the names of its fields.
type Answer struct {
	Approval string            `json:"approval,omitempty"`
	Commit   string            `json:"commit,omitempty"`
	Comment  string            `json:"comment,omitempty"`
	Values   map[string]string `json:"values,omitempty"`

	Approved bool `json:"-"`
}

func approval(x pipeline.Execution, def *pipeline.Approval, a pipeline.ActionState) *Approval {
	if def == nil {
		return nil
	}
	out := &Approval{
		Who: explain.Approvers(x, *def), Users: def.Users, Teams: def.Teams, Permission: string(def.Permission), CodeOwners: def.CodeOwners,
		Count: def.Count, AllOf: groups(def.AllOf), AnyOf: groups(def.AnyOf), Environment: def.Environment, SelfReview: def.SelfReview, RejectCount: def.RejectCount,
		Instructions: def.Instructions, ExpiresAt: a.ExpiresAt,
	}
	for _, f := range def.Form {
		field := Field{f.Name, string(f.Type), f.Description, f.Required, f.Default, f.Options, f.MaxLength, f.Pattern}
		if f.Type == "" {
			field.Type = string(pipeline.Text)
		}
		out.Form = append(out.Form, field)
	}
	if a.Status == pipeline.Pending {
		return out
	}
	out.Instructions = a.Instructions
	if a.Status == pipeline.Waiting {
		out.Missing = explain.Missing(x, a, *def)
	}
	if r := a.Request; r != nil {
		out.Request = &Request{explain.Difference(x, *r), r.Since, r.Commits, r.Titles, r.Files, r.Sample, r.Link}
	}
	for _, r := range a.Tally(*def) {
		out.Requirements = append(out.Requirements, Requirement{r.Group, explain.Who(x, *def, r), r.Count, append([]string{}, r.Have...)})
	}
	for _, v := range a.Votes {
		out.Votes = append(out.Votes, Vote{v.Approved, v.Actor, v.At, v.Door, v.Comment, variables(v.Values), v.Void})
	}
	return out
}

func groups(list []pipeline.Group) []Group {
	var out []Group
	for _, g := range list {
		out = append(out, Group{g.Users, g.Teams, string(g.Permission), g.CodeOwners, g.Count})
	}
	return out
}

func decision(d *pipeline.Decision) *Decision {
	if d == nil {
		return nil
	}
	return &Decision{
		Approved: d.Approved, Actor: d.Actor, At: d.At, Door: d.Door, Comment: d.Comment, Commit: d.Commit,
		Definition: d.Definition, Variables: d.Variables, Artifacts: artifacts(d.Artifacts), Values: variables(d.Values),
	}
}
