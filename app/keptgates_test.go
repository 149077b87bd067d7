package app_test

import (
	"testing"

	"github.com/stagegate/stagegate/app/api"
)

// TestStartOfAnOlderCommit asks for commits of the default branch from before a gate was
// there, by the names of pipelines then and now.
func TestStartOfAnOlderCommit(t *testing.T) {
	w := newWorld(t)
	weak := w.pipeline(withApproval("self-review: true"))
	same := w.pipeline(withApproval("users: [bob]"))
	edited := w.commit("Other", map[string]string{"a.txt": "a\n"})
	w.push("main")
	w.check(edited, "ci / production", "action_required")
	c := w.api()
	_, err := c.Start(w.context(), api.Start{Repository: "octo/shop", Pipeline: "ci", Commit: weak}, "")
	w.refusedWith(err, api.Conflict, "has gates that are weaker than those of the head, "+edited[:7])
	if _, err = c.Start(w.context(), api.Start{Repository: "octo/shop", Pipeline: "ci", Commit: same}, ""); err != nil {
		t.Error(err)
	}
	w.git(w.clone, "rm", "--quiet", ".github/pipelines/ci.yaml")
	gone := w.commit("Without", map[string]string{".github/pipelines/cd.yaml": w.read(".github/pipelines/ci.yaml", edited)})
	w.push("main")
	w.check(gone, "cd / production", "action_required")
	_, err = c.Start(w.context(), api.Start{Repository: "octo/shop", Pipeline: "ci", Commit: weak}, "")
	w.refusedWith(err, api.Conflict, `there is no pipeline "ci" at `+gone[:7])
}

// read is a file of a commit.
func (w *world) read(file, commit string) string {
	w.t.Helper()
	return w.git(w.clone, "show", commit+":"+file) + "\n"
}
