package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/githubtest"
)

const green = `
on: { push: { branches: [main, "wip/**"] } }
stages:
  - name: build
    actions:
      - name: compile
        image: IMAGE
        run: |
          mkdir out && echo shop > out/shop && echo "version=1.2" >> "$STAGEGATE_OUTPUT"
        artifacts: { shop: out/ }
      - { name: lint, image: IMAGE, run: cat README.md }
  - name: deploy
    actions:
      - name: roll-out
        image: IMAGE
        inputs: [shop]
        env: { VERSION: "${{ build.compile.version }}", BRANCH: "${{ source.branch }}" }
        run: echo "$(cat shop) $VERSION from $BRANCH at $STAGEGATE_COMMIT"
`

func TestPush(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(green)
	w.push("main")
	deploy := w.check(sha, "ci / deploy", "success")
	build := w.check(sha, "ci / build", "success")
	if got, want := w.actionLog(deploy, "roll-out"), "o shop 1.2 from main at "+sha; !strings.Contains(got, want) {
		t.Errorf("log %q, want %q in it", got, want)
	}
	if build.History[0].Status != "queued" {
		t.Errorf("the first state of a check run is %v, want queued", build.History)
	}
	if !strings.Contains(build.Summary, "Artifacts: shop") {
		t.Errorf("summary %s", build.Summary)
	}
	if page := w.get(deploy.DetailsURL); !strings.Contains(page, "roll-out") {
		t.Errorf("page: %s", page)
	}
	if n := len(w.repo.CheckRuns(sha)); n != 2 {
		t.Errorf("%d check runs, want 2", n)
	}
	t.Logf("%d requests to GitHub for a green push of two stages", len(w.github.Requests()))
}

func TestNothingToRun(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(green)
	w.git(w.clone, "tag", "v1")
	w.git(w.clone, "branch", "other")
	w.push("other")
	w.logged("no pipeline runs on a push to other")
	w.push("v1")
	w.logged("no pipeline runs on a push to refs/tags/v1")
	w.push(":other")
	w.logged("refs/heads/other was deleted")
	w.git(w.clone, "checkout", "--quiet", "--orphan", "wip/empty")
	w.git(w.clone, "rm", "-rq", "--cached", ".")
	w.git(w.clone, "clean", "-dfq")
	empty := w.commit("No pipelines", map[string]string{"a.txt": "a"})
	w.push("wip/empty")
	w.logged("no pipeline runs on a push to wip/empty")
	for _, s := range []string{sha, empty} {
		if runs := w.repo.CheckRuns(s); len(runs) != 0 {
			t.Errorf("check runs: %v", runs)
		}
	}
}

func TestBadFile(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline("on: push\nstages:\n  - name: build\n    actions:\n      - { name: a, image: IMAGE, run: 'true', nedds: [b] }\n      - { name: a, image: IMAGE, run: 'true' }\n")
	w.push("main")
	run := w.check(sha, "ci", "failure")
	if len(run.Annotations) < 2 || run.Annotations[0].Path != ".github/pipelines/ci.yaml" || run.Annotations[0].StartLine != 5 {
		t.Errorf("annotations: %+v", run.Annotations)
	}
	if err := w.repo.RerequestCheckRun("alice", run.ID); err != nil {
		t.Fatal(err)
	}
	w.eventually("the refusal", func() bool { return strings.Contains(w.runs(sha, "ci")[0].Summary, "refused") })
	if again := w.runs(sha, "ci"); len(again) != 1 || len(again[0].Annotations) != len(run.Annotations) {
		t.Errorf("after a refused re-run: %d runs, %d annotations", len(again), len(again[0].Annotations))
	}
}

func TestSameNameTwice(t *testing.T) {
	w := newWorld(t)
	w.commit("One", map[string]string{".github/pipelines/ci.yml": strings.ReplaceAll(green, "IMAGE", image)})
	sha := w.pipeline(green)
	w.push("main")
	run := w.check(sha, "ci", "failure")
	if !strings.Contains(run.Summary, "is also defined in") {
		t.Errorf("summary: %s", run.Summary)
	}
}

