package pipeline

import "time"

// OkToTest is a person's word that the commit of a fork may be run, once they have
// looked at it. It is about that commit alone.
type OkToTest struct {
	Actor string
	Door  string
	At    time.Time
}

// Unadmitted tells whether nothing of the execution may run yet, not even its source be
// fetched: its commit is a fork's, and nobody who may has said /ok-to-test.
func (x Execution) Unadmitted() bool { return x.Revision.Fork && x.Admission == nil }

// AwaitsWord tells whether it waits for that word.
func (x Execution) AwaitsWord() bool { return x.Unadmitted() && x.Status == Pending }

// admit lets an execution of a fork's commit begin.
func (m *move) admit(e Admitted) {
	m.Admission = &OkToTest{Actor: e.Actor, Door: e.Door, At: e.At}
	m.want()
}
