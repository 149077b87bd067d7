package app_test

import (
	"strings"
	"testing"
)

// status waits until the one comment that shows where everything stands has a text.
func (w *world) status(n int, wants ...string) string {
	w.t.Helper()
	var text string
	w.eventually("a status with "+strings.Join(wants, ", "), func() bool {
		text = ""
		for _, c := range w.repo.Comments(n) {
			if strings.HasPrefix(c.Body, "<!-- stagegate:status -->") {
				text += c.Body
			}
		}
		for _, want := range wants {
			if !strings.Contains(text, want) {
				return false
			}
		}
		return true
	})
	if got := strings.Count(text, "<!-- stagegate:status -->"); got != 1 {
		w.t.Errorf("%d comments show the status:\n%s", got, text)
	}
	return text
}

func TestStatusByComment(t *testing.T) {
	w := newWorld(t)
	files := pipelineCalled("cd")
	files[".github/pipelines/ci.yaml"] = strings.ReplaceAll(withApproval("users: [carol]")+"  - name: after\n    actions: [{ name: last, image: IMAGE, run: 'true' }]\n", "IMAGE", image)
	files[".github/pipelines/bad.yaml"] = "on: pull_request\nname: '[@mallory](https://x)'\nstages: []\n"
	w.commit("Base", map[string]string{"base.txt": "base\n"})
	w.push("main")
	n, sha := w.branch("feature", "Feature", files)
	w.check(sha, "ci / production", "action_required")
	w.check(sha, "cd / test", "failure")
	w.reaction(w.comment("mallory", n, "/status"), "+1")
	text := w.status(n,
		"**[ci 1](http", "in progress since ", ", commit `"+sha[:7]+"` of pull/1\n",
		"- **production** waits for the approval sign-off by @\u200bcarol, but no author of the change, until ", "; then what needs it goes on: roll-out; answer by `/approve ci/production/sign-off`",
		"- **after** waits for stage production\n",
		"**[cd 1](http", "- **test** failed at ", ": unit: exit code 3; `/retry cd/test` runs it again\n- **deploy** not reached\n",
	)
	if strings.Contains(text, "@mallory") || strings.Contains(text, "@carol") || !strings.Contains(text, "\\[@\u200bmallory\\](https://x)") {
		t.Errorf("the status mentions somebody, or links where a file says:\n%s", text)
	}
	if strings.Index(text, "[cd 1]") > strings.Index(text, "[ci 1]") {
		t.Errorf("not by name:\n%s", text)
	}
	w.reaction(w.comment("carol", n, "/approve"), "+1")
	w.status(n, "- **after** succeeded at ") // by itself
	w.reaction(w.comment("carol", n, "/run ci"), "+1")
	w.reaction(w.comment("carol", n, "/status"), "+1")
	w.status(n, "**[ci 2](http")
	for _, c := range w.repo.Comments(n) {
		if strings.HasPrefix(c.Body, "<!-- stagegate:status -->") {
			if err := w.repo.DeleteComment("bob", c.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.check(sha, "ci / production (manual 2)", "action_required")
	w.reaction(w.comment("carol", n, "/status"), "+1")
	w.status(n, "**[ci 2](http") // written anew
	w.refusedBy("carol", n, "/status all", "the form is `/status`")
}

// TestStatusAfterTheMerge asks that the comment is about the base branch then.
func TestStatusAfterTheMerge(t *testing.T) {
	w := newWorld(t)
	w.pipeline(strings.Replace(withApproval(""), ", pull_request: { branches: [main] }", "", 1))
	w.push("main")
	n, _ := w.branch("feature", "Feature", map[string]string{"a.txt": "a\n"})
	early := w.comment("bob", n, "/status")
	w.reaction(early, "+1")
	if got := w.answer(n, early); !strings.Contains(got, "Nothing has run here yet.") {
		t.Errorf("answer: %s", got)
	}
	sha := w.merge(n)
	w.check(sha, "ci / production", "action_required")
	w.reaction(w.comment("bob", n, "/status"), "+1")
	w.status(n, "**[ci 2](http", "commit `"+sha[:7]+"` of refs/heads/main", "waits for the approval sign-off")
	w.reaction(w.comment("carol", n, "/reject"), "+1")
	w.status(n, "- **production** failed at ") // by itself
}
