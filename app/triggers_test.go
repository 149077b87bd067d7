package app_test

import (
	"fmt"
	"strings"
	"testing"
)

// filtered is a pipeline of two stages that asks for paths.
const filtered = `
on:
  push: { branches: [main, "new/**"], tags: ["v*"], paths: ["src/**", "!src/docs/**"] }
  pull_request: { paths-ignore: ["docs/**"] }
stages:
  - name: build
    actions: [{ name: compile, image: IMAGE, run: 'echo "tag=$TAG."', env: { TAG: "${{ source.tag }}" } }]
  - name: deploy
    actions: [{ name: roll-out, image: IMAGE, run: "true" }]
`

// skipped waits until both checks of filtered ended skipped, for the reason.
func (w *world) skipped(sha, reason string) {
	w.t.Helper()
	for _, name := range []string{"ci / build", "ci / deploy"} {
		if run := w.check(sha, name, "skipped"); run.Title != reason {
			w.t.Errorf("%s: title %q, want %q", name, run.Title, reason)
		}
	}
}

func TestPathsOfAPush(t *testing.T) {
	w := newWorld(t)
	first := w.pipeline(filtered)
	w.push("main") // a new branch, which is the default one
	w.check(first, "ci / deploy", "success")

	docs := w.commit("Docs", map[string]string{"README.md": "shop!\n", "src/docs/a.md": "a"})
	w.push("main")
	w.skipped(docs, "No file that changed is in push.paths: src/**, !src/docs/**")

	w.commit("Docs", map[string]string{"README.md": "shop!!\n"})
	w.git(w.clone, "mv", "src/docs/a.md", "src/a.md")
	moved := w.commit("Move", nil)
	w.push("main") // both commits at once
	w.check(moved, "ci / deploy", "success")

	w.git(w.clone, "checkout", "--quiet", "-b", "new/docs")
	branch := w.commit("Docs", map[string]string{"README.md": "new\n"})
	w.push("new/docs") // compared with main
	w.skipped(branch, "No file that changed is in push.paths: src/**, !src/docs/**")

	w.git(w.clone, "checkout", "--quiet", "main")
	w.git(w.clone, "commit", "--quiet", "--amend", "--message=Otherwise")
	forced := w.commit("Docs", map[string]string{"README.md": "forced\n"})
	w.push("+main")
	w.check(forced, "ci / deploy", "success") // what it threw away is not listed
}

// TestSkippedIsNotWhatRan pushes a commit, which ran, to another branch, whose
// push changes nothing that matters.
func TestSkippedIsNotWhatRan(t *testing.T) {
	w := newWorld(t)
	w.pipeline(filtered)
	w.push("main")
	w.git(w.clone, "checkout", "--quiet", "-b", "new/x")
	sha := w.commit("Source", map[string]string{"src/a": "a"})
	w.push("new/x")
	w.check(sha, "ci / deploy", "success")
	newest := w.commit("Docs", map[string]string{"README.md": "x\n"})
	w.push("new/x")
	w.skipped(newest, "No file that changed is in push.paths: src/**, !src/docs/**")
	w.push("new/x:new/y") // since main, it changed src
	w.check(newest, "ci / deploy", "success")
	docs := w.commit("Docs [skip ci]", map[string]string{"src/b": "b"})
	w.push("new/x")
	w.skipped(docs, "The commit's message says [skip ci]")
	w.push(sha + ":refs/heads/main")
	w.logged("for refs/heads/main at " + sha)
	w.push(docs + ":refs/heads/main")
	w.logged("for refs/heads/main at " + docs)
	w.allEnded(docs)
	if runs := w.runs(docs, "ci / build"); len(runs) != 1 {
		t.Errorf("%d runs, want the one that was skipped first", len(runs))
	}
}

func TestTags(t *testing.T) {
	w := newWorld(t)
	w.pipeline(filtered)
	w.push("main")
	sha := w.commit("Release", map[string]string{"README.md": "1.0\n"})
	w.git(w.clone, "tag", "--annotate", "--message=First", "v1.0")
	w.git(w.clone, "tag", "other")
	w.push("v1.0")
	run := w.check(sha, "ci / build", "success")
	if got := w.actionLog(run, "compile"); !strings.Contains(got, "o tag=v1.0.") {
		t.Errorf("log %s", got)
	}
	w.check(sha, "ci / deploy", "success")
	w.push("other")
	w.logged("no pipeline runs on a push to refs/tags/other")
	w.push(":v1.0")
	w.logged("refs/tags/v1.0 was deleted")
	w.push("main") // of what ran for the tag, nothing is said to be skipped
	w.logged("for refs/heads/main at " + sha)
	if runs := w.runs(sha, "ci / build"); len(runs) != 1 || runs[0].Conclusion != "success" {
		t.Errorf("runs %+v", runs)
	}
}

