package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const cloned = `
on: push
source: { clone: full }
stages:
  - name: build
    actions:
      - { name: look, image: IMAGE, run: "cat .git/HEAD .git/refs/heads/main; ls .git/objects/pack; cat README.md" }
`

func TestClone(t *testing.T) {
	w := newWorld(t)
	w.commit("Base", map[string]string{"base.txt": "base\n"})
	sha := w.pipeline(cloned)
	w.push("main")
	run := w.check(sha, "ci / build", "success")
	log := w.actionLog(run, "look")
	for _, want := range []string{"ref: refs/heads/main", sha, ".pack", "shop"} {
		if !strings.Contains(log, want) {
			t.Errorf("the clone's log lacks %q:\n%s", want, log)
		}
	}
	if found, _ := filepath.Glob(filepath.Join(w.data, "mirrors", "*.git")); len(found) != 1 {
		t.Errorf("the mirrors are %q", found)
	}
	if left, err := os.ReadDir(filepath.Join(w.data, "tmp")); err != nil || len(left) != 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}
