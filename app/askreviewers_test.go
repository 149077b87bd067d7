package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/githubtest"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// approvalWorkflow is the workflow that init writes.
func approvalWorkflow(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "cmd", "stagegate", "init", "stagegate-approval.yml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// reviewing pushes a pipeline whose approval is a review of production, of which bob and
// carol are reviewers, and waits until they are asked.
func (w *world) reviewing(approval string) (sha string, run githubtest.WorkflowRun) {
	w.t.Helper()
	w.repo.ProtectEnvironment("production", "alice", "bob", "carol")
	w.commit("Workflow", map[string]string{".github/workflows/stagegate-approval.yml": approvalWorkflow(w.t)})
	sha = w.pipeline(withApproval(approval))
	w.push("main")
	w.check(sha, "ci / production", "action_required")
	w.eventually("the workflow", func() bool { return len(w.repo.WorkflowRuns()) > 0 })
	run = w.repo.WorkflowRuns()[0]
	w.summary(sha, "The reviewers of the environment production are asked [at GitHub](")
	return sha, run
}

// summary waits until the newest run of production says a text.
func (w *world) summary(sha, text string) githubtest.CheckRun {
	w.t.Helper()
	var run githubtest.CheckRun
	w.eventually("summary: "+text, func() bool {
		runs := w.runs(sha, "ci / production")
		if len(runs) == 0 {
			return false
		}
		run = runs[len(runs)-1]
		return strings.Contains(run.Summary, text)
	})
	return run
}

// reviewRun reviews a run of the workflow.
func (w *world) reviewRun(login string, run int64, approved bool) {
	w.t.Helper()
	if err := w.repo.ReviewDeployment(login, run, approved, "looks good"); err != nil {
		w.t.Fatal(err)
	}
}

func TestReviewApproves(t *testing.T) {
	w := newWorld(t)
	sha, run := w.reviewing("environment: production")
	if run.Branch != "main" || run.HeadSHA != sha || run.Environment != "production" || run.Actor != "stagegate[bot]" {
		t.Errorf("%+v", run)
	}
	check := w.check(sha, "ci / production", "action_required")
	if len(check.Actions) != 0 || !strings.Contains(check.Summary, "May approve: the reviewers of the environment production") || strings.Contains(check.Summary, "/approve") {
		t.Errorf("%v\n%s", check.Actions, check.Summary)
	}
	_, err := w.api().Decide(w.context(), w.newest(sha).ID, api.Answer{Approved: true})
	w.refusedWith(err, api.Forbidden, "a review of the environment production at GitHub does, and nothing else")
	w.reviewRun("bob", run.ID, true)
	w.check(sha, "ci / production", "success")
	w.inAudit([]pipeline.Kind{pipeline.KindDecided}, `decided bob deployment-review: "Comment":"looks good"`)
	if run = w.repo.WorkflowRuns()[0]; run.Conclusion != "success" {
		t.Errorf("the run is %+v", run)
	}
}

func TestReviewRejects(t *testing.T) {
	w := newWorld(t)
	sha, run := w.reviewing("environment: production")
	w.reviewRun("carol", run.ID, false)
	w.check(sha, "ci / production", "failure")
	w.inAudit([]pipeline.Kind{pipeline.KindDecided}, `decided carol deployment-review: "Approved":false`)
}

// TestReviewByAnAuthor approves as the author, then has another asked by the same run.
func TestReviewByAnAuthor(t *testing.T) {
	w := newWorld(t)
	sha, run := w.reviewing("environment: production")
	w.reviewRun("alice", run.ID, true)
	w.summary(sha, "the review by alice does not count: @\u200balice is an author of this change")
	w.inAudit([]pipeline.Kind{"refused"}, "refused alice deployment-review: approve production/sign-off")
	if err := w.repo.RerunWorkflow("bob", run.ID); err != nil {
		t.Fatal(err)
	}
	w.reviewRun("bob", run.ID, true)
	w.check(sha, "ci / production", "success")
}

// TestReviewOfSomethingElse reviews another run, another environment, and a run of ours
// whose deliveries are sent again or altered.
func TestReviewOfSomethingElse(t *testing.T) {
	w := newWorld(t)
	sha, run := w.reviewing("environment: production")
	w.repo.ProtectEnvironment("staging", "bob")
	for _, environment := range []string{"production", "staging"} {
		other, err := w.repo.DispatchWorkflow("alice", "stagegate-approval.yml", "main", environment)
		if err != nil {
			t.Fatal(err)
		}
		w.reviewRun("bob", other, true)
	}
	w.summary(sha, "which is not the one that asks about this approval")
	if err := w.repo.ForgeReview("bob", run.ID, "staging", run.HeadSHA); err != nil {
		t.Fatal(err)
	}
	w.summary(sha, "it is about another environment than production")
	if err := w.repo.ForgeReview("bob", run.ID, "production", strings.Repeat("0", 40)); err != nil {
		t.Fatal(err)
	}
	w.summary(sha, "the branch has moved: the run is at 0000000")
	if err := w.repo.ForgeReview("evil[bot]", run.ID, "production", run.HeadSHA); err != nil {
		t.Fatal(err)
	}
	w.summary(sha, "is a bot")
	w.check(sha, "ci / production", "action_required")
	w.reviewRun("bob", run.ID, true)
	w.check(sha, "ci / production", "success")
}

// TestReviewAgain sends a review once more for the stage's next attempt.
func TestReviewAgain(t *testing.T) {
	w := newWorld(t)
	sha, run := w.reviewing("environment: production")
	w.reviewRun("bob", run.ID, false)
	w.check(sha, "ci / production", "failure")
	if _, err := w.api().Retry(w.context(), w.newest(sha).ID, api.Retry{All: true}); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / production", "action_required")
	w.eventually("the second request", func() bool { return len(w.repo.WorkflowRuns()) == 2 })
	if err := w.repo.ForgeReview("bob", run.ID, "production", run.HeadSHA); err != nil {
		t.Fatal(err)
	}
	w.logged("review of production by bob for execution")
	w.eventually("the deliveries", func() bool { return w.github.WaitDelivered(w.context()) == nil })
	w.check(sha, "ci / production", "action_required")
	w.reviewRun("carol", w.repo.WorkflowRuns()[1].ID, true)
	w.check(sha, "ci / production", "success")
	w.inAudit([]pipeline.Kind{pipeline.KindDecided}, `decided bob deployment-review: "Approved":false`, `decided carol deployment-review: "Approved":true`)
}

// TestReviewOfWhatIsOver pushes while reviewers are asked: they are not asked any more,
// and are asked about the new commit.
func TestReviewOfWhatIsOver(t *testing.T) {
	w := newWorld(t)
	_, run := w.reviewing("environment: production")
	second := w.commit("Second", map[string]string{"a.txt": "a\n"})
	w.push("main")
	w.check(second, "ci / production", "action_required")
	w.eventually("the first run's end", func() bool {
		runs := w.repo.WorkflowRuns()
		return len(runs) == 2 && runs[0].Conclusion == "cancelled" && runs[1].HeadSHA == second
	})
	if err := w.repo.ForgeReview("bob", run.ID, "production", run.HeadSHA); err != nil {
		t.Fatal(err)
	}
	w.reviewRun("bob", w.repo.WorkflowRuns()[1].ID, true)
	w.check(second, "ci / production", "success")
	w.inAudit([]pipeline.Kind{pipeline.KindDecided}, `decided bob deployment-review: "Approved":true`)
}

// TestReviewBesidePeople lets those answer whom the approval names, by every door, and
// a review of nobody else.
func TestReviewBesidePeople(t *testing.T) {
	w := newWorld(t)
	sha, run := w.reviewing("environment: production, users: [bob]")
	w.reviewRun("carol", run.ID, true)
	w.summary(sha, "the review by carol does not count: @\u200bcarol may not decide about ci/production/sign-off")
	check := w.check(sha, "ci / production", "action_required")
	if err := w.repo.ClickAction("bob", check.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / production", "success")
}

// TestRunOfADecidedApprovalIsCancelled decides by another door: nobody is asked any more.
func TestRunOfADecidedApprovalIsCancelled(t *testing.T) {
	w := newWorld(t)
	sha, _ := w.reviewing("environment: production, users: [bob]")
	check := w.check(sha, "ci / production", "action_required")
	if err := w.repo.ClickAction("bob", check.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / production", "success")
	w.eventually("the cancel", func() bool { return w.repo.WorkflowRuns()[0].Conclusion == "cancelled" })
}

// TestNobodyIsAsked says on the check what keeps GitHub from asking, and what to do.
func TestNobodyIsAsked(t *testing.T) {
	forbidden := githubtest.Fault{Status: http.StatusForbidden, Body: map[string]string{"message": "Resource not accessible by integration"}}
	for name, c := range map[string]struct {
		workflow string
		prepare  func(*world)
		want     string
	}{
		"no workflow":     {"", func(*world) {}, "the default branch has no workflow .github/workflows/stagegate-approval.yml: `stagegate init` writes it"},
		"another trigger": {"on: push\njobs: {}\n", func(*world) {}, "has no on: workflow_dispatch with the input environment"},
		"disabled":        {"-", func(w *world) { w.repo.DisableWorkflows(true) }, "is disabled: enable it"},
		"no permission": {"-", func(w *world) {
			w.github.Fail(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/dispatches") }, 100, forbidden)
		}, "give it the permission actions: write"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.prepare(w)
			text := c.workflow
			if text == "-" {
				text = approvalWorkflow(t)
			}
			if text != "" {
				w.commit("Workflow", map[string]string{".github/workflows/stagegate-approval.yml": text})
			}
			sha := w.pipeline(withApproval("environment: production"))
			w.push("main")
			w.check(sha, "ci / production", "action_required")
			w.summary(sha, "**The reviewers of the environment production are not asked:**")
			if run := w.summary(sha, "retry the stage"); !strings.Contains(strings.ReplaceAll(run.Summary, "\\", ""), c.want) {
				t.Errorf("it does not say %q:\n%s", c.want, run.Summary)
			}
		})
	}
}

// TestNobodyReviews has an environment without reviewers, whose run ends by itself.
func TestNobodyReviews(t *testing.T) {
	w := newWorld(t)
	w.commit("Workflow", map[string]string{".github/workflows/stagegate-approval.yml": approvalWorkflow(t)})
	sha := w.pipeline(withApproval("environment: production"))
	w.push("main")
	w.summary(sha, "give the environment production required reviewers")
	w.check(sha, "ci / production", "action_required")
}

// TestRunIsFound has GitHub not say which run it has started, and then lose its answer.
func TestRunIsFound(t *testing.T) {
	for name, prepare := range map[string]func(*world){
		"hidden": func(w *world) { w.repo.HideRunDetails(true) },
		"lost": func(w *world) {
			w.github.Fail(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/dispatches") }, 1, githubtest.LostAnswer())
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			prepare(w)
			sha, run := w.reviewing("environment: production")
			w.reviewRun("bob", run.ID, true)
			w.check(sha, "ci / production", "success")
			if n := len(w.repo.WorkflowRuns()); n != 1 {
				t.Errorf("reviewers were asked %d times", n)
			}
		})
	}
}

// TestReviewOfARollback goes back behind a gate that came later: reviewers are asked on
// the branch whose newest file has the gate.
func TestReviewOfARollback(t *testing.T) {
	w := newWorld(t)
	w.repo.ProtectEnvironment("production", "bob")
	w.commit("Workflow", map[string]string{".github/workflows/stagegate-approval.yml": approvalWorkflow(t)})
	first := w.delivered("one", "")
	second := w.pipeline(strings.Replace(delivers("two", "carol"), "users: [carol]", "environment: production", 1))
	w.push("main")
	w.eventually("the workflow", func() bool { return len(w.repo.WorkflowRuns()) == 1 })
	w.reviewRun("bob", w.repo.WorkflowRuns()[0].ID, true)
	w.check(second, "ci / production", "success")
	if _, err := w.api().Rollback(w.context(), productionBack, ""); err != nil {
		t.Fatal(err)
	}
	w.eventually("the second request", func() bool { return len(w.repo.WorkflowRuns()) == 2 })
	run := w.repo.WorkflowRuns()[1]
	if run.Branch != "main" || run.HeadSHA != second {
		t.Errorf("%+v", run)
	}
	w.check(first, "ci / production (rollback 3)", "action_required")
	w.reviewRun("bob", run.ID, true)
	w.check(first, "ci / production (rollback 3)", "success")
}

// TestNobodyIsAskedAboutAnOlderCommit starts one by hand that is no head any more.
func TestNobodyIsAskedAboutAnOlderCommit(t *testing.T) {
	w := newWorld(t)
	first, _ := w.reviewing("environment: production")
	w.commit("Second", map[string]string{"a.txt": "a\n"})
	w.push("main")
	if _, err := w.api().Start(w.context(), api.Start{Repository: "octo/shop", Pipeline: "ci", Commit: first}, ""); err != nil {
		t.Fatal(err)
	}
	w.eventually("what keeps GitHub from asking", func() bool {
		for _, r := range w.runs(first, "ci / production (manual 3)") {
			if strings.Contains(r.Summary, "are not asked:** main has moved on to ") {
				return true
			}
		}
		return false
	})
}
