package local

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
	schema "github.com/stagegate/stagegate/pipelines-schema"
)

const parts = `on: push
stages:
  - name: build
    actions:
      - { name: compile, image: a, run: x, artifacts: { shop: out } }
      - { name: lint, image: a, run: x }
  - name: test
    actions:
      - { name: unit, image: a, run: x, secrets: [TOKEN] }
      - { name: lint, image: a, run: x }
  - name: production
    actions:
      - { name: sign-off, approval: {} }
      - name: roll-out
        needs: [sign-off]
        image: a
        run: x
        inputs: [shop]
        env: { V: "${{ build.compile.version }} ${{ test.unit.count }} ${{ source.commit }}" }
`

func definition(t *testing.T, text string) pipeline.Definition {
	t.Helper()
	d, mistakes := schema.Parse("release.yaml", []byte(text))
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	return d
}

func TestChoice(t *testing.T) {
	d := definition(t, parts)
	for _, c := range []struct {
		stages, actions []string
		want            string // the actions that run, what they want, or what is wrong
	}{
		{nil, nil, "build.compile build.lint test.unit test.lint production.sign-off production.roll-out"},
		{[]string{"build"}, nil, "build.compile build.lint"},
		{[]string{"build"}, []string{"unit"}, "build.compile build.lint test.unit"},
		{nil, []string{"test.lint", "unit"}, "test.unit test.lint"},
		{
			nil,
			[]string{"roll-out"},
			"production.roll-out; production.roll-out needs artifact shop of build.compile; " +
				"production.roll-out needs outputs of build.compile; production.roll-out needs outputs of test.unit",
		},
		{[]string{"production", "build"}, nil, "build.compile build.lint production.sign-off production.roll-out; production.roll-out needs outputs of test.unit"},
		{[]string{"biuld", "deploy"}, nil, "there is no stage biuld: did you mean build?\nthere is no stage deploy: there is build, test, production"},
		{nil, []string{"lint"}, "action lint stands in several stages: write one of build.lint, test.lint"},
		{nil, []string{"rollout"}, "there is no action rollout: did you mean roll-out?"},
		{nil, []string{"ship.it-all-now"}, "there is no action ship.it-all-now: there is " + "build.compile, build.lint, test.unit, test.lint, production.sign-off, production.roll-out"},
	} {
		chosen, err := choice(d, c.stages, c.actions)
		got := describeChoice(d, chosen)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("stages %q, actions %q: %s\nwant %s", c.stages, c.actions, got, c.want)
		}
	}
}

func describeChoice(d pipeline.Definition, chosen selection) string {
	var run []string
	for p := range everyAction(d) {
		if chosen.has(p) {
			run = append(run, p.String())
		}
	}
	all := []string{strings.Join(run, " ")}
	for _, w := range chosen.wants(d) {
		all = append(all, w.String())
	}
	return strings.Join(all, "; ")
}

// conditional is a pipeline with a matrix and conditions.
func conditional() pipeline.Definition {
	run := func(v string) pipeline.Action {
		return pipeline.Action{Name: "unit-" + v, Of: "unit", Matrix: []pipeline.Value{{Name: "v", Value: v}}, Image: "a", Run: "x"}
	}
	check := pipeline.Action{Name: "before-entry.1", Role: pipeline.RoleEntry, Image: "a", Run: "x"}
	tests := pipeline.Rule{TestsPass: &pipeline.TestsPass{Stage: "test"}}
	variable := pipeline.Rule{Variable: &pipeline.VariableRule{Name: "test.unit-a.ok"}}
	return pipeline.Definition{Stages: []pipeline.Stage{
		{Name: "test", If: "source.branch == 'main'", Actions: []pipeline.Action{run("a"), run("b"), {Name: "lint", Image: "a", Run: "x"}}},
		{
			Name: "production", If: "test.lint.ok == 'yes'", Concurrency: "${{ test.lint.name }}", OnFailure: pipeline.OnFailure{Skip: true},
			BeforeEntry: []pipeline.Rule{tests, variable, {Command: check.Name}},
			OnSuccess:   []pipeline.Rule{{Expression: "production.deploy.x == test.unit-b.x"}},
			Actions: []pipeline.Action{
				check,
				{Name: "deploy", If: "test.lint.go != ''", Image: "a", Run: "x"},
				{Name: "sweep", Role: pipeline.RoleFinally, Image: "a", Run: "x"},
			},
		},
	}}
}

