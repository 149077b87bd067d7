package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/githubtest"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// deploy deploys to an environment, and nothing else.
const deploy = `
on: { push: { branches: [main] } }
stages:
  - name: production
    environment: production
    actions: [{ name: roll-out, image: IMAGE, run: "true" }]
`

// comparing is a request for how two commits stand to each other.
func comparing(r *http.Request) bool { return strings.Contains(r.URL.Path, "/compare/") }

// reason is why a stage of the newest execution of ci on a commit ended as it did.
func (w *world) reason(sha string) string {
	w.t.Helper()
	x, err := w.api().Execution(w.context(), w.executionOf(sha, "ci").ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return x.Stages[len(x.Stages)-1].Reason
}

// TestOlderIsNotDeployed brings commits to an environment in every relation to what is
// there.
func TestOlderIsNotDeployed(t *testing.T) {
	w := newWorld(t)
	w.commit("Other", map[string]string{".github/pipelines/other.yaml": strings.ReplaceAll(strings.Replace(deploy, "branches: [main]", "branches: [never]", 1), "IMAGE", image)})
	first := w.pipeline(deploy)
	w.push("main")
	w.check(first, "ci / production", "success") // nothing is there yet
	start := func(pipeline, commit string) {
		t.Helper()
		if _, err := w.api().Start(w.context(), api.Start{Repository: "octo/shop", Pipeline: pipeline, Commit: commit}, ""); err != nil {
			t.Fatal(err)
		}
	}
	start("ci", first)
	w.check(first, "ci / production (manual 2)", "success") // the same again
	second := w.pipeline(deploy + "# 2\n")
	w.push("main")
	w.check(second, "ci / production", "success")
	start("ci", first)
	run := w.check(first, "ci / production (manual 4)", "failure")
	w.says(run, "lder than what is deployed: production has "+second[:7]+", which this commit does not contain")
	start("other", first) // which has deployed nothing that is newer
	w.check(first, "other / production (manual 1)", "success")

	w.git(w.clone, "reset", "--quiet", "--hard", first)
	diverged := w.pipeline(deploy + "# otherwise\n")
	w.push("+main")
	w.check(diverged, "ci / production", "failure")
	if _, err := w.api().Override(w.context(), w.newest(diverged).ID, api.Override{Stage: "production", Reason: "history was rewritten"}); err != nil {
		t.Fatal(err)
	}
	w.check(diverged, "ci / production", "success")
	next := w.pipeline(deploy + "# next\n")
	w.push("main")
	w.check(next, "ci / production", "success")
}

// TestComparedWithoutGitHub has GitHub away when a stage asks how its commit stands to
// what is deployed: the environment is given back in the end, and a person decides.
func TestComparedWithoutGitHub(t *testing.T) {
	w := newWorld(t)
	w.check(w.pushed(deploy), "ci / production", "success")
	back := w.github.Fail(comparing, 1, githubtest.ServerError())
	w.check(w.pushed(deploy+"# 2\n"), "ci / production", "success") // it is asked again
	back()

	back = w.github.Fail(comparing, -1, githubtest.ServerError())
	suspended := w.pushed(deploy + "# 5\n")
	w.titled(suspended, "ci / production", "Waiting for GitHub to say whether this commit contains ")
	if err := w.github.SuspendInstallation("alice", "octo"); err != nil {
		t.Fatal(err)
	}
	back()
	w.ended(w.newest(suspended).ID, pipeline.Failed) // the API still answers
	if err := w.github.UnsuspendInstallation("alice", "octo"); err != nil {
		t.Fatal(err)
	}

	back = w.github.Fail(comparing, -1, githubtest.ServerError())
	late := w.pushed(deploy + "# 3\n")
	w.titled(late, "ci / production", "Waiting for GitHub to say whether this commit contains ")
	w.stop()
	w.shift = 2 * time.Hour
	w.start()
	w.check(late, "ci / production", "failure")
	if got := w.reason(late); !strings.Contains(got, "whether this commit contains it could not be found out: ") {
		t.Errorf("reason %q", got)
	}
	back()
	w.check(w.pushed(deploy+"# 4\n"), "ci / production", "success") // the environment is free
}

// ended waits until an execution has ended so.
func (w *world) ended(id string, want pipeline.Status) api.Execution {
	w.t.Helper()
	return w.until(id, string(want), func(x api.Execution) bool { return x.Status == string(want) })
}

// until waits until the API shows an execution as it should be.
func (w *world) until(id, what string, is func(api.Execution) bool) api.Execution {
	w.t.Helper()
	var x api.Execution
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		var err error
		if x, err = w.api().Execution(w.context(), id); err != nil {
			w.t.Fatal(err)
		}
		if is(x) {
			return x
		}
	}
	w.t.Fatalf("execution %s is not %s: it is %s, %+v", id, what, x.Status, x.Stages)
	return x
}

// pushed is a commit of the pipeline ci that was pushed to main.
func (w *world) pushed(text string) string {
	w.t.Helper()
	sha := w.pipeline(text)
	w.push("HEAD:refs/heads/main")
	return sha
}
