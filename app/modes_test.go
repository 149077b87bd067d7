package app_test

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
)

const deploys = `
on: { push: { branches: [main, next] }, pull_request: { branches: [main] } }
stages:
  - name: build
    actions: [{ name: compile, image: IMAGE, run: "true" }]
  - name: production
    environment: production
    actions: [{ name: roll-out, image: IMAGE, run: "true" }]
`

// TestEnvironmentIsForTheDefaultBranch runs one pipeline on a pull request, on
// another branch and on the default branch.
func TestEnvironmentIsForTheDefaultBranch(t *testing.T) {
	w := newWorld(t)
	_, sha := w.pullRequest(deploys)
	w.check(sha, "ci / build", "success")
	run := w.check(sha, "ci / production", "skipped")
	if !strings.Contains(run.Title, "environment production runs on main") {
		t.Errorf("title %q", run.Title)
	}
	next := w.pipeline(deploys + "# next\n")
	w.push("HEAD:refs/heads/next")
	w.check(next, "ci / production", "skipped")
	main := w.pipeline(deploys + "# main\n")
	w.push("HEAD:refs/heads/main")
	w.check(main, "ci / production", "success")
}

// TestEnvironmentIsForOne has two pipelines that want into one environment. Both may
// be signed off at once; one deploys at a time.
func TestEnvironmentIsForOne(t *testing.T) {
	w := newWorld(t)
	gated := strings.Replace(deploys, "{ name: roll-out, image: IMAGE, run: \"true\" }", "{ name: sign-off, approval: {} }, { name: roll-out, needs: [sign-off], image: IMAGE, run: SCRIPT }", 1)
	script := func(run string) string { return strings.NewReplacer("IMAGE", image, "SCRIPT", run).Replace(gated) }
	sha := w.commit("two pipelines", map[string]string{
		".github/pipelines/ci.yaml":    script(`"echo started; sleep 600"`),
		".github/pipelines/other.yaml": script(`"true"`),
	})
	w.push("HEAD:refs/heads/main")
	approve := func(name string) {
		if err := w.repo.ClickAction("carol", w.check(sha, name+" / production", "action_required").ID, "approve"); err != nil {
			t.Fatal(err)
		}
	}
	title := func(name, text string) {
		w.eventually(name+": "+text, func() bool {
			runs := w.runs(sha, name+" / production")
			return len(runs) > 0 && strings.Contains(runs[len(runs)-1].Title, text)
		})
	}
	w.check(sha, "other / production", "action_required")
	w.waitsFor(w.executionOf(sha, "other").ID, api.Wait{Kind: "approval", Text: "the approval sign-off by anyone with write access, but no author of the change, until ", Next: "what needs it goes on: roll-out"})
	approve("ci")
	title("ci", "running: roll-out")
	approve("other")
	title("other", "leave the environment production")
	w.waitsFor(w.executionOf(sha, "other").ID, api.Wait{Kind: "environment", Text: "ci 1 of refs/heads/main to leave the environment production", Next: "its actions run"})
	if _, err := w.api().Stop(w.context(), w.executionOf(sha, "ci").ID, api.Stop{Abandon: true}); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / production", "cancelled")
	w.check(sha, "other / production", "success")
}

// waitsFor asks what the one stage of an execution that others wait for waits for, by
// how the text begins.
func (w *world) waitsFor(id string, want api.Wait) {
	w.t.Helper()
	x, err := w.api().Execution(w.context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	var got []api.Wait
	for _, st := range x.Stages {
		for _, wait := range st.WaitsFor {
			if wait.Kind != "stage" {
				got = append(got, wait)
			}
		}
	}
	if len(got) != 1 || got[0].Kind != want.Kind || !strings.HasPrefix(got[0].Text, want.Text) || got[0].Next != want.Next || got[0].Since.IsZero() {
		w.t.Errorf("execution %s waits for %+v, want %+v", id, got, want)
	}
}

// TestQueued runs two commits of a branch through a stage, one after the other.
func TestQueued(t *testing.T) {
	w := newWorld(t)
	text := "mode: queued" + slow
	first := w.pipeline(text)
	w.push("HEAD:refs/heads/main")
	w.running(first)
	second := w.pipeline(text + "# 2\n")
	w.push("HEAD:refs/heads/main")
	third := w.pipeline(text + "# 3\n")
	w.push("HEAD:refs/heads/main")
	for _, sha := range []string{second, third} {
		w.eventually("it waits", func() bool {
			runs := w.runs(sha, "ci / build")
			return len(runs) > 0 && strings.Contains(runs[len(runs)-1].Title, "leave this stage")
		})
	}
	w.waitsFor(w.newest(third).ID, api.Wait{Kind: "lock", Text: "execution 1 to leave this stage, and for 1 that came earlier", Next: "it enters in its turn"})
}