const red = `
on: { push: { branches: [main] } }
stages:
  - name: test
    actions:
      - name: unit
        image: IMAGE
        run: |
          echo "::hello::" '` + "```" + `' "<b>"
          test -e /stagegate/nothing
      - { name: lint, image: IMAGE, run: "true" }
  - name: deploy
    actions:
      - { name: roll-out, image: IMAGE, run: "true" }
`

func TestFailureAndRerun(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(red)
	w.push("main")
	failed := w.check(sha, "ci / test", "failure")
	if !strings.Contains(failed.Summary, "::hello:: ``` <b>") || !strings.Contains(failed.Summary, "exit code 1") {
		t.Errorf("summary:\n%s", failed.Summary)
	}
	unreached := w.check(sha, "ci / deploy", "cancelled")
	if !strings.Contains(unreached.Title, "Not reached") {
		t.Errorf("title %q", unreached.Title)
	}
	if err := w.repo.RerequestCheckRun("alice", unreached.ID); err != nil {
		t.Fatal(err)
	}
	w.eventually("the refusal", func() bool { return strings.Contains(w.runs(sha, "ci / deploy")[0].Summary, "refused") })
	w.github.HoldDeliveries(true) // when it is decided, carol may no longer write
	if err := w.repo.RerequestCheckRun("carol", failed.ID); err != nil {
		t.Fatal(err)
	}
	w.repo.SetPermission("carol", "read")
	w.github.HoldDeliveries(false)
	w.eventually("the refusal", func() bool { return strings.Contains(w.runs(sha, "ci / test")[0].Summary, "takes write access") })
	if err := w.repo.RerequestCheckRun("alice", failed.ID); err != nil {
		t.Fatal(err)
	}
	w.eventually("a second run", func() bool { return len(w.runs(sha, "ci / test")) == 2 })
	again := w.check(sha, "ci / test", "failure")
	if !strings.Contains(again.Summary, "| lint | succeeded |") || !strings.Contains(again.Summary, "attempt 2") {
		t.Errorf("the retry should keep lint and run unit again:\n%s", again.Summary)
	}
	if err := w.repo.RerequestCheckSuite("alice", sha); err != nil {
		t.Fatal(err)
	}
	w.eventually("a third run", func() bool { return len(w.runs(sha, "ci / test")) == 3 })
	w.check(sha, "ci / test", "failure")
	w.allEnded(sha)
}

// allEnded waits until no check run of the commit is open.
func (w *world) allEnded(sha string) {
	w.t.Helper()
	w.eventually("the end of every check run", func() bool {
		for _, r := range w.repo.CheckRuns(sha) {
			if r.Status != "completed" {
				return false
			}
		}
		return true
	})
}

const gated = `
on: { push: { branches: [main] }, pull_request: { branches: [main] } }
stages:
  - name: production
    actions:
      - name: sign-off
        approval: { APPROVAL }
      - { name: roll-out, needs: [sign-off], image: IMAGE, run: "echo rolled out" }
`

func withApproval(text string) string { return strings.ReplaceAll(gated, "APPROVAL", text) }

