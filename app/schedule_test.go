package app_test

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/app/store/sqlite"
	"github.com/stagegate/stagegate/internal/githubtest"
)

// nightly runs once a day, at a time that is never near.
func nightly() string {
	return `
on: { schedule: [{ cron: "` + time.Now().UTC().Add(-2*time.Hour).Format("4 15") + ` * * *" }] }
stages:
  - name: build
    actions:
      - { name: compile, image: IMAGE, env: { WHY: "${{ execution.trigger }}", WHO: "[${{ execution.actor }}]" }, run: "echo $WHY $WHO $(cat README.md)" }
  - name: production
    environment: production
    actions: [{ name: roll-out, image: IMAGE, run: "true" }]
`
}

// sleep stops the App and starts it when some time has passed. The queue reads the
// system's clock, so what the App has put off until then is made due.
func (w *world) sleep(d time.Duration) {
	w.t.Helper()
	w.stop()
	w.shift += d
	db, err := sql.Open("sqlite3", filepath.Join(w.data, "stagegate.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	const due = `UPDATE river_job SET scheduled_at = datetime('now') WHERE state = 'scheduled' AND scheduled_at <= ?`
	if _, err := db.ExecContext(w.context(), due, time.Now().Add(w.shift).UTC().Format("2006-01-02 15:04:05.000")); err != nil {
		w.t.Fatal(err)
	}
	w.start()
}

// executions lists all there are, newest first.
func (w *world) executions() []api.Summary {
	w.t.Helper()
	page, err := w.api().Executions(w.context(), api.Filter{})
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Items
}

// TestScheduleRunsTheHead misses a time several times over: one execution of what
// is the newest commit then, by its files, is started.
func TestScheduleRunsTheHead(t *testing.T) {
	w := newWorld(t)
	w.pipeline(nightly())
	w.push("main")
	w.logged("schedule kept")
	w.logged("no pipeline runs on a push to main")
	if found := w.executions(); len(found) != 0 {
		t.Fatalf("before its time: %+v", found)
	}
	w.github.DropDeliveries(true)
	sha := w.commit("Newer", map[string]string{"README.md": "newer\n"})
	w.push("main")
	w.sleep(75 * time.Hour)
	run := w.check(sha, "ci / build (schedule)", "success")
	w.check(sha, "ci / production (schedule)", "success")
	if log := w.actionLog(run, "compile"); !strings.Contains(log, "schedule [] newer") {
		t.Errorf("log: %s", log)
	}
	if page := w.get(strings.Split(run.DetailsURL, "#")[0]); !strings.Contains(page, "started by its schedule") {
		t.Error("the page does not say what started it")
	}
	w.stop()
	w.carriedOutAgain()
	before := asked(w, "repos/get-content")
	w.start()
	w.eventually("what is left of the work", func() bool { return asked(w, "repos/get-content") > before })
	sha = w.commit("Newest", nil)
	w.push("main")
	w.sleep(24 * time.Hour)
	w.check(sha, "ci / production (schedule)", "success")
	found := w.executions()
	if len(found) != 2 || found[0].Trigger != "schedule" || found[0].Actor != "" || found[0].Lane != "refs/heads/main" {
		t.Errorf("executions: %+v", found)
	}
}

// carriedOutAgain leaves the work of starting what is scheduled once more, as a
// crash after it was done does.
func (w *world) carriedOutAgain() {
	w.t.Helper()
	db, err := sqlite.Open(w.context(), filepath.Join(w.data, "stagegate.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(w.context(), func(tx store.Tx) error {
		all, err := tx.Schedules(w.context(), w.repo.ID())
		if err != nil || len(all) != 1 {
			w.t.Fatalf("schedules %v, %v", all, err)
		}
		return tx.Enqueue(w.context(), store.StartScheduled{RepositoryID: w.repo.ID(), Pipeline: all[0].Pipeline, Time: all[0].Last}, time.Time{})
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestScheduleFollowsTheFile changes, moves and removes schedules.
func TestScheduleFollowsTheFile(t *testing.T) {
	w := newWorld(t)
	w.pipeline(nightly())
	w.push("main")
	w.logged("schedule kept")
	w.git(w.clone, "checkout", "--quiet", "-b", "wip")
	w.commit("Other branch", map[string]string{".github/pipelines/other.yaml": strings.ReplaceAll(nightly(), "IMAGE", image)})
	w.push("wip")
	w.git(w.clone, "checkout", "--quiet", "main")
	w.pipeline(strings.Replace(nightly(), "on: {", "on: { push: { branches: [x] },", 1) + "# the same times\n")
	w.push("main")
	w.git(w.clone, "rm", "--quiet", ".github/pipelines/ci.yaml")
	gone := w.commit("Removed", nil)
	w.push("main")
	w.logged("schedule dropped")
	w.sleep(48 * time.Hour)
	sha := w.pipeline(strings.Replace(nightly(), "on: {", "on: { push: ,", 1))
	w.push("main")
	w.check(sha, "ci / production", "success")
	w.eventually("the schedule is kept again", func() bool { return strings.Count(w.log.String(), "schedule kept") == 2 })
	if found := w.executions(); len(found) != 1 {
		t.Errorf("executions: %+v", found)
	}
	if len(w.repo.CheckRuns(gone)) != 0 {
		t.Error("what was removed has run")
	}
}

// TestScheduleShowsMistakes runs into a file that was broken since.
func TestScheduleShowsMistakes(t *testing.T) {
	w := newWorld(t)
	w.pipeline(nightly())
	w.push("main")
	w.logged("schedule kept")
	sha := w.pipeline(strings.Replace(nightly(), "roll-out", "roll out", 1))
	w.push("main")
	w.sleep(24 * time.Hour)
	run := w.check(sha, "ci (schedule)", "failure")
	if !strings.Contains(run.Title, "1 mistake") || len(run.Annotations) != 1 {
		t.Errorf("%q with %d annotations", run.Title, len(run.Annotations))
	}
}

// TestScheduleOfRepositoriesThatAreGone drops what can run no more, and waits for
// what is only away.
func TestScheduleOfRepositoriesThatAreGone(t *testing.T) {
	w := newWorld(t)
	w.github.Fail(func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/git/ref/heads/main") }, 1, githubtest.Fault{Status: http.StatusNotFound})
	w.github.Fail(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/repos/octo/shop") }, 1, githubtest.Fault{Status: http.StatusNotFound})
	sha := w.pipeline(nightly())
	w.push("main")
	w.logged("schedule kept") // though GitHub denied at first that there is such a repository
	mend := w.github.Fail(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/commits/"+sha) }, -1, githubtest.Fault{Status: http.StatusBadGateway})
	w.sleep(24 * time.Hour)
	w.logged("work waits for another attempt")
	mend()
	w.sleep(24 * time.Hour)
	w.check(sha, "ci / production (schedule)", "success")
	if err := w.github.SuspendInstallation("alice", "octo"); err != nil {
		t.Fatal(err)
	}
	w.sleep(24 * time.Hour)
	w.logged("schedule passed over")
	if err := w.github.UnsuspendInstallation("alice", "octo"); err != nil {
		t.Fatal(err)
	}
	w.sleep(24 * time.Hour)
	w.eventually("it runs again", func() bool { return len(w.runs(sha, "ci / production (schedule)")) == 2 })
	if err := w.github.DeleteInstallation("alice", "octo"); err != nil {
		t.Fatal(err)
	}
	w.sleep(24 * time.Hour)
	w.logged("schedule dropped")
	w.sleep(24 * time.Hour)
	if n := strings.Count(w.log.String(), "schedule dropped"); n != 1 {
		t.Errorf("dropped %d times", n)
	}
}
