package api_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// Rollback goes back to the oldest execution, behind a rule and an approval.
func (s *shelf) Rollback(_ context.Context, r api.Rollback, key string) (api.Comeback, bool, error) {
	now, target := s.found[0], s.found[2]
	gates := pipeline.Definition{Hash: "g", Stages: []pipeline.Stage{{
		Name: "build", Environment: "live", BeforeEntry: []pipeline.Rule{{Expression: "variables.GO == '1'"}},
		Actions: []pipeline.Action{{Name: "ask", Approval: &pipeline.Approval{Teams: []string{"release"}}}},
	}}}
	target.Definition.Stages[0].Actions[0].Inputs = []string{"source"}
	back := api.Found{URL: "http://ci/executions/b"}
	back.Execution = target.RollBackTo(pipeline.Rollback{Stage: "build", Reason: r.Reason, GatesAt: "c0ffee"}, &gates)
	if !r.Preview {
		back.ID, back.Number, back.Status, back.Actor = "40", 4, pipeline.Pending, "ann"
	}
	return api.Comeback{Back: back, Target: target, Now: now, Halfway: 2, Closed: closing}, key == "" && !r.Preview, s.do(r)
}

var closing = pipeline.Transition{Pipeline: "release", Stage: "build", Actor: "ann", Reason: "stock-taking"}

// TestRollback asks what a rollback would do, and has it done.
func TestRollback(t *testing.T) {
	s := newShelf()
	_, client := serve(t, s)
	asked := api.Rollback{Repository: "octo/shop", Pipeline: "release", Stage: "build", Execution: 1, Reason: "slow", Preview: true}
	got, err := client.Rollback(t.Context(), asked, "")
	if err != nil {
		t.Fatal(err)
	}
	page, err := client.Executions(t.Context(), api.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	want := api.RollbackPlan{
		Stage: "build", Environment: "live", Target: page.Items[2], Now: &page.Items[0], Halfway: 2, Definition: "h",
		Transition: &api.Transition{Repository: "octo/shop", Pipeline: "release", Stage: "build", Actor: "ann", Reason: "stock-taking"},
		Actions:    []string{"compile"}, Variables: []api.Variable{{Name: "GO", Value: "1"}}, Artifacts: []api.Artifact{{Name: "source", Digest: "d", Size: 5}},
		Gates: api.Gates{
			Definition: "g", Commit: "c0ffee", Rules: []string{"expression variables.GO == '1', otherwise fail"},
			Approvals: []api.Gate{{Name: "ask", Approval: api.Approval{Who: "@octo/release", Teams: []string{"release"}}}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("preview:\n%s", diff)
	}
	asked.Preview = false
	for _, key := range []string{"", "key"} {
		got, err = client.Rollback(t.Context(), asked, key)
		goes := &api.GoesBack{Execution: "10", Number: 1, Stage: "build", Reason: "slow", Gates: "g", GatesAt: "c0ffee"}
		if err != nil || got.Started == nil || got.Started.ID != "40" || got.Started.Trigger != "rollback" || !cmp.Equal(got.Started.Rollback, goes) {
			t.Errorf("started: %+v %v", got.Started, err)
		}
	}
	if len(s.asked) != 3 || s.asked[2] != asked {
		t.Errorf("asked: %+v", s.asked)
	}
}

// TestRollbackMakesNoSense refuses what needs nobody to be asked.
func TestRollbackMakesNoSense(t *testing.T) {
	s := newShelf()
	_, client := serve(t, s)
	for want, r := range map[string]api.Rollback{
		`repository is to be OWNER/NAME, not "shop"`:      {Repository: "shop", Pipeline: "p", Stage: "s"},
		"pipeline is missing: name the one to roll back":  {Repository: "octo/shop", Stage: "s"},
		"stage is missing: name the one to roll back":     {Repository: "octo/shop", Pipeline: "p"},
		"execution is to be the number of one, 1 or more": {Repository: "octo/shop", Pipeline: "p", Stage: "s", Execution: -1},
	} {
		client.HTTP = nil // the description does not allow all of these
		if _, err := client.Rollback(t.Context(), r, ""); err == nil || err.Error() != want {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if len(s.asked) != 0 {
		t.Errorf("asked: %+v", s.asked)
	}
}
