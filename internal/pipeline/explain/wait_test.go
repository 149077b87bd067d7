package explain_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// execution has a build of two actions and a production that is signed off.
func execution(change func(*pipeline.Execution)) pipeline.Execution {
	x := pipeline.Execution{
		Number: 7, Repository: "octo/shop", Lane: "refs/heads/main", Status: pipeline.InProgress, CreatedAt: noon,
		Source: pipeline.Artifact{Digest: "d"},
		Definition: pipeline.Definition{Name: "release", Stages: []pipeline.Stage{
			{Name: "build", Actions: []pipeline.Action{{Name: "compile"}, {Name: "lint"}}},
			{Name: "production", Environment: "live", Actions: []pipeline.Action{
				{Name: "sign-off", Approval: &pipeline.Approval{Users: []string{"ann"}, Teams: []string{"ops"}}}, {Name: "roll-out", Needs: []string{"sign-off"}},
			}},
		}},
	}
	for _, s := range x.Definition.Stages {
		st := pipeline.StageState{Name: s.Name, Status: pipeline.Pending}
		for _, a := range s.Actions {
			st.Actions = append(st.Actions, pipeline.ActionState{Name: a.Name, Status: pipeline.Pending})
		}
		x.Stages = append(x.Stages, st)
	}
	change(&x)
	return x
}

