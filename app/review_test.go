package app_test

import (
	"fmt"
	"strings"
	"testing"
)

// reviewAnswer waits for what is said about a review.
func (w *world) reviewAnswer(n int, id int64, want string) {
	w.t.Helper()
	marker, last := fmt.Sprintf("<!-- stagegate:review:%d -->", id), ""
	err := w.github.Wait(w.context(), func() bool {
		for _, c := range w.repo.Comments(n) {
			if strings.Contains(c.Body, marker) {
				last = c.Body
			}
		}
		return last != ""
	})
	if err != nil || !strings.Contains(last, want) {
		w.t.Errorf("about review %d it is said %q, want %q (%v)", id, last, want, err)
	}
}

func (w *world) review(login string, n int, commit, state string) int64 {
	w.t.Helper()
	id, err := w.repo.ReviewAt(login, n, commit, state, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// TestApprovalByReview takes a review of the head for an approval: not one of an older
// commit, of somebody who has no vote, or by a bot, and no words in one.
func TestApprovalByReview(t *testing.T) {
	w := newWorld(t)
	w.github.AddUser("eve") // not even a collaborator
	w.github.AddBot("robot[bot]")
	n, old := w.pullRequest(withApproval("count: 2"))
	w.check(old, "ci / production", "action_required")
	sha := w.commit("More", map[string]string{"a.txt": "a\n"})
	w.push("feature")
	w.check(sha, "ci / production", "action_required")
	w.reviewAnswer(n, w.review("bob", n, old, "approved"), "it is of "+old[:7]+", and the head is "+sha[:7])
	for _, login := range []string{"eve", "mallory"} {
		id := w.review(login, n, "", "approved")
		w.logged(fmt.Sprintf("review %d", id))
	}
	w.review("robot[bot]", n, "", "approved")
	w.logged("a review by the bot robot[bot]")
	id, err := w.repo.Review("carol", n, "commented", "/approve production")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.repo.EditReview("carol", id, "/approve"); err != nil {
		t.Fatal(err)
	}
	w.review("bob", n, "", "approved")
	w.titled(sha, "ci / production", "Waiting for approval: sign-off (1 of 2)")
	w.refusedBy("Bob", n, "/approve", "bob has approved already")
	w.reviewAnswer(n, w.review("bob", n, "", "approved"), "bob has approved already")
	w.reaction(w.comment("carol", n, "/approve"), "+1")
	w.says(w.check(sha, "ci / production", "success"), "approved by bob, carol")
	for _, c := range w.repo.Comments(n) {
		if strings.Contains(c.Body, "review by eve") || strings.Contains(c.Body, "review by mallory") {
			t.Errorf("somebody without a vote is answered: %s", c.Body)
		}
	}
	if got := w.rowsOf("refused", "mallory", "review"); got != 1 {
		t.Errorf("%d refusals of mallory in the audit log", got)
	}
}

// TestReviewTakenBack takes votes of reviews back while nothing is decided, and rejects
// nothing.
func TestReviewTakenBack(t *testing.T) {
	w := newWorld(t)
	n, sha := w.pullRequest(withApproval("count: 2"))
	w.check(sha, "ci / production", "action_required")
	w.reviewAnswer(n, w.review("bob", n, "", "changes_requested"), "changes that are requested reject no approval; comment `/reject ci/production/sign-off` for that")
	id := w.review("bob", n, "", "approved")
	w.titled(sha, "ci / production", "Waiting for approval: sign-off (1 of 2)")
	if err := w.repo.DismissReview("carol", id); err != nil {
		t.Fatal(err)
	}
	w.titled(sha, "ci / production", "Waiting for approval: sign-off (0 of 2)")
	w.announced(n, "the vote of @\u200bbob is void: its review was dismissed")
	id = w.review("bob", n, "", "approved")
	w.titled(sha, "ci / production", "Waiting for approval: sign-off (1 of 2)")
	w.review("bob", n, "", "changes_requested")
	w.titled(sha, "ci / production", "Waiting for approval: sign-off (0 of 2)")
	w.reaction(w.comment("bob", n, "/approve"), "+1")
	w.titled(sha, "ci / production", "Waiting for approval: sign-off (1 of 2)")
	if err := w.repo.DismissReview("carol", id); err != nil { // which is not what the vote came by
		t.Fatal(err)
	}
	w.logged(fmt.Sprintf("review %d of pull request %d by bob: dismissed", id, n))
	w.review("carol", n, "", "approved")
	w.check(sha, "ci / production", "success")
}

// TestReviewWithSeveralApprovals says what to do where a review could mean several, or
// must fill a form in.
func TestReviewWithSeveralApprovals(t *testing.T) {
	w := newWorld(t)
	n, sha := w.pullRequest(`
on: { pull_request: { branches: [main] } }
stages:
  - name: production
    actions:
      - { name: one, approval: { form: { VERSION: { required: true } } } }
      - { name: two, approval: { users: [bob] } }
`)
	w.check(sha, "ci / production", "in_progress")
	w.reviewAnswer(n, w.review("bob", n, "", "approved"), "several approvals wait, and it gives none; comment `/approve` with one of these: `ci/production/one`, `ci/production/two`")
	w.reviewAnswer(n, w.review("carol", n, "", "approved"), "VERSION must be filled in; comment `/approve ci/production/one VERSION=…`")
	w.reaction(w.comment("carol", n, "/approve production/one VERSION=3"), "+1")
	w.titled(sha, "ci / production", "Waiting for approval: two")
	w.review("bob", n, "", "approved")
	w.check(sha, "ci / production", "success")
}
