package githubtest_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// actions lists what was told of pull requests.
func (w *world) actions() string {
	w.t.Helper()
	var list []string
	for _, p := range w.delivered("pull_request", "") {
		list = append(list, p["action"].(string))
	}
	return strings.Join(list, " ")
}

// branch starts branch x at main and pushes a change to it.
func (w *world) branch(file, text string) string {
	w.t.Helper()
	w.git(w.clone, "checkout", "--quiet", "-B", "x", "main")
	return w.push("x", file, text)
}

func (w *world) open(login, head string) int {
	w.t.Helper()
	n, err := w.repo.OpenPullRequest(login, head, "main", "Change "+head, "Why")
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func TestPullRequestEvents(t *testing.T) {
	w := newWorld(t)
	base := w.push("main", "a", "a\n")
	head := w.branch("b", "b\n")
	n := w.open("alice", "x")
	next := w.push("x", "b", "bb\n")
	if err := w.repo.ClosePullRequest("alice", n); err != nil {
		t.Fatal(err)
	}
	if err := w.repo.ReopenPullRequest("alice", n); err != nil {
		t.Fatal(err)
	}
	w.git(w.clone, "push", "--quiet", "origin", ":x")
	if got := w.actions(); got != "opened synchronize closed reopened closed" {
		t.Errorf("told of %s", got)
	}
	events := w.delivered("pull_request", "")
	for path, want := range map[string]any{
		"number": float64(n), "pull_request.head.ref": "x", "pull_request.head.sha": head, "pull_request.base.ref": "main",
		"pull_request.base.sha": base, "pull_request.head.repo.full_name": "octo/shop", "pull_request.user.login": "alice",
		"pull_request.merged": false, "pull_request.draft": false, "pull_request.commits": 1.0, "pull_request.state": "open",
		"installation.id": float64(w.github.InstallationID("octo")), "sender.login": "alice",
	} {
		if got := at(events[0], path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	if before, after := events[1]["before"], events[1]["after"]; before != head || after != next {
		t.Errorf("synchronized from %v to %v", before, after)
	}
	for what, err := range map[string]error{
		"closed twice":                w.repo.ClosePullRequest("alice", n),
		"reopened without its branch": w.repo.ReopenPullRequest("alice", n),
		"closed what is not":          w.repo.ClosePullRequest("alice", 99),
		"opened from nowhere":         second(w.repo.OpenPullRequest("alice", "none", "main", "", "")),
		"opened from nobody":          second(w.repo.OpenPullRequest("alice", "carol:x", "main", "", "")),
		"opened of nothing":           second(w.repo.OpenPullRequest("alice", "main", "main", "", "")),
		"merged a closed one":         second(w.repo.MergePullRequest("alice", n, "merge")),
	} {
		if err == nil {
			t.Error(what)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestForks(t *testing.T) {
	w := newWorld(t)
	w.push("main", "a", "a\n")
	fork := w.github.AddFork(w.repo, "mallory")
	copied := filepath.Join(t.TempDir(), "fork")
	w.git("", "clone", "--quiet", fork.CloneURL("mallory"), copied)
	w.clone = copied
	head := w.branch("b", "b\n")
	n := w.open("mallory", "mallory:x")
	next := w.push("x", "b", "bb\n")
	if got := w.actions(); got != "opened synchronize" {
		t.Errorf("told of %s", got)
	}
	events := w.delivered("pull_request", "")
	if got := at(events[0], "pull_request.head.repo.full_name"); got != "mallory/shop" {
		t.Errorf("the head is in %v", got)
	}
	if got := len(w.delivered("push", "")); got != 1 {
		t.Errorf("%d pushes, want none of the fork's, where the App is not", got)
	}
	w.get("/repos/mallory/shop").want(404)
	w.get("/repos/octo/shop/contents/b?ref=" + head).want(200)
	r := w.makeRun("build", next, `,"conclusion":"success"`)
	if len(r.Pulls) != 0 || r.Suite.HeadBranch != "" {
		t.Errorf("GitHub leaves forks out of check runs, but there is %+v", r)
	}
	w.get(fmt.Sprintf("/repos/octo/shop/pulls/%d", n)).says(`"label":"mallory:x"`)
	if _, err := w.repo.MergePullRequest("mallory", n, "merge"); err == nil {
		t.Error("mallory merged")
	}
}

func TestMergeMethods(t *testing.T) {
	for _, method := range []string{"merge", "squash", "rebase"} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			w.push("main", "a", "a\n")
			w.branch("b", "b\n")
			head := w.push("x", "c", "c\n")
			n := w.open("alice", "x")
			w.git(w.clone, "checkout", "--quiet", "main")
			base := w.push("main", "d", "d\n")
			w.get(fmt.Sprintf("/repos/octo/shop/pulls/%d", n)).says(`"mergeable":true`)
			sha, err := w.repo.MergePullRequest("alice", n, method)
			if err != nil {
				t.Fatal(err)
			}
			w.git(w.clone, "fetch", "--quiet", "origin")
			if got := w.git(w.clone, "ls-tree", "--name-only", sha); strings.Join(strings.Fields(got), " ") != "a b c d" {
				t.Errorf("the merge has %s", got)
			}
			parents := strings.Fields(w.git(w.clone, "log", "-1", "--format=%P", sha))
			count := w.git(w.clone, "rev-list", "--count", base+".."+sha)
			if want := map[string]string{"merge": "2 3", "squash": "1 1", "rebase": "1 2"}[method]; fmt.Sprint(len(parents), " ", count) != want {
				t.Errorf("%d parents and %s commits, want %s", len(parents), count, want)
			}
			closed := w.delivered("pull_request", "closed")
			if len(closed) != 1 || at(closed[0], "pull_request.merged") != true || at(closed[0], "pull_request.merge_commit_sha") != sha || at(closed[0], "pull_request.head.sha") != head {
				t.Errorf("closed as %v", closed)
			}
			pushes := w.delivered("push", "")
			if last := pushes[len(pushes)-1]; last["after"] != sha || last["before"] != base || at(last, "pusher.name") != "alice" {
				t.Errorf("pushed %v", last)
			}
		})
	}
}

func TestConflict(t *testing.T) {
	w := newWorld(t)
	w.push("main", "a", "a\n")
	w.branch("a", "x\n")
	w.git(w.clone, "checkout", "--quiet", "main")
	w.push("main", "a", "y\n")
	n := w.open("alice", "x")
	w.get(fmt.Sprintf("/repos/octo/shop/pulls/%d", n)).says(`"mergeable":false`)
	for _, method := range []string{"merge", "squash", "rebase", "octopus"} {
		if _, err := w.repo.MergePullRequest("alice", n, method); err == nil {
			t.Errorf("%s went through", method)
		}
	}
}

// TestMergeByPush merges a pull request with a push of its head to its base.
func TestMergeByPush(t *testing.T) {
	w := newWorld(t)
	w.push("main", "a", "a\n")
	w.branch("b", "b\n")
	n := w.open("alice", "x")
	w.git(w.clone, "push", "--quiet", "origin", "x:main")
	closed := w.delivered("pull_request", "closed")
	if len(closed) != 1 || at(closed[0], "pull_request.merged") != true || at(closed[0], "number") != float64(n) {
		t.Errorf("closed as %v", closed)
	}
}

func TestComments(t *testing.T) {
	w := newBusy(t)
	issue := w.repo.OpenIssue("bob", "A bug", "")
	w.repo.Comment("bob", issue, "me too")
	w.post("/repos/octo/shop/issues/1/comments", `{"body":"Waiting"}`).want(201)
	if err := w.repo.EditComment("bob", w.comment, "Looks bad"); err != nil {
		t.Fatal(err)
	}
	if err := w.repo.DeleteComment("bob", w.comment); err != nil {
		t.Fatal(err)
	}
	events := w.delivered("issue_comment", "")
	for i, want := range []map[string]any{
		{"action": "created", "comment.body": "Looks good", "comment.user.login": "bob", "comment.user.type": "User", "comment.author_association": "MEMBER", "issue.number": 1.0, "issue.user.login": "alice", "issue.state": "open"},
		{"action": "created", "issue.number": float64(issue), "issue.pull_request": nil},
		{"action": "created", "comment.user.login": "stagegate[bot]", "comment.user.type": "Bot", "comment.performed_via_github_app.slug": "stagegate"},
		{"action": "edited", "changes.body.from": "Looks good", "comment.body": "Looks bad"},
		{"action": "deleted", "comment.body": "Looks bad"},
	} {
		for path, v := range want {
			if got := at(events[i], path); got != v {
				t.Errorf("event %d: %s is %v, want %v", i+1, path, got, v)
			}
		}
	}
	if at(events[0], "issue.pull_request.url") == nil {
		t.Error("a comment on a pull request does not say so")
	}
	if got := w.repo.Comments(1); len(got) != 1 || !got[0].Bot || got[0].Body != "Waiting" {
		t.Errorf("comments are %+v", got)
	}
	if c, err := w.repo.WaitComment(t.Context(), 1, nil); err != nil || c.Body != "Waiting" {
		t.Errorf("waited for %+v: %v", c, err)
	}
	w.post("/repos/octo/shop/issues/1/comments", `{"body":" "}`).want(422)
	w.wrong("a comment has")
}
