package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/githubtest"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// scripted runs what the file run.sh of each commit says.
const scripted = `
on: { push: { branches: [main] } }
stages:
  - name: build
    actions: [{ name: compile, image: IMAGE, run: sh run.sh }]
`

const forLong = "trap 'exit 0' TERM; i=0; while [ $i -lt 6000 ]; do sleep 0.1; i=$((i+1)); done"

// script pushes a commit of scripted, in a mode, that runs a script.
func (w *world) script(mode, run string) string {
	w.t.Helper()
	w.commit("Script", map[string]string{"run.sh": run + "\n"})
	return w.pushed("mode: " + mode + scripted)
}

// waitsInLine waits until an execution waits for others to leave the stage build.
func (w *world) waitsInLine(sha string) {
	w.t.Helper()
	w.eventually("its place in the line", func() bool {
		runs := w.runs(sha, "ci / build")
		return len(runs) > 0 && strings.Contains(runs[len(runs)-1].Title, "leave this stage")
	})
}

// TestQueueKeepsItsOrder has what waits in a queue fail, stop, and come to its source
// later than those behind it.
func TestQueueKeepsItsOrder(t *testing.T) {
	w := newWorld(t)
	first := w.script("queued", forLong)
	w.running(first)
	failing := w.script("queued", "exit 1")
	w.waitsInLine(failing)
	stopped := w.script("queued", "true")
	w.waitsInLine(stopped)
	back := w.github.Fail(func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/tarball/") }, -1, githubtest.ServerError())
	late := w.script("queued", "true")
	w.logged("work=fetch_source")
	back()
	last := w.script("queued", "true")
	w.waitsInLine(last)
	if _, err := w.api().Stop(w.context(), w.newest(stopped).ID, api.Stop{Reason: "not needed"}); err != nil {
		t.Fatal(err)
	}
	w.check(stopped, "ci / build", "cancelled")
	if _, err := w.api().Stop(w.context(), w.newest(first).ID, api.Stop{Abandon: true}); err != nil {
		t.Fatal(err)
	}
	w.check(last, "ci / build", "success")
	var before api.Stage
	for _, sha := range []string{failing, late, last} {
		x, err := w.api().Execution(w.context(), w.newest(sha).ID)
		if err != nil {
			t.Fatal(err)
		}
		if st := x.Stages[0]; st.StartedAt.Before(before.EndedAt) || st.StartedAt.IsZero() {
			t.Errorf("execution %d began at %s, before the one in front of it had ended at %s", x.Number, st.StartedAt, before.EndedAt)
		} else {
			before = st
		}
	}
	w.check(failing, "ci / build", "failure")
	for _, sha := range []string{failing, stopped} {
		_, err := w.api().Retry(w.context(), w.newest(sha).ID, api.Retry{})
		w.refusedWith(err, api.Conflict, "a newer execution has entered stage build since")
	}
}

// TestParallelExecutionsAreApart asks that executions of mode parallel neither wait for
// each other nor take each other's right to be run again.
func TestParallelExecutionsAreApart(t *testing.T) {
	w := newWorld(t)
	failing := w.script("parallel", "exit 1")
	w.check(failing, "ci / build", "failure")
	first := w.script("parallel", forLong)
	w.running(first)
	second := w.script("parallel", "true")
	w.check(second, "ci / build", "success")
	if run := w.runs(first, "ci / build")[0]; run.Status != "in_progress" {
		t.Errorf("the older one: %s", run.Status)
	}
	id := w.newest(failing).ID
	if _, err := w.api().Retry(w.context(), id, api.Retry{}); err != nil {
		t.Errorf("a failure that newer executions have nothing to do with: %v", err)
	}
	if x := w.ended(id, pipeline.Failed); x.Stages[0].Attempt != 2 {
		t.Errorf("attempt %d", x.Stages[0].Attempt)
	}
	if _, err := w.api().Stop(w.context(), w.newest(first).ID, api.Stop{Abandon: true}); err != nil {
		t.Fatal(err)
	}
	w.check(first, "ci / build", "cancelled")
}

// TestAModeThatChanges has commits of one branch say different modes.
func TestAModeThatChanges(t *testing.T) {
	w := newWorld(t)
	first := w.script("queued", forLong)
	w.running(first)
	queued := w.script("queued", "true")
	w.waitsInLine(queued)
	older := w.script("superseded", "true")
	w.waitsInLine(older)
	newer := w.script("superseded", "true")
	w.check(older, "ci / build", "cancelled")
	w.waitsInLine(queued) // who is in a queue gives way to nobody
	if _, err := w.api().Stop(w.context(), w.newest(first).ID, api.Stop{Abandon: true}); err != nil {
		t.Fatal(err)
	}
	w.check(queued, "ci / build", "success")
	w.check(newer, "ci / build", "success")
}

// TestANewerCommitCancels has a branch that gives up what runs for older commits, and a
// pull request that does not.
func TestANewerCommitCancels(t *testing.T) {
	w := newWorld(t)
	first := w.pushed("cancel-in-progress: true" + slow)
	w.running(first)
	second := w.pushed("cancel-in-progress: true" + strings.Replace(slow, "[main]", "[main] ", 1))
	if run := w.check(first, "ci / build", "cancelled"); !strings.HasPrefix(run.Title, "Main has a newer commit, ") {
		t.Errorf("title %q", run.Title)
	}
	w.running(second)

	n, third := w.branch("feature", "Feature", map[string]string{".github/pipelines/ci.yaml": strings.ReplaceAll("cancel-in-progress: false"+slow, "IMAGE", image)})
	w.running(third)
	w.commit("Newer", nil)
	fourth := w.git(w.clone, "rev-parse", "HEAD")
	w.push("feature")
	w.waitsInLine(fourth)
	w.running(third)
	for _, id := range []string{w.newest(second).ID, w.newest(third).ID} {
		if x, err := w.api().Execution(w.context(), id); err != nil || x.Status != "in_progress" {
			t.Errorf("execution %s is %s %v", id, x.Status, err)
		}
	}
	if err := w.repo.ClosePullRequest("alice", n); err != nil {
		t.Fatal(err)
	}
	w.check(third, "ci / build", "cancelled")
	w.check(fourth, "ci / build", "cancelled")
}
