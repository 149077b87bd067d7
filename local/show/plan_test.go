package show

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/local"
)

// TestPlanOfConditions writes all that a stage can ask for, and a matrix.
func TestPlanOfConditions(t *testing.T) {
	stage := pipeline.Stage{
		Name: "production", If: "source.branch == 'main'", Environment: "production", Concurrency: "db-${{ build.a.x }}",
		BeforeEntry: []pipeline.Rule{
			{TestsPass: &pipeline.TestsPass{Stage: "test", Minimum: 99.5}, Otherwise: pipeline.OtherwiseSkip},
			{Window: &pipeline.Window{
				Days: []time.Weekday{1, 5}, Hours: []pipeline.Span{{From: 545, To: 1440}, {From: 1320, To: 360}}, Timezone: "Europe/Paris",
				Holidays: []string{"2026-12-25", "2026-12-26"},
			}, Otherwise: pipeline.OtherwiseWait},
			{Window: &pipeline.Window{Cron: "* 9 * * *"}},
			{Variable: &pipeline.VariableRule{Name: "variables.REGION", Operator: pipeline.Matches, Value: "^eu\x1b"}},
		},
		OnSuccess: []pipeline.Rule{{Command: "on-success.1", Otherwise: pipeline.OtherwiseRollback}, {Expression: "changed('a')"}},
		OnFailure: pipeline.OnFailure{Retry: pipeline.RetryFailed, Times: 2, Backoff: 30 * time.Second, Rollback: true},
	}
	run := func(name, value string, wave int, needs ...string) local.PlannedAction {
		a := pipeline.Action{
			Name: name + "-" + value, Of: name, Matrix: []pipeline.Value{{Name: "go", Value: value}, {Name: "os", Value: "a\n"}},
			Image: "alpine", Inputs: []string{"source"}, Needs: needs,
		}
		return local.PlannedAction{Action: a, Wave: wave}
	}
	source := []string{"source"}
	plan := local.Plan{Event: pipeline.Push, Pipelines: []local.PlannedPipeline{{Name: "p", File: "p.yaml", Starts: true, Why: "w", Stages: []local.PlannedStage{{
		Stage: stage,
		Actions: []local.PlannedAction{
			run("make", "1", 1), run("make", "2", 1), run("unit", "1", 2, "make-1", "make-2", "lint"),
			{Action: pipeline.Action{Name: "lint", If: "always()", Image: "a", Inputs: source}, Wave: 2},
			{Action: pipeline.Action{Name: "on-success.1", Role: pipeline.RoleSuccess, Image: "curl", Inputs: source}, Wave: 3},
			{Action: pipeline.Action{Name: "sweep", Role: pipeline.RoleFinally, Image: "a", Inputs: source}, Wave: 4},
		},
	}, {Stage: pipeline.Stage{Name: "plain", OnFailure: pipeline.OnFailure{Retry: pipeline.RetryAll, Times: 1, Skip: true}}}}}}}
	var b strings.Builder
	if err := Plan(&b, plan, false); err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(b.String(), "p starts: w (p.yaml)\n")
	if diff := cmp.Diff(plannedText, got); diff != "" {
		t.Error(diff)
	}
	b.Reset()
	if err := PlanJSON(&b, plan); err != nil {
		t.Fatal(err)
	}
	var made struct {
		Pipelines []struct{ Stages []map[string]any }
	}
	if err := json.Unmarshal([]byte(b.String()), &made); err != nil {
		t.Fatal(err)
	}
	first := made.Pipelines[0].Stages[0]
	for key, want := range map[string]string{
		"if": `"source.branch == 'main'"`, "environment": `"production"`, "concurrency": `"db-${{ build.a.x }}"`,
		"onSuccess": `[{"kind":"command","otherwise":"rollback","text":"on-success.1"},{"kind":"expression","otherwise":"fail","text":"changed('a')"}]`,
		"onFailure": `{"backoff":30,"retry":"failed-actions","rollback":true,"skip":false,"times":2}`,
	} {
		if got, err := json.Marshal(first[key]); err != nil || string(got) != want {
			t.Errorf("%s is %s, %v; want %s", key, got, err, want)
		}
	}
	unit, err := json.Marshal(first["actions"].([]any)[2])
	want := `{"image":"alpine","inputs":["source"],"matrix":{"go":"1","os":"a\n"},"name":"unit-1","needs":["make-1","make-2","lint"],"of":"unit","wave":2}`
	if string(unit) != want || err != nil {
		t.Errorf("unit-1 is %s, %v", unit, err)
	}
}

const plannedText = `  production
       if            source.branch == 'main'
       environment   production
       concurrency   db-${{ build.a.x }}
       before-entry  tests-pass test 99.5%, otherwise skip
       before-entry  window mon,fri 09:05-24:00,22:00-06:00 but on 2026-12-25, 2026-12-26 Europe/Paris, otherwise wait
       before-entry  window cron * 9 * * * UTC, otherwise fail
       before-entry  variable variables.REGION matches ^eu\x1b, otherwise fail
       on-success    command on-success.1, otherwise rollback
       on-success    expression changed('a'), otherwise fail
       on-failure    retry failed-actions up to 2 times after 30s, then rollback
    1  make (1, a\n)  image     alpine
       make (2, a\n)  image     alpine
    2  unit (1, a\n)  image     alpine
                      needs     make, lint
       lint           image     a
                      if        always()
    3  on-success.1   image     curl
    4  sweep          image     a
                      finally   when all others have ended, after failure and cancel too
  plain
       on-failure    retry all-actions once, then skip

What stands between ${{ and }} is known only when the pipeline runs.
`

// TestTitles keeps what a value holds away from the terminal.
func TestTitles(t *testing.T) {
	a := pipeline.Action{Name: "unit-_", Of: "unit", Matrix: []pipeline.Value{{Name: "v", Value: "\x1b[31mred\n"}}}
	d := pipeline.Definition{Stages: []pipeline.Stage{{Name: "test", Actions: []pipeline.Action{a}}}}
	begun := titlesOf(local.Beginning{Stages: []local.Step{{Stage: "test", Actions: []string{"unit-_"}, Titles: []string{a.Title()}}}})
	for _, titles := range []titles{titlesIn(d), begun} {
		if got := titles.of("test", "unit-_"); got != "unit (red)" {
			t.Errorf("got %q", got)
		}
		if got := titles.of("test", "other"); got != "other" {
			t.Errorf("got %q", got)
		}
	}
}
