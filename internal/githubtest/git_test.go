package githubtest_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPushArrives(t *testing.T) {
	w := newWorld(t)
	sha := w.push("main", "README.md", "hello\n")
	pushes := w.delivered("push", "")
	if len(pushes) != 1 {
		t.Fatalf("%d pushes", len(pushes))
	}
	for path, want := range map[string]any{
		"ref": "refs/heads/main", "before": strings.Repeat("0", 40), "after": sha, "created": true, "deleted": false,
		"forced": false, "repository.full_name": "octo/shop", "repository.owner.login": "octo",
		"repository.default_branch": "main", "pusher.name": "alice", "sender.login": "alice", "head_commit.id": sha,
		"head_commit.author.username": "alice", "head_commit.committer.username": "alice",
		"installation.id": float64(w.github.InstallationID("octo")), "organization.login": "octo",
	} {
		if got := at(pushes[0], path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	commits, _ := pushes[0]["commits"].([]any)
	if len(commits) != 1 || fmt.Sprint(at(commits[0], "added")) != "[README.md]" {
		t.Errorf("commits are %v", commits)
	}
	if suites := w.delivered("check_suite", "requested"); len(suites) != 1 || at(suites[0], "check_suite.head_sha") != sha {
		t.Errorf("check suites are %v", suites)
	}
}

// TestPushes looks at what git push can do: more commits, a new branch, force,
// a tag and a deletion.
func TestPushes(t *testing.T) {
	w := newWorld(t)
	first := w.push("main", "a", "a\n")
	w.write("b", "b\n")
	w.commit("c", "c\n")
	w.git(w.clone, "rm", "--quiet", "a")
	last := w.push("main", "b", "bb\n")
	w.git(w.clone, "push", "--quiet", "origin", "main:copy")
	w.git(w.clone, "tag", "v1")
	w.git(w.clone, "push", "--quiet", "origin", "v1")
	w.git(w.clone, "reset", "--quiet", "--hard", first)
	w.git(w.clone, "push", "--quiet", "--force", "origin", "main")
	w.git(w.clone, "push", "--quiet", "origin", ":copy")
	pushes := w.delivered("push", "")
	for i, want := range []map[string]any{
		{"ref": "refs/heads/main", "created": true},
		{"ref": "refs/heads/main", "before": first, "after": last, "created": false, "forced": false},
		{"ref": "refs/heads/copy", "after": last, "created": true, "base_ref": "refs/heads/main", "head_commit.id": last},
		{"ref": "refs/tags/v1", "after": last, "created": true, "head_commit.id": last},
		{"ref": "refs/heads/main", "before": last, "after": first, "forced": true, "created": false},
		{"ref": "refs/heads/copy", "before": last, "after": strings.Repeat("0", 40), "deleted": true, "head_commit": nil},
	} {
		if i >= len(pushes) {
			t.Fatalf("%d pushes", len(pushes))
		}
		for path, v := range want {
			if got := at(pushes[i], path); got != v {
				t.Errorf("push %d: %s is %v, want %v", i+1, path, got, v)
			}
		}
	}
	commits, _ := pushes[1]["commits"].([]any)
	if len(commits) != 2 || fmt.Sprint(at(commits[0], "added")) != "[b c]" || fmt.Sprint(at(commits[1], "modified")) != "[b]" || fmt.Sprint(at(commits[1], "removed")) != "[a]" {
		t.Errorf("commits are %v", commits)
	}
	if commits, _ := pushes[2]["commits"].([]any); len(commits) != 0 {
		t.Errorf("a branch without commits of its own brought %v", commits)
	}
	w.get("/repos/octo/shop/commits/" + last).want(200) // found though no branch has it
}

func TestWhoMayPush(t *testing.T) {
	w := newWorld(t)
	w.push("main", "a", "a\n")
	for login, want := range map[string]string{"bob": "403", "nobody": "Authentication failed"} {
		address := strings.Replace(w.repo.CloneURL("alice"), "alice:", login+":", 1)
		if _, err := w.tryGit(w.clone, "push", address, "HEAD:main"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", login, err)
		}
	}
	w.git("", "clone", "--quiet", w.repo.CloneURL("bob"), filepath.Join(t.TempDir(), "copy"))
	app := strings.Replace(w.repo.CloneURL("alice"), "alice:secret", "x-access-token:"+w.token, 1)
	w.git("", "clone", "--quiet", app, filepath.Join(t.TempDir(), "copy"))
	if _, err := w.tryGit(w.clone, "push", app, "HEAD:other"); err == nil {
		t.Error("the App pushed with permission to read")
	}
	w.repo.SetPrivate(true)
	if _, err := w.tryGit("", "ls-remote", w.repo.CloneURL("bob")); err == nil {
		t.Error("bob reads what is private")
	}
	if got := w.delivered("push", ""); len(got) != 1 {
		t.Errorf("%d pushes", len(got))
	}
}

// TestLargePush is over what git sends in one piece.
func TestLargePush(t *testing.T) {
	w := newWorld(t)
	var b strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&b, "%d %d\n", i*i*7919, i)
	}
	w.push("main", "large.txt", b.String())
	if got := w.delivered("push", ""); len(got) != 1 {
		t.Errorf("%d pushes", len(got))
	}
	w.get("/repos/octo/shop/contents/large.txt").want(200).says(`"encoding":"none"`)
}