func TestWaits(t *testing.T) {
	in := func(stage int, status pipeline.Status, more func(*pipeline.Execution, *pipeline.StageState)) pipeline.Execution {
		return execution(func(x *pipeline.Execution) {
			for k := range stage {
				x.Stages[k].Status = pipeline.Succeeded
			}
			st := &x.Stages[stage]
			st.Status, st.WaitsFrom, st.StartedAt = status, noon.Add(time.Minute), noon.Add(time.Minute)
			if more != nil {
				more(x, st)
			}
		})
	}
	freeze := map[string]pipeline.Transition{"production": {Actor: "bob", Reason: "sale", At: noon}}
	held := func(kind pipeline.HoldKind) pipeline.Execution {
		return in(1, pipeline.InProgress, func(_ *pipeline.Execution, st *pipeline.StageState) {
			st.Hold = pipeline.Hold{For: kind, Until: noon.Add(time.Hour)}
			st.Reason, st.Asked, st.Deployed.Commit = "the window", 1, "beefbeefbeef"
		})
	}
	for _, tc := range []struct {
		name   string
		x      pipeline.Execution
		stage  int
		around explain.Around
		want   []string // KIND TEXT; NEXT
	}{
		{"the source", execution(func(x *pipeline.Execution) { x.Status = pipeline.Pending }), 0, explain.Around{}, []string{"source the source; stage build begins"}},
		{"an earlier stage", in(0, pipeline.InProgress, nil), 1, explain.Around{}, []string{"stage stage build; "}},
		{
			"an earlier stage and a closed way", in(0, pipeline.InProgress, nil), 1,
			explain.Around{Closed: freeze},
			[]string{"stage stage build; ", "transition the way into this stage to be opened: it is closed by bob since 28 November 2026 12:00 UTC: sale; the newest of refs/heads/main that waits here goes on"},
		},
		{
			"a closed way, whoever is inside", in(1, pipeline.Waiting, nil), 1,
			explain.Around{Closed: freeze, Holder: "execution 6"},
			[]string{"transition the way into this stage to be opened: it is closed by bob since 28 November 2026 12:00 UTC: sale; the newest of refs/heads/main that waits here goes on"},
		},
		{"nobody knows whom", in(1, pipeline.Waiting, nil), 1, explain.Around{}, []string{"lock another execution to leave this stage; it enters, unless a newer execution of refs/heads/main takes its place"}},
		{"its lane", in(1, pipeline.Waiting, func(x *pipeline.Execution, _ *pipeline.StageState) { x.Definition.Mode = pipeline.Queueing }), 1, explain.Around{Holder: "execution 5", Ahead: 1}, []string{"lock execution 5 to leave this stage, and for 1 that came earlier; it enters in its turn"}},
		{
			"its environment, closed behind it", held(pipeline.HoldShared), 1,
			explain.Around{Closed: freeze, Holder: "hotfix 3 of refs/heads/main", Ahead: 2},
			[]string{"environment hotfix 3 of refs/heads/main to leave the environment live, and for 2 that came earlier; its actions run"},
		},
		{
			"a way closed after it was entered", held(pipeline.HoldShut), 1,
			explain.Around{Closed: freeze},
			[]string{"transition the way into this stage to be opened: it is closed by bob since 28 November 2026 12:00 UTC: sale; the newest of refs/heads/main that waits here goes on"},
		},
		{"what is deployed", held(pipeline.HoldCompare), 1, explain.Around{}, []string{"commit GitHub to say whether this commit contains beefbee, which is deployed; its actions run"}},
		{"the word of its environment", held(pipeline.HoldTrust), 1, explain.Around{}, []string{"environment GitHub to say whether the environment live still trusts refs/heads/main; its actions run"}},
		{"another try", held(pipeline.HoldRetry), 1, explain.Around{}, []string{"retry its next try at 28 November 2026 13:00 UTC; what failed runs again"}},
		{"another try of an action", in(0, pipeline.InProgress, func(_ *pipeline.Execution, st *pipeline.StageState) {
			st.Actions[0].Status, st.Actions[0].Until = pipeline.Pending, time.Date(2026, 11, 28, 13, 0, 0, 0, time.UTC)
		}), 0, explain.Around{}, []string{"retry the next try of compile at 28 November 2026 13:00 UTC; it runs again"}},
		{"rules, inside", held(pipeline.HoldRules), 1, explain.Around{}, []string{"condition its rules: the window (asked again at 28 November 2026 13:00 UTC); its actions run"}},
		{"the commands of rules", in(1, pipeline.Waiting, func(_ *pipeline.Execution, st *pipeline.StageState) { st.Admitted = true }), 1, explain.Around{}, []string{"condition the commands of its rules; stage production begins"}},
		{"the source, admitted", in(1, pipeline.Waiting, func(x *pipeline.Execution, st *pipeline.StageState) { st.Admitted, x.Source.Digest = true, "" }), 1, explain.Around{}, []string{"source the source; stage production begins"}},
		{"a condition", in(1, pipeline.Waiting, func(_ *pipeline.Execution, st *pipeline.StageState) {
			st.Reason, st.Hold.For = "the window", pipeline.HoldRules
		}), 1, explain.Around{Holder: "execution 5"}, []string{"condition its rules: the window; stage production begins"}},
		{
			"a runner and what runs", in(0, pipeline.InProgress, func(_ *pipeline.Execution, st *pipeline.StageState) {
				st.Actions[0].Status, st.Actions[1].Status = pipeline.InProgress, pipeline.Queued
			}), 0,
			explain.Around{},
			[]string{"runner a free runner: lint; ", "action what runs: compile; stage production begins"},
		},
		{
			"an approval", in(1, pipeline.InProgress, func(_ *pipeline.Execution, st *pipeline.StageState) {
				st.Actions[0].Status, st.Actions[0].ExpiresAt = pipeline.Waiting, noon
			}), 1,
			explain.Around{},
			[]string{"approval the approval sign-off by @ann, @octo/ops, but no author of the change, until 28 November 2026 12:00 UTC; what needs it goes on: roll-out"},
		},
		{
			"the last action", in(1, pipeline.InProgress, func(_ *pipeline.Execution, st *pipeline.StageState) {
				st.Actions[0].Status, st.Actions[1].Status = pipeline.Succeeded, pipeline.InProgress
			}), 1,
			explain.Around{},
			[]string{"action what runs: roll-out; the execution succeeds"},
		},
		{
			"a stop", in(0, pipeline.Stopping, func(_ *pipeline.Execution, st *pipeline.StageState) { st.Reason = "stopped by bob" }), 0,
			explain.Around{},
			[]string{"end its end: it finishes what runs (stopped by bob); "},
		},
		{"abandoned", in(0, pipeline.Stopping, func(x *pipeline.Execution, _ *pipeline.StageState) { x.Abandoned = true }), 0, explain.Around{}, []string{"end its end: it kills what runs; "}},
		{"over", in(1, pipeline.InProgress, nil), 0, explain.Around{}, nil},
		{"all over", in(0, pipeline.Failed, func(x *pipeline.Execution, _ *pipeline.StageState) { x.Status = pipeline.Failed }), 1, explain.Around{}, nil},
	} {
		var got []string
		for _, w := range explain.Waits(tc.x, tc.stage, tc.around) {
			got = append(got, string(w.Kind)+" "+w.Text+"; "+w.Next)
		}
		if strings.Join(got, "\n") != strings.Join(tc.want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", tc.name, strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
		}
	}
}

func TestSince(t *testing.T) {
	x := execution(func(x *pipeline.Execution) {
		x.Stages[0].Status = pipeline.InProgress
		x.Stages[0].Actions[0].Status, x.Stages[0].Actions[0].StartedAt = pipeline.InProgress, noon.Add(time.Hour)
		x.Stages[0].Actions[1].Status, x.Stages[0].Actions[1].StartedAt = pipeline.InProgress, noon
	})
	if got := explain.Waits(x, 0, explain.Around{})[0].Since; !got.Equal(noon) {
		t.Errorf("it runs since %s, want the first", got)
	}
	x.Stages[0].Status, x.Stages[0].WaitsFrom = pipeline.Waiting, noon.Add(2*time.Hour)
	if got := explain.Waits(x, 0, explain.Around{})[0].Since; !got.Equal(noon.Add(2 * time.Hour)) {
		t.Errorf("it waits since %s, want since it came", got)
	}
}
