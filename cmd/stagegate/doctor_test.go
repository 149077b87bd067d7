package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// doctor returns what it says and its exit code.
func (p *process) doctor(env ...string) (string, int) {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), binary, "doctor")
	cmd.Env = append(p.env, env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func TestDoctor(t *testing.T) {
	p := newProcess(t)
	key := ""
	for _, kv := range p.env {
		if path, ok := strings.CutPrefix(kv, "STAGEGATE_GITHUB_PRIVATE_KEY_FILE="); ok {
			key = path
		}
	}
	wants := func(what string, code int, lines []string, env ...string) {
		t.Helper()
		out, got := p.doctor(env...)
		if got != code {
			t.Errorf("%s: exit code %d", what, got)
		}
		for _, line := range lines {
			if !strings.Contains(out, line) {
				t.Errorf("%s: no %q in\n%s", what, line, out)
			}
		}
	}
	wants("before the start", 0, []string{
		"warning  public address: http://" + p.listen + " does not answer", "ok       settings: all can be read", "ok       key files: 1,",
	}, "STAGEGATE_ACTION_REACH=all")
	p.start()
	wants("while it serves", 0, []string{
		"ok       engine: Docker Engine ", "ok       runtime: ", "ok       network rules: actions do not reach this machine",
		"ok       GitHub: the App is ", "ok       public address: http://" + p.listen + " answers from here",
		"ok       deliveries: none of the last hour failed", "GiB free\n", "warning  data folder: " + p.data + " is open to other users: chmod 700 " + p.data,
	})
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	wants("with an open key", 1, []string{"wrong    key file: " + key + " may be read by other users: chmod 600 " + key})
	wants("without an engine", 1, []string{"wrong    engine: ", "start Docker Engine 20.10 or newer"}, "DOCKER_HOST=unix:///nonexistent/docker.sock")
	wants("without settings", 1, []string{"wrong    settings: STAGEGATE_RUNNERS: ", "ok       engine: "}, "STAGEGATE_RUNNERS=many")
	wants("with a key of another App", 1, []string{"wrong    GitHub: "}, "STAGEGATE_GITHUB_APP_ID=99999999")
}
