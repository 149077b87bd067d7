package app_test

import (
	"strings"
	"testing"
)

const reviewed = `
on: { push: { branches: [main] } }
stages:
  - name: production
    environment: production
    actions:
      - { name: sign-off, approval: { users: [carol, bob], count: 2 } }
      - { name: roll-out, needs: [sign-off], image: IMAGE, run: "true" }
`

// planOf waits for the one comment that says what a pull request changes about
// pipelines, and for texts in it.
func (w *world) planOf(n int, wants ...string) string {
	w.t.Helper()
	var text string
	w.eventually("a plan with "+strings.Join(wants, ", "), func() bool {
		found := 0
		for _, c := range w.repo.Comments(n) {
			if strings.Contains(c.Body, "<!-- stagegate:plan -->") {
				text, found = c.Body, found+1
			}
		}
		for _, want := range wants {
			if !strings.Contains(text, want) {
				return false
			}
		}
		return found == 1
	})
	return text
}

// TestPlanOfAnEdit says on a pull request what its edit means, what weakens gates first,
// and which of the last events would start something else; once, edited with each push.
func TestPlanOfAnEdit(t *testing.T) {
	w := newWorld(t)
	w.pipeline(reviewed)
	w.push("main")
	w.git(w.clone, "push", "--quiet", w.repo.CloneURL("alice"), "main:refs/heads/next")
	edited := strings.NewReplacer("count: 2", "count: 1", "branches: [main]", "branches: [next]", "IMAGE", image).Replace(reviewed)
	n, _ := w.branch("edit", "Edit", map[string]string{
		".github/pipelines/ci.yaml": edited,
		settingsFile:                "environments:\n  production: { branches: [\"**\"] }\n",
	})
	text := w.planOf(n,
		"**This weakens gates, or may:**",
		"asked for the approval `sign-off` by `2 of carol, bob` and asks `carol, bob`.",
		"`production` was trusted as one that `runs on main`, and `runs on **`.",
		"It now starts on `push branches [next]`.",
		"- push to `main` (", "would no longer start `ci`.",
		"- push to `next` (", "would now start `ci`.",
	)
	if strings.Index(text, "asked for the approval") > strings.Index(text, "It now starts on") {
		t.Errorf("what weakens a gate does not come first: %s", text)
	}
	if strings.Contains(text, "@") {
		t.Errorf("somebody is mentioned: %s", text)
	}
	w.commit("More", map[string]string{".github/pipelines/evil.yaml": strings.ReplaceAll("on: push\nstages: [{ name: x, actions: [{ name: y, image: IMAGE, run: env, secrets: [KEY] }] }]\n", "IMAGE", image)})
	w.push("edit")
	w.planOf(n, "`evil` (`.github/pipelines/evil.yaml`), new: `x` gives `KEY` to `y`.")
	w.commit("Broken", map[string]string{".github/pipelines/evil.yaml": "on: push\nstagse: []\n"})
	w.push("edit")
	w.planOf(n, "It cannot be read; mistakes that its check shows: 1.")
	w.git(w.clone, "checkout", "--quiet", "main", "--", ".github/pipelines")
	w.git(w.clone, "rm", "--quiet", "-r", "-f", settingsFile, ".github/pipelines/evil.yaml")
	w.commit("Back", map[string]string{"other.txt": "x\n"})
	w.push("edit")
	w.planOf(n, "no longer changes pipelines")
}

// TestPlanOfAFork is made of files that are read; nothing of it runs.
func TestPlanOfAFork(t *testing.T) {
	w := newWorld(t)
	f, sha := w.forked(map[string]string{".github/pipelines/`@bob`.yaml": "on: push\nstages: []\n"})
	text := w.planOf(f.number, "`ci`", "The stage `build` is removed", "`evil` (`.github/pipelines/evil.yaml`), new")
	if strings.Contains(text, "``") || !strings.Contains(text, "'@bob'") {
		t.Errorf("a name got out of its code: %s", text)
	}
	f.held(sha)
	f.nothing(sha)
}

// TestNoPlan leaves a pull request alone that touches no pipeline.
func TestNoPlan(t *testing.T) {
	w := newWorld(t)
	w.pipeline(reviewed)
	w.push("main")
	n, _ := w.branch("quiet", "Quiet", map[string]string{"a.txt": "a\n"})
	loud, _ := w.branch("loud", "Loud", map[string]string{".github/pipelines/ci.yaml": strings.ReplaceAll(reviewed, "IMAGE", image) + "# more\n"})
	w.planOf(loud, "Nothing that a pipeline does.", "would start the same as before")
	for _, c := range w.repo.Comments(n) {
		t.Errorf("a comment: %s", c.Body)
	}
}
