package app_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
	"github.com/stagegate/stagegate/runner/docker"
)

// cleaned runs the files run.sh and, whatever comes of it, clean.sh.
const cleaned = `
on: { push: { branches: [main] } }
stages:
  - name: build
    actions: [{ name: compile, image: IMAGE, run: sh run.sh }]
    finally: [{ name: clean, image: IMAGE, run: sh clean.sh }]
`

// containers counts those of the runner that run.
func (w *world) containers() int {
	w.t.Helper()
	engine, err := docker.New()
	if err != nil {
		w.t.Fatal(err)
	}
	defer engine.Close()
	id, err := runner.LoadID(w.data)
	if err != nil {
		w.t.Fatal(err)
	}
	all, err := engine.Containers(w.context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	running := 0
	for _, c := range all {
		if c.State.Phase == runner.Running {
			running++
		}
	}
	return running
}

// doing waits until an action of the first stage runs.
func (w *world) doing(id, action string) {
	w.t.Helper()
	w.until(id, "doing "+action, func(x api.Execution) bool {
		return slices.ContainsFunc(x.Stages[0].Actions, func(a api.Action) bool { return a.Name == action && a.Status == "in_progress" })
	})
}

// stopping stops an execution in which something runs.
func (w *world) stopping(id string, abandon bool) {
	w.t.Helper()
	if x, err := w.api().Stop(w.context(), id, api.Stop{Abandon: abandon}); err != nil || x.Status != string(pipeline.Stopping) {
		w.t.Fatalf("stop execution %s: %s %v", id, x.Status, err)
	}
}

// TestAbandonKills abandons what does not heed that it is to end: its work, and what
// runs last.
func TestAbandonKills(t *testing.T) {
	w := newWorld(t)
	deaf := strings.Replace(forLong, "trap 'exit 0' TERM", "trap '' TERM", 1) + "\n"
	w.commit("Deaf work", map[string]string{"run.sh": deaf, "clean.sh": "echo cleaned\n"})
	sha := w.pushed(cleaned)
	id := w.newest(w.running(sha).HeadSHA).ID
	w.doing(id, "compile")
	if n := w.containers(); n != 1 {
		t.Fatalf("%d containers run, want that of compile", n)
	}
	w.stopping(id, true)
	x := w.ended(id, pipeline.Stopped)
	if n := w.containers(); n != 0 {
		t.Errorf("%d containers run after the end", n)
	}
	if acts := x.Stages[0].Actions; acts[0].Status != "cancelled" || acts[1].Status != "succeeded" {
		t.Errorf("actions: %+v", acts)
	}

	w.commit("Deaf end", map[string]string{"run.sh": "exit 1\n", "clean.sh": deaf})
	sha = w.pushed(cleaned + "# 2\n")
	w.running(sha)
	id = w.newest(sha).ID
	w.doing(id, "clean")
	w.stopping(id, false)
	w.doing(id, "clean") // it may end
	w.stopping(id, true)
	w.ended(id, pipeline.Stopped)
	if n := w.containers(); n != 0 {
		t.Errorf("%d containers run after the end", n)
	}
	if x := w.again(id, true); x.Stages[0].Attempt != 2 || len(x.Stages[0].Past) != 1 || x.Stages[0].Past[0].Status != "stopped" {
		t.Errorf("after a retry: %+v", x.Stages[0])
	}
	w.doing(id, "clean")
	w.stopping(id, true)
	x = w.ended(id, pipeline.Stopped)
	if n := len(x.Stages[0].Actions[0].Attempts); n != 2 {
		t.Errorf("%d attempts of compile are kept, want 2", n)
	}
}

// TestStopBeforeItIsTriedAgain stops a stage that waits for its next try.
func TestStopBeforeItIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.commit("Scripts", map[string]string{"run.sh": "exit 1\n", "clean.sh": "true\n"})
	sha := w.pushed(strings.Replace(cleaned, "    actions:", "    on-failure: { retry: all-actions, times: 2, backoff: 1h }\n    actions:", 1))
	w.titled(sha, "ci / build", "Waiting for its next try")
	id := w.newest(sha).ID
	if _, err := w.api().Retry(w.context(), id, api.Retry{}); err == nil {
		t.Error("it was run again while it waits for its next try")
	}
	if _, err := w.api().Stop(w.context(), id, api.Stop{}); err != nil {
		t.Fatal(err)
	}
	x := w.ended(id, pipeline.Stopped)
	if st := x.Stages[0]; st.Attempt != 2 || st.Actions[0].Status != "cancelled" {
		t.Errorf("stopped: %+v", st)
	}
	next := w.pushed(cleaned)
	w.check(next, "ci / build", "failure") // the lock is free
}