func TestContents(t *testing.T) {
	w := newBusy(t)
	var file struct{ Type, Content, Encoding, SHA, Target string }
	w.get("/repos/octo/shop/contents/dir/b.txt?ref=feature/x").want(200).into(&file)
	text, err := base64.StdEncoding.DecodeString(file.Content)
	if err != nil || string(text) != "b\nc\n" || file.Type != "file" || file.SHA != w.blob {
		t.Errorf("%+v: %v", file, err)
	}
	w.get("/repos/octo/shop/contents/dir%2Fa.txt").want(200).says(`"path":"dir/a.txt"`)
	w.get("/repos/octo/shop/contents/link").want(200).says(`"path":"dir/a.txt"`)
	w.get("/repos/octo/shop/contents/dangling").want(200).says(`"type":"symlink"`).says(`"target":"/nowhere"`)
	w.get("/repos/octo/shop/contents/lib").want(200).says(`"type":"submodule"`).says(`"submodule_git_url":"https://example.com/lib.git"`)
	w.get("/repos/octo/shop/contents/dir/b.txt").want(404)
	w.get("/repos/octo/shop/contents/none").want(404)
	w.get("/repos/octo/shop/contents/dir?ref=none").want(404).says("No commit found for the ref none")
	var list []struct{ Name, Type string }
	w.get("/repos/octo/shop/contents").want(200).into(&list)
	types := map[string]string{}
	for _, e := range list {
		types[e.Name] = e.Type
	}
	want := map[string]string{".gitmodules": "file", "dir": "dir", "run.sh": "file", "link": "symlink", "dangling": "symlink", "lib": "file"}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyRepository(t *testing.T) {
	w := newWorld(t)
	w.get("/repos/octo/shop/contents/a").want(404).says("This repository is empty.")
	w.get("/repos/octo/shop/commits").want(409)
	w.get("/repos/octo/shop/commits/main").want(409)
	w.get("/repos/octo/shop/git/ref/heads/main").want(409)
	w.push("main", "a", "a\n")
	w.get("/repos/octo/shop/commits/" + strings.Repeat("a", 40)).want(422).says("No commit found for SHA")
	w.get("/repos/octo/shop/git/ref/heads/none").want(404)
	w.get("/repos/octo/shop/branches/none").want(404)
}

func TestCompare(t *testing.T) {
	w := newBusy(t)
	w.git(w.clone, "checkout", "--quiet", "-b", "other", "v1")
	w.push("other", "z", "z\n")
	for pair, want := range map[string]string{
		"main...feature/x": "ahead 1 0", "feature/x...main": "behind 0 1", "main...main": "identical 0 0",
		"other...feature/x": "diverged 1 1", "v1..." + w.sha: "ahead 1 0",
	} {
		var got struct {
			Status string
			Ahead  int `json:"ahead_by"`
			Behind int `json:"behind_by"`
		}
		w.get("/repos/octo/shop/compare/" + pair).want(200).into(&got)
		if s := fmt.Sprint(got.Status, " ", got.Ahead, " ", got.Behind); s != want {
			t.Errorf("%s is %s, want %s", pair, s, want)
		}
	}
	w.get("/repos/octo/shop/compare/main...none").want(404)
	w.get("/repos/octo/shop/pulls/1/files").says(`"filename":"walk.sh"`).says(`"previous_filename":"run.sh"`).says(`"status":"renamed"`)
	w.get("/repos/octo/shop/commits/" + w.sha + "/pulls").says(`"number":1`)
}

func TestTarball(t *testing.T) {
	w := newWorld(t)
	w.write("secret/notes.txt", "n\n")
	w.write(".gitattributes", "secret export-ignore\n")
	sha := w.push("main", "a", "a\n")
	to := w.get("/repos/octo/shop/tarball/" + sha).want(302).header.Get("Location")
	files, err := untar(w.call("GET", to, "", "").want(200).body)
	if err != nil {
		t.Fatal(err)
	}
	top := "octo-shop-" + sha[:7] + "/"
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, []string{top + ".gitattributes", top + "a"}) || files[top+"a"] != "a\n" {
		t.Errorf("the archive has %v", files)
	}
	w.call("GET", strings.Split(to, "?")[0], "", "").want(404)
	w.get("/repos/octo/shop/tarball/none").want(404)
}

// untar reads the files of a gzipped tar.
func untar(raw []byte) (map[string]string, error) {
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeReg {
			text, err := io.ReadAll(r)
			if err != nil {
				return nil, err
			}
			files[h.Name] = string(text)
		}
	}
}

func TestUnknownGitRepository(t *testing.T) {
	w := newWorld(t)
	w.call("GET", "/octo/none.git/info/refs?service=git-upload-pack", "", "").want(http.StatusUnauthorized)
}

func TestMediaTypes(t *testing.T) {
	w := newWorld(t)
	w.push("main", "a", "text\n")
	read := func(path, accept string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "GET", w.github.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"Authorization": {"Bearer " + w.token}, "Accept": {accept}}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if status, body := read("/repos/octo/shop/contents/a", "application/vnd.github.raw+json"); status != 200 || body != "text\n" {
		t.Errorf("raw content: %d %q", status, body)
	}
	if status, _ := read("/repos/octo/shop", "application/vnd.github.mercy-preview+json"); status != 200 {
		t.Errorf("a preview: %d", status)
	}
	if status, _ := read("/repos/octo/shop/commits/main", "application/vnd.github.diff"); status != http.StatusNotImplemented {
		t.Errorf("a diff: %d", status)
	}
	w.wrong("diff is not implemented by githubtest")
}
