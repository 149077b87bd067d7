package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/config"
	"github.com/stagegate/stagegate/internal/githubtest"
)

// binary is the command, built once for all tests.
var binary string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "stagegate-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "stagegate")
	build := exec.CommandContext(context.Background(), "go", "build", "-buildvcs=false", "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// process is `stagegate serve` as an operator runs it, beside a GitHub.
type process struct {
	t      *testing.T
	github *githubtest.GitHub
	repo   *githubtest.Repository
	env    []string
	data   string
	listen string
	cmd    *exec.Cmd
	log    bytes.Buffer
}

func newProcess(t *testing.T) *process {
	t.Helper()
	p := &process{t: t, github: githubtest.New(t, githubtest.Options{}), data: t.TempDir()}
	p.github.AddUser("alice")
	p.repo = p.github.AddRepository("octo/shop")
	p.repo.SetPermission("alice", "write")
	var err error
	if p.listen, err = githubtest.FreeAddress(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.github.SetWebhookURL("http://" + p.listen + "/webhooks/github")
	key := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(key, p.github.PrivateKeyPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	p.env = append(os.Environ(), "STAGEGATE_LISTEN="+p.listen, "STAGEGATE_DATA="+p.data, "STAGEGATE_GITHUB_URL="+p.github.URL(),
		fmt.Sprintf("STAGEGATE_GITHUB_APP_ID=%d", p.github.AppID()), "STAGEGATE_GITHUB_PRIVATE_KEY_FILE="+key,
		"STAGEGATE_GITHUB_WEBHOOK_SECRET="+p.github.WebhookSecret())
	t.Cleanup(func() {
		p.kill()
		d := &demo{}
		if err := d.sweep(context.WithoutCancel(t.Context()), config.Settings{Data: p.data}); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log:\n%s", p.log.String())
		}
	})
	return p
}

func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.CommandContext(context.WithoutCancel(p.t.Context()), binary, "serve")
	p.cmd.Env, p.cmd.Stderr = p.env, &p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	for {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(p.t.Context(), "tcp", p.listen)
		if err == nil {
			_ = c.Close()
			return
		}
		if p.t.Context().Err() != nil {
			p.t.Fatal("serve did not come up")
		}
		time.Sleep(10 * time.Millisecond) // there is nothing to wait on before it listens
	}
}

// kill is kill -9.
func (p *process) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait() // it says that it was killed
		p.cmd = nil
	}
}

const lines = 40

// push pushes a pipeline whose one action writes lines for two seconds.
func (p *process) push() string {
	p.t.Helper()
	return p.pushTo(p.repo, fmt.Sprintf(`
on: push
stages:
  - name: build
    actions:
      - name: count
        image: stagegate/busybox:local
        run: |
          i=0; while [ $i -lt %d ]; do echo "line $i"; i=$((i+1)); sleep 0.05; done
          echo done > out
        artifacts: { out: out }
`, lines))
}

// pushTo pushes a pipeline named ci to a repository that is empty.
func (p *process) pushTo(repo *githubtest.Repository, text string) string {
	p.t.Helper()
	dir := p.t.TempDir()
	file := filepath.Join(dir, ".github/pipelines/ci.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	d := &demo{}
	var sha string
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"},
		{"add", "."},
		{"commit", "--quiet", "--message=Count"},
		{"push", "--quiet", "--force", repo.CloneURL("alice"), "main"},
		{"rev-parse", "HEAD"},
	} {
		var err error
		if sha, err = d.git(p.t.Context(), dir, args...); err != nil {
			p.t.Fatal(err)
		}
	}
	return sha
}

func (p *process) wait(what string, is func() bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	if err := p.github.Wait(ctx, is); err != nil {
		p.t.Fatalf("%s did not come about", what)
	}
}

func (p *process) run(sha string) githubtest.CheckRun {
	runs := p.repo.CheckRuns(sha)
	if len(runs) == 0 {
		return githubtest.CheckRun{}
	}
	return runs[len(runs)-1]
}

// containers lists those of this process's runner, running or not.
func (p *process) containers(filter ...string) []string {
	p.t.Helper()
	id, err := os.ReadFile(filepath.Join(p.data, "runner-id"))
	if err != nil {
		p.t.Fatal(err)
	}
	args := append([]string{"ps", "--all", "--quiet", "--filter", "label=stagegate.runner=" + strings.TrimSpace(string(id))}, filter...)
	out, err := exec.CommandContext(p.t.Context(), "docker", args...).Output()
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// succeeded checks that the action ran once, that its log is whole and that
// nothing is left.
func (p *process) succeeded(sha string) {
	p.t.Helper()
	p.wait("success", func() bool { return p.run(sha).Conclusion == "success" })
	page, _, _ := strings.Cut(p.run(sha).DetailsURL, "#")
	log := fetch(p.t, page+"/logs/build/count/1")
	for i := range lines {
		if n := strings.Count(log, fmt.Sprintf(" o line %d\n", i)); n != 1 {
			p.t.Errorf("line %d stands %d times in the log", i, n)
		}
	}
	if n := len(p.repo.CheckRuns(sha)); n != 1 {
		p.t.Errorf("%d check runs, want 1", n)
	}
	deadline := time.Now().Add(20 * time.Second)
	for len(p.containers()) > 0 {
		if time.Now().After(deadline) {
			p.t.Fatalf("containers are left: %v", p.containers())
		}
		time.Sleep(50 * time.Millisecond) // the engine tells nobody when a container is gone
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d %v", url, resp.StatusCode, err)
	}
	return string(body)
}

func TestKillWhileRunning(t *testing.T) {
	p := newProcess(t)
	p.start()
	sha := p.push()
	p.wait("a running action", func() bool { return strings.Contains(p.run(sha).Title, "running:") })
	p.kill()
	p.start()
	p.succeeded(sha)
}

func TestEndedWhileDown(t *testing.T) {
	p := newProcess(t)
	p.start()
	sha := p.push()
	p.wait("a running action", func() bool { return strings.Contains(p.run(sha).Title, "running:") })
	p.kill()
	for _, id := range p.containers() {
		if out, err := exec.CommandContext(t.Context(), "docker", "wait", id).CombinedOutput(); err != nil {
			t.Fatalf("docker wait: %v\n%s", err, out)
		}
	}
	p.start()
	p.succeeded(sha)
}

func TestKillAfterAccepted(t *testing.T) {
	p := newProcess(t)
	p.start()
	sha := p.push()
	if err := p.github.WaitDelivered(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.kill()
	p.start()
	p.succeeded(sha)
}

// TestKillAgainAndAgain kills the process at moments drawn by chance, while a
// delivery comes in, is read, and its action runs and reports.
func TestKillAgainAndAgain(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 0))
	p := newProcess(t)
	p.start()
	sha := p.push()
	for range 8 {
		time.Sleep(time.Duration(chance.IntN(600)) * time.Millisecond) // the moment is the point
		p.kill()
		p.start()
	}
	p.succeeded(sha)
}

func TestWrongSettings(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), binary, "serve", "--runners", "many")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "STAGEGATE_LISTN=x"}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != exitUsage {
		t.Errorf("exit %v (%v)", cmd.ProcessState, err)
	}
	for _, want := range []string{"STAGEGATE_LISTN", "--runners", "STAGEGATE_GITHUB_APP_ID", "STAGEGATE_GITHUB_PRIVATE_KEY", "STAGEGATE_GITHUB_WEBHOOK_SECRET"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("the output does not name %s:\n%s", want, out)
		}
	}
}
