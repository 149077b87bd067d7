package app_test

import (
	"strings"
	"testing"
)

// branch commits on a new branch, pushes it and opens a pull request of alice's.
func (w *world) branch(name, message string, files map[string]string) (n int, sha string) {
	w.t.Helper()
	w.git(w.clone, "checkout", "--quiet", "-b", name, "main")
	sha = w.commit(message, files)
	w.push(name)
	n, err := w.repo.OpenPullRequest("alice", name, "main", message, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return n, sha
}

// merge merges a pull request and returns the commit that this made.
func (w *world) merge(n int) string {
	w.t.Helper()
	if _, err := w.repo.MergePullRequest("alice", n, "squash"); err != nil {
		w.t.Fatal(err)
	}
	w.git(w.clone, "checkout", "--quiet", "main")
	w.git(w.clone, "pull", "--quiet", w.repo.CloneURL("alice"), "main")
	return w.git(w.clone, "rev-parse", "HEAD")
}

// TestACommentActsOnALane asks that a comment acts on the lane of its pull request,
// and on that of the base branch once it is merged.
func TestACommentActsOnALane(t *testing.T) {
	w := newWorld(t)
	main := w.pipeline(slow)
	w.push("main")
	w.running(main)
	n, sha := w.branch("feature", "Feature", map[string]string{"a.txt": "a\n"})
	w.running(sha)
	w.reaction(w.comment("bob", n, "/stop abandon"), "+1")
	w.check(sha, "ci / build", "cancelled")
	w.refusedBy("bob", n, "/stop", "nothing runs here that could be stopped")
	if run := w.runs(main, "ci / build")[0]; run.Status != "in_progress" || !strings.Contains(run.Title, "running:") {
		t.Errorf("an open pull request reached the base branch: %+v", run)
	}
	merged := w.merge(n)
	w.check(merged, "ci / build", "queued")
	w.reaction(w.comment("bob", n, "/stop abandon"), "+1")
	w.check(main, "ci / build", "cancelled")
	w.check(merged, "ci / build", "cancelled")
}

// TestHeadOfABranch asks that what was pushed to the head's branch is within reach
// of the pull request, on which its checks stand, and that of a fork is not.
func TestHeadOfABranch(t *testing.T) {
	w := newWorld(t)
	w.pipeline(strings.Replace(slow, "{ push: { branches: [main] }, pull_request: { branches: [main] } }", "push", 1))
	w.push("main")
	w.running(w.git(w.clone, "rev-parse", "main"))
	n, sha := w.branch("feature", "Feature", map[string]string{"a.txt": "a\n"})
	w.running(sha)
	fork := w.github.AddFork(w.repo, "mallory")
	w.git(w.clone, "checkout", "--quiet", "main")
	w.git(w.clone, "push", "--quiet", w.repo.CloneURL("alice"), "main~0:refs/heads/base")
	evil := w.commit("Evil", map[string]string{"b.txt": "b\n"})
	w.gitAs("mallory", w.clone, "push", "--quiet", fork.CloneURL("mallory"), "main")
	forked, err := w.repo.OpenPullRequest("mallory", "mallory:main", "base", "Evil", "")
	if err != nil {
		t.Fatal(err)
	}
	w.push("main") // the same commit, in the repository itself
	w.check(evil, "ci / build", "queued")
	w.refusedBy("bob", forked, "/stop", "nothing runs here")
	w.reaction(w.comment("bob", n, "/stop abandon"), "+1")
	w.check(sha, "ci / build", "cancelled")
	w.check(evil, "ci / build", "queued")
}

// TestApprovalAfterTheMerge asks that nobody approves by chance what another pull
// request brought.
func TestApprovalAfterTheMerge(t *testing.T) {
	w := newWorld(t)
	w.pipeline(withApproval(""))
	w.push("main")
	n, _ := w.branch("feature", "Feature", map[string]string{"a.txt": "a\n"})
	w.check(w.merge(n), "ci / production", "action_required")
	newer := w.commit("Newer", map[string]string{"c.txt": "c\n"})
	w.push("main")
	w.check(newer, "ci / production", "action_required")
	w.refusedBy("bob", n, "/approve", "ci/production/sign-off waits for an approval of "+newer[:7]+", which is not what this pull request's merge made")
	w.reaction(w.comment("bob", n, "/approve production "+newer[:7]), "+1")
	w.check(newer, "ci / production", "success")
}

func TestHelp(t *testing.T) {
	w := newWorld(t)
	n, sha := w.pullRequest(withApproval(""))
	w.check(sha, "ci / production", "action_required")
	w.comment("mallory", n, "/lgtm")
	w.refusedBy("mallory", n, "/aprove production", "`/aprove production`: there is no command `/aprove`; did you mean `/approve [[PIPELINE/]STAGE[/ACTION]] [SHA] [FIELD=VALUE …] [-- REASON]`?")
	id := w.comment("mallory", n, "/help")
	w.reaction(id, "+1")
	if got := w.answer(n, id); !strings.Contains(got, "\n- `/stop [PIPELINE] [abandon]` lets what runs finish") || !strings.Contains(got, "`/help` lists the commands") {
		t.Errorf("help: %s", got)
	}
	w.planOf(n)
	if got := len(w.repo.Comments(n)); got != 7 {
		t.Errorf("%d comments, want three, two answers, the announcement and the plan", got)
	}
}

func TestCommandsOfOtherBots(t *testing.T) {
	w := newWorld(t)
	w.commit("Base", map[string]string{"a.txt": "a\n"})
	w.push("main")
	n, _ := w.branch("feature", "Feature", map[string]string{"b.txt": "b\n"})
	w.comment("bob", n, "/approve")
	w.logged("a command where nothing ever ran")
	if got := w.repo.Comments(n); len(got) != 1 {
		t.Errorf("comments: %v", got)
	}
}
