package app_test

import (
	"strings"
	"testing"
	"time"
)

// TestAuthorsDoNotApprove refuses everybody who has a part in the change: who opened
// the pull request, who pushed, who wrote a commit and who is named as its co-author,
// in whatever letters.
func TestAuthorsDoNotApprove(t *testing.T) {
	w := newWorld(t)
	for _, login := range []string{"dave", "erin"} {
		w.github.AddUser(login)
		w.repo.SetPermission(login, "write")
	}
	w.commit("Base", map[string]string{"base.txt": "base\n"})
	w.push("main")
	w.git(w.clone, "checkout", "--quiet", "-b", "feature")
	w.commit("Together\n\nCo-authored-by: Dave <123+DAVE@users.noreply.github.com>", map[string]string{"a.txt": "a\n"})
	w.gitAs("erin", w.clone, "commit", "--quiet", "--allow-empty", "--message=Mine")
	sha := w.pipeline(withApproval("permission: write"))
	w.git(w.clone, "push", "--quiet", w.repo.CloneURL("carol"), "feature")
	n, err := w.repo.OpenPullRequest("alice", "feature", "main", "Feature", "")
	if err != nil {
		t.Fatal(err)
	}
	run := w.check(sha, "ci / production", "action_required")
	for _, login := range []string{"alice", "ALICE", "dave", "Erin"} {
		w.refusedBy(login, n, "/approve", "is an author of this change")
	}
	w.reviewAnswerNone(n, w.review("dave", n, "", "approved"))
	if err := w.repo.ClickAction("erin", run.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.eventually("the refusal", func() bool {
		return strings.Contains(w.runs(sha, "ci / production")[0].Summary, "erin is an author of this change")
	})
	w.reaction(w.comment("bob", n, "/approve"), "+1")
	w.check(sha, "ci / production", "success")
}

// reviewAnswerNone asks that nothing is said about a review.
func (w *world) reviewAnswerNone(n int, id int64) {
	w.t.Helper()
	w.logged("by dave: approved")
	for _, c := range w.repo.Comments(n) {
		if strings.Contains(c.Body, "review by dave") {
			w.t.Errorf("about review %d it is said %q", id, c.Body)
		}
	}
}

// TestOddComments says what looks like a command where it is none: in an edited
// comment, in a quote, in code, hidden, or on a pull request that it is not about.
func TestOddComments(t *testing.T) {
	w := newWorld(t)
	n, sha := w.pullRequest(withApproval("permission: maintain"))
	w.check(sha, "ci / production", "action_required")
	w.git(w.clone, "checkout", "--quiet", "main")
	w.git(w.clone, "checkout", "--quiet", "-b", "other")
	w.commit("Other", map[string]string{"other.txt": "o\n"})
	w.push("other")
	other, err := w.repo.OpenPullRequest("alice", "other", "main", "Other", "")
	if err != nil {
		t.Fatal(err)
	}
	id := w.comment("bob", n, "Looks good")
	if err := w.repo.EditComment("bob", id, "/approve production"); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"> /approve production", "> said alice\n/approve production", "```\n/approve production\n```", "~~~~\n```\n/approve production\n~~~~",
		"    /approve production", "<!--\n/approve production\n-->", "`/approve production`", "I would /approve production", "- /approve production",
	} {
		w.comment("bob", n, text)
	}
	w.refusedBy("bob", other, "/approve production", "nothing waits for an approval here")
	w.refusedBy("bob", other, "/approve production "+sha[:10], "nothing waits for an approval here")
	w.refusedBy("bob", n, "/approve production deadbeef", "waits for an approval of "+sha[:7]+", not of deadbeef")
	for _, text := range []string{"/approve", "/approve production " + sha[:12]} {
		late := w.repo.CommentAt("bob", n, text, time.Now().Add(-time.Hour))
		w.reaction(late, "-1")
		if got := w.answer(n, late); !strings.Contains(got, "was not yet shown as waiting when this was written") {
			t.Errorf("%s from before it was shown: %q", text, got)
		}
	}
	if runs := w.runs(sha, "ci / production"); len(runs) != 1 || runs[0].Conclusion != "action_required" {
		t.Fatalf("something let it pass: %+v", runs)
	}
	w.reaction(w.repo.CommentAt("bob", n, "/approve production "+sha, time.Now().Add(-time.Hour)), "+1")
	w.check(sha, "ci / production", "success")
}
