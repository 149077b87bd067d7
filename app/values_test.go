package app_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/pipeline"
)

const handsOn = `
on: { push: { branches: [main] } }
variables:
  OPTIONAL: { default: "no" }
stages:
  - name: build
    actions:
      - name: unit
        image: IMAGE
        matrix: { version: ["1.25", "1.26"] }
        env: { V: "${{ matrix.version }}" }
        run: echo "out=$V" >> "$STAGEGATE_OUTPUT"
      - name: perhaps
        if: variables.OPTIONAL == 'yes'
        image: IMAGE
        run: echo "out=here" >> "$STAGEGATE_OUTPUT"
  - name: show
    actions:
      - { name: matrix, image: IMAGE, env: { V: "${{ build.unit-1_26.out }}" }, run: 'echo "[$V]"' }
      - { name: skipped, image: IMAGE, env: { V: "${{ build.perhaps.out }}" }, run: 'echo "[$V]"', continue-on-error: true }
      - { name: guarded, image: IMAGE, if: "variables.OPTIONAL == 'yes' && build.perhaps.out == 'here'", run: "true" }
`

// TestValuesComeToLaterStages hands outputs on, of a run of a matrix and of an action
// that may be skipped, and overrides a variable.
func TestValuesComeToLaterStages(t *testing.T) {
	w := newWorld(t)
	sha := w.pushed(handsOn)
	w.check(sha, "ci / show", "success")
	x, err := w.api().Execution(w.context(), w.newest(sha).ID)
	if err != nil {
		t.Fatal(err)
	}
	w.shows(x, "1.26", "errored", "skipped")
	if got := x.Stages[1].Actions[1].Reason; !strings.Contains(got, `action build/perhaps has no output "out": it is skipped; an if `) {
		t.Errorf("reason %q", got)
	}
	x, err = w.api().Start(w.context(), api.Start{Repository: "octo/shop", Pipeline: "ci", Variables: map[string]string{"OPTIONAL": "yes"}}, "")
	if err != nil || !slices.Contains(x.Variables, api.Variable{Name: "OPTIONAL", Value: "yes"}) {
		t.Fatalf("started with %v: %v", x.Variables, err)
	}
	w.shows(w.ended(x.ID, pipeline.Succeeded), "1.26", "succeeded", "succeeded")
}

// shows asks what came to the actions of the stage show.
func (w *world) shows(x api.Execution, matrix, skipped, guarded string) {
	w.t.Helper()
	acts := x.Stages[1].Actions
	if env := acts[0].Attempts[0].Env; !slices.Contains(env, api.Variable{Name: "V", Value: matrix}) {
		w.t.Errorf("of the matrix came %v", env)
	}
	if acts[1].Status != skipped || acts[2].Status != guarded {
		w.t.Errorf("skipped is %s, guarded %s, want %s, %s", acts[1].Status, acts[2].Status, skipped, guarded)
	}
}
