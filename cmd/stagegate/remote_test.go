package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const gatedPipeline = `
on: push
stages:
  - name: build
    actions:
      - { name: compile, image: "stagegate/busybox:local", run: "echo compiled; echo shop > out", artifacts: { shop: out } }
  - name: production
    actions:
      - { name: sign-off, approval: {} }
      - { name: roll-out, image: "stagegate/busybox:local", needs: [sign-off], run: "printf 'rolled\\033[2J out\\n'; exit 3" }
`

// ask runs the command as whoever operates the process does.
func (p *process) ask(args ...string) said {
	p.t.Helper()
	return callWith(p.t, p.env, args...)
}

func callWith(t *testing.T, env []string, args ...string) said {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	var out, err bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = env, t.TempDir(), &out, &err
	_ = cmd.Run()
	return said{cmd.ProcessState.ExitCode(), out.String(), err.String()}
}

// tells asks for an exit code and for texts in the output, or with another code
// than 0 in the message.
func (p *process) tells(code int, args string, want ...string) {
	p.t.Helper()
	got := p.ask(strings.Split(args, " ")...)
	text := got.out
	if code != 0 {
		text = got.err
		if strings.Count(text, "\n") != 1 || got.out != "" {
			p.t.Errorf("stagegate %s does not say one sentence:\n%s%s", args, got.out, got.err)
		}
	}
	for _, w := range want {
		if got.code != code || !strings.Contains(text, w) {
			p.t.Errorf("stagegate %s: exit code %d, want %d and %q in\n%s%s", args, got.code, code, w, got.out, got.err)
		}
	}
}

// TestRemote works an execution from its first stage to its end by the command
// line alone.
func TestRemote(t *testing.T) {
	p := newProcess(t)
	p.start()
	sha := p.pushTo(p.repo, gatedPipeline)
	p.wait("the approval", func() bool { return p.run(sha).Conclusion == "action_required" })
	p.tells(0, "pipelines", "octo/shop/ci", "in progress")
	p.tells(0, "executions", "octo/shop/ci/1", sha[:7], "refs/heads/main")
	p.tells(1, "pipelines webhook octo/shop ci", "the pipeline ci of octo/shop has no webhook under on")
	p.tells(2, "pipelines webhook octo/shop", "")
	p.tells(0, "executions --status failed --json", `"items": []`)
	p.tells(0, "execution show ci/1", "ci 1 of octo/shop: in progress", "compile", "sign-off", "waits for  the approval sign-off by anyone with write access, but no author of the change, until ", "; then what needs it goes on: roll-out")
	p.tells(0, "logs ci/1 --follow build", "compiled")
	p.tells(0, "execution logs ci/1 build/compile --json", `"text":"compiled"`)
	p.tells(0, "artifacts 1", "source", "shop")
	p.tells(0, "__complete approve ", "1\tci 1 of octo/shop: in progress")
	p.tells(0, "__complete approve ci/1 ", "production/sign-off\n:4")
	p.tells(0, "__complete logs octo/shop/ci/1 ", "build/compile")

	p.tells(1, "approve ci/1 staging", "no approval that waits is called `staging`; these wait: `ci/production/sign-off`")
	p.tells(1, "approve ci/1 --commit 1234567", "not of 1234567")
	p.tells(1, "retry ci/1", "execution 1 is in progress and has no failed or stopped stage")
	p.tells(1, "retry ci/1 nope", `no stage "nope"; it has build, production`)
	p.tells(1, "override ci/1 --reason hotfix", "no rule keeps execution 1 back or has failed it")
	p.tells(1, "execution show ci/2", "there is no execution ci/2")
	p.tells(1, "execution show 99", "there is no execution 99")
	p.tells(1, "executions --pipeline cd", "no execution of a pipeline \"cd\" is known; there is ci")
	p.tells(1, "logs ci/1 sign-off", "no action with a log")
	p.tells(1, "artifacts ci/1 shopp", "has no artifact")

	p.transitions()
	p.tells(0, "approve ci/1 production --comment go", "ci 1 of octo/shop: in progress")
	p.tells(0, "logs ci/1 production --follow", "rolled\x1b[2J out")
	p.wait("the failure", func() bool { return p.run(sha).Conclusion == "failure" })
	p.tells(0, "execution show ci/1", "failed: exit code 3", "succeeded: approved by the operator: go")
	p.tells(1, "stop ci/1", "has already ended: failed")
	p.tells(0, "retry ci/1 --all", "in progress")
	p.tells(0, "execution show ci/1", "(attempt 1)  failed: sign-off succeeded, roll-out failed")
	p.download()
	p.ambiguous()
}

// transitions closes and opens the way into a stage.
func (p *process) transitions() {
	p.t.Helper()
	p.tells(0, "transition list", "STAGE")
	p.tells(0, "transition disable ci production --reason lunch --until 2099-01-02T09:00:00+01:00",
		"the way into ci/production of octo/shop is closed by the operator since ", ", until Friday 2 January 2099 09:00 +0100 (Friday 08:00 UTC): lunch")
	p.tells(0, "transition list --pipeline ci", "octo/shop/ci/production  all   the operator", "lunch")
	p.tells(0, "transition list --json", `"reason": "lunch"`, `"until": "2099-01-02T08:00:00Z"`)
	p.tells(0, "execution show ci/1", "way in", "closed by the operator since ", "until Friday 2 January 2099 08:00 UTC: lunch")
	p.tells(1, "transition disable ci production", "the reason is missing")
	p.tells(1, "transition disable ci prod --reason r", `no stage "prod" is known; there is ci/build, ci/production`)
	p.tells(1, "transition disable cd build --reason r", "no pipeline \"cd\" is known yet")
	p.tells(1, "transition enable ci production --lane refs/heads/main", "leave the lane out")
	p.tells(0, "transition enable ci production", "the way into ci/production of octo/shop is open")
	p.tells(1, "transition enable ci production", "the way into ci/production is open")
	p.tells(0, "__complete transition disable ", "ci\tocto/shop")
	p.tells(0, "__complete transition enable ci ", "build\nproduction\n:4")
}

