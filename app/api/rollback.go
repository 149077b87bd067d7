package api

import (
	"net/http"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Rollback is the body of rollback: a stage of a pipeline, and by its number the
// execution that it goes back to. Without one that is what the stage had before what it
// has now, on a lane, or on the default branch.
type Rollback struct {
	Repository string `json:"repository"`
	Pipeline   string `json:"pipeline"`
	Stage      string `json:"stage"`
	Lane       string `json:"lane,omitempty"`
	Execution  int    `json:"execution,omitempty"`
	Reason     string `json:"reason,omitempty"`
	Preview    bool   `json:"preview,omitempty"` // say what would be done, and do nothing
}

// RollbackPlan is what a rollback does.
type RollbackPlan struct {
	Stage       string      `json:"stage"`
	Environment string      `json:"environment,omitempty"` // that it changes
	Target      Summary     `json:"target"`                // what it goes back to
	Now         *Summary    `json:"now,omitempty"`         // what the stage has now
	Halfway     int         `json:"halfway,omitempty"`     // number of the execution that has failed there since
	Definition  string      `json:"definition"`            // hash of the file whose actions run
	Actions     []string    `json:"actions"`
	Variables   []Variable  `json:"variables,omitempty"`
	Artifacts   []Artifact  `json:"artifacts"`            // that the actions are given
	Transition  *Transition `json:"transition,omitempty"` // what keeps the way into the stage closed
	Gates       Gates       `json:"gates"`
	Started     *Summary    `json:"started,omitempty"` // the execution that does it; missing in a preview
}

// Gates are what a rollback passes first: the approvals and rules of the newest
// definition of the default branch.
type Gates struct {
	Definition string   `json:"definition"` // hash of the file
	Commit     string   `json:"commit"`
	Approvals  []Gate   `json:"approvals"`
	Rules      []string `json:"rules"`
}

// Gate is an approval that will be asked for.
type Gate struct {
	Name string `json:"name"`
	Approval
}

// GoesBack says what an execution goes back to.
type GoesBack struct {
	Execution string `json:"execution"` // id
	Number    int    `json:"number"`
	Stage     string `json:"stage"`
	Automatic bool   `json:"automatic,omitempty"` // because the execution For has failed
	For       int    `json:"for,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Gates     string `json:"gates,omitempty"`    // hash of the definition whose approvals and rules it passes
	GatesAt   string `json:"gates_at,omitempty"` // its commit
}

func goesBack(x Found) *GoesBack {
	r := x.Rollback
	if r == nil {
		return nil
	}
	return &GoesBack{r.Target, r.Number, r.Stage, r.Automatic, r.For, r.Reason, r.Gates, r.GatesAt}
}

func (s *server) rollback(w http.ResponseWriter, r *http.Request) error {
	var back Rollback
	if err := decode(r, &back); err != nil {
		return err
	}
	key, err := idempotency(r)
	if err == nil {
		err = back.check()
	}
	if err != nil {
		return err
	}
	c, fresh, err := s.Operations.Rollback(r.Context(), back, key)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if fresh {
		status = http.StatusCreated
		w.Header().Set("Location", Prefix+"/executions/"+c.Back.ID)
	}
	s.write(w, status, plan(c))
	return nil
}

// check refuses what makes no sense whatever is known.
func (b Rollback) check() error {
	switch {
	case !isRepository(b.Repository):
		return refuse(Invalid, "repository is to be OWNER/NAME, not %s", short(b.Repository))
	case b.Pipeline == "":
		return refuse(Invalid, "pipeline is missing: name the one to roll back")
	case b.Stage == "":
		return refuse(Invalid, "stage is missing: name the one to roll back")
	case b.Execution < 0:
		return refuse(Invalid, "execution is to be the number of one, 1 or more")
	}
	return fits("reason", b.Reason)
}

// plan renders what a rollback does.
func plan(c Comeback) RollbackPlan {
	def := c.Back.Definition
	stage := def.Stages[len(def.Stages)-1]
	out := RollbackPlan{
		Stage: stage.Name, Environment: stage.Environment, Target: summary(c.Target), Halfway: c.Halfway,
		Definition: def.Hash, Actions: []string{}, Artifacts: []Artifact{},
		Gates: Gates{Definition: c.Back.Rollback.Gates, Commit: c.Back.Rollback.GatesAt, Approvals: []Gate{}, Rules: []string{}},
	}
	if c.Now.ID != "" {
		now := summary(c.Now)
		out.Now = &now
	}
	if c.Back.ID != "" {
		started := summary(c.Back)
		out.Started = &started
	}
	if c.Closed.Stage != "" {
		closed := TransitionOf(c.Target.Repository, c.Closed)
		out.Transition = &closed
	}
	out.Artifacts = append(out.Artifacts, artifacts(c.Back.Given())...)
	for _, v := range def.Variables {
		out.Variables = append(out.Variables, Variable{v.Name, v.Default})
	}
	for _, r := range stage.BeforeEntry {
		out.Gates.Rules = append(out.Gates.Rules, r.String())
	}
	for _, a := range stage.Actions {
		switch {
		case a.Approval != nil:
			out.Gates.Approvals = append(out.Gates.Approvals, Gate{a.Name, *approval(c.Back.Execution, a.Approval, pipeline.ActionState{Status: pipeline.Pending})})
		case a.Role != pipeline.RoleEntry:
			out.Actions = append(out.Actions, a.Title())
		}
	}
	return out
}
