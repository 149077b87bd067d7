package app_test

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/githubtest"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// signedOff deploys to an environment after an approval.
const signedOff = `
on: { push: { branches: [main] } }
stages:
  - name: production
    environment: production
    actions:
      - { name: sign-off, approval: {} }
      - { name: roll-out, needs: [sign-off], image: IMAGE, run: sh run.sh }
`

// approve answers the one approval of an execution that waits.
func (w *world) approve(id string) {
	w.t.Helper()
	if _, err := w.api().Decide(w.context(), id, api.Answer{Approved: true}); err != nil {
		w.t.Fatal(err)
	}
}

// stopped stops an execution that runs nothing, which ends it at once.
func (w *world) stopped(id string) {
	w.t.Helper()
	x, err := w.api().Stop(w.context(), id, api.Stop{Reason: "lunch"})
	if err != nil || x.Status != string(pipeline.Stopped) {
		w.t.Fatalf("stop execution %s: %s %v", id, x.Status, err)
	}
}

// again runs the stage that was stopped again.
func (w *world) again(id string, all bool) api.Execution {
	w.t.Helper()
	x, err := w.api().Retry(w.context(), id, api.Retry{All: all})
	if err != nil {
		w.t.Fatalf("retry execution %s: %v", id, err)
	}
	return x
}

// waits waits until the last stage of an execution waits for one thing of a kind.
func (w *world) waits(id, kind string) {
	w.t.Helper()
	w.until(id, "waits for "+kind, func(x api.Execution) bool {
		for _, wait := range x.Stages[len(x.Stages)-1].WaitsFor {
			if wait.Kind == kind {
				return true
			}
		}
		return false
	})
}

// TestStoppedWhereverItWaits stops an execution at everything that a stage can wait
// for, and runs it again: nothing is left behind that others would wait for.
func TestStoppedWhereverItWaits(t *testing.T) {
	w := newWorld(t)
	w.commit("Other", map[string]string{
		"run.sh": "true\n", "long.sh": forLong + "\n",
		".github/pipelines/other.yaml": strings.NewReplacer("IMAGE", image, "[main]", "[never]", "run.sh", "long.sh").Replace(strings.NewReplacer("      - { name: sign-off, approval: {} }\n", "", "needs: [sign-off], ", "").Replace(signedOff)),
	})
	first := w.pushed(signedOff)
	w.check(first, "ci / production", "action_required")
	id := w.newest(first).ID
	w.stopped(id) // at its approval
	w.again(id, false)
	w.approve(id) // which is asked for anew

	w.check(first, "ci / production", "success")
	w.frozen("", "")
	second := w.pushed(signedOff + "# 2\n")
	w.held(second)
	id = w.newest(second).ID
	w.stopped(id) // in front of a closed way
	w.again(id, false)
	w.waits(id, "transition")
	w.enable("")
	w.check(second, "ci / production", "action_required")
	w.frozen("", "")
	w.approve(id)
	w.waits(id, "transition")
	w.stopped(id) // inside, where the way was closed behind it
	x := w.again(id, false)
	if act := x.Stages[0].Actions[0]; act.Status != "succeeded" || act.Decision == nil {
		t.Errorf("the approval: %+v", act)
	}

	other, err := w.api().Start(w.context(), api.Start{Repository: "octo/shop", Pipeline: "other"}, "")
	if err != nil {
		t.Fatal(err)
	}
	w.working(second, "other / production (manual 1)")
	w.enable("")
	w.waits(id, "environment")
	w.stopped(id) // in front of the environment
	w.again(id, true)
	w.approve(id) // all is asked for again
	w.waits(id, "environment")
	back := w.github.Fail(comparing, -1, githubtest.ServerError())
	if _, err := w.api().Stop(w.context(), other.ID, api.Stop{Abandon: true}); err != nil {
		t.Fatal(err)
	}
	w.titled(second, "ci / production", "Waiting for GitHub")
	w.stopped(id) // while GitHub is asked about what is deployed
	back()
	w.again(id, false)
	if x := w.ended(id, pipeline.Succeeded); len(x.Stages[0].Past) != 4 || x.Stages[0].Past[0].Reason != "stopped by the operator: lunch" {
		t.Errorf("past: %+v", x.Stages[0].Past)
	}
	w.check(second, "ci / production", "success")
}

// working waits until an action of a check run is running.
func (w *world) working(sha, name string) {
	w.t.Helper()
	w.eventually("a running action of "+name, func() bool {
		runs := w.runs(sha, name)
		return len(runs) > 0 && strings.Contains(runs[len(runs)-1].Title, "running: ")
	})
}
