package pipeline

import (
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
	Gates     string `json:",omitempty"` // hash of the definition whose gates it passes; empty: none
}

// RollBackTo makes the execution that deploys again what succeeded in a stage of x:
// x's revision, variables, artifacts, and of its own definition the stage alone. What
// came before it stands there as x left it. gates is the stage as the newest trusted
// definition has it: its approvals and rules before entry take the place of the
// target's own. Nil, with an automatic rollback, means none: what is gone back to was
// approved.
func (x Execution) RollBackTo(r Rollback, gates *Stage) Execution {
	k := x.StageIndex(r.Stage)
	r.Target, r.Number = x.ID, x.Number
	back := Execution{
		Repository: x.Repository, RepositoryID: x.RepositoryID, Lane: x.Lane, Trigger: OnRollback, Trusted: x.Trusted,
		Revision: x.Revision, Definition: x.Definition, Rollback: &r, Source: x.Source, Notes: x.Notes,
	}
	stages := slices.Clone(x.Definition.Stages[:k+1])
	stages[k] = stages[k].guardedBy(gates)
	back.Definition.Stages = stages
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

// guardedBy puts other approvals and rules before entry in place of a stage's own.
func (s Stage) guardedBy(gates *Stage) Stage {
	s.OnFailure.Rollback, s.BeforeEntry = false, nil
	own := s.Actions
	s.Actions = nil
	var gate []string
	if gates != nil {
		s.BeforeEntry = gates.BeforeEntry
		for _, a := range gates.Actions {
			if a.Role == RoleEntry || a.Approval != nil {
				a.Needs = slices.DeleteFunc(slices.Clone(a.Needs), func(n string) bool { return !gates.approves(n) })
				a.Name = s.unlike(a.Name, own)
				s.Actions = append(s.Actions, a)
			}
			if a.Approval != nil {
				gate = append(gate, a.Name)
			}
		}
	}
	removed := func(name string) bool {
		return slices.ContainsFunc(own, func(a Action) bool { return a.Name == name && a.Approval != nil })
	}
	for _, a := range own {
		if a.Role == RoleEntry || a.Approval != nil {
			continue
		}
		a.Needs = slices.DeleteFunc(slices.Clone(a.Needs), removed)
		if a.Role == RoleWork && len(a.Needs) == 0 {
			a.Needs = slices.Clone(gate)
		}
		s.Actions = append(s.Actions, a)
	}
	return s
}

// approves tells whether an action of the stage is an approval.
func (s Stage) approves(name string) bool {
	return slices.ContainsFunc(s.Actions, func(a Action) bool { return a.Name == name && a.Approval != nil })
}

// unlike is a name that no container run among the actions has.
func (s Stage) unlike(name string, actions []Action) string {
	for slices.ContainsFunc(actions, func(a Action) bool { return a.Name == name && a.Approval == nil && a.Role != RoleEntry }) {
		name += "-gate"
	}
	return name
}