func (p *process) download() {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "shop.tar")
	p.tells(0, "artifacts ci/1 shop --output "+file, "")
	text, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatal(err)
	}
	for r := tar.NewReader(bytes.NewReader(text)); ; {
		h, err := r.Next()
		if err != nil {
			p.t.Fatalf("no file out in the tar: %v", err)
		}
		if strings.HasSuffix(h.Name, "out") {
			break
		}
	}
	if piped := p.ask("artifacts", "ci/1", "shop"); piped.out != string(text) {
		p.t.Errorf("piped: %d bytes, %s", len(piped.out), piped.err)
	}
}

// ambiguous has a second repository with a pipeline of the name.
func (p *process) ambiguous() {
	p.t.Helper()
	other := p.github.AddRepository("octo/store")
	other.SetPermission("alice", "write")
	sha := p.pushTo(other, gatedPipeline)
	p.wait("the other approval", func() bool {
		runs := other.CheckRuns(sha)
		return len(runs) > 0 && runs[len(runs)-1].Conclusion == "action_required"
	})
	p.tells(1, "stop ci/1", "several executions are called ci/1: name one of octo/store/ci/1, octo/shop/ci/1")
	got := p.ask("stop", "ci/1", "--json")
	var no struct {
		Code         string
		Alternatives []string
	}
	if err := json.Unmarshal([]byte(got.out), &no); err != nil || got.code != 1 || no.Code != "ambiguous" || len(no.Alternatives) != 2 {
		p.t.Errorf("with --json: %+v", got)
	}
	p.tells(0, "stop octo/store/ci/1 --reason lunch", "stopped: stopped by the operator: lunch")
	p.tells(0, "executions --limit 1", "octo/store/ci/1")
	p.tells(1, "start ci", "several repositories have a pipeline \"ci\": choose --repository octo/shop or octo/store")
	p.tells(1, "start cd", "no pipeline \"cd\" is known yet")
	p.tells(1, "start ci --repository octo/store --branch nope", "octo/store has no refs/heads/nope")
	p.tells(0, "start ci --repository octo/store --commit "+sha+" --key k", "ci 2 of octo/store: pending")
	p.tells(0, "start ci --repository octo/store --commit "+sha+" --key k", "ci 2 of octo/store")
	p.tells(1, "start ci --repository octo/store --key k", "the key has started execution 2 already")
	p.tells(0, "__complete start ", "ci\tocto/store")
}

// TestRemoteMistakes asks of a server that is none, and in ways that are none.
func TestRemoteMistakes(t *testing.T) {
	strange := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(strange.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	empty := t.TempDir()
	token := "STAGEGATE_ADMIN_TOKEN=" + strings.Repeat("x", 20)
	for _, c := range []struct {
		env, args string
		code      int
		want      string
	}{
		{"STAGEGATE_DATA=" + empty, "executions", exitUsage, "there is no token: run stagegate login"},
		{"STAGEGATE_ADMIN_TOKEN=short", "executions", exitUsage, "fewer than 20"},
		{token, "executions --server localhost:1", exitUsage, "--server: is not an absolute URL"},
		{token, "executions --server " + strange.URL, exitFailed, "404 Not Found, and not as a Stagegate"},
		{token, "executions --server " + closed.URL, exitFailed, "connection refused"},
		{token, "executions --limit 0", exitUsage, "write 1 or more"},
		{token, "executions x", exitUsage, "too many arguments: x"},
		{token, "start", exitUsage, "the PIPELINE is missing"},
		{token, "start ci --var X", exitUsage, "write NAME=VALUE"},
		{token, "approve", exitUsage, "the EXECUTION is missing: see stagegate approve --help"},
		{token, "approve a b c", exitUsage, "too many arguments: a b c"},
		{token, "stop release", exitUsage, `"release" is no execution: write an id`},
		{token, "stop release/x", exitUsage, "is no execution"},
		{token, "stop a/release/1", exitUsage, "is no execution"},
		{token, "artifacts 1 -o", exitUsage, "flag needs an argument"},
		{token, "execution nope", exitUsage, `there is no command "nope"`},
		{token, "execution show", exitUsage, "the EXECUTION is missing"},
		{token, "transition disable release", exitUsage, "the PIPELINE and the STAGE are not both there"},
		{token, "transition enable a b c", exitUsage, "too many arguments: a b c"},
		{token, "transition list x", exitUsage, "too many arguments: x"},
		{token, "transition freeze", exitUsage, `there is no command "freeze"`},
	} {
		got := callWith(t, []string{c.env, "PATH=/bin"}, strings.Fields(c.args)...)
		if got.code != c.code || !strings.Contains(got.err, c.want) || got.out != "" {
			t.Errorf("stagegate %s: %+v, want %d and %q", c.args, got, c.code, c.want)
		}
	}
	got := callWith(t, []string{token}, "__complete", "stop", "")
	if diff := cmp.Diff(":4\n", got.out); diff != "" {
		t.Errorf("completion without a server:\n%s", diff)
	}
}
