package app_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/app/store/sqlite"
)

// after is a pipeline of two stages, with what starts it.
func after(on string) string {
	return "on: { " + on + ` }
stages:
  - name: build
    actions: [{ name: compile, image: IMAGE, env: { WHO: "${{ execution.trigger }} ${{ execution.actor }} ${{ source.branch }}" }, run: "echo $WHO; test ! -e red" }]
  - name: production
    environment: production
    actions: [{ name: roll-out, image: IMAGE, run: "true" }]
`
}

// pipelines commits several pipeline files by name.
func (w *world) pipelines(message string, files map[string]string) string {
	w.t.Helper()
	named := map[string]string{}
	for name, text := range files {
		named[".github/pipelines/"+name+".yaml"] = strings.ReplaceAll(text, "IMAGE", image)
	}
	return w.commit(message, named)
}

// begun lists what was started, as NAME by WHAT, sorted.
func (w *world) begun() []string {
	w.t.Helper()
	var all []string
	for _, x := range w.executions() {
		all = append(all, x.Pipeline+" by "+x.Trigger)
	}
	slices.Sort(all)
	return all
}

func TestPipelineStartsAnother(t *testing.T) {
	w := newWorld(t)
	asking := strings.NewReplacer("name: roll-out, image: IMAGE, run: \"true\"", "name: sign-off, approval: {}", "    environment: production\n", "").
		Replace(after("push: { branches: [main] }"))
	sha := w.pipelines("Three", map[string]string{
		"ci":     asking,
		"deploy": after("pipeline: { name: ci }"),
		"early":  after("pipeline: [{ name: other }, { name: ci, stage: build }]"),
		"never":  after("pipeline: { name: ci, stage: none }"),
	})
	w.push("main")
	run := w.check(sha, "early / production (pipeline)", "success") // of the default branch
	if !strings.Contains(run.Summary, "started by execution 1 of ci.") {
		t.Errorf("summary: %s", run.Summary)
	}
	if log := w.actionLog(w.runs(sha, "early / build (pipeline)")[0], "compile"); !strings.Contains(log, "pipeline alice main") {
		t.Errorf("log: %s", log)
	}
	if page := w.get(strings.Split(run.DetailsURL, "#")[0]); !strings.Contains(page, "after ci 1, by") {
		t.Error("the page does not say what started it")
	}
	w.check(sha, "ci / production", "action_required")
	if want := []string{"ci by push", "early by pipeline"}; !slices.Equal(w.begun(), want) {
		t.Errorf("started %v, want %v", w.begun(), want)
	}
	ci := w.executions()[1]
	if _, err := w.api().Decide(w.context(), ci.ID, api.Answer{Approved: true}); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "deploy / production (pipeline)", "success")
	w.stop()
	w.followAgain(ci.ID, 0)
	before := asked(w, "repos/get-content")
	w.start()
	w.eventually("what is left of the work", func() bool { return asked(w, "repos/get-content") > before })
	w.sleep(time.Minute)
	if want := []string{"ci by push", "deploy by pipeline", "early by pipeline"}; !slices.Equal(w.begun(), want) {
		t.Errorf("started %v, want %v", w.begun(), want)
	}
}

