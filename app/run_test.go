package app_test

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
)

const quick = `
name: NAME
on: EVENT
stages:
  - name: build
    actions:
      - { name: compile, image: IMAGE, run: "true" }
`

func quickPipelines(events map[string]string) map[string]string {
	files := map[string]string{}
	for name, event := range events {
		files[".github/pipelines/"+name+".yaml"] = strings.NewReplacer("NAME", name, "IMAGE", image, "EVENT", event).Replace(quick)
	}
	return files
}

// started is how many executions of a pipeline there are.
func (w *world) started(pipeline string) int {
	w.t.Helper()
	page, err := w.api().Executions(w.context(), api.Filter{Pipeline: pipeline})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(page.Items)
}

func TestRunByComment(t *testing.T) {
	w := newWorld(t)
	w.commit("Base", quickPipelines(map[string]string{
		"ci": "pull_request", "docs": "{ pull_request: { paths: [docs/**] } }", "release": "{ push: { branches: [main], paths: [none] } }",
	}))
	w.push("main")
	n, sha := w.branch("feature", "Feature", map[string]string{"a.txt": "a\n"})
	w.check(sha, "ci / build", "success")
	w.check(sha, "docs / build", "skipped")
	w.refusedBy("mallory", n, "/run ci", "mallory may not start pipelines: that takes write access")
	w.refusedBy("bob", n, "/run cd", `there is no pipeline "cd" at `+sha[:7]+"; there is ci, docs, release")
	w.refusedBy("bob", n, "/run ci twice", "the form is `/run [PIPELINE]`")

	one := w.comment("bob", n, "/run CI\n/run ci") // it starts once
	w.reaction(one, "+1")
	if got := w.answer(n, one); strings.Count(got, "Started") != 1 || !strings.Contains(got, "Started [ci 2](") || !strings.Contains(got, sha) {
		t.Errorf("answer: %s", got)
	}
	w.check(sha, "ci / build (manual 2)", "success")
	x := w.executionOf(sha, "ci")
	if x.Trigger != "manual" || x.Actor != "bob" || x.Lane != "pull/1" || x.Revision.PullRequest != 1 {
		t.Errorf("started %+v", x)
	}
	w.reaction(w.comment("bob", n, "/run"), "+1") // what a new head would start, whatever changed
	w.check(sha, "ci / build (manual 3)", "success")
	w.check(sha, "docs / build (manual 2)", "success")

	merged := w.merge(n)
	w.check(merged, "release / build", "skipped")
	w.reaction(w.comment("carol", n, "/run"), "+1")
	w.check(merged, "release / build (manual 3)", "success")
	if x := w.executionOf(merged, "release"); x.Lane != "refs/heads/main" || x.Actor != "carol" {
		t.Errorf("started %+v", x)
	}
	if got := w.started("ci"); got != 3 {
		t.Errorf("%d executions of ci, want 3", got)
	}
}

func TestRunRefused(t *testing.T) {
	w := newWorld(t)
	w.commit("Base", quickPipelines(map[string]string{"ci": "push", "nightly": "{ push: { branches: [never] } }"}))
	w.push("main")
	w.check(w.git(w.clone, "rev-parse", "HEAD"), "ci / build", "success")
	n, sha := w.branch("feature", "Feature", map[string]string{".github/pipelines/bad.yaml": "on: pull_request\nstagse: []\n"})
	w.check(sha, "ci / build", "success")
	w.refusedBy("bob", n, "/run bad", "the pipeline has")
	w.refusedBy("bob", n, "/run", "the pipeline has")
	clean, _ := w.branch("clean", "Clean", map[string]string{"b.txt": "b\n"})
	w.refusedBy("bob", clean, "/run", "is for a pull request into main; name one: ci, nightly")
	if err := w.repo.ClosePullRequest("alice", clean); err != nil {
		t.Fatal(err)
	}
	w.refusedBy("bob", clean, "/run ci", "is closed and was not merged")
	fork := w.github.AddFork(w.repo, "mallory")
	w.git(w.clone, "checkout", "--quiet", "-b", "evil", "main")
	w.commit("Evil", map[string]string{"c.txt": "c\n"})
	w.gitAs("mallory", w.clone, "push", "--quiet", fork.CloneURL("mallory"), "evil")
	forked, err := w.repo.OpenPullRequest("mallory", "mallory:evil", "main", "Evil", "")
	if err != nil {
		t.Fatal(err)
	}
	w.refusedBy("bob", forked, "/run ci", "nobody has said that commit")
	if got := w.started("ci"); got != 3 {
		t.Errorf("%d executions of ci, want those of the three pushes", got)
	}
}

// TestRunIsAboutTheHead asks that what was started by hand is approved only while its
// commit is the head of the pull request.
func TestRunIsAboutTheHead(t *testing.T) {
	w := newWorld(t)
	n, sha := w.pullRequest(withApproval(""))
	w.check(sha, "ci / production", "action_required")
	w.reaction(w.comment("carol", n, "/run"), "+1")
	w.check(sha, "ci / production (manual 2)", "action_required")
	w.github.HoldDeliveries(true)
	w.commit("Newer", nil)
	w.push("feature")
	_, err := w.api().Decide(w.context(), w.newest(sha).ID, api.Answer{Approved: true})
	w.refusedWith(err, api.Conflict, "the head has moved on")
	w.github.HoldDeliveries(false)
	w.check(sha, "ci / production (manual 2)", "cancelled")
}
