package mirror_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/mirror"
)

// history pushes three commits to main, a tag on the second, and a branch.
func (w *world) history() (last string) {
	w.t.Helper()
	w.commit(w.clone, "First", map[string]string{"README.md": "one\n"})
	w.commit(w.clone, "Second", map[string]string{"README.md": "two\n", "run.sh": "exit 0\n"})
	w.git(w.clone, "tag", "--annotate", "--message=v1", "v1.0")
	w.git(w.clone, "branch", "other")
	last = w.commit(w.clone, "Third", map[string]string{"README.md": "three\n"})
	w.push(w.clone, w.repo, "main", "other", "v1.0")
	return last
}

func TestFull(t *testing.T) {
	w := newWorld(t)
	r := w.request(w.history())
	r.Branch = "main"
	dir := w.checkout(r)
	for _, c := range []struct{ args, want string }{
		{"rev-parse HEAD", r.Commit},
		{"symbolic-ref HEAD", "refs/heads/main"},
		{"rev-list --count HEAD", "3"},
		{"describe", "v1.0-1-g" + r.Commit[:7]},
		{"describe --dirty", "v1.0-1-g" + r.Commit[:7]},
		{"status --porcelain", ""},
		{"rev-list --count origin/other..HEAD", "1"},
		{"config remote.origin.url", w.mirrors.URL + "/octo/shop.git"},
		{"fsck --full", ""},
		{"for-each-ref --format=%(refname)", "refs/heads/main\nrefs/remotes/origin/main\nrefs/remotes/origin/other\nrefs/tags/v1.0"},
	} {
		if got := w.git(dir, strings.Fields(c.args)...); got != c.want {
			t.Errorf("git %s prints %q, want %q", c.args, got, c.want)
		}
	}
	if got := w.read(filepath.Join(dir, "README.md")); got != "three\n" {
		t.Errorf("README.md is %q", got)
	}
}

func TestDepth(t *testing.T) {
	w := newWorld(t)
	r := w.request(w.history())
	r.Depth = 2
	dir := w.checkout(r)
	if got := w.git(dir, "rev-list", "--count", "HEAD"); got != "2" {
		t.Errorf("a clone of depth 2 has %s commits", got)
	}
	if got, want := w.git(dir, "describe"), "v1.0-1-g"+r.Commit[:7]; got != want {
		t.Errorf("git describe prints %q, want %q", got, want)
	}
	if got := w.git(dir, "branch", "--show-current"); got != "" {
		t.Errorf("HEAD is on %q", got)
	}
	r.Depth, r.Branch = 1, "main"
	dir = w.checkout(r)
	if got := w.git(dir, "for-each-ref", "--format=%(refname)"); got != "refs/heads/main\nrefs/remotes/origin/main" {
		t.Errorf("a clone of depth 1 has the refs %q", got)
	}
}

// A second fetch moves what is new and no more.
func TestSecondFetchIsSmall(t *testing.T) {
	w := newWorld(t)
	noise := make([]byte, 1<<20) // which does not compress
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	first := w.commit(w.clone, "Large", map[string]string{"large": string(noise)})
	w.push(w.clone, w.repo, "main")
	w.checkout(w.request(first))
	if got := w.bytes.Swap(0); got < 1<<20 {
		t.Fatalf("the first fetch moved %d bytes, fewer than the repository has", got)
	}
	second := w.commit(w.clone, "Small", map[string]string{"small": "x\n"})
	w.push(w.clone, w.repo, "main")
	w.open(mirror.Config{}) // another process finds the mirror
	if dir := w.checkout(w.request(second)); w.read(filepath.Join(dir, "large")) != string(noise) {
		t.Error("the large file is another")
	}
	got := w.bytes.Swap(0)
	t.Logf("the second fetch moved %d bytes", got)
	if got == 0 || got > 8<<10 {
		t.Errorf("the second fetch moved %d bytes", got)
	}
	r := w.request(first)
	r.Fresh = time.Now().Add(-time.Hour)
	w.checkout(r)
	if got := w.bytes.Load(); got != 0 {
		t.Errorf("a commit that the mirror has, and had after it was pushed, moved %d bytes", got)
	}
}

