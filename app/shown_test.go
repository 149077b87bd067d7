package app_test

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/githubtest"
)

// TestWhatIsShown shows who decides what the approval would let in: on the check run,
// in the comment and on the page.
func TestWhatIsShown(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(withApproval("self-review: true"))
	w.push("main")
	run := w.check(sha, "ci / production", "action_required")
	w.says(w.summarized(sha, "nothing that this could be compared with has succeeded"), "artifact source, `sha256:")
	if err := w.repo.ClickAction("bob", run.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / production", "success")
	w.commit("First <b>@bob</b>", map[string]string{"a.txt": "a\n"})
	next := w.commit("Second\n\nin full", map[string]string{"b_*.txt": "b\n"})
	w.push("main")
	w.check(next, "ci / production", "action_required")
	run = w.summarized(next, "2 commits, 2 files since this stage last succeeded, at "+sha[:7])
	w.says(run, `a.txt, b\_\*.txt`, `First &lt;b&gt;@`+"\u200b"+`bob&lt;/b&gt;`, "  - Second\n")
	page := w.get(strings.Split(run.DetailsURL, "#")[0])
	for _, want := range []string{"2 commits, 2 files since this stage last succeeded", "First &lt;b&gt;@bob&lt;/b&gt;", "b_*.txt"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	x, err := w.api().Execution(w.context(), w.newest(next).ID)
	if err != nil || x.Stages[0].Actions[0].Approval.Request.Since != sha || x.Stages[0].Actions[0].Approval.Request.Commits != 2 {
		t.Errorf("%+v %v", x.Stages[0].Actions[0].Approval, err)
	}
}

// summarized waits until the newest run of the production stage says something.
func (w *world) summarized(sha, want string) githubtest.CheckRun {
	w.t.Helper()
	var run githubtest.CheckRun
	w.eventually(want, func() bool {
		runs := w.runs(sha, "ci / production")
		if len(runs) == 0 {
			return false
		}
		run = runs[len(runs)-1]
		return strings.Contains(run.Summary, want)
	})
	return run
}

// TestVoidVotes says of what was approved that it is void: of votes of several that a
// push took away, and of an approval before whose stage had done anything.
func TestVoidVotes(t *testing.T) {
	w := newWorld(t)
	n, old := w.pullRequest(withApproval("count: 2"))
	w.check(old, "ci / production", "action_required")
	w.reaction(w.comment("bob", n, "/approve"), "+1")
	w.announced(n, "1 of 2: @\u200bbob approved")
	sha := w.commit("More", map[string]string{"a.txt": "a\n"})
	w.push("feature")
	w.says(w.check(old, "ci / production", "cancelled"), "void: ", "(approved by bob)")
	w.check(sha, "ci / production", "action_required")
	w.announced(n, "commit `"+old+"`, is void: ")
	w.announced(n, "(approved by bob).")
	w.reaction(w.comment("carol", n, "/approve"), "+1")
	w.titled(sha, "ci / production", "Waiting for approval: sign-off (1 of 2)")
	w.reaction(w.comment("bob", n, "/approve"), "+1") // whose vote of the older commit is not this one's
	w.check(sha, "ci / production", "success")
}