// TestApprovalOfATag asks that a tag is a head of its own.
func TestApprovalOfATag(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(strings.Replace(withApproval(""), "branches: [main]", `tags: ["v*"]`, 1))
	w.git(w.clone, "tag", "v1")
	w.push("v1")
	waiting := w.check(sha, "ci / production", "action_required")
	if err := w.repo.ClickAction("bob", waiting.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / production", "success")
}

func TestPathsOfAPullRequest(t *testing.T) {
	w := newWorld(t)
	w.pipeline(filtered)
	w.push("main")
	w.git(w.clone, "checkout", "--quiet", "-b", "feature")
	docs := w.commit("Docs", map[string]string{"docs/a.md": "a"})
	w.push("feature")
	if _, err := w.repo.OpenPullRequest("alice", "feature", "main", "Feature", ""); err != nil {
		t.Fatal(err)
	}
	w.skipped(docs, "All files that changed are in pull_request.paths-ignore: docs/**")
	said := w.commit("More\n\nText.\n\nskip-checks: true", map[string]string{"src/a": "a"})
	w.push("feature")
	w.skipped(said, "The commit's message says skip-checks: true")
	more := w.commit("Docs again", map[string]string{"docs/a.md": "b"})
	w.push("feature") // the whole pull request counts, not its last push
	w.check(more, "ci / deploy", "success")
}

// TestManyFiles has a pull request of more files than GitHub lists.
func TestManyFiles(t *testing.T) {
	w := newWorld(t)
	w.pipeline(strings.Replace(filtered, "paths-ignore: [\"docs/**\"]", `paths: ["src/**"]`, 1))
	w.push("main")
	w.git(w.clone, "checkout", "--quiet", "-b", "feature")
	files := map[string]string{}
	for i := range 3001 {
		files[fmt.Sprintf("docs/%04d", i)] = "x"
	}
	sha := w.commit("Docs", files)
	w.push("feature")
	w.github.ResetRequests()
	if _, err := w.repo.OpenPullRequest("alice", "feature", "main", "Feature", ""); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / deploy", "success")
	if n := asked(w, "pulls/list-files"); n != 0 {
		t.Errorf("%d requests for a list that ends too soon", n)
	}
}

const typed = `
on: { pull_request: { types: [TYPES] } }
stages:
  - name: build
    actions: [{ name: wait, image: IMAGE, run: 'echo started; sleep SECONDS' }]
`

func withTypes(types, seconds string) string {
	return strings.NewReplacer("TYPES", types, "SECONDS", seconds).Replace(typed)
}

// TestTypesOfAPullRequest has a pipeline for drafts that become ready.
func TestTypesOfAPullRequest(t *testing.T) {
	w := newWorld(t)
	w.commit("Base", map[string]string{"base.txt": "base\n"})
	w.push("main")
	w.git(w.clone, "checkout", "--quiet", "-b", "feature")
	w.pipeline(withTypes("ready_for_review", "0"))
	sha := w.commit("Slow", map[string]string{".github/pipelines/slow.yaml": "name: slow\n" + strings.ReplaceAll(withTypes("opened, synchronize", "600"), "IMAGE", image)})
	w.push("feature")
	n, err := w.repo.OpenDraft("alice", "feature", "main", "Feature", "")
	if err != nil {
		t.Fatal(err)
	}
	w.eventually("a running action", func() bool {
		runs := w.runs(sha, "slow / build")
		return len(runs) > 0 && strings.Contains(runs[0].Title, "running:")
	})
	if runs := w.runs(sha, "ci / build"); len(runs) != 0 {
		t.Errorf("a draft was ready: %+v", runs)
	}
	if err := w.repo.MarkReady("alice", n); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / build", "success")
	w.check(sha, "slow / build", "in_progress") // of the same head, nothing is stopped
	if err := w.repo.ClosePullRequest("alice", n); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "slow / build", "cancelled")
}

