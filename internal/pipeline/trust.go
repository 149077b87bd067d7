package pipeline

import (
	"slices"
	"strings"
)

// Environment says on which refs stages may change what it stands for. Its lists are
// globs as in a Filter. Without Branches and Tags it is the default branch alone.
type Environment struct {
	Name         string
	Branches     []string
	Tags         []string
	PullRequests bool // of the repository's own branches too
}

// Trust tells whether an environment trusts the revision of an execution.
type Trust struct {
	Environment string // empty: what has none, which trusts the default branch
	Trusted     bool   `json:",omitempty"`
	Words       string `json:",omitempty"` // where it runs, for people
	Problem     string `json:",omitempty"` // why nobody could tell; then it is not trusted
}

// Trusts tells whether the environment of a name trusts a revision. One that is not
// among those that are listed trusts the default branch alone. None trusts a fork, nor
// what a merge queue has put together, in which a fork's commits may be.
func Trusts(listed []Environment, name, defaultBranch string, r Revision) Trust {
	e := Environment{Name: name}
	if i := slices.IndexFunc(listed, func(e Environment) bool { return strings.EqualFold(e.Name, name) }); i >= 0 {
		e = listed[i]
	}
	return Trust{Environment: name, Trusted: e.trusts(defaultBranch, r), Words: e.words(defaultBranch)}
}

func (e Environment) trusts(defaultBranch string, r Revision) bool {
	branch, ofBranch := strings.CutPrefix(r.Ref, "refs/heads/")
	switch {
	case r.Fork, ofBranch && strings.HasPrefix(branch, queued):
		return false
	case r.PullRequest != 0:
		return e.PullRequests
	case len(e.Branches)+len(e.Tags) == 0:
		return ofBranch && defaultBranch != "" && branch == defaultBranch
	case ofBranch:
		return included(e.Branches, branch)
	}
	return r.Tag() != "" && included(e.Tags, r.Tag())
}

// included tells whether the last pattern that matches a name lets it in.
func included(patterns []string, name string) bool {
	last := lastMatch(patterns, name)
	return last != "" && !strings.HasPrefix(last, "!")
}

// words say where the environment runs.
func (e Environment) words(defaultBranch string) string {
	var places []string
	if len(e.Branches)+len(e.Tags) == 0 {
		places = append(places, defaultBranch)
	}
	if len(e.Branches) > 0 {
		places = append(places, strings.Join(e.Branches, ", "))
	}
	if len(e.Tags) > 0 {
		places = append(places, "tags "+strings.Join(e.Tags, ", "))
	}
	if e.PullRequests {
		places = append(places, "pull requests")
	}
	return "runs on " + strings.Join(places, " and ")
}

// Trusts tells whether an environment trusted the execution when it began.
func (x Execution) Trusts(environment string) bool { return x.trust(environment).Trusted }

// TrustedIn tells whether the environment of a stage trusts the execution: as was found
// before the stage's first job, or else when the execution began.
func (x Execution) TrustedIn(stage int) bool {
	return !x.Revision.Fork && (x.Stages[stage].Vouched || x.Trusts(x.Definition.Stages[stage].Environment))
}

// trust is what was found out about an environment when the execution began.
func (x Execution) trust(environment string) Trust {
	for _, t := range x.Trust {
		if t.Environment == environment {
			return t
		}
	}
	return Trust{Environment: environment, Words: "is not known to trust anything"}
}

// Environments are those that the stages of the definition change, each once.
func (d Definition) Environments() []string {
	var names []string
	for _, s := range d.Stages {
		if s.Environment != "" && !slices.Contains(names, s.Environment) {
			names = append(names, s.Environment)
		}
	}
	return names
}

// distrusted ends a stage that is not entered for want of trust, and tells whether it
// has.
func (m *move) distrusted(i int) bool {
	name := m.Definition.Stages[i].Environment
	t := m.trust(name)
	switch {
	case name == "":
		return false
	case m.Revision.Fork:
		m.skipStage(i, "the environment "+name+" is for no fork")
	case t.Problem != "":
		m.fail(i, t.Problem)
	case !t.Trusted:
		m.skipStage(i, t.reason())
	default:
		return false
	}
	return true
}

func (t Trust) reason() string {
	return "the environment " + t.Environment + " " + t.Words
}

// vouched tells whether the environment of a stage trusts the execution still, or asks.
// An automatic rollback asks nobody: what it goes back to was let in.
func (m *move) vouched(i int) bool {
	st, name := m.own(i), m.Definition.Stages[i].Environment
	if name == "" || st.Vouched || m.Rollback != nil && m.Rollback.Automatic {
		return true
	}
	if st.Hold.For != HoldTrust {
		st.Hold = Hold{For: HoldTrust}
		m.emit(AskTrust{Stage: st.Name, Environment: name})
	}
	return false
}

// trusted is the answer: the stage goes on, or ends as if it had not been entered.
func (m *move) trusted(i int, t Trust) bool {
	st := m.own(i)
	switch {
	case st.Hold.For != HoldTrust || t.Environment != m.Definition.Stages[i].Environment:
		return false
	case t.Trusted && t.Problem == "" && !m.Revision.Fork:
		st.Vouched = true
		return m.resume(i, HoldTrust)
	case t.Problem != "":
		m.bar(i, t.Problem)
	default:
		m.leave(i)
		m.skipStage(i, t.reason())
		m.goOn(i)
	}
	return true
}
