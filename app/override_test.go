package app_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/githubtest"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// closedToday is a window that opens the day after tomorrow.
func closedToday() string {
	now := time.Now().UTC()
	return fmt.Sprintf(`window: { days: mon-sun, holidays: [%q, %q] }`, now.Format(time.DateOnly), now.AddDate(0, 0, 1).Format(time.DateOnly))
}

// guarded has a production with some keys, and one action.
func guarded(on, keys string) string {
	return "on: " + on + `
stages:
  - name: build
    actions: [{ name: compile, image: IMAGE, run: "true" }]
  - name: production
` + keys + `
    actions: [{ name: roll-out, image: IMAGE, run: "true" }]
`
}

// titled waits until the newest check run of a name has a title that begins so.
func (w *world) titled(sha, name, want string) githubtest.CheckRun {
	w.t.Helper()
	var run githubtest.CheckRun
	w.eventually(name+": "+want, func() bool {
		if runs := w.runs(sha, name); len(runs) > 0 {
			run = runs[len(runs)-1]
		}
		return strings.HasPrefix(run.Title, want)
	})
	return run
}

// says asks that a check run has some texts.
func (w *world) says(run githubtest.CheckRun, wants ...string) {
	w.t.Helper()
	for _, want := range wants {
		if !strings.Contains(run.Summary, want) {
			w.t.Errorf("%s does not say %q:\n%s", run.Name, want, run.Summary)
		}
	}
}

func TestOverrideByComment(t *testing.T) {
	w := newWorld(t)
	n, sha := w.pullRequest(guarded("pull_request", "    before-entry:\n      - "+closedToday()))
	w.titled(sha, "ci / production", "Waiting for its rules: window does not hold: closed: ")
	w.refusedBy("mallory", n, "/override production because", "mallory may not override rules: that takes write access")
	w.refusedBy("bob", n, "/override production", "the form is `/override [PIPELINE/]STAGE REASON`, with the reason")
	w.refusedBy("bob", n, "/override staging hotfix", `execution 1 has no stage "staging"; it has build, production`)
	w.refusedBy("bob", n, "/override build hotfix", "no rule keeps stage build of execution 1 back: it is succeeded; there is one that keeps production")
	w.reaction(w.comment("alice", n, "/status"), "+1")
	w.status(n, "waits for its rules: window does not hold: closed: ", "`/override ci/production REASON` lets it go on all the same")
	w.reaction(w.comment("bob", n, "/override CI/Production hotfix for <b>shop</b>, agreed with @alice"), "+1")
	run := w.check(sha, "ci / production", "success")
	w.says(run, "**Overridden** by bob: hotfix for &lt;b&gt;shop&lt;/b&gt;, agreed with @\u200balice", "- ✗ **window does not hold**: closed: ", "(the stage waits)")
	w.refusedBy("bob", n, "/override production again", "no rule keeps stage production of execution 1 back: it is succeeded")
	w.audited(pipeline.KindOverride, "1 bob production: hotfix for <b>shop</b>, agreed with @alice")
}

// audited asks what of a kind the audit log has: who, and why.
func (w *world) audited(kind pipeline.Kind, want string) {
	w.t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(w.data, "stagegate.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	var got string
	const read = `SELECT group_concat(execution || ' ' || actor || ' ' || (event ->> '$.Stage') || ': ' || (event ->> '$.Reason'), ', ') FROM audit WHERE kind = ?`
	if err := db.QueryRowContext(w.context(), read, kind).Scan(&got); err != nil || got != want {
		w.t.Errorf("the audit log has %q, %v; want %q", got, err, want)
	}
}

func TestOverrideByAPI(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(guarded("push", "    before-entry:\n      - "+closedToday()))
	w.push("main")
	w.titled(sha, "ci / production", "Waiting for its rules: ")
	id := w.newest(sha).ID
	_, err := w.api().Override(w.context(), id, api.Override{Stage: "staging", Reason: "hotfix"})
	w.refusedWith(err, api.NotFound, `no stage "staging"`)
	x, err := w.api().Override(w.context(), id, api.Override{Reason: "hotfix"})
	if err != nil || x.Stages[1].Status != "in_progress" {
		t.Errorf("%+v %v", x.Stages, err)
	}
	w.check(sha, "ci / production", "success")
	_, err = w.api().Override(w.context(), id, api.Override{Reason: "hotfix"})
	w.refusedWith(err, api.Conflict, "no rule keeps execution 1 back or has failed it")
}
