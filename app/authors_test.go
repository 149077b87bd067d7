package app_test

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
)

// TestAuthorsBelowTheHead has those approve whose commits lie under somebody else's: what
// they pushed before, or what their push and a tag of another hold, is theirs still.
func TestAuthorsBelowTheHead(t *testing.T) {
	w := newWorld(t)
	w.pipeline(withApproval("permission: write"))
	w.git(w.clone, "push", "--quiet", w.repo.CloneURL("bob"), "main")
	// carol pushes under the name of alice, then bob pushes on top of it.
	under := w.commit("Under another's name", map[string]string{"a.txt": "a\n"})
	w.git(w.clone, "push", "--quiet", w.repo.CloneURL("carol"), "main")
	w.check(under, "ci / production", "action_required")
	w.gitAs("bob", w.clone, "commit", "--quiet", "--allow-empty", "--message=On top")
	head := w.git(w.clone, "rev-parse", "HEAD")
	w.git(w.clone, "push", "--quiet", w.repo.CloneURL("bob"), "main")
	run := w.check(head, "ci / production", "action_required")
	for _, login := range []string{"alice", "carol", "bob"} {
		if err := w.repo.ClickAction(login, run.ID, "approve"); err != nil {
			t.Fatal(err)
		}
		w.summarized(head, login+" is an author of this change")
	}
	w.github.AddUser("dave")
	w.repo.SetPermission("dave", "write")
	if err := w.repo.ClickAction("dave", run.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.check(head, "ci / production", "success")
	// The same on top of what has succeeded.
	w.commit("Once more", map[string]string{"a.txt": "b\n"})
	w.git(w.clone, "push", "--quiet", w.repo.CloneURL("carol"), "main")
	w.gitAs("bob", w.clone, "commit", "--quiet", "--allow-empty", "--message=On top again")
	head = w.git(w.clone, "rev-parse", "HEAD")
	w.git(w.clone, "push", "--quiet", w.repo.CloneURL("bob"), "main")
	run = w.check(head, "ci / production", "action_required")
	if err := w.repo.ClickAction("carol", run.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.summarized(head, "carol is an author of this change")
	if err := w.repo.ClickAction("dave", run.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.check(head, "ci / production", "success")
	// What was let in is nobody's concern any more: carol may about what is new.
	next := w.commit("Next", map[string]string{"b.txt": "b\n"})
	w.push("main")
	run = w.check(next, "ci / production", "action_required")
	if err := w.repo.ClickAction("carol", run.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.check(next, "ci / production", "success")
}

// TestAuthorsBelowATag tags what holds commits of others, of which no delivery tells.
func TestAuthorsBelowATag(t *testing.T) {
	w := newWorld(t)
	w.pipeline(strings.Replace(withApproval("permission: write"), "branches: [main] }, p", `tags: ["v*"] }, p`, 1))
	w.push("main")
	press := func(login, commit string) {
		run := w.check(commit, "ci / production", "action_required")
		if err := w.repo.ClickAction(login, run.ID, "approve"); err != nil {
			t.Fatal(err)
		}
	}
	w.git(w.clone, "tag", "v1")
	w.git(w.clone, "push", "--quiet", w.repo.CloneURL("bob"), "v1")
	first := w.git(w.clone, "rev-parse", "HEAD")
	press("carol", first)
	w.check(first, "ci / production", "success")
	w.commit("Mine", map[string]string{"a.txt": "a\n"})
	w.gitAs("bob", w.clone, "commit", "--quiet", "--allow-empty", "--message=Head")
	w.git(w.clone, "tag", "v2")
	w.git(w.clone, "push", "--quiet", w.repo.CloneURL("bob"), "main")
	w.git(w.clone, "push", "--quiet", w.repo.CloneURL("bob"), "v2")
	head := w.git(w.clone, "rev-parse", "HEAD")
	press("alice", head)
	w.summarized(head, "alice is an author of this change")
	press("carol", head)
	w.check(head, "ci / production", "success")
}

// TestAuthorsOfAMergeGroup has the author of a pull request approve the group that a
// merge queue made of it.
func TestAuthorsOfAMergeGroup(t *testing.T) {
	w := newWorld(t)
	w.pipeline(strings.Replace(withApproval("permission: write"), "pull_request: { branches: [main] }", "merge_group: ", 1))
	w.push("main")
	w.git(w.clone, "checkout", "--quiet", "-b", "feature")
	w.commit("Feature", map[string]string{"a.txt": "a\n"})
	w.push("feature")
	n, err := w.repo.OpenPullRequest("alice", "feature", "main", "Feature", "")
	if err != nil {
		t.Fatal(err)
	}
	ref, err := w.repo.QueuePullRequest("bob", n)
	if err != nil {
		t.Fatal(err)
	}
	w.git(w.clone, "fetch", "--quiet", w.repo.CloneURL("alice"), ref)
	sha := w.git(w.clone, "rev-parse", "FETCH_HEAD")
	run := w.check(sha, "ci / production", "action_required")
	if err := w.repo.ClickAction("alice", run.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.summarized(sha, "alice is an author of this change")
	if err := w.repo.ClickAction("carol", run.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / production", "success")
}

// TestApprovalOfAClosedPullRequest approves before the App is told that it was closed.
func TestApprovalOfAClosedPullRequest(t *testing.T) {
	w := newWorld(t)
	n, sha := w.pullRequest(withApproval("permission: write"))
	w.check(sha, "ci / production", "action_required")
	w.github.DropDeliveries(true)
	if err := w.repo.ClosePullRequest("alice", n); err != nil {
		t.Fatal(err)
	}
	w.refusedWith(w.answerAs(w.newest(sha).ID), api.Conflict, "is closed")
}
