package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const runnable = `on: push
stages:
  - name: build
    actions:
      - name: compile
        image: stagegate/busybox:local
        run: |
          mkdir out
          cat untracked > out/shop
          test ! -e secret.log
          echo version=1.2 >> "$STAGEGATE_OUTPUT"
        artifacts: { shop: out/ }
  - name: production
    actions:
      - { name: sign-off, approval: {} }
      - name: roll-out
        needs: [sign-off]
        image: stagegate/busybox:local
        inputs: [shop]
        env: { VERSION: "${{ build.compile.version == '1.2' && 'new' || 'old' }}" }
        run: echo "rolled out $(cat shop), $VERSION"
`

// workingTree is a repository with a pipeline, a file Git does not know, and one
// it is to ignore.
func workingTree(t *testing.T, pipeline string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		".github/pipelines/release.yaml": pipeline, "untracked": "the shop", ".gitignore": "*.log\n", "secret.log": "s",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "git", "-C", dir, "init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("git init: %v\n%s", err, out)
	}
	return dir
}

// runIn runs the command in a folder and returns its exit code and what it
// wrote.
func runIn(t *testing.T, dir string, args ...string) (code int, text string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"run"}, args...)...)
	cmd.Dir = dir
	out, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(out)
}

func TestRunLocally(t *testing.T) {
	dir := workingTree(t, runnable)
	code, text := runIn(t, dir, "--approve")
	if code != 0 || !strings.Contains(text, "| rolled out the shop, new\n") {
		t.Errorf("exit code %d\n%s", code, text)
	}
	made, err := os.ReadFile(filepath.Join(dir, ".stagegate", "artifacts", "shop", "shop"))
	if err != nil || string(made) != "the shop" {
		t.Errorf("artifact %q, %v", made, err)
	}
	log, err := os.ReadFile(filepath.Join(dir, ".stagegate", "logs", "production", "roll-out.log"))
	if err != nil || !strings.HasSuffix(string(log), " o rolled out the shop, new\n") {
		t.Errorf("log %q, %v", log, err)
	}
}

func TestRunLocallyEnds(t *testing.T) {
	failing := strings.Replace(runnable, "mkdir out", "exit 3", 1)
	for name, c := range map[string]struct {
		pipeline string
		args     []string
		code     int
		want     string
	}{
		"approval not given": {runnable, nil, 1, "production/sign-off is an approval: run with --approve to give it"},
		"action fails":       {failing, nil, 1, "> failed: exit code 3"},
		"mistake in file":    {strings.Replace(runnable, "image:", "imgae:", 1), nil, 2, `release.yaml:6:9: an action has no key "imgae" (did you mean image?)`},
		"no such pipeline":   {runnable, []string{"nope"}, 2, `there is no pipeline "nope": there is release`},
	} {
		t.Run(name, func(t *testing.T) {
			code, text := runIn(t, workingTree(t, c.pipeline), c.args...)
			if code != c.code || !strings.Contains(text, c.want) || strings.Contains(text, "| rolled out") {
				t.Errorf("exit code %d, want %d and %s\n%s", code, c.code, c.want, text)
			}
		})
	}
}

// containersOf lists the containers that runs in a folder made.
func containersOf(t *testing.T, dir string) []string {
	t.Helper()
	id, err := os.ReadFile(filepath.Join(dir, ".stagegate", "runner-id"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "docker", "ps", "-a", "--format", `{{.ID}} {{.Label "stagegate.runner"}}`).CombinedOutput()
	if err != nil {
		t.Fatalf("docker ps: %v\n%s", err, out)
	}
	var all []string
	for line := range strings.Lines(string(out)) {
		if container, label, _ := strings.Cut(line, " "); strings.HasPrefix(label, strings.TrimSpace(string(id))+"-") {
			all = append(all, container)
		}
	}
	return all
}
