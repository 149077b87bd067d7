package app_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/api"
)

// TestWindowOpensByTime lets a stage wait until its window opens.
func TestWindowOpensByTime(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(guarded("push", "    before-entry:\n      - "+closedToday()))
	w.push("main")
	run := w.titled(sha, "ci / production", "Waiting for its rules: window does not hold: closed: ")
	w.says(run, "- ✗ **window does not hold**: closed: ", "; it opens ", "(the stage waits)", "`/override ci/production REASON`", "`stagegate override ci/1 production --reason REASON`")
	w.sleep(24 * time.Hour) // not yet
	w.titled(sha, "ci / production", "Waiting for its rules: ")
	w.sleep(24 * time.Hour)
	w.says(w.check(sha, "ci / production", "success"), "- ✓ window holds: open: ")
}

// TestApprovalOutsideTheWindow gives an approval that is not acted on before the window
// opens, and still counts then.
func TestApprovalOutsideTheWindow(t *testing.T) {
	w := newWorld(t)
	now := time.Now().UTC().Add(w.shift)
	closed := `window: { days: mon-sun, holidays: ["` + now.AddDate(0, 0, 2).Format(time.DateOnly) + `", "` + now.AddDate(0, 0, 3).Format(time.DateOnly) + `"] }`
	n, sha := w.pullRequest(strings.Replace(guarded("pull_request", "    before-entry:\n      - "+closed),
		"actions: [{ name: roll-out,", "actions: [{ name: sign-off, approval: { expires: 7d } }, { name: roll-out, needs: [sign-off],", 1))
	w.check(sha, "ci / production", "action_required")
	w.sleep(48 * time.Hour) // the window closes while nobody has answered
	w.reaction(w.comment("bob", n, "/approve production"), "+1")
	run := w.titled(sha, "ci / production", "Waiting for its rules: window does not hold")
	w.says(run, "approved by bob")
	w.sleep(48 * time.Hour)
	w.says(w.check(sha, "ci / production", "success"), "approved by bob")
}

// TestRulesThatFailAndSkip has rules that time does not change.
func TestRulesThatFailAndSkip(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(`
on: push
variables: { REGION: { default: eu-west-1 } }
stages:
  - name: skipped
    before-entry: [{ expression: "source.branch == 'release'", otherwise: skip }]
    actions: [{ name: never, image: IMAGE, run: "exit 9" }]
  - name: failed
    before-entry: [{ variable: { name: variables.REGION, operator: "==", value: eu-west-3 } }]
    actions: [{ name: never, image: IMAGE, run: "exit 9" }]
  - name: after
    actions: [{ name: never, image: IMAGE, run: "exit 9" }]
`)
	w.push("main")
	run := w.check(sha, "ci / failed", "failure")
	if want := `Variable does not hold: variables.REGION is "eu-west-1", to be == "eu-west-3"`; run.Title != want {
		t.Errorf("title %q, want %q", run.Title, want)
	}
	w.says(run, "(the stage fails)", "| never | cancelled: not started |")
	skipped := w.check(sha, "ci / skipped", "skipped")
	if !strings.Contains(skipped.Title, "xpression does not hold: source.branch == 'release'") {
		t.Errorf("title %q", skipped.Title)
	}
	w.check(sha, "ci / after", "cancelled")
}

// TestCommandRule asks a command in a container, whose log is the evidence.
func TestCommandRule(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(guarded("push", `    before-entry:
      - command: { image: IMAGE, run: "echo the moon is full; exit 7" }`))
	w.push("main")
	run := w.check(sha, "ci / production", "failure")
	if want := "Command does not hold: before-entry.1 failed: exit code 7"; run.Title != want {
		t.Errorf("title %q, want %q", run.Title, want)
	}
	w.says(run, "the moon is full", "| before-entry.1, a rule's command | failed: exit code 7 |")
	if log := w.actionLog(run, "before-entry.1"); !strings.Contains(log, "the moon is full") {
		t.Errorf("log: %s", log)
	}
}

