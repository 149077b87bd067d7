package app_test

import (
	"strings"
	"testing"
)

// failing has a test stage in which unit fails and lint does not.
const failing = `
name: NAME
on: pull_request
stages:
  - name: test
    actions:
      - { name: unit, image: IMAGE, run: "exit 3" }
      - { name: lint, image: IMAGE, run: "true" }
  - name: deploy
    actions:
      - { name: roll-out, image: IMAGE, run: "true" }
`

func pipelineCalled(name string) map[string]string {
	return map[string]string{".github/pipelines/" + name + ".yaml": strings.NewReplacer("NAME", name, "IMAGE", image).Replace(failing)}
}

func TestRetryByComment(t *testing.T) {
	w := newWorld(t)
	w.commit("Base", pipelineCalled("ci"))
	w.push("main")
	n, sha := w.branch("feature", "Feature", pipelineCalled("cd"))
	w.check(sha, "ci / test", "failure")
	w.check(sha, "cd / test", "failure")
	w.refusedBy("mallory", n, "/retry ci/test", "mallory may not run it again: that takes write access")
	w.refusedBy("bob", n, "/retry", "several stages can be run again; name one of them: `c")
	w.refusedBy("bob", n, "/retry test", "`ci/test`")
	w.refusedBy("bob", n, "/retry `@alice", "no stage here is called `'@alice`; there is `c")
	w.refusedBy("bob", n, "/retry ci/test twice", "the form is `/retry [[PIPELINE/]STAGE] [all]`")
	w.refusedBy("bob", n, "/retry ci/deploy", "only a failed or stopped stage can be run again")
	w.reaction(w.comment("bob", n, "/retry CI/test"), "+1")
	w.attempt(sha, 2, "| lint | succeeded |")
	w.reaction(w.comment("bob", n, "/retry ci/test all"), "+1")
	w.attempt(sha, 3, "| lint | succeeded (attempt 2) |")

	x, err := w.api().Execution(w.context(), w.executionOf(sha, "ci").ID)
	if err != nil {
		t.Fatal(err)
	}
	past := x.Stages[0].Past
	if len(past) != 2 || past[0].Attempt != 1 || past[1].Attempt != 2 || past[0].Status != "failed" || past[0].EndedAt.IsZero() {
		t.Fatalf("past: %+v", past)
	}
	if unit := past[1].Actions[0]; unit.Name != "unit" || unit.Status != "failed" || unit.Attempt != 2 || unit.ExitCode != 3 {
		t.Errorf("the second attempt: %+v", unit)
	}
	page := w.get(x.URL)
	if first, second := strings.Index(page, "Attempt 1 "), strings.Index(page, "Attempt 2 "); first < second || second < 0 || !strings.Contains(page, "unit failed, lint succeeded") {
		t.Error("the page does not show the earlier attempts, newest first")
	}
	if n := len(w.runs(sha, "cd / test")); n != 1 {
		t.Errorf("the other pipeline has %d runs", n)
	}
}

// attempt waits for the end of an attempt of ci / test, with a text in its summary.
func (w *world) attempt(sha string, n int, want string) {
	w.t.Helper()
	w.eventually("another attempt", func() bool { return len(w.runs(sha, "ci / test")) == n })
	if run := w.check(sha, "ci / test", "failure"); !strings.Contains(run.Summary, want) {
		w.t.Errorf("no %s in\n%s", want, run.Summary)
	}
}
