package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/githubtest"
)

// forks is the pipeline of the base: it runs a script of the commit, and would deploy.
const forks = `
on: { pull_request: { types: [opened, synchronize, reopened, labeled, closed] } }
mode: parallel
stages:
  - name: build
    actions: [{ name: compile, image: IMAGE, run: "cat script.sh" }]
  - name: production
    environment: production
    actions: [{ name: roll-out, image: IMAGE, run: "true" }]
`

// fork is a pull request of mallory's, from a fork.
type fork struct {
	*world

	theirs *githubtest.Repository
	number int
}

// forked opens a pull request from a branch called main, whose commit edits the pipeline
// file, the settings and the script.
func (w *world) forked(more map[string]string) (f fork, sha string) {
	w.t.Helper()
	w.commit("Base", map[string]string{
		".github/pipelines/ci.yaml": strings.ReplaceAll(forks, "IMAGE", image), "script.sh": "ours\n",
		settingsFile: "environments:\n  production: { branches: [\"**\"], pull-requests: true }\n",
	})
	w.push("main")
	f = fork{world: w, theirs: w.github.AddFork(w.repo, "mallory")}
	files := map[string]string{
		".github/pipelines/ci.yaml":   strings.ReplaceAll("on: [push, pull_request]\nstages: [{ name: stolen, actions: [{ name: a, image: IMAGE, run: env }] }]\n", "IMAGE", image),
		".github/pipelines/evil.yaml": strings.ReplaceAll("on: [push, pull_request]\nstages: [{ name: stolen, actions: [{ name: a, image: IMAGE, run: env }] }]\n", "IMAGE", image),
		"script.sh":                   "theirs\n",
	}
	for name, text := range more {
		files[name] = text
	}
	sha = f.pushes(files)
	n, err := w.repo.OpenPullRequest("mallory", "mallory:main", "main", "Evil", "")
	if err != nil {
		w.t.Fatal(err)
	}
	f.number = n
	return f, sha
}

// pushes commits to the fork's branch main.
func (f fork) pushes(files map[string]string) string {
	f.t.Helper()
	sha := f.commit("Evil", files)
	f.gitAs("mallory", f.clone, "push", "--quiet", f.theirs.CloneURL("mallory"), "HEAD:main")
	return sha
}

// held waits for the check of a commit that waits for a word.
func (f fork) held(sha string) githubtest.CheckRun {
	f.t.Helper()
	run := f.check(sha, "ci / build", "action_required")
	if !strings.Contains(run.Title, "/ok-to-test by someone with write access") || !strings.Contains(run.Summary, "Nothing of this commit has run") {
		f.t.Errorf("title %q, summary %q", run.Title, run.Summary)
	}
	return run
}

// says comments and asks that it is obeyed.
func (f fork) says(login, text string) {
	f.t.Helper()
	f.reaction(f.comment(login, f.number, text), "+1")
}

// nothing asks that nothing of the commit has run, nor its source been fetched.
func (f fork) nothing(sha string) {
	f.t.Helper()
	found, err := f.api().Executions(f.context(), api.Filter{})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, x := range found.Items {
		if x.Revision.Commit != sha {
			continue
		}
		one, err := f.api().Execution(f.context(), x.ID)
		if err != nil {
			f.t.Fatal(err)
		}
		for _, st := range one.Stages {
			if !st.StartedAt.IsZero() {
				f.t.Errorf("execution %s has begun stage %s", x.ID, st.Name)
			}
		}
	}
}