// followAgain leaves the work of starting what follows an execution once more.
func (w *world) followAgain(execution string, attempt int) {
	w.t.Helper()
	db, err := sqlite.Open(w.context(), filepath.Join(w.data, "stagegate.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(w.context(), func(tx store.Tx) error {
		return tx.Enqueue(w.context(), store.StartFollowers{Execution: execution, Attempt: attempt}, time.Time{})
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestPipelineFollowsNoFailure fails, and succeeds when it is run again.
func TestPipelineFollowsNoFailure(t *testing.T) {
	w := newWorld(t)
	files := map[string]string{"ci": after("push:"), "deploy": after("pipeline: { name: ci, stage: build }")}
	red := w.pipelines("Red", files)
	w.commit("Red too", map[string]string{"red": ""})
	bad := w.git(w.clone, "rev-parse", "HEAD")
	w.push("main")
	w.check(bad, "ci / build", "failure")
	w.git(w.clone, "rm", "--quiet", "red")
	sha := w.commit("Green", nil)
	w.push("main")
	w.check(sha, "deploy / production (pipeline)", "success")
	if len(w.runs(bad, "deploy / build (pipeline)"))+len(w.runs(red, "deploy / build (pipeline)")) != 0 {
		t.Error("a failure was followed")
	}
}

// TestPipelineOfPullRequest asks that what follows is no more trusted than what it
// follows, and runs by the same files.
func TestPipelineOfPullRequest(t *testing.T) {
	w := newWorld(t)
	w.pipelines("Base", map[string]string{"ci": after("pull_request:"), "deploy": after("push: { branches: [x] }")})
	w.push("main")
	w.git(w.clone, "checkout", "--quiet", "-b", "feature")
	sha := w.pipelines("Follows", map[string]string{"deploy": after("pipeline: { name: ci }")})
	w.push("feature")
	n, err := w.repo.OpenPullRequest("alice", "feature", "main", "Feature", "")
	if err != nil {
		t.Fatal(err)
	}
	w.check(sha, "deploy / build (pipeline)", "success")
	run := w.check(sha, "deploy / production (pipeline)", "skipped")
	if !strings.Contains(run.Title, "environment production runs on main") {
		t.Errorf("title %q", run.Title)
	}
	if x := w.executions()[0]; x.Lane != fmt.Sprintf("pull/%d", n) || x.Revision.PullRequest != n || x.Actor != "alice" || x.Upstream == nil || x.Upstream.Pipeline != "ci" || x.Upstream.Number != 1 {
		t.Errorf("execution %+v", x)
	}
	if err := w.repo.ClosePullRequest("alice", n); err != nil {
		t.Fatal(err)
	}
	w.logged("the pull request was closed")
	ci := w.executions()[1].ID
	w.stop()
	w.followAgain(ci, 7) // as if it had taken until now
	before := asked(w, "pulls/get")
	w.start()
	w.eventually("what is left of the work", func() bool { return asked(w, "pulls/get") > before })
	w.sleep(time.Minute)
	if found := w.executions(); len(found) != 2 {
		t.Errorf("a closed pull request goes on: %+v", found)
	}
}

// TestPipelinesInACircle start each other, and come to an end. Beside them stand
// some that come together twice: what follows is started once for each beginning.
func TestPipelinesInACircle(t *testing.T) {
	w := newWorld(t)
	quick := func(on string) string {
		return "mode: parallel\non: { " + on + " }\nstages: [{ name: s, actions: [{ name: a, image: IMAGE, run: \"true\" }] }]\n"
	}
	w.pipelines("Circle", map[string]string{
		"one":    quick("push: { branches: [main] }, pipeline: { name: three }"),
		"two":    quick("pipeline: [{ name: one }, { name: three }]"),
		"three":  quick("pipeline: [{ name: one }, { name: two }]"),
		"left":   quick("pipeline: { name: one }"),
		"right":  quick("pipeline: { name: one }"),
		"middle": quick("pipeline: [{ name: left }, { name: right }]"),
		"end":    quick("pipeline: { name: middle }"),
	})
	w.push("main")
	want := []string{"end", "left", "middle", "middle", "one", "right", "three", "three", "two", "two"}
	names := func() []string {
		var all []string
		for _, x := range w.executions() {
			if !x.EndedAt.IsZero() {
				all = append(all, x.Pipeline)
			}
		}
		slices.Sort(all)
		return all
	}
	refused := func() bool { return strings.Count(w.log.String(), "not started again") == 4 }
	w.eventually("the end of it", func() bool { return slices.Equal(names(), want) && refused() })
	w.sleep(time.Minute)
	if !slices.Equal(names(), want) || len(w.executions()) != len(want) || !refused() {
		t.Errorf("started %v, want %v", w.begun(), want)
	}
}

// TestPipelineDoesNotFollowLate has a success of an older commit come behind what
// followed that of a newer one.
func TestPipelineDoesNotFollowLate(t *testing.T) {
	w := newWorld(t)
	files := map[string]string{"ci": after("push:"), "deploy": after("pipeline: { name: ci }")}
	first := w.pipelines("First", files)
	w.push("main")
	w.check(first, "deploy / production (pipeline)", "success")
	old := w.executions()[1]
	second := w.commit("Second", nil)
	w.push("main")
	w.check(second, "deploy / production (pipeline)", "success")
	w.stop()
	w.followAgain(old.ID, 7) // as if it had taken until now
	w.start()
	run := w.check(first, "deploy / production (pipeline)", "cancelled")
	if !strings.Contains(run.Title, "already at "+second[:7]) {
		t.Errorf("title %q", run.Title)
	}
}