func TestForcePush(t *testing.T) {
	w := newWorld(t)
	old := w.history()
	w.checkout(w.request(old))
	w.git(w.clone, "reset", "--quiet", "--hard", "HEAD~2")
	forced := w.commit(w.clone, "Rewritten", map[string]string{"README.md": "anew\n"})
	w.push(w.clone, w.repo, "main", ":other")
	r := w.request(forced)
	r.Branch = "main"
	dir := w.checkout(r)
	if got := w.git(dir, "log", "--format=%s"); got != "Rewritten\nFirst" {
		t.Errorf("the history after a forced push is %q", got)
	}
	if got := w.git(dir, "branch", "--remotes", "--format=%(refname)"); got != "refs/remotes/origin/main" {
		t.Errorf("the branches are %q", got)
	}
}

// GitHub gives a commit that no branch has any more, and so do we, to a mirror
// that never saw it.
func TestCommitOfNoBranch(t *testing.T) {
	w := newWorld(t)
	old := w.history()
	w.git(w.clone, "reset", "--quiet", "--hard", "HEAD~2")
	w.push(w.clone, w.repo, "main", ":other", ":v1.0")
	dir := w.checkout(w.request(old))
	if got := w.git(dir, "log", "--format=%s"); got != "Third\nSecond\nFirst" {
		t.Errorf("the history is %q", got)
	}
}

func TestMissing(t *testing.T) {
	w := newWorld(t)
	last := w.history()
	w.refused(w.request(strings.Repeat("1", 40)), mirror.ErrMissing, "1111")
	w.refused(w.request("main"), mirror.ErrRefused, "no commit")
	r := w.request(last)
	r.Repository.ID++
	w.refused(r, mirror.ErrMissing, "another repository")
	r = w.request(last)
	r.Repository.Name = "octo/nothing"
	w.refused(r, mirror.ErrMissing, "octo/nothing")
	if strings.Contains(w.log.String(), "damaged") {
		t.Errorf("a mirror was taken for damaged:\n%s", w.log)
	}
}

func TestDamagedMirror(t *testing.T) {
	w := newWorld(t)
	r := w.request(w.history())
	for name, damage := range map[string]func(w *world, path string) bool{
		"packs cut": func(w *world, path string) bool {
			if !strings.HasSuffix(path, ".pack") {
				return false
			}
			if err := os.Chmod(path, 0o600); err != nil {
				w.t.Fatal(err)
			}
			return os.Truncate(path, 40) == nil
		},
		"packs gone":  func(_ *world, path string) bool { return strings.HasSuffix(path, ".pack") && os.Remove(path) == nil },
		"config gone": func(_ *world, path string) bool { return filepath.Base(path) == "config" && os.Remove(path) == nil },
		"HEAD gone":   func(_ *world, path string) bool { return filepath.Base(path) == "HEAD" && os.Remove(path) == nil },
		"refs are words": func(_ *world, path string) bool {
			return filepath.Base(path) == "main" && os.WriteFile(path, []byte("nonsense\n"), 0o600) == nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			w.open(mirror.Config{})
			w.checkout(r)
			damaged := false
			for _, path := range w.files() {
				damaged = damage(w, path) || damaged
			}
			if !damaged {
				t.Fatal("nothing was damaged")
			}
			w.open(mirror.Config{})
			dir := w.checkout(r)
			if got := w.git(dir, "rev-list", "--count", "HEAD"); got != "3" {
				t.Errorf("the history has %s commits", got)
			}
		})
	}
}

// A process that was killed leaves locks, half packs and half mirrors.
func TestLeftBehind(t *testing.T) {
	w := newWorld(t)
	r := w.request(w.history())
	w.checkout(r)
	var head string
	for _, path := range w.files() {
		if filepath.Base(path) == "HEAD" {
			head = path
		}
	}
	one := filepath.Dir(head)
	left := []string{
		filepath.Join(one, "refs", "heads", "main.lock"), filepath.Join(one, "packed-refs.lock"), filepath.Join(one, "HEAD.lock"),
		filepath.Join(one, "objects", "pack", "tmp_pack_x"), filepath.Join(w.dir, "new-1", "HEAD"), filepath.Join(w.dir, "old-1", "mirror", "HEAD"),
	}
	for _, path := range left {
		w.write(path, "")
	}
	next := w.commit(w.clone, "Next", nil)
	w.push(w.clone, w.repo, "main")
	w.open(mirror.Config{})
	w.checkout(w.request(next))
	for _, path := range left {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there", path)
		}
	}
	if strings.Contains(w.log.String(), "damaged") {
		t.Errorf("the mirror was made again:\n%s", w.log)
	}
}