// TestSuccessRule fails a stage that worked, and is overridden.
func TestSuccessRule(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(`
on: push
stages:
  - name: build
    actions: [{ name: compile, image: IMAGE, run: "echo size=9 >> $STAGEGATE_OUTPUT" }]
    on-success: [{ variable: { name: build.compile.size, operator: "==", value: "1" } }]
    finally: [{ name: tidy, image: IMAGE, run: "true" }]
  - name: after
    actions: [{ name: run, image: IMAGE, run: "true" }]
`)
	w.push("main")
	run := w.check(sha, "ci / build", "failure")
	if want := `Variable does not hold: build.compile.size is "9", to be == "1"`; run.Title != want {
		t.Errorf("title %q, want %q", run.Title, want)
	}
	w.says(run, "Rules on success, asked ", "| compile | succeeded |", "| tidy, finally | succeeded |")
	w.check(sha, "ci / after", "cancelled")
	if _, err := w.api().Override(w.context(), w.newest(sha).ID, api.Override{Reason: "size is fine"}); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / after", "success")
	w.says(w.check(sha, "ci / build", "success"), "**Overridden** by the operator: size is fine")
}

// TestFailureIsRetried runs again what failed, and nothing else.
func TestFailureIsRetried(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(`
on: push
stages:
  - name: test
    on-failure: { retry: failed-actions, times: 2 }
    actions:
      - { name: steady, image: IMAGE, run: "true" }
      - { name: flaky, image: IMAGE, env: { JOB: "${{ execution.id }}" }, run: "exit 1" }
`)
	w.push("main")
	w.check(sha, "ci / test", "failure")
	x, err := w.api().Execution(w.context(), w.newest(sha).ID)
	if err != nil {
		t.Fatal(err)
	}
	st := x.Stages[0]
	if st.Retries != 2 || st.Attempt != 3 || len(st.Past) != 2 || st.Actions[0].Attempt != 1 || st.Actions[1].Attempt != 3 {
		t.Errorf("%+v", st)
	}
}

// TestFinallyRuns after a failure and after a stop.
func TestFinallyRuns(t *testing.T) {
	const text = `
on: push
stages:
  - name: test
    actions: [{ name: unit, image: IMAGE, run: "SCRIPT" }]
    finally: [{ name: tidy, image: IMAGE, run: "echo tidied" }]
`
	w := newWorld(t)
	sha := w.pipeline(strings.Replace(text, "SCRIPT", "exit 4", 1))
	w.push("main")
	run := w.check(sha, "ci / test", "failure")
	w.says(run, "| tidy, finally | succeeded |")
	if !strings.Contains(run.Title, "unit: exit code 4") {
		t.Errorf("title %q", run.Title)
	}
	sha = w.pipeline(strings.Replace(text, "SCRIPT", "sleep 600", 1))
	w.push("main")
	w.titled(sha, "ci / test", "0 of 2 actions done, running: unit")
	if _, err := w.api().Stop(w.context(), w.newest(sha).ID, api.Stop{Abandon: true}); err != nil {
		t.Fatal(err)
	}
	w.says(w.check(sha, "ci / test", "cancelled"), "| tidy, finally | succeeded |")
}

// TestRetryEndsGreen mends what failed before the second try.
func TestRetryEndsGreen(t *testing.T) {
	w := newWorld(t)
	name := "flaky-" + strings.NewReplacer(":", "-").Replace(w.listen)
	flaky := "stagegate/flaky:" + name
	docker := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(w.context(), "docker", args...).CombinedOutput(); err != nil {
			t.Fatalf("docker %v: %v\n%s", args, err, out)
		}
	}
	docker("tag", image, flaky)
	t.Cleanup(func() {
		_ = exec.CommandContext(context.WithoutCancel(t.Context()), "docker", "image", "rm", "--force", flaky).Run()
	})
	sha := w.pipeline(strings.Replace(`
on: push
stages:
  - name: test
    on-failure: { retry: failed-actions, times: 1, backoff: 30m }
    actions:
      - { name: steady, image: IMAGE, run: "true" }
      - { name: flaky, image: "FLAKY", run: "test $MENDED" }
`, "FLAKY", flaky, 1))
	w.push("main")
	w.titled(sha, "ci / test", "Waiting for its next try at ")
	docker("create", "--name", name, image, "true")
	docker("commit", "--change", "ENV MENDED=yes", name, flaky)
	docker("rm", name)
	w.sleep(31 * time.Minute)
	run := w.check(sha, "ci / test", "success")
	w.says(run, "| steady | succeeded |", "| flaky | succeeded (attempt 2) |")
}
