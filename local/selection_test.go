package local

import (
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
	d, mistakes := schema.Parse("release.yaml", []byte(text), schema.Secrets)
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
