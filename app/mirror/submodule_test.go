package mirror_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/mirror"
	"github.com/stagegate/stagegate/internal/githubtest"
)

// library adds a repository with one commit of a file, and returns the commit.
func (w *world) library(name string, files map[string]string) string {
	w.t.Helper()
	repo := w.github.AddRepository(name)
	repo.SetPermission("alice", "write")
	dir := w.newClone()
	sha := w.commit(dir, "Library", files)
	w.push(dir, repo, "main")
	return sha
}

// superproject pushes a commit with a .gitmodules as written and one submodule.
func (w *world) superproject(gitmodules, path, commit string) mirror.Request {
	w.t.Helper()
	w.write(filepath.Join(w.clone, ".gitmodules"), gitmodules)
	w.git(w.clone, "add", ".gitmodules")
	w.git(w.clone, "update-index", "--add", "--cacheinfo", "160000,"+commit+","+path)
	w.git(w.clone, "commit", "--quiet", "--message=Submodule")
	w.push(w.clone, w.repo, "main")
	r := w.request(w.git(w.clone, "rev-parse", "HEAD"))
	r.Submodules = mirror.OwnSubmodules
	return r
}

func gitmodules(name, path, url string) string {
	return "[submodule \"" + name + "\"]\n\tpath = " + path + "\n\turl = " + url + "\n"
}

func TestSubmodules(t *testing.T) {
	w := newWorld(t)
	inner := w.library("octo/inner", map[string]string{"inner.txt": "inner\n"})
	lib := w.library("octo/lib", map[string]string{"lib.txt": "lib\n", "vendor/x": "x\n"})
	// lib has a submodule of its own.
	dir := w.newClone()
	w.git(dir, "fetch", "--quiet", w.github.Repository("octo/lib").CloneURL("alice"), "main")
	w.git(dir, "reset", "--quiet", "--hard", lib)
	w.write(filepath.Join(dir, ".gitmodules"), gitmodules("inner", "deep/inner", "../inner.git"))
	w.git(dir, "add", ".gitmodules")
	w.git(dir, "update-index", "--add", "--cacheinfo", "160000,"+inner+",deep/inner")
	w.git(dir, "commit", "--quiet", "--message=Inner")
	lib = w.git(dir, "rev-parse", "HEAD")
	w.push(dir, w.github.Repository("octo/lib"), "main")

	r := w.superproject(gitmodules("a lib", "third party/lib", "../lib"), "third party/lib", lib)
	dir = w.checkout(r)
	at := filepath.Join(dir, "third party", "lib")
	if got := w.read(filepath.Join(at, "lib.txt")); got != "lib\n" {
		t.Errorf("the submodule has %q", got)
	}
	if got := w.git(at, "rev-list", "--count", "HEAD"); got != "2" {
		t.Errorf("the submodule has %s commits", got)
	}
	if got := w.git(dir, "submodule", "status"); !strings.HasPrefix(got, lib+" third party/lib") {
		t.Errorf("git submodule status prints %q", got)
	}
	if got := w.git(dir, "status", "--porcelain"); got != "" {
		t.Errorf("git status prints %q", got)
	}
	if left, err := os.ReadDir(filepath.Join(at, "deep", "inner")); err != nil || len(left) != 0 {
		t.Errorf("the submodule's submodule has %v, %v", left, err)
	}
	r.Submodules, r.Depth = mirror.AllSubmodules, 1
	dir = w.checkout(r)
	if got := w.read(filepath.Join(dir, "third party", "lib", "deep", "inner", "inner.txt")); got != "inner\n" {
		t.Errorf("the submodule's submodule has %q", got)
	}
	if got := w.git(filepath.Join(dir, "third party", "lib"), "rev-list", "--count", "HEAD"); got != "1" {
		t.Errorf("the submodule has %s commits", got)
	}
	r.Submodules = mirror.NoSubmodules
	if left, err := w.mirrors.Checkout(t.Context(), r, t.TempDir()); err != nil || left != (mirror.Left{Submodules: true}) {
		t.Errorf("without submodules the tree lacks %+v (%v)", left, err)
	}
}

// What is not at the host is refused with a sentence. TestResolve has the
// addresses.
func TestAddressesOfSubmodules(t *testing.T) {
	w := newWorld(t)
	lib := w.library("octo/lib", map[string]string{"lib.txt": "lib\n"})
	host, _, _ := strings.Cut(strings.TrimPrefix(w.mirrors.URL, "http://"), ":")
	if dir := w.checkout(w.superproject(gitmodules("lib", "lib", "git@"+host+":octo/lib.git"), "lib", lib)); w.read(filepath.Join(dir, "lib", "lib.txt")) != "lib\n" {
		t.Error("the submodule has something else")
	}
	ran := filepath.Join(t.TempDir(), "ran")
	for _, address := range []string{w.github.Repository("octo/lib").Dir(), "ext::touch " + ran, "https://example.com/octo/lib.git"} {
		w.refused(w.superproject(gitmodules("lib", "lib", address), "lib", lib), mirror.ErrRefused, "is not a repository of "+w.mirrors.URL)
	}
	if _, err := os.Lstat(ran); err == nil {
		t.Error("an address was run")
	}
	w.refused(w.superproject(gitmodules("lib", "lib", "../nothing.git"), "lib", lib), mirror.ErrMissing, "octo/nothing")
	w.refused(w.superproject(gitmodules("lib", "elsewhere", "../lib.git"), "lib", lib), mirror.ErrRefused, ".gitmodules has no url for it")
	w.refused(w.superproject("[submodule", "lib", lib), mirror.ErrRefused, ".gitmodules of octo/shop cannot be read")
}

