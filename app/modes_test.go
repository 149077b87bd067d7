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
	if !strings.Contains(run.Title, "default branch only") {
		t.Errorf("title %q", run.Title)
	}
	next := w.pipeline(deploys + "# next\n")
	w.push("HEAD:refs/heads/next")
	w.check(next, "ci / production", "skipped")
	main := w.pipeline(deploys + "# main\n")
	w.push("HEAD:refs/heads/main")
	w.check(main, "ci / production", "success")
}

// TestEnvironmentIsForOne has two pipelines that want into one environment.
func TestEnvironmentIsForOne(t *testing.T) {
	w := newWorld(t)
	gate := func(action string) string {
		return strings.Replace(deploys, "roll-out, image: IMAGE, run: \"true\"", action, 1)
	}
	sha := w.commit("two pipelines", map[string]string{
		".github/pipelines/ci.yaml":    strings.ReplaceAll(gate("sign-off, approval: {}"), "IMAGE", image),
		".github/pipelines/other.yaml": strings.ReplaceAll(gate("sign-off, approval: {}"), "IMAGE", image),
	})
	w.push("HEAD:refs/heads/main")
	var first, second string
	w.eventually("one of them is in the environment", func() bool {
		for _, name := range []string{"ci", "other"} {
			for _, run := range w.runs(sha, name+" / production") {
				switch {
				case run.Conclusion == "action_required":
					first = name
				case strings.Contains(run.Title, "leave the environment production"):
					second = name
				}
			}
		}
		return first != "" && second != "" && first != second
	})
	w.waitsFor(w.executionOf(sha, second).ID, api.Wait{Kind: "environment", Text: first + " 1 of refs/heads/main to leave the environment production", Next: "it enters in its turn"})
	w.waitsFor(w.executionOf(sha, first).ID, api.Wait{Kind: "approval", Text: "the approval sign-off by anyone with write access, but no author of the change, until ", Next: "the execution succeeds"})
	run := w.check(sha, first+" / production", "action_required")
	if err := w.repo.ClickAction("carol", run.ID, "reject"); err != nil {
		t.Fatal(err)
	}
	w.check(sha, first+" / production", "failure")
	w.check(sha, second+" / production", "action_required")
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
