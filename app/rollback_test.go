package app_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// delivers is a pipeline that deploys what it has built. GATE stands before roll-out,
// and NEEDS is what that needs.
func delivers(mark, gate string) string {
	needs := ""
	if gate != "" {
		gate, needs = "\n      - { name: sign-off, approval: { users: ["+gate+"] } }", ", needs: [sign-off]"
	}
	return `
on: { push: { branches: [main] } }
variables: { MARK: { default: ` + mark + ` } }
stages:
  - name: build
    actions:
      - { name: compile, image: IMAGE, run: 'mkdir out && echo made-` + mark + ` > out/shop', artifacts: { shop: out/ } }
  - name: production
    environment: production
    actions:` + gate + `
      - { name: roll-out, image: IMAGE, inputs: [shop], env: { MARK: "${{ variables.MARK }}" }, run: 'echo script-` + mark + ` $MARK $(cat shop) at $STAGEGATE_COMMIT'` + needs + ` }
`
}

// delivered pushes the pipeline to main and waits until it is deployed; carol signs off
// where she is asked.
func (w *world) delivered(mark, gate string) string {
	w.t.Helper()
	sha := w.pipeline(delivers(mark, gate))
	w.push("HEAD:refs/heads/main")
	if gate != "" {
		if err := w.repo.ClickAction(gate, w.check(sha, "ci / production", "action_required").ID, "approve"); err != nil {
			w.t.Fatal(err)
		}
	}
	w.check(sha, "ci / production", "success")
	return sha
}

var productionBack = api.Rollback{Repository: "octo/shop", Pipeline: "ci", Stage: "production"}

