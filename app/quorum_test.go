package app_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
)

// TestQuorum has two of a team approve: what anybody else says, says twice, or says by
// another door counts for nothing, and who has left the team counts no more.
func TestQuorum(t *testing.T) {
	w := newWorld(t)
	w.github.AddTeam("octo", "release-managers", "alice", "bob", "carol", "mallory")
	n, sha := w.pullRequest(withApproval("teams: [release-managers], permission: write, count: 2"))
	run := w.check(sha, "ci / production", "action_required")
	w.says(run, "May approve: 2 of @octo/release-managers with write access, but no author of the change")
	w.refusedBy("mallory", n, "/approve", "mallory may not decide about ci/production/sign-off")
	w.refusedBy("alice", n, "/approve", "alice is an author of this change")
	w.reaction(w.comment("bob", n, "/approve -- I have looked at it"), "+1")
	w.titled(sha, "ci / production", "Waiting for approval: sign-off (1 of 2)")
	w.announced(n, "1 of 2: @\u200bbob approved; still needs one of @\u200bocto/release-managers")
	w.refusedBy("BOB", n, "/approve", "bob has approved already, and one person has one vote")
	if err := w.repo.ClickAction("bob", run.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.eventually("the refusal of a second vote by another door", func() bool {
		runs := w.runs(sha, "ci / production")
		return strings.Contains(runs[len(runs)-1].Summary, "bob has approved already")
	})
	w.github.RemoveFromTeam("octo", "release-managers", "bob")
	w.reaction(w.comment("carol", n, "/approve"), "+1")
	w.announced(n, "the vote of @\u200bbob is void: asked again, @\u200bbob may not decide")
	w.titled(sha, "ci / production", "Waiting for approval: sign-off (1 of 2)")
	w.github.AddUser("dave")
	w.repo.SetPermission("dave", "write")
	w.github.AddTeam("octo", "release-managers", "dave")
	w.reaction(w.comment("dave", n, "/approve"), "+1")
	w.says(w.check(sha, "ci / production", "success"), "approved by carol, dave")
	x, err := w.api().Execution(w.context(), w.newest(sha).ID)
	if err != nil {
		t.Fatal(err)
	}
	a := x.Stages[0].Actions[0]
	if len(a.Approval.Votes) != 3 || a.Approval.Votes[0].Void == "" || a.Approval.Votes[0].Comment != "I have looked at it" || a.Decision.Actor != "dave" || a.Decision.Variables == "" {
		t.Errorf("votes %+v, decision %+v", a.Approval.Votes, a.Decision)
	}
}

// TestRejections ends an approval by the second of two, and by who has approved.
func TestRejections(t *testing.T) {
	w := newWorld(t)
	n, sha := w.pullRequest(withApproval("count: 2, reject-count: 2"))
	w.check(sha, "ci / production", "action_required")
	w.reaction(w.comment("bob", n, "/approve"), "+1")
	w.reaction(w.comment("carol", n, "/reject -- not on a Friday"), "+1")
	w.refusedBy("carol", n, "/approve", "carol has rejected already")
	w.refusedBy("carol", n, "/reject", "carol has rejected already")
	w.reaction(w.comment("bob", n, "/reject -- carol is right"), "+1")
	if run := w.check(sha, "ci / production", "failure"); !strings.Contains(run.Title, "rejected by carol, bob: carol is right") {
		t.Errorf("title %q", run.Title)
	}
	w.refusedBy("bob", n, "/approve", "nothing waits for an approval here")
}

// TestVotesByTheAPI has the operator vote once.
func TestVotesByTheAPI(t *testing.T) {
	w := newWorld(t)
	_, sha := w.pullRequest(withApproval("count: 2"))
	w.check(sha, "ci / production", "action_required")
	x, err := w.api().Decide(w.context(), w.newest(sha).ID, api.Answer{Approved: true, Comment: "seen"})
	if err != nil {
		t.Fatal(err)
	}
	if a := x.Stages[0].Actions[0]; a.Status != "waiting" || a.Approval.Missing != "1 of 2: the operator approved; still needs one of anyone with write access" {
		t.Errorf("%s: %+v", a.Status, a.Approval)
	}
	w.refusedWith(w.answerAs(x.ID), api.Already, "the operator has approved already")
}

// TestGroups needs somebody of each group, and one group of any.
func TestGroups(t *testing.T) {
	w := newWorld(t)
	w.repo.SetPermission("carol", "admin")
	n, sha := w.pullRequest(withApproval("all-of: [{ users: [carol] }, { permission: maintain, count: 2 }]"))
	run := w.check(sha, "ci / production", "action_required")
	w.says(run, "May approve: @carol, and 2 of anyone with maintain access")
	w.reaction(w.comment("carol", n, "/approve"), "+1")
	w.reaction(w.comment("bob", n, "/approve"), "+1")
	w.check(sha, "ci / production", "success")
	w.git(w.clone, "checkout", "--quiet", "main")
	w.git(w.clone, "checkout", "--quiet", "-b", "other")
	sha = w.pipeline(withApproval("any-of: [{ users: [mallory], teams: [nobody] }, { permission: admin }]"))
	w.push("other")
	n, err := w.repo.OpenPullRequest("alice", "other", "main", "Other", "")
	if err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / production", "action_required")
	w.refusedBy("bob", n, "/approve", "these may: mallory, octo/nobody, or anyone with admin access")
	w.reaction(w.comment("carol", n, "/approve"), "+1")
	w.check(sha, "ci / production", "success")
}

// TestCodeOwners asks owners of what a pull request changes, by the default branch's
// file: what the change itself says of owners is nothing.
func TestCodeOwners(t *testing.T) {
	w := newWorld(t)
	w.github.AddTeam("octo", "api", "bob")
	w.github.AddTeam("octo", "web", "carol", "mallory")
	w.commit("Owners", map[string]string{".github/CODEOWNERS": "/api/ @octo/api\n/web/ @octo/web someone@example.com\n/.github/ @octo/api\n"})
	w.push("main")
	w.git(w.clone, "checkout", "--quiet", "-b", "feature")
	w.commit("Change", map[string]string{"api/a.go": "a\n", "web/b.js": "b\n", "free.txt": "c\n", ".github/CODEOWNERS": "* @mallory @alice\n"})
	sha := w.pipeline(withApproval("code-owners: true"))
	w.push("feature")
	n, err := w.repo.OpenPullRequest("alice", "feature", "main", "Feature", "")
	if err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / production", "action_required")
	w.refusedBy("mallory", n, "/approve", "mallory may not decide") // an owner who cannot write is none
	w.refusedBy("alice", n, "/approve", "alice may not decide")
	w.reaction(w.comment("bob", n, "/approve"), "+1")
	w.announced(n, "still needs one of an owner of web/b.js: @\u200bocto/web, someone@\u200bexample.com (an address")
	w.reaction(w.comment("carol", n, "/approve"), "+1")
	w.says(w.check(sha, "ci / production", "success"), "approved by bob, carol")
}

// TestCodeOwnersWithAPermission asks the access that stands beside code owners of them
// too, though its name comes earlier in the alphabet than that of a lower one.
func TestCodeOwnersWithAPermission(t *testing.T) {
	w := newWorld(t)
	w.repo.SetPermission("carol", "admin")
	w.commit("Owners", map[string]string{"CODEOWNERS": "* @bob @carol\n"})
	w.push("main")
	n, sha := w.pullRequest(withApproval("code-owners: true, permission: admin"))
	w.check(sha, "ci / production", "action_required")
	w.refusedBy("bob", n, "/approve", "bob may not decide")
	w.reaction(w.comment("carol", n, "/approve"), "+1")
	w.check(sha, "ci / production", "success")
}

// TestCodeOwnersOfAPush asks the owners of what is new since the stage last succeeded,
// by the file as it was then. Before anything has, all owners are asked.
func TestCodeOwnersOfAPush(t *testing.T) {
	w := newWorld(t)
	w.commit("Owners", map[string]string{"CODEOWNERS": "/api/ @bob\n/web/ @carol\n"})
	sha := w.pipeline(withApproval("code-owners: true, self-review: true"))
	w.push("main")
	w.check(sha, "ci / production", "action_required")
	first := w.newest(sha).ID
	click := func(sha, login string) {
		t.Helper()
		runs := w.runs(sha, "ci / production")
		if err := w.repo.ClickAction(login, runs[len(runs)-1].ID, "approve"); err != nil {
			t.Fatal(err)
		}
	}
	click(sha, "bob")
	w.titled(sha, "ci / production", "Waiting for approval: sign-off (2 of 3)")
	w.refusedWith(w.answerAs(first), api.Forbidden, "the operator may not decide")
	click(sha, "carol")
	w.check(sha, "ci / production", "success")
	sha = w.commit("Change", map[string]string{"api/a.go": "a\n", "CODEOWNERS": "* @alice\n"})
	w.push("main")
	w.check(sha, "ci / production", "action_required")
	click(sha, "alice")
	w.eventually("the refusal", func() bool {
		return strings.Contains(w.runs(sha, "ci / production")[0].Summary, "may not decide")
	})
	click(sha, "bob")
	w.check(sha, "ci / production", "success")

	many := map[string]string{}
	for k := range 301 { // one more than GitHub lists
		many[fmt.Sprintf("web/%03d", k)] = "x\n"
	}
	sha = w.commit("Many", many)
	w.push("main")
	w.summarized(sha, "what has changed is not known: GitHub does not list all files")
	click(sha, "carol")
	w.summarized(sha, "refused:** GitHub does not list all files that have changed since")
}

func (w *world) answerAs(id string) error {
	_, err := w.api().Decide(w.context(), id, api.Answer{Approved: true})
	return err
}

// TestCodeOwnersUnknown refuses where nobody says who owns what, but asks others whom
// the approval names.
func TestCodeOwnersUnknown(t *testing.T) {
	w := newWorld(t)
	n, sha := w.pullRequest(withApproval("any-of: [{ code-owners: true }, { users: [carol] }]"))
	w.check(sha, "ci / production", "action_required")
	w.refusedBy("bob", n, "/approve", "code owners are asked, and octo/shop has no CODEOWNERS")
	w.reaction(w.comment("carol", n, "/approve"), "+1")
	w.check(sha, "ci / production", "success")
}

// TestForm fills a form in: rightly by a comment, and wrongly in every way.
func TestForm(t *testing.T) {
	w := newWorld(t)
	const form = `
          instructions: "Look at ${{ source.message }} first, @bob"
          form:
            VERSION: { description: What to release, required: true, pattern: "v[0-9.]+|.*injected.*" }
            region: { type: choice, options: [eu, us], default: eu }
            NOTE:
            canary: { type: boolean, default: false }`
	text := strings.Replace(gated, "approval: { APPROVAL }", "approval:"+form, 1)
	text = strings.Replace(text, `run: "echo rolled out"`, `env: { V: "${{ production.sign-off.VERSION }}", N: "${{ production.sign-off.NOTE }}", R: "${{ production.sign-off.region }}" }, run: 'echo "got <$V> <$N> <$R>"'`, 1)
	n, sha := w.pullRequest(text)
	run := w.check(sha, "ci / production", "action_required")
	if len(run.Actions) != 0 {
		t.Errorf("there are buttons: %+v", run.Actions)
	}
	w.says(run, "> Look at Pipeline first, @\u200bbob", "- `VERSION`: What to release, must be filled in", "- `region` (one of eu, us), else `eu`", "Comment `/approve production VERSION=…`")
	for said, want := range map[string]string{
		"/approve":                            "VERSION must be filled in",
		"/approve VERSION=1":                  `VERSION must match`,
		"/approve VERSION=v1 SIZE=2":          "the form has no field SIZE; it has VERSION, region, NOTE, canary",
		"/approve VERSION=v1 VERSION=v2":      "VERSION is given twice",
		"/approve VERSION=v1 region=mars":     "region is one of eu, us",
		"/approve VERSION=v1 canary=maybe":    "canary is true or false",
		"/approve VERSION=v1 NOTE=\"open":     "is not closed by",
		"/reject VERSION=v1":                  "a rejection fills nothing in",
		"/approve VERSION=v1 NOTE=" + tenKB(): "NOTE has at most 1000 characters",
	} {
		w.refusedBy("bob", n, said, want)
	}
	id := w.newest(sha).ID
	for _, value := range []string{"a\nb", "a\x00b"} {
		_, err := w.api().Decide(w.context(), id, api.Answer{Approved: true, Values: map[string]string{"VERSION": "v1", "NOTE": value}})
		w.refusedWith(err, api.Invalid, "NOTE is one line of text")
	}
	if err := w.repo.ClickAction("bob", run.ID, "approve"); err == nil {
		t.Error("a button that is not shown can be pressed")
	}
	w.reaction(w.comment("bob", n, `/approve production version="v1 injected ${{ source.commit }}" NOTE="$(touch /x) \"`+"`id`"+`\"" -- go`), "+1")
	done := w.check(sha, "ci / production", "success")
	if log := w.actionLog(done, "roll-out"); !strings.Contains(log, "got <v1 injected ${{ source.commit }}> <$(touch /x) \"`id`\"> <eu>") {
		t.Errorf("the values are not what was said:\n%s", log)
	}
}

func tenKB() string { return strings.Repeat("x", 10<<10) }

// announced waits until the comment that announces approvals says something.
func (w *world) announced(n int, want string) {
	w.t.Helper()
	last := ""
	err := w.github.Wait(w.context(), func() bool {
		for _, c := range w.repo.Comments(n) {
			if strings.Contains(c.Body, "<!-- stagegate:approvals:") {
				last = c.Body
			}
		}
		return strings.Contains(last, want)
	})
	if err != nil {
		w.t.Fatalf("the announcement does not say %q:\n%s", want, last)
	}
}