// TestForkOfAStranger runs nothing of a fork's commit until somebody with write access
// says so, whoever says what; then the base's pipeline with the commit's script, without
// an environment.
func TestForkOfAStranger(t *testing.T) {
	w := newWorld(t)
	f, sha := w.forked(nil)
	run := f.held(sha)
	for login, text := range map[string]string{"mallory": "/ok-to-test", "dave": "/ok-to-test " + sha, "outsider": "/ok-to-test"} {
		w.refusedBy(login, f.number, text, "may not let a fork's commit run: that takes write access")
	}
	w.refusedBy("bob", f.number, "/ok-to-test "+strings.Repeat("1", 40), "the head of the pull request is")
	w.refusedBy("bob", f.number, "/ok-to-test now", "the form is `/ok-to-test [SHA]`")
	w.refusedBy("bob", f.number, "/run ci", "nobody has said that commit")
	w.refusedBy("bob", f.number, "/retry", "no failed or stopped stage")
	w.refusedBy("bob", f.number, "/approve", "nothing waits for an approval here")
	w.repo.Comment("bob", f.number, "> /ok-to-test")
	w.repo.Comment("bob", f.number, "I would not say `/ok-to-test`")
	edited := w.repo.Comment("bob", f.number, "looks fine")
	if err := w.repo.EditComment("bob", edited, "/ok-to-test"); err != nil {
		t.Fatal(err)
	}
	w.github.AddBot("renovate[bot]")
	w.repo.SetPermission("renovate[bot]", "write")
	w.repo.Comment("renovate[bot]", f.number, "/ok-to-test")
	if err := w.repo.RerequestCheckRun("bob", run.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.repo.RerequestCheckSuite("bob", sha); err != nil {
		t.Fatal(err)
	}
	w.refusedBy("bob", f.number, "/run ci", "nobody has said that commit") // all of the above was processed by now
	f.nothing(sha)

	f.says("bob", "/ok-to-test")
	done := w.check(sha, "ci / build", "success")
	if log := w.actionLog(done, "compile"); !strings.Contains(log, "theirs") {
		t.Errorf("log %q", log)
	}
	if !strings.Contains(done.Summary, "bob said at") {
		t.Errorf("summary %q", done.Summary)
	}
	if run := w.check(sha, "ci / production", "skipped"); !strings.Contains(run.Title, "for no fork") {
		t.Errorf("title %q", run.Title)
	}
	for _, name := range []string{"ci / stolen", "evil / stolen"} {
		if len(w.runs(sha, name)) > 0 {
			t.Errorf("the fork's own pipeline ran: %s", name)
		}
	}
	found, err := w.api().Audit(w.context(), api.AuditQuery{Kind: "admitted"})
	if err != nil || len(found.Items) != 1 || found.Items[0].Actor != "bob" || found.Items[0].Door != "comment" {
		t.Errorf("the audit log has %+v, %v", found, err)
	}
	f.says("bob", "/run ci")
	w.check(sha, "ci / build (manual 2)", "success")
}

// TestForkButton takes the word by the button of the check, for its commit alone.
func TestForkButton(t *testing.T) {
	w := newWorld(t)
	f, sha := w.forked(nil)
	run := f.held(sha)
	next := f.pushes(map[string]string{"script.sh": "worse\n"})
	f.held(next)
	if err := w.repo.ClickAction("bob", run.ID, "ok-to-test"); err == nil {
		w.logged("ok-to-test of ci / build by bob")
	}
	f.nothing(next)
	if err := w.repo.ClickAction("bob", f.held(next).ID, "ok-to-test"); err != nil {
		t.Fatal(err)
	}
	w.check(next, "ci / build", "success")
	f.nothing(sha)
}

// TestForkNewHead voids the word by a push, and asks of a comment that its author could
// have seen what it is about.
func TestForkNewHead(t *testing.T) {
	w := newWorld(t)
	f, sha := w.forked(nil)
	f.held(sha)
	f.says("bob", "/ok-to-test")
	w.check(sha, "ci / build", "success")
	next := f.pushes(map[string]string{"script.sh": "worse\n"})
	f.held(next)
	f.nothing(next)
	w.refusedBy("bob", f.number, "/ok-to-test "+sha[:7], "the head of the pull request is "+next[:7])
	late := w.repo.CommentAt("bob", f.number, "/ok-to-test", time.Now().Add(-time.Hour))
	w.reaction(late, "-1")
	if got := w.answer(f.number, late); !strings.Contains(got, "was not yet shown as waiting when this was written") {
		t.Errorf("a comment from before the push: %q", got)
	}
	f.nothing(next)
	f.says("bob", "/ok-to-test "+next)
	w.check(next, "ci / build", "success")
}

// TestForkEveryEvent asks that no kind of event gets past the word, and that all do with
// it.
func TestForkEveryEvent(t *testing.T) {
	w := newWorld(t)
	f, sha := w.forked(nil)
	f.held(sha)
	if err := w.repo.LabelPullRequest("alice", f.number, "safe"); err != nil {
		t.Fatal(err)
	}
	w.eventually("both events wait", func() bool { return len(w.runs(sha, "ci / build")) == 2 })
	if err := w.repo.ClosePullRequest("mallory", f.number); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / build", "cancelled")
	if err := w.repo.ReopenPullRequest("mallory", f.number); err != nil {
		t.Fatal(err)
	}
	f.held(sha)
	if err := w.repo.LabelPullRequest("alice", f.number, "safe"); err != nil {
		t.Fatal(err)
	}
	w.eventually("both events wait again", func() bool { return len(w.runs(sha, "ci / build")) == 4 })
	f.nothing(sha)

	f.says("alice", "/ok-to-test")
	succeeded := func(want int) {
		t.Helper()
		w.eventually(fmt.Sprintf("%d successes", want), func() bool {
			n := 0
			for _, x := range w.executions() {
				if x.Status == "succeeded" {
					n++
				}
			}
			return n == want
		})
	}
	succeeded(2)
	if err := w.repo.LabelPullRequest("alice", f.number, "again"); err != nil {
		t.Fatal(err)
	}
	succeeded(3)
	if err := w.repo.ClosePullRequest("mallory", f.number); err != nil {
		t.Fatal(err)
	}
	succeeded(4)
}

// TestForkRetargeted asks for a word of its own when the base has changed, and reads the
// pipelines of the base alone.
func TestForkRetargeted(t *testing.T) {
	w := newWorld(t)
	w.pipeline(strings.Replace(forks, "name: build", "name: older", 1))
	w.push("HEAD:refs/heads/old")
	f, sha := w.forked(nil)
	f.held(sha)
	if err := w.repo.RetargetPullRequest("mallory", f.number, "old"); err != nil {
		t.Fatal(err)
	}
	w.refusedBy("bob", f.number, "/ok-to-test", "close and reopen it, then say this again")
	if err := w.repo.RetargetPullRequest("mallory", f.number, "main"); err != nil {
		t.Fatal(err)
	}
	f.says("bob", "/ok-to-test")
	w.check(sha, "ci / build", "success")
	if err := w.repo.RetargetPullRequest("mallory", f.number, "old"); err != nil {
		t.Fatal(err)
	}
	if err := w.repo.LabelPullRequest("alice", f.number, "safe"); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / older", "action_required")
	w.refusedBy("bob", f.number, "/run ci", "nobody has said that commit")
}

// TestDeletedFork treats a pull request whose head is in no repository any more as a
// fork's.
func TestDeletedFork(t *testing.T) {
	w := newWorld(t)
	f, sha := w.forked(nil)
	f.held(sha)
	w.github.DeleteFork(f.theirs)
	if err := w.repo.LabelPullRequest("alice", f.number, "safe"); err != nil {
		t.Fatal(err)
	}
	w.eventually("both events wait", func() bool { return len(w.runs(sha, "ci / build")) == 2 })
	f.nothing(sha)
	f.says("bob", "/ok-to-test")
	w.check(sha, "ci / build", "success")
	w.check(sha, "ci / production", "skipped")
}

// TestForkOfAWriter lets an author who may write say it of their own commit.
func TestForkOfAWriter(t *testing.T) {
	w := newWorld(t)
	f, sha := w.forked(nil)
	f.held(sha)
	w.repo.SetPermission("mallory", "write")
	f.says("mallory", "/ok-to-test")
	w.check(sha, "ci / build", "success")
}