// TestRollbackAcrossAnEdit goes back over an edit of the file: what ran then runs, and
// whoever the file names now is asked. A preview changes nothing.
func TestRollbackAcrossAnEdit(t *testing.T) {
	w := newWorld(t)
	first := w.delivered("one", "")
	second := w.delivered("two", "carol")
	before, err := w.api().Executions(w.context(), api.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	ask := productionBack
	ask.Preview, ask.Reason = true, "two is slow"
	plan, err := w.api().Rollback(w.context(), ask, "")
	if err != nil {
		t.Fatal(err)
	}
	gates, runs := plan.Gates, plan.Actions
	if plan.Started != nil || plan.Target.Revision.Commit != first || plan.Now == nil || plan.Now.Revision.Commit != second || plan.Environment != "production" ||
		len(gates.Approvals) != 1 || !slices.Equal(gates.Approvals[0].Users, []string{"carol"}) || gates.Commit != second || gates.Definition == plan.Definition ||
		!slices.Equal(runs, []string{"roll-out"}) || len(plan.Artifacts) != 1 || plan.Artifacts[0].Name != "shop" {
		t.Errorf("plan: %+v", plan)
	}
	if after, err := w.api().Executions(w.context(), api.Filter{}); err != nil || len(after.Items) != len(before.Items) {
		t.Errorf("after the preview: %+v %v", after, err)
	}

	ask.Preview = false
	plan, err = w.api().Rollback(w.context(), ask, "once")
	if err != nil || plan.Started == nil || plan.Started.Number != 3 || plan.Started.Rollback == nil || plan.Started.Rollback.Number != 1 {
		t.Fatalf("started: %+v %v", plan.Started, err)
	}
	again, err := w.api().Rollback(w.context(), ask, "once")
	if err != nil || again.Started == nil || again.Started.ID != plan.Started.ID {
		t.Errorf("under the same key: %+v %v", again.Started, err)
	}
	ask.Execution = 2
	_, err = w.api().Rollback(w.context(), ask, "once")
	w.refusedWith(err, api.Conflict, "the key has started execution 3 already, which goes back to execution 1 in stage production")

	run := w.check(first, "ci / production (rollback 3)", "action_required")
	if !strings.Contains(run.Summary, "This execution goes back to execution 1 in stage production, as the operator asked: two is slow; it runs by the definition ") {
		t.Errorf("summary:\n%s", run.Summary)
	}
	if err := w.repo.ClickAction("bob", run.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.eventually("the refusal of bob", func() bool {
		return strings.Contains(w.check(first, "ci / production (rollback 3)", "action_required").Summary, "bob may not decide")
	})
	if err := w.repo.ClickAction("carol", run.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	run = w.check(first, "ci / production (rollback 3)", "success")
	if log, want := w.actionLog(run, "roll-out"), "script-one one made-one at "+first; !strings.Contains(log, want) {
		t.Errorf("log %q, want %q in it", log, want)
	}
	if page := w.get(run.DetailsURL); !strings.Contains(page, "rolled back by") || !strings.Contains(page, "two is slow") {
		t.Errorf("page:\n%s", page)
	}
	if runs := w.runs(first, "ci / build (rollback 3)"); len(runs) != 0 {
		t.Errorf("runs of build: %+v", runs)
	}

	third := w.delivered("three", "carol") // is newer than what was gone back to
	page, err := w.api().Executions(w.context(), api.Filter{Succeeded: "production"})
	if err != nil || len(page.Items) != 4 || page.Items[0].Revision.Commit != third {
		t.Errorf("succeeded in production: %+v %v", page.Items, err)
	}
}

// TestRollbackByComment says it where the change was merged, and goes back again from
// what was gone back to.
func TestRollbackByComment(t *testing.T) {
	w := newWorld(t)
	first := w.delivered("one", "")
	second := w.delivered("two", "")
	third := w.delivered("three", "")
	w.git(w.clone, "checkout", "--quiet", "-b", "feature")
	w.commit("Feature", map[string]string{"feature.txt": "x\n"})
	w.push("feature")
	n, err := w.repo.OpenPullRequest("alice", "feature", "main", "Feature", "")
	if err != nil {
		t.Fatal(err)
	}
	w.refusedBy("alice", n, "/rollback production", "nothing has run here that could be rolled back")
	merged, err := w.repo.MergePullRequest("alice", n, "merge")
	if err != nil {
		t.Fatal(err)
	}
	w.check(merged, "ci / production", "success")
	said := func(text string) string {
		t.Helper()
		id := w.repo.Comment("bob", n, text)
		w.reaction(id, "+1")
		return w.answer(n, id)
	}
	if got := said("/rollback production 1 preview"); !strings.Contains(got, "Nothing was started.") || !strings.Contains(got, "commit `"+first+"`") ||
		!strings.Contains(got, "It has now: [ci 4](") || !strings.Contains(got, "nothing, since it has neither approvals nor rules") {
		t.Errorf("preview:\n%s", got)
	}
	if got := said("/rollback ci/production"); !strings.Contains(got, "Started [ci 5](") || !strings.Contains(got, "goes back to [ci 3](") {
		t.Errorf("answer:\n%s", got)
	}
	w.check(third, "ci / production (rollback 5)", "success")
	if got := said("/rollback production"); !strings.Contains(got, "Started [ci 6](") || !strings.Contains(got, "goes back to [ci 2](") {
		t.Errorf("answer:\n%s", got)
	}
	w.check(second, "ci / production (rollback 6)", "success")
	w.refusedBy("mallory", n, "/rollback production", "may not roll back: that takes write access")
	w.refusedBy("bob", n, "/rollback production 5", "execution 5 is itself a rollback: name the one that it went back to, 3")
	w.refusedBy("bob", n, "/rollback live", "no stage here is called `live`; there is `ci/build`, `ci/production`")
	w.refusedBy("bob", n, "/rollback production soon", "with the number of an execution such as 41")
}

// TestRollbackRefused says each thing that cannot be rolled back.
func TestRollbackRefused(t *testing.T) {
	w := newWorld(t)
	refused := func(edit func(*api.Rollback), code api.Code, want string) {
		t.Helper()
		for _, preview := range []bool{true, false} {
			ask := productionBack
			ask.Preview = preview
			edit(&ask)
			_, err := w.api().Rollback(w.context(), ask, "")
			w.refusedWith(err, code, want)
		}
	}
	as := func(*api.Rollback) {}
	to := func(n int) func(*api.Rollback) { return func(r *api.Rollback) { r.Execution = n } }
	first := w.delivered("one", "")
	refused(as, api.Conflict, "nothing has succeeded in stage production on refs/heads/main before execution 1, which it has now")
	refused(func(r *api.Rollback) { r.Stage = "live" }, api.NotFound, `pipeline ci has no stage "live" at `+first[:7]+", the head of main, whose approvals and rules a rollback has to pass; it has build, production")
	refused(func(r *api.Rollback) { r.Pipeline = "cd" }, api.NotFound, `there is no pipeline "cd" at `+first[:7]+"; there is ci")
	refused(to(9), api.NotFound, "there is no execution 9 of ci")
	refused(func(r *api.Rollback) { r.Execution, r.Lane = 1, "refs/heads/next" }, api.Conflict, "execution 1 is of refs/heads/main, not of refs/heads/next")

	broken := w.pipeline(strings.Replace(delivers("two", ""), "echo script-two", "exit 3; echo", 1))
	w.push("HEAD:refs/heads/main")
	w.check(broken, "ci / production", "failure")
	refused(to(2), api.Conflict, "execution 2 has not succeeded in stage production; these have: 1")
	ask := productionBack
	ask.Preview = true
	if plan, err := w.api().Rollback(w.context(), ask, ""); err != nil || plan.Target.Number != 1 || plan.Halfway != 2 {
		t.Errorf("after a failure: %+v %v", plan, err)
	}

	works := w.pipeline(strings.Replace(delivers("three", ""), "echo script-three", "echo started; sleep 600; echo", 1))
	w.push("HEAD:refs/heads/main")
	w.eventually("the deployment", func() bool {
		runs := w.runs(works, "ci / production")
		return len(runs) > 0 && strings.Contains(runs[0].Title, "roll-out")
	})
	refused(to(1), api.Conflict, "execution 3 of ci is in stage production: wait for its end, or stop it by `/stop ci` or `stagegate stop ci/3`")
	if _, err := w.api().Stop(w.context(), w.newest(works).ID, api.Stop{Abandon: true}); err != nil {
		t.Fatal(err)
	}
	w.check(works, "ci / production", "cancelled")

	x, err := w.api().Execution(w.context(), w.newest(first).ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, art := range x.Artifacts {
		if art.Name == "shop" {
			if err := os.Remove(filepath.Join(w.data, "blobs", "artifacts", "sha256", art.Digest[:2], art.Digest+".tar.zst")); err != nil {
				t.Fatal(err)
			}
		}
	}
	refused(to(1), api.Conflict, "the artifact shop of execution 1 is not kept any more; start its commit anew: `stagegate start ci --commit "+first+"`")

	gone := w.pipeline(strings.Replace(delivers("four", ""), "name: production", "name: live", 1))
	w.push("HEAD:refs/heads/main")
	w.check(gone, "ci / live", "success")
	refused(to(1), api.NotFound, `pipeline ci has no stage "production" at `+gone[:7])
	parallel := w.pipeline("mode: parallel\n" + delivers("five", ""))
	w.push("HEAD:refs/heads/main")
	w.check(parallel, "ci / production", "success")
	refused(to(1), api.Conflict, "ci has `mode: parallel`, in which nothing can be rolled back")
}

// TestRollbackIsAsked has somebody roll back who may approve: that counts as an author.
// A closed way is said before, and waited for.
func TestRollbackIsAsked(t *testing.T) {
	w := newWorld(t)
	w.delivered("one", "carol")
	w.delivered("two", "")
	w.git(w.clone, "checkout", "--quiet", "-b", "feature")
	w.pipeline(strings.Replace(delivers("three", "carol"), "users: [carol]", "users: [bob, carol]", 1))
	w.push("feature")
	n, err := w.repo.OpenPullRequest("alice", "feature", "main", "Feature", "")
	if err != nil {
		t.Fatal(err)
	}
	merged, err := w.repo.MergePullRequest("alice", n, "merge")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.repo.ClickAction("bob", w.check(merged, "ci / production", "action_required").ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.check(merged, "ci / production", "success")
	w.frozen("", "")
	id := w.repo.Comment("bob", n, "/rollback production 1")
	w.reaction(id, "+1")
	answer := w.answer(n, id)
	for _, want := range []string{"Started [ci 4](", "It waits until the way into the stage is opened: it is closed by the operator since ", "the approval sign-off by "} {
		if !strings.Contains(answer, want) {
			t.Errorf("the answer does not say %q:\n%s", want, answer)
		}
	}
	first := w.executionNumber(1).Revision.Commit
	w.check(first, "ci / production (rollback 4)", "queued")
	w.waitsFor(w.executionNumber(4).ID, api.Wait{Kind: "transition", Text: "the way into this stage to be opened: it is closed by the operator", Next: "it enters before all others"})
	w.enable("")
	run := w.check(first, "ci / production (rollback 4)", "action_required")
	w.refusedBy("bob", n, "/approve production "+first[:7], "bob is an author of this change")
	w.refusedBy("carol", n, "/approve production", "which is not what this pull request's merge made")
	if err := w.repo.ClickAction("carol", run.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.check(first, "ci / production (rollback 4)", "success")
}

// executionNumber is the execution of ci that has the number.
func (w *world) executionNumber(n int) api.Summary {
	w.t.Helper()
	page, err := w.api().Executions(w.context(), api.Filter{Pipeline: "ci", Number: n})
	if err != nil || len(page.Items) != 1 {
		w.t.Fatalf("execution %d: %v %v", n, page, err)
	}
	return page.Items[0]
}

// TestRollbackOfAPullRequest rolls nothing back in an environment: its file says that
// there is none, and that of the default branch knows better.
func TestRollbackOfAPullRequest(t *testing.T) {
	w := newWorld(t)
	w.delivered("one", "carol")
	w.git(w.clone, "checkout", "--quiet", "-b", "feature")
	sha := w.pipeline(strings.NewReplacer("push: { branches: [main] }", "pull_request", "    environment: production\n", "").Replace(delivers("two", "")))
	w.push("feature")
	n, err := w.repo.OpenPullRequest("alice", "feature", "main", "Feature", "")
	if err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / production", "success")
	w.refusedBy("alice", n, "/rollback production 2", "stage production changes the environment production, which runs on main: nothing of pull/1 can be rolled back there")
	w.refusedBy("alice", n, "/rollback production 1", "execution 1 is of refs/heads/main, not of pull/1")
}

// TestRollbackByItself rolls a deployment back that has failed, and says so on both
// check runs.
func TestRollbackByItself(t *testing.T) {
	w := newWorld(t)
	first := w.delivered("one", "")
	text := strings.Replace(delivers("two", ""), "echo script-two", "exit 3; echo", 1) + "    on-failure: { rollback: true }\n"
	second := w.pipeline(text)
	w.push("HEAD:refs/heads/main")
	run := w.check(first, "ci / production (rollback 3)", "success")
	if !strings.Contains(run.Summary, "This execution goes back to execution 1 in stage production, because execution 2 failed there; nobody is asked") {
		t.Errorf("summary:\n%s", run.Summary)
	}
	if log, want := w.actionLog(run, "roll-out"), "script-one one made-one at "+first; !strings.Contains(log, want) {
		t.Errorf("log %q, want %q in it", log, want)
	}
	failed := w.check(second, "ci / production", "failure")
	w.eventually("what became of it", func() bool {
		failed = w.check(second, "ci / production", "failure")
		return strings.Contains(failed.Summary, "xecution 3 goes back to execution 1")
	})
	x, err := w.api().Execution(w.context(), w.newest(second).ID)
	if err != nil || x.Stages[1].RolledBack != 3 {
		t.Errorf("%+v %v", x.Stages, err)
	}
	back, err := w.api().Execution(w.context(), w.newest(first).ID)
	if err != nil || back.Rollback == nil || !back.Rollback.Automatic || back.Rollback.For != 2 || back.Rollback.Gates != "" || back.Status != string(pipeline.Succeeded) {
		t.Errorf("%+v %v", back.Summary, err)
	}
	if page := w.get(run.DetailsURL); !strings.Contains(page, "rolled back after execution 2") {
		t.Errorf("page:\n%s", page)
	}
}
