package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Decision is a person's answer to an approval, bound to what they were shown.
type Decision struct {
	Approved   bool
	Actor      string
	At         time.Time
	Door       string  // comment, button, review, deployment-review, dashboard or api
	Comment    string  // what the person had to say, if anything
	Values     []Value `json:",omitempty"` // of the form, all of its fields, in its order
	Review     int64   `json:",omitempty"` // the review that gave it, if one did
	Execution  string  `json:",omitempty"`
	Commit     string
	Definition string     // hash
	Variables  string     `json:",omitempty"` // digest of the pipeline's variables, as they are resolved
	Artifacts  []Artifact // everything made before the decision
}

// Vote is the answer of one of the people whom an approval asks.
type Vote struct {
	Decision

	Meets []string // names of the requirements that it counts for
	Void  string   `json:",omitempty"` // why it counts no longer; empty: it does
}

// Voter tells what somebody who has voted still meets, asked again. Who meets nothing
// any more loses the vote, and Reason says why.
type Voter struct {
	Actor  string
	Meets  []string
	Reason string
}

// ErrAlready is wrapped, beside ErrRefused, by the refusal of a second vote.
var ErrAlready = errors.New("already")

// VariablesDigest is the SHA-256 of the pipeline's variables as this execution has
// them, in hex.
func (x Execution) VariablesDigest() string {
	sum := sha256.New()
	for _, v := range x.Definition.Variables {
		sum.Write([]byte(strconv.Quote(v.Name) + "=" + strconv.Quote(v.Default) + "\n"))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// VoteOf is the vote of a person that counts. Logins are the same in any case.
func (a ActionState) VoteOf(login string) (Vote, bool) {
	k := a.voteOf(login)
	if k < 0 {
		return Vote{}, false
	}
	return a.Votes[k], true
}

func (a ActionState) voteOf(login string) int {
	return slices.IndexFunc(a.Votes, func(v Vote) bool { return v.Void == "" && strings.EqualFold(v.Actor, login) })
}

// Voters are those whose votes count, each once, approving or rejecting.
func (a ActionState) Voters(approving bool) []string {
	var all []string
	for _, v := range a.Votes {
		if v.Void == "" && v.Approved == approving {
			all = append(all, v.Actor)
		}
	}
	return all
}

// Filled are the values that those who approved so far have given; nil: nobody has.
func (a ActionState) Filled() []Value {
	for _, v := range a.Votes {
		if v.Void == "" && v.Approved {
			return v.Values
		}
	}
	return nil
}

// decided counts a vote, which may be the last that is needed.
func (m *move) decided(i int, a *ActionState, e Decided) error {
	if !a.ExpiresAt.IsZero() && !e.At.Before(a.ExpiresAt) {
		return refuse("the approval has expired")
	}
	def := *m.Definition.Stages[i].Actions[m.action(i, a.Name)].Approval
	a.Votes, a.Owned = slices.Clone(a.Votes), e.Owned
	a.askedAgain(e.Voters)
	if err := a.mayVote(def, e); err != nil {
		return err
	}
	vote := Vote{Meets: e.Meets, Decision: Decision{
		Approved: e.Approved, Actor: e.Actor, At: e.At, Door: e.Door, Comment: e.Comment, Review: e.Review,
		Execution: m.ID, Commit: m.Revision.Commit, Definition: m.Definition.Hash, Variables: m.VariablesDigest(),
		Artifacts: m.Execution.Artifacts(),
	}}
	if e.Approved {
		var err error
		if vote.Values, err = def.Fill(e.Values, a.Filled()); err != nil {
			return refuse("%s", err)
		}
	}
	a.Votes = append(a.Votes, vote)
	switch {
	case !e.Approved && len(a.Voters(false)) >= def.Rejections():
		a.Decision = &vote.Decision
		m.finish(a, Rejected, "rejected by "+a.saying(false, e.Comment))
	case e.Approved && a.met(def):
		a.Decision, a.Outputs = &vote.Decision, vote.Values
		m.finish(a, Succeeded, "approved by "+a.saying(true, e.Comment))
	default:
		return nil
	}
	m.advance(i)
	return nil
}

// askedAgain voids the votes of those who may no longer.
func (a *ActionState) askedAgain(voters []Voter) {
	for _, v := range voters {
		k := a.voteOf(v.Actor)
		if k < 0 {
			continue
		}
		a.Votes[k].Meets = v.Meets
		if len(v.Meets) == 0 {
			a.Votes[k].Void = v.Reason
			if v.Reason == "" {
				a.Votes[k].Void = "may no longer decide"
			}
		}
	}
}

// mayVote refuses a second vote, and one of somebody who is not asked. A rejection
// takes the place of the same person's approval.
func (a *ActionState) mayVote(def Approval, e Decided) error {
	known := func(name string) bool {
		return slices.ContainsFunc(def.Requirements(a.Owned), func(r Requirement) bool { return r.Name == name })
	}
	if e.Actor == "" || !slices.ContainsFunc(e.Meets, known) {
		return refuse("%s is nobody whom this approval asks", e.Actor)
	}
	k := a.voteOf(e.Actor)
	switch {
	case k < 0:
	case a.Votes[k].Approved && !e.Approved:
		a.Votes[k].Void = "rejected instead"
	default:
		return refuseAlready(a.Votes[k])
	}
	return nil
}

// already is a refusal of what a person has done before.
type already struct{ error }

func (a already) Unwrap() []error { return []error{a.error, ErrAlready} }

func refuseAlready(v Vote) error {
	word := "rejected"
	if v.Approved {
		word = "approved"
	}
	return already{refuse("%s has %s already, and one person has one vote", v.Actor, word)}
}

// saying names who has decided, and what the last of them said.
func (a ActionState) saying(approving bool, comment string) string {
	text := strings.Join(a.Voters(approving), ", ")
	if comment != "" {
		text += ": " + comment
	}
	return text
}

// Request is what an approval would let in, beside what the execution has itself.
type Request struct {
	Since   string   `json:",omitempty"` // the commit with which the stage last succeeded; empty: it is about a pull request, or nothing has
	Link    string   `json:",omitempty"` // to what has changed, at GitHub
	Commits int      `json:",omitempty"`
	Titles  []string `json:",omitempty"` // of the first of them, hostile
	Files   int      `json:",omitempty"`
	Sample  []string `json:",omitempty"` // the first of them, hostile
	Unknown string   `json:",omitempty"` // why it is not known
}

// described notes what an approval would let in. Who votes has the owners asked anew.
func (a *ActionState) described(e Described) error {
	a.Request = &e.Request
	if len(a.Votes) == 0 {
		a.Owned = e.Owned
	}
	return nil
}

// withdrawn takes back the vote of a person who takes back what it was given by.
func (m *move) withdrawn(a *ActionState, e Withdrawn) error {
	k := a.voteOf(e.Actor)
	if k < 0 || a.Votes[k].Door != e.Door || e.Review != 0 && a.Votes[k].Review != e.Review {
		return refuse("%s has no vote by %s that could be taken back", e.Actor, e.Door)
	}
	a.Votes = slices.Clone(a.Votes)
	a.Votes[k].Void = e.Reason
	if e.Reason == "" {
		a.Votes[k].Void = "taken back"
	}
	return nil
}