func TestUnusedMirrorsGo(t *testing.T) {
	w := newWorld(t)
	w.checkout(w.request(w.history()))
	one := filepath.Join(w.dir, "*.git")
	if found, _ := filepath.Glob(one); len(found) != 1 {
		t.Fatalf("the mirrors are %q", found)
	} else if old := time.Now().Add(-31 * 24 * time.Hour); os.Chtimes(found[0], old, old) != nil {
		t.Fatal("the mirror could not be dated back")
	}
	w.open(mirror.Config{})
	if found, _ := filepath.Glob(one); len(found) != 0 {
		t.Errorf("after 31 days there is still %q", found)
	}
}

func TestLimits(t *testing.T) {
	w := newWorld(t)
	large := w.commit(w.clone, "Zeros", map[string]string{"zeros": strings.Repeat("\x00", 3<<20)})
	w.push(w.clone, w.repo, "main")
	w.open(mirror.Config{MaxBytes: 2 << 20}) // the repository has a few kilobytes, the tree three megabytes
	w.refused(w.request(large), mirror.ErrTooLarge, "the tree has more than")
	w.open(mirror.Config{MaxBytes: 1 << 10})
	w.refused(w.request(large), mirror.ErrTooLarge, "octo/shop has more than 1024 bytes")
	if found, _ := filepath.Glob(filepath.Join(w.dir, "*.git")); len(found) != 0 {
		t.Errorf("a mirror that is too large was kept: %q", found)
	}
	w.open(mirror.Config{MaxTime: time.Nanosecond})
	w.refused(w.request(large), mirror.ErrTooLarge, "took longer than 1ns")
}

// The tokens stand in no file, and in no command line while git runs.
func TestTokenIsNowhere(t *testing.T) {
	w := newWorld(t)
	r := w.request(w.history())
	looked := 0
	look := func(token string) {
		if _, ours := w.tokens.Load(token); !ours {
			t.Errorf("git came with %q, which is no token of ours", token)
		}
		looked++
		lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		seen := false
		for _, path := range lines {
			line, _ := os.ReadFile(path) // it may have ended
			seen = seen || bytes.Contains(line, []byte("/octo/shop.git"))
			if bytes.Contains(line, []byte(token)) || bytes.Contains(line, []byte("Basic")) {
				t.Errorf("a command line has the token: %q", line)
			}
		}
		if !seen {
			t.Error("git was not among the processes")
		}
	}
	w.onGit.Store(&look)
	dir := w.checkout(r)
	if looked == 0 {
		t.Fatal("git asked for nothing")
	}
	for _, below := range []string{dir, w.dir} {
		err := filepath.WalkDir(below, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			w.tokens.Range(func(token, _ any) bool {
				if bytes.Contains(data, []byte(token.(string))) || bytes.Contains(data, []byte("extraHeader")) {
					t.Errorf("%s has the token", path)
				}
				return true
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A token does not follow where a server sends git.
func TestRedirectsAreNotFollowed(t *testing.T) {
	w := newWorld(t)
	r := w.request(w.history())
	var reached atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer elsewhere.Close()
	asked := httptest.NewServer(http.RedirectHandler(elsewhere.URL+"/octo/shop.git/info/refs?service=git-upload-pack", http.StatusFound))
	defer asked.Close()
	w.open(mirror.Config{URL: asked.URL})
	if _, err := w.mirrors.Checkout(t.Context(), r, t.TempDir()); err == nil || reached.Load() {
		t.Errorf("git followed a redirection (%v)", err)
	}
}

func TestNoGit(t *testing.T) {
	w := newWorld(t)
	r := w.request(w.history())
	t.Setenv("PATH", t.TempDir())
	w.refused(r, mirror.ErrNoGit, "git is not installed")
}

func TestOnlyHTTPS(t *testing.T) {
	w := newWorld(t)
	for _, address := range []string{"http://example.com", "file:///etc", "ssh://github.com", "https://user@github.com", "ext::sh"} {
		w.open(mirror.Config{URL: address})
		w.refused(w.request(strings.Repeat("1", 40)), mirror.ErrRefused, "https only")
	}
}

func TestCancelled(t *testing.T) {
	w := newWorld(t)
	r := w.request(w.history())
	ctx, cancel := context.WithCancel(t.Context())
	stop := func(string) { cancel() }
	w.onGit.Store(&stop)
	if _, err := w.mirrors.Checkout(ctx, r, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled checkout gives %v", err)
	}
	w.onGit.Store(nil)
	w.checkout(r) // and the mirror goes on
}