// TestChoiceOfConditions takes a matrix for one action, and the conditions of a
// stage only with all of it.
func TestChoiceOfConditions(t *testing.T) {
	d := conditional()
	for _, c := range []struct {
		stage, action string
		want          string // the actions that run, what they want, or what is wrong
		kept          string // conditions of production
	}{
		{"", "unit", "test.unit-a test.unit-b", "0 rules"},
		{"", "test.unit", "test.unit-a test.unit-b", "0 rules"},
		{"", "unit-b", "test.unit-b", "0 rules"},
		{"", "deploy", "production.deploy; production.deploy needs outputs of test.lint", "0 rules"},
		{
			"production", "", "production.before-entry.1 production.deploy production.sweep; production needs outputs of test.lint; " +
				"production needs outputs of test.unit-a; production needs outputs of test.unit-b; production.deploy needs outputs of test.lint", "if 3 rules",
		},
		{"", "before-entry.1", "there is no action before-entry.1: there is test.unit, test.lint, production.deploy, production.sweep", ""},
		{"", "production.before-entry.1", "there is no action production.before-entry.1: there is test.unit, test.lint, production.deploy, production.sweep", ""},
	} {
		chosen, err := choice(d, slices.DeleteFunc([]string{c.stage}, empty), slices.DeleteFunc([]string{c.action}, empty))
		got := describeChoice(d, chosen)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s%s: %s\nwant %s", c.stage, c.action, got, c.want)
		}
		kept := ""
		if s := chosen.strip(d).Stages[1]; err == nil {
			kept = fmt.Sprintf("%d rules", len(s.BeforeEntry)+len(s.OnSuccess))
			if s.If != "" && s.Concurrency != "" && s.OnFailure.Skip {
				kept = "if " + kept
			}
			if roles := []pipeline.Role{s.Actions[0].Role, s.Actions[2].Role}; roles[0] != pipeline.RoleEntry || roles[1] != pipeline.RoleFinally {
				t.Errorf("%s%s: roles %q", c.stage, c.action, roles)
			}
		}
		if kept != c.kept {
			t.Errorf("%s%s: of production is kept %s, want %s", c.stage, c.action, kept, c.kept)
		}
	}
	both, err := choice(d, []string{"test", "production"}, nil)
	if s := both.strip(d); err != nil || len(s.Stages[1].BeforeEntry) != 3 || len(both.wants(d)) != 0 {
		t.Errorf("with both stages: %v, %+v, %v", err, s.Stages[1].BeforeEntry, both.wants(d))
	}
}

func empty(text string) bool { return text == "" }

// TestWaves begins what has a role when all of the roles before have ended.
func TestWaves(t *testing.T) {
	entry, after, last := pipeline.RoleEntry, pipeline.RoleSuccess, pipeline.RoleFinally
	got := waves([]pipeline.Action{
		{Name: "e1", Role: entry},
		{Name: "e2", Role: entry},
		{Name: "c", Needs: []string{"b"}},
		{Name: "a"},
		{Name: "b", Needs: []string{"a"}},
		{Name: "s", Role: after},
		{Name: "f", Role: last},
		{Name: "g", Role: last, Needs: []string{"f"}},
	})
	if diff := cmp.Diff([]int{1, 1, 4, 2, 3, 5, 6, 7}, got); diff != "" {
		t.Error(diff)
	}
}

// TestWhatDoesNotRunAsksForNothing leaves approvals, secrets and expressions of
// other actions out.
func TestWhatDoesNotRunAsksForNothing(t *testing.T) {
	d := definition(t, parts)
	chosen, err := choice(d, nil, []string{"roll-out"})
	if err != nil {
		t.Fatal(err)
	}
	s := chosen.strip(d)
	if err := (secrets{}).has(s); err != nil {
		t.Error(err)
	}
	want := []pipeline.Action{{Name: "sign-off"}, d.Stages[2].Actions[1]}
	if diff := cmp.Diff(want, s.Stages[2].Actions); diff != "" {
		t.Error(diff)
	}
	if d.Stages[2].Actions[0].Approval == nil {
		t.Error("the definition itself was changed")
	}
}
