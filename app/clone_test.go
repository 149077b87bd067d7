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

// A submodule must not open to whoever can push what only the App may read.
func TestSubmoduleIsOfThePushers(t *testing.T) {
	w := newWorld(t)
	private := w.github.AddRepository("octo/private")
	private.SetPermission("alice", "write")
	other := t.TempDir()
	w.git(other, "init", "--quiet", "--initial-branch=main")
	w.git(other, "commit", "--quiet", "--allow-empty", "--message=Private")
	w.git(other, "push", "--quiet", private.CloneURL("alice"), "main")
	private.SetPrivate(true)

	w.commit("Submodule", map[string]string{".gitmodules": "[submodule \"p\"]\n\tpath = p\n\turl = ../private.git\n"})
	w.pipeline(strings.NewReplacer("clone: full", "submodules: true", `"cat`, `"test -e p/.git/HEAD; cat`).Replace(cloned))
	w.git(w.clone, "update-index", "--add", "--cacheinfo", "160000,"+w.git(other, "rev-parse", "HEAD")+",p")
	w.git(w.clone, "commit", "--quiet", "--message=Link")
	sha := w.git(w.clone, "rev-parse", "HEAD")
	w.git(w.clone, "push", "--quiet", w.repo.CloneURL("carol"), "main")
	run := w.check(sha, "ci / build", "failure")
	if want := "octo/private is not public, and carol, who started this, may not read it"; !strings.Contains(run.Title+run.Summary+run.Text, want) {
		t.Errorf("the check run does not say why: %+v", run)
	}
	w.git(w.clone, "commit", "--quiet", "--allow-empty", "--message=Again")
	w.push("main")
	sha = w.git(w.clone, "rev-parse", "HEAD")
	w.check(sha, "ci / build", "success")
}