// TestClosedPullRequest has what a merge starts outlive the pull request.
func TestClosedPullRequest(t *testing.T) {
	w := newWorld(t)
	n, sha := w.pullRequest(withTypes("opened, closed", "3"))
	w.running(sha)
	if _, err := w.repo.MergePullRequest("alice", n, "squash"); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / build", "success")
	var ends []string
	for _, run := range w.runs(sha, "ci / build") {
		ends = append(ends, run.Conclusion)
	}
	if got := strings.Join(ends, " "); got != "cancelled success" {
		t.Errorf("runs ended %s", got)
	}
}

// TestMergeGroup has a group checked on its own branch, and stops what runs for
// one that is gone.
func TestMergeGroup(t *testing.T) {
	w := newWorld(t)
	w.pipeline(strings.Replace(withTypes("", "600"), "pull_request: { types: [] }", "merge_group: , push: { branches: ['**'], paths: [none] }", 1))
	after := strings.Replace(withTypes("destroyed", "0"), "pull_request", "merge_group", 1)
	w.commit("After", map[string]string{".github/pipelines/after.yaml": strings.ReplaceAll(after, "IMAGE", image)})
	w.push("main")
	w.git(w.clone, "checkout", "--quiet", "-b", "feature")
	w.commit("Feature [skip ci]", map[string]string{"a.txt": "a"})
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
	w.running(sha)
	w.logged("no pipeline runs on a push to gh-readonly-queue/main/pr-")
	if runs := w.runs(sha, "ci / build"); len(runs) != 1 {
		t.Errorf("%d runs: the push of the group's branch started one too", len(runs))
	}
	if err := w.repo.DestroyMergeGroup("bob", ref, "dequeued"); err != nil {
		t.Fatal(err)
	}
	if run := w.check(sha, "ci / build", "cancelled"); run.Title != "The merge group is gone: dequeued" {
		t.Errorf("title %q", run.Title)
	}
	w.check(sha, "after / build", "success") // which the end itself started
}

func asked(w *world, operation string) int {
	n := 0
	for _, r := range w.github.Requests() {
		if r.Operation == operation {
			n++
		}
	}
	return n
}

// TestMistakesAreShownAnyway has a file with a mistake, of whose stages nobody
// can say that they were skipped.
func TestMistakesAreShownAnyway(t *testing.T) {
	w := newWorld(t)
	w.pipeline(filtered)
	w.push("main")
	sha := w.pipeline(strings.Replace(filtered, "run:", "rum:", 1))
	w.push("main")
	w.check(sha, "ci", "failure")
	if n := asked(w, "repos/compare-commits-with-basehead"); n != 0 {
		t.Errorf("%d requests for files that decide nothing", n)
	}
}

// TestATagIsAskedNoPaths has filters that are for branches alone, and one that leaves
// tags out.
func TestATagIsAskedNoPaths(t *testing.T) {
	w := newWorld(t)
	w.commit("Base", quickPipelines(map[string]string{
		"tagged": `{ push: { tags-ignore: ["*-rc*"], paths: ["none/**"] } }`, "all": `{ push: { paths-ignore: ["**"] } }`,
	}))
	w.push("main")
	w.check(w.git(w.clone, "rev-parse", "HEAD"), "all / build", "success") // of a new default branch nobody knows what changed
	squashed := w.commit("Feature (#1)\n\n* add a\n\n* try again [skip ci]\n", map[string]string{"a.txt": "a\n"})
	w.push("main")
	if run := w.check(squashed, "all / build", "skipped"); run.Title != "The commit's message says [skip ci]" {
		t.Errorf("title %q", run.Title)
	}
	sha := w.commit("Release", map[string]string{"b.txt": "b\n"})
	w.git(w.clone, "tag", "v1-rc1")
	w.push("v1-rc1")
	w.check(sha, "all / build", "success") // a tag has no paths
	w.git(w.clone, "tag", "v1")
	w.push("v1")
	w.check(sha, "tagged / build", "success")
	x := w.executionOf(sha, "tagged")
	if x.Lane != "refs/tags/v1" || w.started("tagged") != 1 {
		t.Errorf("%d started, the last on %s", w.started("tagged"), x.Lane)
	}
}
