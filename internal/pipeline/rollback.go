package pipeline

import (
	"cmp"
	"fmt"
	"slices"
)

// Rollback is what an execution goes back to.
type Rollback struct {
	Target    string // id of the execution that succeeded in the stage
	Number    int    // of it
	Stage     string
	Automatic bool
	For       int    `json:",omitempty"` // number of the execution whose failure it undoes; zero: a person asked
	Reason    string `json:",omitempty"` // of who asked, in their own words
	Gates     string `json:",omitempty"` // hash of the definition whose gates it passes; empty: none
	GatesAt   string `json:",omitempty"` // its commit
}

// RollBackTo makes the execution that deploys again what succeeded in a stage of x:
// x's revision, variables, artifacts, and of its own definition the stage alone, which
// held its condition then. What came before it stands there as x left it. gates is the
// newest trusted definition, which has the stage too: the approvals and rules before
// entry of that take the place of the target's own. Nil, with an automatic rollback,
// means none: what is gone back to was approved.
func (x Execution) RollBackTo(r Rollback, gates *Definition) Execution {
	k := x.StageIndex(r.Stage)
	r.Target, r.Number = x.ID, x.Number
	back := Execution{
		Repository: x.Repository, RepositoryID: x.RepositoryID, Lane: x.Lane, Trigger: OnRollback, Trust: x.Trust, Admission: x.Admission,
		Revision: x.Revision, Definition: x.Definition, DefinedAt: x.DefinedAt, Rollback: &r, Source: x.Source, Notes: x.Notes,
	}
	def := &back.Definition
	def.Stages = slices.Clone(def.Stages[:k+1])
	stage := &def.Stages[k]
	stage.If, stage.BeforeEntry, stage.OnFailure.Rollback, stage.OnFailure.Skip = "", nil, false, false
	if gates == nil {
		*stage = stage.guardedBy(Stage{})
	} else {
		r.Gates = gates.Hash
		*stage = stage.guardedBy(gates.Stages[gates.StageIndex(r.Stage)])
		def.Variables = withThose(def.Variables, gates.Variables)
	}
	for _, st := range x.Stages[:k] {
		was := StageState{Name: st.Name, Status: Skipped, Attempt: 1, Reason: "as another execution left it"}
		for _, a := range st.Actions {
			was.Actions = append(was.Actions, ActionState{
				Name: a.Name, Status: Skipped, Attempt: 1, Outputs: a.Outputs, Artifacts: a.Artifacts, Tests: a.Tests,
			})
		}
		back.Stages = append(back.Stages, was)
	}
	return back
}

// withThose adds variables that are not there: gates may ask for them.
func withThose(have, more []Variable) []Variable {
	all := slices.Clone(have)
	for _, v := range more {
		if !slices.ContainsFunc(have, func(h Variable) bool { return h.Name == v.Name }) {
			all = append(all, v)
		}
	}
	return all
}

// TakesOver names the locks that a rollback which has not begun will take, that of its
// stage first. Where it cannot be told it is none.
func (x Execution) TakesOver() []LockKey {
	k := len(x.Definition.Stages) - 1
	m := &move{Execution: x}
	m.Stages = append(slices.Clone(x.Stages), StageState{Name: x.Rollback.Stage})
	var err error
	if m.Stages[k].Concurrency, err = m.expand("concurrency", x.Definition.Stages[k].Concurrency); err != nil {
		return nil
	}
	return append([]LockKey{m.LockKey(k)}, m.SharedKeys(k)...)
}

// Given lists what a rollback has of earlier stages, and the source, as far as its own
// stage asks for it.
func (x Execution) Given() []Artifact {
	k := len(x.Definition.Stages) - 1
	x.Stages = x.Stages[:k]
	return slices.DeleteFunc(x.Artifacts(), func(art Artifact) bool {
		asks := func(a Action) bool { return slices.Contains(a.Inputs, art.Name) }
		return !slices.ContainsFunc(x.Definition.Stages[k].Actions, asks)
	})
}

// rolledBack notes what became of a rollback.
func (m *move) rolledBack(i int, e RolledBack) bool {
	st := m.own(i)
	if st.RolledBack != 0 {
		return false
	}
	st.RolledBack = e.By
	said := fmt.Sprintf("execution %d goes back to execution %d", e.By, e.To)
	if e.By == 0 {
		said = "it was not rolled back: " + e.Why
	}
	if st.Reason != "" {
		said = st.Reason + "; " + said
	}
	st.Reason = said
	return true
}

// guardedBy puts the approvals and rules before entry of other gates in place of a
// stage's own. All it does of its own waits for all approvals. Where it holds no lock
// that the gates would, it takes theirs.
func (s Stage) guardedBy(gates Stage) Stage {
	own := s.Actions
	s.Environment, s.Concurrency = cmp.Or(s.Environment, gates.Environment), cmp.Or(s.Concurrency, gates.Concurrency)
	s.BeforeEntry, s.Actions = gates.BeforeEntry, nil
	var approvals []string
	for _, a := range gates.Actions {
		switch {
		case a.Role == RoleEntry:
			s.Actions = append(s.Actions, a)
		case a.Approval != nil:
			a.Needs = gates.needed(a, isApproval)
			for n := range a.Needs {
				a.Needs[n] = gates.unlike(a.Needs[n], own)
			}
			a.Name = gates.unlike(a.Name, own)
			s.Actions, approvals = append(s.Actions, a), append(approvals, a.Name)
		}
	}
	target := Stage{Actions: own}
	for _, a := range own {
		if a.Role == RoleEntry || isApproval(a) {
			continue
		}
		a.Needs = target.needed(a, isNoApproval)
		if a.Role == RoleWork && len(a.Needs) == 0 {
			a.Needs = slices.Clone(approvals)
		}
		s.Actions = append(s.Actions, a)
	}
	return s
}

func isApproval(a Action) bool   { return a.Approval != nil }
func isNoApproval(a Action) bool { return a.Approval == nil }

// needed is what an action needs of those that are kept: in place of one that is not,
// what that needs.
func (s Stage) needed(a Action, kept func(Action) bool) []string {
	var needs, seen []string
	for open := slices.Clone(a.Needs); len(open) > 0; {
		name := open[0]
		open = open[1:]
		if slices.Contains(seen, name) {
			continue
		}
		seen = append(seen, name)
		for _, n := range s.Actions {
			switch {
			case n.Name != name:
			case kept(n):
				needs = append(needs, name)
			default:
				open = append(open, n.Needs...)
			}
		}
	}
	return needs
}

// unlike is the name of an approval of the stage where none of the actions that it is
// put among may have it.
func (s Stage) unlike(name string, among []Action) string {
	has := func(a Action) bool { return a.Name == name && isNoApproval(a) && a.Role != RoleEntry }
	for renamed := false; slices.ContainsFunc(among, has) || renamed && slices.ContainsFunc(s.Actions, named(name)); renamed = true {
		name += "-gate"
	}
	return name
}

func named(name string) func(Action) bool { return func(a Action) bool { return a.Name == name } }

// turnedDown tells whether an approval of a rollback has ended without a yes: then
// nothing of its target runs, whatever the target's conditions say.
func (m *move) turnedDown(i int) bool {
	if m.Rollback == nil {
		return false
	}
	for j, def := range m.Definition.Stages[i].Actions {
		status := m.Stages[i].Actions[j].Status
		if isApproval(def) && status.Ended() && status != Succeeded && status != Skipped {
			return true
		}
	}
	return false
}