// A repository within itself ends.
func TestSubmoduleOfItself(t *testing.T) {
	w := newWorld(t)
	first := w.commit(w.clone, "First", nil)
	for range 10 {
		first = w.superproject(gitmodules("self", "self", "../shop.git"), "self", first).Commit
	}
	r := w.request(first)
	r.Submodules = mirror.AllSubmodules
	w.refused(r, mirror.ErrRefused, "at most 8 within each other")
}

// GitHub would not take these; one that did would have them refused by git.
func TestHostileObjects(t *testing.T) {
	for name, c := range map[string]struct {
		make func(w *world) (commit string)
		want string
	}{
		"submodule that climbs": {func(w *world) string {
			return w.superproject(gitmodules("../../hooks", "lib", "../lib.git"), "lib", strings.Repeat("1", 40)).Commit
		}, "disallowed submodule name"},
		"submodule with an option for address": {func(w *world) string {
			return w.superproject(gitmodules("lib", "lib", "--upload-pack=touch /tmp/x"), "lib", strings.Repeat("1", 40)).Commit
		}, "disallowed submodule url"},
		".git in the tree": {func(w *world) string { return w.tree("100644", ".git") }, "hasDotgit"},
		".GIT in the tree": {func(w *world) string { return w.tree("100644", ".GIT") }, "hasDotgit"},
		"two dots":         {func(w *world) string { return w.tree("100644", "..") }, "hasDotdot"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.refused(w.request(c.make(w)), mirror.ErrMissing, c.want)
			if strings.Contains(w.log.String(), "damaged") {
				t.Errorf("the mirror was taken for damaged:\n%s", w.log)
			}
		})
	}
}

// tree pushes a commit whose tree has one entry of any name.
func (w *world) tree(mode, name string) string {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), "blob")
	w.write(file, "hostile\n")
	blob := w.git(w.clone, "hash-object", "-w", file)
	raw := []byte(mode + " " + name + "\x00")
	for i := 0; i < len(blob); i += 2 {
		raw = append(raw, unhex(blob[i])<<4|unhex(blob[i+1]))
	}
	w.write(file, string(raw))
	tree := w.git(w.clone, "hash-object", "-w", "--literally", "-t", "tree", file)
	commit := w.git(w.clone, "commit-tree", "-m", "Hostile", tree)
	w.push(w.clone, w.repo, commit+":refs/heads/main")
	return commit
}

func unhex(c byte) byte { return byte(strings.IndexByte("0123456789abcdef", c)) }

func TestLFS(t *testing.T) {
	w := newWorld(t)
	picture := strings.Repeat("picture ", 1000)
	one, two := w.repo.PutLFS(picture), w.repo.PutLFS("")
	r := w.request(w.commit(w.clone, "LFS", map[string]string{
		"a.bin": one, "b/c.bin": one, "empty.bin": two, "small.txt": "x\n", ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
		".lfsconfig": "[lfs]\n\turl = https://example.com/evil\n",
	}))
	w.push(w.clone, w.repo, "main")
	dir := t.TempDir()
	if left, err := w.mirrors.Checkout(t.Context(), r, dir); err != nil || left != (mirror.Left{LFS: true}) {
		t.Fatalf("without LFS the tree lacks %+v (%v)", left, err)
	}
	if got := w.read(filepath.Join(dir, "a.bin")); got != one {
		t.Errorf("without LFS a.bin is %q", got)
	}
	r.LFS = true
	dir = w.checkout(r)
	for name, want := range map[string]string{"a.bin": picture, "b/c.bin": picture, "empty.bin": "", "small.txt": "x\n"} {
		if got := w.read(filepath.Join(dir, name)); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if got := w.git(dir, "status", "--porcelain"); got != "" {
		t.Errorf("git status prints %q", got)
	}
	w.open(mirror.Config{MaxBytes: int64(2*len(picture)) - 1})
	w.refused(r, mirror.ErrTooLarge, "the tree has more than")
	w.open(mirror.Config{})
	r.Commit = w.commit(w.clone, "Gone", map[string]string{"gone.bin": githubtest.Pointer(strings.Repeat("1", 64), 5)})
	w.push(w.clone, w.repo, "main")
	w.refused(r, mirror.ErrMissing, "gone.bin: Object does not exist on the server")
}