func TestApprovalByComment(t *testing.T) {
	w := newWorld(t)
	n, sha := w.pullRequest(withApproval("expires: 1h"))
	waiting := w.check(sha, "ci / production", "action_required")
	if len(waiting.Actions) != 2 || !strings.Contains(waiting.Summary, "anyone with write access") {
		t.Errorf("waiting: %+v\n%s", waiting.Actions, waiting.Summary)
	}
	w.announced(n, "/approve production")
	w.reaction(w.comment("alice", n, "/approve production"), "-1")                // an author
	w.reaction(w.comment("mallory", n, "/approve production"), "-1")              // may only read
	w.reaction(w.comment("bob", n, "/approve staging"), "-1")                     // no such stage
	w.reaction(w.comment("bob", n, "/approve production deadbeef"), "-1")         // another commit
	w.reaction(w.comment("bob", n, "/approve production and so on"), "-1")        // no form
	w.comment("bob", n, "> /approve production\n\n```\n/approve production\n```") // quoted
	if runs := w.runs(sha, "ci / production"); len(runs) != 1 {
		t.Fatalf("something let it pass: %v", runs)
	}
	w.reaction(w.comment("bob", n, "Looks good.\n\n/approve production "+sha[:10]), "+1")
	done := w.check(sha, "ci / production", "success")
	if !strings.Contains(done.Summary, "approved by bob") {
		t.Errorf("summary:\n%s", done.Summary)
	}
	if again := w.runs(sha, "ci / production"); again[0].Conclusion != "action_required" {
		t.Errorf("the completed run was changed: %+v", again[0])
	}
	w.announced(n, "approved by")
	refusals := 0
	for _, c := range w.repo.Comments(n) {
		if strings.Contains(c.Body, "Refused.") {
			refusals++
		}
	}
	if refusals != 5 {
		t.Errorf("%d refusals, want 5", refusals)
	}
	w.reaction(w.comment("carol", n, "/approve"), "-1") // nothing waits any more
}

func (w *world) comment(login string, n int, text string) int64 {
	w.t.Helper()
	return w.repo.Comment(login, n, text)
}

