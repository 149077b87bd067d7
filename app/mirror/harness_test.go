package mirror_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/mirror"
	"github.com/stagegate/stagegate/internal/githubtest"
)

// world is a GitHub with a repository, somebody's clone of it, and mirrors that
// reach it through a proxy which counts.
type world struct {
	t       *testing.T
	github  *githubtest.GitHub
	repo    *githubtest.Repository
	clone   string
	dir     string // of the mirrors
	client  *github.Client
	mirrors *mirror.Mirrors
	log     *buffer
	bytes   atomic.Int64                       // that the host sent
	onGit   atomic.Pointer[func(token string)] // called while git waits for an answer
	tokens  sync.Map
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, github: githubtest.New(t, githubtest.Options{}), dir: t.TempDir(), log: &buffer{}}
	w.github.AddUser("alice")
	w.repo = w.github.AddRepository("octo/shop")
	w.repo.SetPermission("alice", "write")
	w.clone = w.newClone()
	proxy := w.proxy()
	var err error
	w.client, err = github.New(github.Config{URL: w.github.URL(), AppID: w.github.AppID(), PrivateKey: w.github.PrivateKeyPEM()})
	if err != nil {
		t.Fatal(err)
	}
	w.open(mirror.Config{URL: proxy})
	return w
}

// open makes the mirrors anew, as the next process would.
func (w *world) open(c mirror.Config) {
	w.t.Helper()
	if w.mirrors != nil && c.URL == "" {
		c.URL = w.mirrors.URL
	}
	c.Dir, c.Log = w.dir, slog.New(slog.NewTextHandler(w.log, nil))
	var err error
	if w.mirrors, err = mirror.New(c); err != nil {
		w.t.Fatal(err)
	}
}

// proxy stands between git and the host.
func (w *world) proxy() string {
	target, err := url.Parse(w.github.URL())
	if err != nil {
		w.t.Fatal(err)
	}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			r.Body = counted{r.Body, &w.bytes}
			return nil
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, token, _ := r.BasicAuth()
		if look := w.onGit.Load(); look != nil {
			(*look)(token)
		}
		forward.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(server.Close)
	return server.URL
}

// readable is the host with the eyes of octo's installation.
type readable struct{ *world }

func (r readable) Find(ctx context.Context, name string) (mirror.Repository, error) {
	owner, rest, _ := strings.Cut(name, "/")
	found, _, err := r.client.Find(ctx, github.Repository{Installation: r.github.InstallationID("octo"), Owner: owner, Name: rest})
	if errors.Is(err, github.ErrNotFound) {
		err = fmt.Errorf("%w: %w", mirror.ErrMissing, err)
	}
	return mirror.Repository{ID: found.ID, Name: found.String()}, err
}

func (r readable) Token(ctx context.Context) (string, error) {
	token, err := r.client.ReadToken(ctx, r.github.InstallationID("octo"))
	r.tokens.Store(token, true)
	return token, err
}

// request asks for a commit of the repository, with all of its history.
func (w *world) request(commit string) mirror.Request {
	return mirror.Request{
		Host: readable{w}, Repository: mirror.Repository{ID: w.repo.ID(), Name: w.repo.FullName()}, Commit: commit,
	}
}

func (w *world) checkout(r mirror.Request) string {
	w.t.Helper()
	dir := w.t.TempDir()
	if _, err := w.mirrors.Checkout(w.t.Context(), r, dir); err != nil {
		w.t.Fatalf("checkout: %v\n%s", err, w.log)
	}
	return dir
}

// refused is a checkout that must fail as one of the kinds.
func (w *world) refused(r mirror.Request, kind error, words string) {
	w.t.Helper()
	_, err := w.mirrors.Checkout(w.t.Context(), r, w.t.TempDir())
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), words) {
		w.t.Errorf("checkout gives %v, want %v with %q", err, kind, words)
	}
}

func (w *world) newClone() string {
	w.t.Helper()
	dir := filepath.Join(w.t.TempDir(), "clone")
	w.git("", "init", "--quiet", "--initial-branch=main", dir)
	return dir
}

func (w *world) git(dir string, args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=alice", "GIT_AUTHOR_EMAIL=alice@users.noreply.github.com",
		"GIT_COMMITTER_NAME=alice", "GIT_COMMITTER_EMAIL=alice@users.noreply.github.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes files and commits them on the present branch of a clone.
func (w *world) commit(dir, message string, files map[string]string) string {
	w.t.Helper()
	for name, text := range files {
		w.write(filepath.Join(dir, name), text)
	}
	w.git(dir, "add", "--all")
	w.git(dir, "commit", "--quiet", "--allow-empty", "--message="+message)
	return w.git(dir, "rev-parse", "HEAD")
}

func (w *world) write(path, text string) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(path string) string {
	w.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}

// push pushes what a clone has to a repository, as alice.
func (w *world) push(dir string, repo *githubtest.Repository, refs ...string) {
	w.t.Helper()
	w.git(dir, append([]string{"push", "--quiet", "--force", repo.CloneURL("alice")}, refs...)...)
}

// files lists what stands below the folder of the mirrors.
func (w *world) files() []string {
	w.t.Helper()
	var list []string
	err := filepath.WalkDir(w.dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// counted counts what is read.
type counted struct {
	body interface {
		Read(p []byte) (int, error)
		Close() error
	}
	sum *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.body.Read(p)
	c.sum.Add(int64(n))
	return n, err
}

func (c counted) Close() error { return c.body.Close() }

// buffer is a log.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
