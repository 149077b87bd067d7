package app_test

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
)

// TestOlderIsNotDeployedOverNewer starts an older commit by hand when a newer one is
// deployed: the stage refuses it, until somebody overrides that.
func TestOlderIsNotDeployedOverNewer(t *testing.T) {
	w := newWorld(t)
	text := strings.Replace(guarded("push", "    environment: production"), "on: push", "on: { push: { branches: [main] } }", 1)
	older := w.pipeline(text)
	w.push("main")
	w.check(older, "ci / production", "success")
	newer := w.commit("Newer", map[string]string{"a.txt": "a\n"})
	w.push("main")
	w.check(newer, "ci / production", "success")
	x, err := w.api().Start(w.context(), api.Start{Repository: "octo/shop", Pipeline: "ci", Branch: "main", Commit: older}, "")
	if err != nil {
		t.Fatal(err)
	}
	run := w.check(older, "ci / production (manual 3)", "failure")
	if want := "Older than what is deployed: production has " + newer[:7] + ", which this commit does not contain"; run.Title != want {
		t.Errorf("title %q, want %q", run.Title, want)
	}
	w.says(run, "`stagegate override ci/3 production --reason REASON`")
	if page := w.get(x.URL); !strings.Contains(page, "Stage production failed: older than what is deployed") {
		t.Error("the page does not say why")
	}
	if _, err := w.api().Override(w.context(), x.ID, api.Override{Reason: "the newer one is broken"}); err != nil {
		t.Fatal(err)
	}
	run = w.check(older, "ci / production (manual 3)", "success")
	w.says(run, "**Overridden** by the operator: the newer one is broken")
	// And now the newer one may come again.
	if _, err := w.api().Start(w.context(), api.Start{Repository: "octo/shop", Pipeline: "ci", Branch: "main"}, ""); err != nil {
		t.Fatal(err)
	}
	w.check(newer, "ci / production (manual 4)", "success")
}

// TestIfAsksWhatChanged passes over what a push did not touch.
func TestIfAsksWhatChanged(t *testing.T) {
	w := newWorld(t)
	w.pipeline(`
on: push
stages:
  - name: build
    actions:
      - { name: docs, if: "changed('docs/**')", image: IMAGE, run: "true" }
      - { name: code, if: "!changed('docs/**')", image: IMAGE, run: "exit 1" }
  - name: site
    if: changed('site/**')
    actions: [{ name: publish, image: IMAGE, run: "exit 1" }]
`)
	w.push("main")
	sha := w.commit("Docs", map[string]string{"docs/a.md": "a\n"})
	w.push("main")
	run := w.check(sha, "ci / build", "success")
	w.says(run, "| docs | succeeded |", "| code | skipped: its if does not hold: \\!changed('docs/\\*\\*') |")
	site := w.check(sha, "ci / site", "skipped")
	if want := "Its if does not hold: changed('site/**')"; site.Title != want {
		t.Errorf("title %q, want %q", site.Title, want)
	}
}

// TestMatrixFailsFast stops the other runs of a matrix when one fails.
func TestMatrixFailsFast(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(`
on: push
stages:
  - name: test
    actions:
      - name: unit
        image: IMAGE
        matrix: { take: ["1", "600"] }
        fail-fast: true
        env: { TAKE: "${{ matrix.take }}" }
        run: |
          test $TAKE = 1 && exit 3
          sleep $TAKE
`)
	w.push("main")
	run := w.check(sha, "ci / test", "failure")
	if want := "unit (1): exit code 3"; run.Title != want {
		t.Errorf("title %q, want %q", run.Title, want)
	}
	w.says(run, "| unit (600) | cancelled")
	x, err := w.api().Execution(w.context(), w.newest(sha).ID)
	if err != nil || x.Stages[0].Actions[0].Title != "unit (1)" || x.Stages[0].Actions[0].Name != "unit-1" {
		t.Errorf("%+v %v", x.Stages, err)
	}
}

// TestConcurrencyOfTwoPipelines lets one of two pipelines that share a lock begin when
// the other has ended.
func TestConcurrencyOfTwoPipelines(t *testing.T) {
	w := newWorld(t)
	const text = `
name: NAME
on: push
stages:
  - name: migrate
    concurrency: database-${{ source.branch }}
    actions: [{ name: run, image: IMAGE, run: "until test -e stop; do sleep 0.1; done" }]
`
	files := map[string]string{}
	for _, name := range []string{"one", "two"} {
		files[".github/pipelines/"+name+".yaml"] = strings.NewReplacer("NAME", name, "IMAGE", image).Replace(text)
	}
	sha := w.commit("Both", files)
	w.push("main")
	running, waiting := "one", "two"
	w.eventually("one of them to run", func() bool {
		for _, name := range []string{"one", "two"} {
			if runs := w.runs(sha, name+" / migrate"); len(runs) > 0 && strings.Contains(runs[0].Title, "running: run") {
				running = name
				waiting = map[string]string{"one": "two", "two": "one"}[name]
				return true
			}
		}
		return false
	})
	w.titled(sha, waiting+" / migrate", "Waiting for another execution to leave what is shared as database-main")
	w.waitsFor(w.executionOf(sha, waiting).ID, api.Wait{Kind: "environment", Text: running + " 1 of refs/heads/main to leave what is shared as database-main", Next: "its actions run"})
	if _, err := w.api().Stop(w.context(), w.executionOf(sha, running).ID, api.Stop{Abandon: true}); err != nil {
		t.Fatal(err)
	}
	w.titled(sha, waiting+" / migrate", "0 of 1 action done, running: run")
}

// TestCommandRuleThatWaits asks a command again until somebody overrides it.
func TestCommandRuleThatWaits(t *testing.T) {
	w := newWorld(t)
	n, sha := w.pullRequest(guarded("pull_request", `    before-entry:
      - command: { image: IMAGE, run: "exit 7" }
        otherwise: wait`))
	run := w.titled(sha, "ci / production", "Waiting for its rules: command does not hold: before-entry.1 failed: exit code 7")
	if run.Status != "in_progress" && run.Status != "queued" {
		t.Errorf("it is %s %s", run.Status, run.Conclusion)
	}
	w.reaction(w.comment("bob", n, "/override production the checker is broken"), "+1")
	run = w.check(sha, "ci / production", "success")
	if strings.Contains(run.Title, "exit code") {
		t.Errorf("title %q", run.Title)
	}
}