func TestApprovalByButton(t *testing.T) {
	w := newWorld(t)
	w.github.AddTeam("octo", "release-managers", "carol")
	sha := w.pipeline(withApproval("teams: [release-managers]"))
	w.push("main")
	waiting := w.check(sha, "ci / production", "action_required")
	if err := w.repo.ClickAction("bob", waiting.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.eventually("the refusal", func() bool { return strings.Contains(w.runs(sha, "ci / production")[0].Summary, "may not decide") })
	if err := w.repo.ClickAction("carol", waiting.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / production", "success")
	if err := w.repo.ClickAction("carol", waiting.ID, "reject"); err != nil {
		t.Fatal(err)
	}
	w.logged("reject of ci / production by carol")
	w.check(sha, "ci / production", "success")
}

func TestReject(t *testing.T) {
	w := newWorld(t)
	n, sha := w.pullRequest(withApproval("users: [mallory], self-review: false"))
	w.check(sha, "ci / production", "action_required")
	w.reaction(w.comment("bob", n, "/reject"), "-1") // write access does not help
	w.reaction(w.comment("mallory", n, "/reject"), "+1")
	if run := w.check(sha, "ci / production", "failure"); !strings.Contains(run.Title, "rejected by mallory") {
		t.Errorf("title %q", run.Title)
	}
}

func TestExpiry(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(withApproval("expires: 2s"))
	w.push("main")
	w.check(sha, "ci / production", "action_required")
	w.check(sha, "ci / production", "timed_out")
}

func TestApprovalIsAboutTheHead(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(withApproval(""))
	w.push("main")
	w.check(sha, "ci / production", "action_required")
	run := w.runs(sha, "ci / production")[0]
	w.github.HoldDeliveries(true) // the App does not hear of the next push in time
	w.commit("Newer", nil)
	w.push("main")
	w.github.HoldDeliveries(false)
	if err := w.repo.ClickAction("bob", run.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	cancelled := w.check(sha, "ci / production", "cancelled") // superseded by the newer push
	if strings.Contains(cancelled.Summary, "approved") {
		t.Errorf("an outdated commit was approved:\n%s", cancelled.Summary)
	}
}

func TestMergedPullRequest(t *testing.T) {
	w := newWorld(t)
	n, _ := w.pullRequest(strings.Replace(withApproval(""), "pull_request: { branches: [main] }", "pull_request: { branches: [never] }", 1))
	if _, err := w.repo.MergePullRequest("alice", n, "squash"); err != nil {
		t.Fatal(err)
	}
	w.git(w.clone, "fetch", "--quiet", w.repo.CloneURL("alice"), "main")
	sha := w.git(w.clone, "rev-parse", "FETCH_HEAD")
	w.check(sha, "ci / production", "action_required")
	w.announced(n, "waits for an approval")
	w.reaction(w.comment("alice", n, "/approve"), "-1") // she opened it
	w.reaction(w.comment("carol", n, "/approve"), "+1")
	w.check(sha, "ci / production", "success")
}

const slow = `
on: { push: { branches: [main] }, pull_request: { branches: [main] } }
stages:
  - name: build
    actions:
      - name: wait
        image: IMAGE
        run: |
          trap 'exit 0' TERM
          echo started
          i=0; while [ $i -lt 600 ]; do sleep 0.1; i=$((i+1)); done
  - name: deploy
    actions:
      - { name: roll-out, image: IMAGE, run: "true" }
`

func TestNewHeadCancels(t *testing.T) {
	w := newWorld(t)
	n, old := w.pullRequest(slow)
	w.running(old)
	sha := w.pipeline(strings.Replace(withApproval(""), "name: production", "name: build", 1))
	w.push("feature")
	if run := w.check(old, "ci / build", "cancelled"); !strings.Contains(run.Title, "newer head") {
		t.Errorf("title %q", run.Title)
	}
	w.check(old, "ci / deploy", "cancelled")
	w.check(sha, "ci / build", "action_required")
	if err := w.repo.ClosePullRequest("alice", n); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / build", "cancelled")
	w.allEnded(sha)
}

// running waits until an action of the stage build really runs.
func (w *world) running(sha string) githubtest.CheckRun {
	w.t.Helper()
	var run githubtest.CheckRun
	w.eventually("a running action", func() bool {
		runs := w.runs(sha, "ci / build")
		if len(runs) > 0 {
			run = runs[len(runs)-1]
		}
		return strings.Contains(run.Title, "running:")
	})
	return run
}

func TestStop(t *testing.T) {
	w := newWorld(t)
	n, sha := w.pullRequest(slow)
	w.running(sha)
	w.refusedBy("mallory", n, "/stop", "may not stop executions")
	w.refusedBy("bob", n, "/stop cd", "no pipeline that runs here is called `cd`; there is ci")
	w.refusedBy("bob", n, "/stop ci now", "the form is `/stop [PIPELINE] [abandon]`")
	w.reaction(w.comment("bob", n, "/stop CI"), "+1")
	w.eventually("the title", func() bool {
		return w.runs(sha, "ci / build")[0].Title == "Stopping: finishes what runs (stopped by bob)"
	})
	w.refusedBy("bob", n, "/stop", "all that can be done is to abandon what runs")
	w.reaction(w.comment("bob", n, "/stop abandon"), "+1")
	if run := w.check(sha, "ci / build", "cancelled"); run.Title != "Stopped by bob" {
		t.Errorf("title %q", run.Title)
	}
	w.allEnded(sha)
}

func TestSupersededBetweenStages(t *testing.T) {
	w := newWorld(t)
	first := w.pipeline(slow)
	w.push("main")
	w.running(first)
	second := w.pipeline(slow + "# 2\n")
	w.push("main")
	w.check(second, "ci / build", "queued")
	third := w.pipeline(green)
	w.push("main")
	if run := w.check(second, "ci / build", "cancelled"); !strings.Contains(run.Title, "took its place") {
		t.Errorf("title %q", run.Title)
	}
	if run := w.check(first, "ci / build", "in_progress"); run.Conclusion != "" {
		t.Errorf("a running execution was superseded: %+v", run)
	}
	_ = third
}

func TestWhatATarballLeavesOut(t *testing.T) {
	w := newWorld(t)
	w.commit("Attributes", map[string]string{
		".gitattributes": "secret.txt export-ignore\n.gitattributes export-ignore\n", "secret.txt": "x",
		"big.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
	})
	sha := w.pipeline(strings.Replace(green, "cat README.md", "test ! -e secret.txt", 1))
	w.push("main")
	run := w.check(sha, "ci / build", "success")
	for _, want := range []string{"export-ignore", "Git LFS"} {
		if !strings.Contains(run.Summary, want) {
			t.Errorf("the summary does not mention %s:\n%s", want, run.Summary)
		}
	}
}

func TestLostDeliveryIsAskedForAgain(t *testing.T) {
	w := newWorld(t)
	w.stop()
	sha := w.pipeline(green)
	w.push("main")
	if err := w.github.WaitDelivered(w.context()); err != nil {
		t.Fatal(err)
	}
	w.start()
	w.check(sha, "ci / deploy", "success")
}

func TestGitHubInTrouble(t *testing.T) {
	w := newWorld(t)
	anything := func(*http.Request) bool { return true }
	creates := func(r *http.Request) bool { return r.Method == "POST" && strings.HasSuffix(r.URL.Path, "/check-runs") }
	lost := githubtest.ServerError()
	lost.After = true // carried out, but the answer is lost
	w.github.Fail(creates, 1, lost)
	w.github.Fail(creates, 1, githubtest.SecondaryLimit(2*time.Second))
	w.github.Fail(anything, 4, githubtest.ServerError())
	sha := w.pipeline(green)
	w.push("main")
	w.check(sha, "ci / deploy", "success")
	w.allEnded(sha)
	if n := len(w.repo.CheckRuns(sha)); n != 2 {
		t.Errorf("%d check runs, want 2: none is made twice", n)
	}
}

func TestRestart(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(strings.Replace(slow, "-lt 600", "-lt 40", 1))
	w.push("main")
	run := w.running(sha)
	w.stop()
	w.start()
	w.check(sha, "ci / deploy", "success")
	if got := strings.Count(w.actionLog(run, "wait"), " o started"); got != 1 {
		t.Errorf("the action started %d times", got)
	}
}

// TestCostOfAGreenPush bounds what a green push of three stages asks of GitHub.
func TestCostOfAGreenPush(t *testing.T) {
	w := newWorld(t)
	stage := "  - name: NAME\n    actions:\n      - { name: only, image: IMAGE, run: \"true\" }\n"
	text := "on: push\nstages:\n"
	for _, name := range []string{"build", "test", "deploy"} {
		text += strings.Replace(stage, "NAME", name, 1)
	}
	w.github.ResetRequests()
	sha := w.pipeline(text)
	w.push("main")
	w.check(sha, "ci / deploy", "success")
	w.allEnded(sha)
	counts := map[string]int{}
	for _, r := range w.github.Requests() {
		counts[r.Operation]++
	}
	t.Logf("requests: %v", counts)
	for operation, most := range map[string]int{
		"apps/create-installation-access-token": 1,
		"repos/get-content":                     3, // the folder, the file, .gitattributes
		"repos/download-tarball-archive":        1,
		"":                                      1, // the download it leads to
		"checks/create":                         3, // one for each stage
		"checks/update":                         9, // started, running, ended
		"apps/list-webhook-deliveries":          2,
	} {
		if counts[operation] > most {
			t.Errorf("%d × %s, want at most %d", counts[operation], operation, most)
		}
		delete(counts, operation)
	}
	if len(counts) > 0 {
		t.Errorf("requests nobody needs: %v", counts)
	}
}

// TestWaitingRunsAreRenewed goes on thirteen days later: GitHub would soon call
// an incomplete run stale.
func TestWaitingRunsAreRenewed(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(withApproval("expires: 30d") + "  - name: after\n    actions:\n      - { name: only, image: IMAGE, run: \"true\" }\n")
	w.push("main")
	w.check(sha, "ci / production", "action_required")
	w.check(sha, "ci / after", "queued")
	w.stop()
	w.shift = 13*24*time.Hour + time.Hour
	w.start()
	w.eventually("a second run", func() bool { return len(w.runs(sha, "ci / after")) == 2 })
	w.check(sha, "ci / after", "queued")
	if old := w.runs(sha, "ci / after")[0]; old.Conclusion != "cancelled" {
		t.Errorf("the old run is %s %s", old.Status, old.Conclusion)
	}
	if n := len(w.runs(sha, "ci / production")); n != 1 {
		t.Errorf("%d runs of a stage whose run is completed", n)
	}
}
