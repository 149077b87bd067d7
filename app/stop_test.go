package app_test

import (
	"strings"
	"testing"
)

// TestStopOfSeveral asks that what stops already does not keep the others from it.
func TestStopOfSeveral(t *testing.T) {
	w := newWorld(t)
	w.commit("Base", map[string]string{"base.txt": "base\n"})
	w.push("main")
	files := map[string]string{}
	for _, name := range []string{"ci", "cd"} {
		files[".github/pipelines/"+name+".yaml"] = strings.ReplaceAll(slow, "IMAGE", image)
	}
	n, sha := w.branch("feature", "Feature", files)
	titles := func(want string) {
		w.eventually("both of them: "+want, func() bool {
			ci, cd := w.runs(sha, "ci / build"), w.runs(sha, "cd / build")
			return len(ci) > 0 && len(cd) > 0 && strings.Contains(ci[0].Title, want) && strings.Contains(cd[0].Title, want)
		})
	}
	titles("running:")
	w.reaction(w.comment("bob", n, "/stop ci"), "+1")
	w.reaction(w.comment("bob", n, "/stop"), "+1")
	titles("Stopping: finishes what runs")
	w.refusedBy("bob", n, "/stop", "all that can be done is to abandon what runs")
	w.reaction(w.comment("bob", n, "/stop abandon"), "+1")
	w.check(sha, "ci / build", "cancelled")
	w.check(sha, "cd / build", "cancelled")
}
