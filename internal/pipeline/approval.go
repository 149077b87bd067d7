package pipeline

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Approval says who may open a gate, how many of them it takes, and for how long it
// can be opened. Its people are one group, of which the fields stand in it, or, where
// there is AllOf or AnyOf, each or one of those groups.
type Approval struct {
	Users      []string // as in Group
	Teams      []string
	Permission Permission `json:",omitempty"`
	CodeOwners bool       `json:",omitempty"`
	Count      int        `json:",omitempty"`
	AllOf      []Group    `json:",omitempty"`
	AnyOf      []Group    `json:",omitempty"`
	// Environment has the reviewers asked that an environment has at GitHub. Without
	// other people it is they alone who decide, and by that review alone.
	Environment string `json:",omitempty"`

	Expires      time.Duration
	SelfReview   bool    // whether an author of the change may approve it
	RejectCount  int     `json:",omitempty"` // how many rejections end it; zero: 1
	Instructions string  `json:",omitempty"` // Markdown for who decides; may hold expressions
	Form         []Field `json:",omitempty"` // what who approves fills in
}

// Group is people of whom some must approve. With Users or Teams it is those people
// and nobody else; Permission alone is everybody who has it; beside names it is asked
// of them too. A group of nobody in particular is people with write access.
type Group struct {
	Users      []string   `json:",omitempty"` // logins
	Teams      []string   `json:",omitempty"` // slugs in the repository's organization
	Permission Permission `json:",omitempty"`
	// CodeOwners asks, beside the group's own people, for one owner of every file
	// that is changed and has owners. A group of code owners alone has no others.
	CodeOwners bool `json:",omitempty"`
	Count      int  `json:",omitempty"` // how many different people; zero: 1
}

// Permission is an access to a repository, in GitHub's words.
type Permission string

// What a group may ask for, the weakest first.
const (
	Write    Permission = "write"
	Maintain Permission = "maintain"
	Admin    Permission = "admin"
)

// DefaultApprovalExpiry is CodePipeline's: seven days.
const DefaultApprovalExpiry = 7 * 24 * time.Hour

// Groups are those of the approval, at least one.
func (a Approval) Groups() []Group {
	switch {
	case len(a.AllOf) > 0:
		return a.AllOf
	case len(a.AnyOf) > 0:
		return a.AnyOf
	}
	return []Group{{a.Users, a.Teams, a.Permission, a.CodeOwners, a.Count}}
}

// Alone is the approval as one person decides it of whom nothing is asked, as on
// their own machine.
func (a Approval) Alone() Approval {
	return Approval{Expires: a.Expires, SelfReview: true, Instructions: a.Instructions, Form: a.Form}
}

// ReviewersAlone tells whether nobody but the reviewers of an environment decides.
func (a Approval) ReviewersAlone() bool {
	named := len(a.Users) > 0 || len(a.Teams) > 0 || a.Permission != "" || a.CodeOwners || len(a.AllOf) > 0 || len(a.AnyOf) > 0
	return a.Environment != "" && !named
}

// AsksOwners tells whether code owners must approve.
func (a Approval) AsksOwners() bool {
	return slices.ContainsFunc(a.Groups(), func(g Group) bool { return g.CodeOwners })
}

// Rejections is how many end it.
func (a Approval) Rejections() int { return max(1, a.RejectCount) }

// Anonymous tells whether the group names nobody: neither people nor code owners.
func (g Group) Anonymous() bool { return len(g.Users) == 0 && len(g.Teams) == 0 && !g.CodeOwners }

// Owned is a set of owners with the changed files that they alone share. Nobody in
// particular owns the others.
type Owned struct {
	Owners []string // as CODEOWNERS has them, without @: octocat, org/team, or an address
	Files  int
	Sample string // one of the files
}

// Name is that of the requirement that one of the owners approves.
func (o Owned) Name() string {
	return "owners " + strings.ToLower(strings.Join(slices.Sorted(slices.Values(o.Owners)), " "))
}

// Requirement is people of whom so many are to approve. One person may count in
// several requirements, in each once.
type Requirement struct {
	Name  string
	Group int    // which of the approval's groups it belongs to, from 0
	Owned *Owned // of code owners; nil: it is about the group's own people
	Count int
	Have  []string // who has approved and counts, in order
}

// Met tells whether enough have approved.
func (r Requirement) Met() bool { return len(r.Have) >= r.Count }

// GroupRequirement names the requirement of a group's own people.
func GroupRequirement(group int) string { return strconv.Itoa(group + 1) }

// Requirements are those of all groups, in order.
func (a Approval) Requirements(owned []Owned) []Requirement {
	var all []Requirement
	for i, g := range a.Groups() {
		all = append(all, Requirement{Name: GroupRequirement(i), Group: i, Count: max(1, g.Count)})
		if !g.CodeOwners {
			continue
		}
		for _, o := range owned {
			all = append(all, Requirement{Name: o.Name(), Group: i, Owned: &o, Count: 1})
		}
	}
	return all
}

// Tally is the requirements of an approval, with who has met them so far.
func (a ActionState) Tally(def Approval) []Requirement {
	all := def.Requirements(a.Owned)
	for k := range all {
		for _, v := range a.Votes {
			if v.Void == "" && v.Approved && slices.Contains(v.Meets, all[k].Name) {
				all[k].Have = append(all[k].Have, v.Actor)
			}
		}
	}
	return all
}

// met tells whether enough people have approved: of all groups, or of one of AnyOf.
func (a ActionState) met(def Approval) bool {
	open := make([]bool, len(def.Groups()))
	for _, r := range a.Tally(def) {
		open[r.Group] = open[r.Group] || !r.Met()
	}
	if len(def.AnyOf) > 0 {
		return slices.Contains(open, false)
	}
	return !slices.Contains(open, true)
}
