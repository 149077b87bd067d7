package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stagegate/stagegate/app"
	"github.com/stagegate/stagegate/app/blob"
	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store/sqlite"
	"github.com/stagegate/stagegate/config"
	"github.com/stagegate/stagegate/internal/githubtest"
	"github.com/stagegate/stagegate/runner"
	"github.com/stagegate/stagegate/runner/docker"
)

const (
	image = "stagegate/busybox:local"
	// patience is how long a test waits for something that should come soon.
	patience = 60 * time.Second
)

// world is a GitHub with a repository and people, and an App with a runner on
// Docker. alice and carol may write, bob may write, mallory may read.
type world struct {
	t      *testing.T
	github *githubtest.GitHub
	repo   *githubtest.Repository
	clone  string
	data   string
	listen string
	log    *syncBuffer
	allow  string        // of its settings, from the next start on
	apart  bool          // it has no runner of its own, from the next start on
	shift  time.Duration // how far the App's clock is ahead, from the next start on
	stop   func()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel() // a world waits far more than it computes
	w := &world{t: t, github: githubtest.New(t, githubtest.Options{}), data: t.TempDir(), log: newSyncBuffer()}
	for _, login := range []string{"alice", "bob", "carol", "mallory"} {
		w.github.AddUser(login)
	}
	w.repo = w.github.AddRepository("octo/shop")
	for login, permission := range map[string]string{"alice": "write", "bob": "maintain", "carol": "write", "mallory": "read"} {
		w.repo.SetPermission(login, permission)
	}
	var err error
	if w.listen, err = githubtest.FreeAddress(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.github.SetWebhookURL("http://" + w.listen + "/webhooks/github")
	w.github.SetCallbackURL("http://" + w.listen + "/login/callback")
	w.clone = filepath.Join(t.TempDir(), "shop")
	w.git("", "init", "--quiet", "--initial-branch=main", w.clone)
	w.start()
	t.Cleanup(func() {
		w.stop()
		w.sweep()
		if t.Failed() {
			t.Logf("log of the App:\n%s", w.log.String())
		}
	})
	return w
}

// sweep removes what an App that was stopped in the middle left for its next
// start.
func (w *world) sweep() {
	engine, err := docker.New()
	if err != nil {
		w.t.Fatal(err)
	}
	id, err := runner.LoadID(w.data)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := runner.Sweep(context.WithoutCancel(w.t.Context()), engine, id); err != nil {
		w.t.Error(err)
	}
}

// start starts the App and its runner; stop, which is idempotent, stops them.
func (w *world) start() {
	w.t.Helper()
	settings, err := config.Load(nil, map[string]string{
		"listen": w.listen, "data": w.data, "github-url": w.github.URL(), "github-app-id": fmt.Sprint(w.github.AppID()),
		"github-private-key": string(w.github.PrivateKeyPEM()), "github-webhook-secret": w.github.WebhookSecret(),
		"github-client-id": w.github.ClientID(), "github-client-secret": w.github.ClientSecret(),
		"allow": w.allow,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	db, err := sqlite.Open(ctx, settings.SQLitePath())
	if err != nil {
		w.t.Fatal(err)
	}
	blobs, err := blob.Open(ctx, settings.BlobURL)
	if err != nil {
		w.t.Fatal(err)
	}
	client, err := github.New(github.Config{URL: settings.GitHubURL, AppID: settings.GitHubAppID, PrivateKey: w.github.PrivateKeyPEM(), Log: log})
	if err != nil {
		w.t.Fatal(err)
	}
	shift := w.shift
	a, err := app.New(app.Config{
		Settings: settings, Version: "test", Store: db, Blobs: blobs, GitHub: client, Log: log,
		Now: func() time.Time { return time.Now().Add(shift) },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	engine, err := docker.New()
	if err != nil {
		w.t.Fatal(err)
	}
	id, err := runner.LoadID(settings.Data)
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", w.listen)
	if err != nil {
		w.t.Fatal(err)
	}
	r := runner.New(runner.Config{ID: id, Slots: 2, Grace: time.Second, Jobs: a.Jobs(), Files: a.Files(), Engine: engine, Refused: func(string, []string) []string { return nil }, Log: log})
	loops, loopsCtx := errgroup.WithContext(ctx)
	loops.Go(func() error { return a.Run(loopsCtx, l) })
	if !w.apart {
		loops.Go(func() error { return r.Run(loopsCtx) })
	}
	w.stop = func() {
		cancel()
		if err := loops.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			w.t.Errorf("run: %v", err)
		}
		_, _ = blobs.Close(), db.Close()
		w.stop = func() {}
	}
}

func (w *world) git(dir string, args ...string) string {
	w.t.Helper()
	return w.gitAs("alice", dir, args...)
}

func (w *world) gitAs(login, dir string, args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME="+login, "GIT_AUTHOR_EMAIL="+login+"@users.noreply.github.com",
		"GIT_COMMITTER_NAME="+login, "GIT_COMMITTER_EMAIL="+login+"@users.noreply.github.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes files and commits them on the present branch of the clone.
func (w *world) commit(message string, files map[string]string) string {
	w.t.Helper()
	for name, text := range files {
		path := filepath.Join(w.clone, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
	w.git(w.clone, "add", "--all")
	w.git(w.clone, "commit", "--quiet", "--allow-empty", "--message="+message)
	return w.git(w.clone, "rev-parse", "HEAD")
}

// push pushes a branch as alice.
func (w *world) push(refspec string) {
	w.t.Helper()
	w.git(w.clone, "push", "--quiet", w.repo.CloneURL("alice"), refspec)
}

// pipeline is a commit of one pipeline file named ci.
func (w *world) pipeline(text string) string {
	w.t.Helper()
	return w.commit("Pipeline", map[string]string{".github/pipelines/ci.yaml": strings.ReplaceAll(text, "IMAGE", image), "README.md": "shop\n"})
}

// pullRequest makes a branch with a commit of the pipeline on top of main, and
// a pull request for it by alice.
func (w *world) pullRequest(text string) (n int, sha string) {
	w.t.Helper()
	w.commit("Base", map[string]string{"base.txt": "base\n"})
	w.push("main")
	w.git(w.clone, "checkout", "--quiet", "-b", "feature")
	sha = w.pipeline(text)
	w.push("feature")
	n, err := w.repo.OpenPullRequest("alice", "feature", "main", "Feature", "")
	if err != nil {
		w.t.Fatal(err)
	}
	return n, sha
}

func (w *world) context() context.Context {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	w.t.Cleanup(cancel)
	return ctx
}

// check waits until the newest check run of the name has the status or
// conclusion.
func (w *world) check(sha, name, want string) githubtest.CheckRun {
	w.t.Helper()
	var last githubtest.CheckRun
	err := w.github.Wait(w.context(), func() bool {
		runs := w.runs(sha, name)
		if len(runs) == 0 {
			return false
		}
		last = runs[len(runs)-1]
		return last.Conclusion == want || last.Conclusion == "" && last.Status == want
	})
	if err != nil {
		w.t.Fatalf("check run %q did not become %s: it is %s %s %q\n%s", name, want, last.Status, last.Conclusion, last.Title, last.Summary)
	}
	return last
}

// runs lists the check runs of a name on a commit, oldest first.
func (w *world) runs(sha, name string) []githubtest.CheckRun {
	var found []githubtest.CheckRun
	for _, r := range w.repo.CheckRuns(sha) {
		if r.Name == name {
			found = append(found, r)
		}
	}
	return found
}

// eventually waits for something that GitHub shows.
func (w *world) eventually(what string, is func() bool) {
	w.t.Helper()
	if err := w.github.Wait(w.context(), is); err != nil {
		w.t.Fatalf("%s did not come about", what)
	}
}

// logged waits until the App has logged a text.
func (w *world) logged(text string) {
	w.t.Helper()
	if !w.log.wait(text, patience) {
		w.t.Fatalf("the App did not log %q", text)
	}
}

// reactions waits for the reaction to a comment.
func (w *world) reaction(comment int64, want string) {
	w.t.Helper()
	w.eventually(fmt.Sprintf("reaction %s", want), func() bool { return len(w.repo.Reactions(comment)) > 0 })
	if got := w.repo.Reactions(comment)[0].Content; got != want {
		w.t.Errorf("reaction %q, want %q; comments: %v", got, want, w.repo.Comments(1))
	}
}

// refusedBy comments and asks that it is answered by a refusal with a text.
func (w *world) refusedBy(login string, n int, text, want string) {
	w.t.Helper()
	id := w.repo.Comment(login, n, text)
	w.reaction(id, "-1")
	if got := w.answer(n, id); !strings.Contains(got, want) {
		w.t.Errorf("%s is refused with %q, want %q", text, got, want)
	}
}

// answer waits for the reply to a comment.
func (w *world) answer(n int, comment int64) string {
	w.t.Helper()
	var answer string
	marker := fmt.Sprintf("<!-- stagegate:reply:%d -->", comment)
	w.eventually("an answer", func() bool {
		for _, c := range w.repo.Comments(n) {
			if strings.Contains(c.Body, marker) {
				answer = c.Body
			}
		}
		return answer != ""
	})
	return answer
}

// actionLog reads the log of an action's first attempt from the page.
func (w *world) actionLog(run githubtest.CheckRun, action string) string {
	w.t.Helper()
	page, stage, _ := strings.Cut(run.DetailsURL, "#")
	return w.get(page + "/logs/" + stage + "/" + action + "/1")
}

func (w *world) get(url string) string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.context(), http.MethodGet, url, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		w.t.Fatalf("GET %s: %d %v\n%s", url, resp.StatusCode, err, body)
	}
	return string(body)
}

// syncBuffer is a log that can be waited on. Make it with newSyncBuffer.
type syncBuffer struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	wake chan struct{}
}

func newSyncBuffer() *syncBuffer { return &syncBuffer{wake: make(chan struct{})} }

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.wake)
	b.wake = make(chan struct{})
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *syncBuffer) wait(text string, most time.Duration) bool {
	deadline := time.After(most)
	for {
		b.mu.Lock()
		found, wake := strings.Contains(b.buf.String(), text), b.wake
		b.mu.Unlock()
		if found {
			return true
		}
		select {
		case <-wake:
		case <-deadline:
			return false
		}
	}
}
