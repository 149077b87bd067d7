package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// lasting is a pipeline whose action does not end by itself.
var lasting = strings.Replace(runnable, "mkdir out", "echo begun; exec sleep 600", 1)

// underWay is a run that writes to a pipe.
type underWay struct {
	cmd  *exec.Cmd
	out  io.ReadCloser
	text bytes.Buffer // its output
	said bytes.Buffer // its errors, once it has ended
}

// begin starts the command in a folder and reads on until it has written a text.
func begin(t *testing.T, dir, until string) *underWay {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(stop)
	u := &underWay{cmd: exec.CommandContext(ctx, binary, "run")}
	u.cmd.Dir = dir
	out, err := u.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	u.cmd.Stderr = &u.said
	u.out = out
	if err := u.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	piece := make([]byte, 4096)
	for !strings.Contains(u.text.String(), until) {
		n, err := out.Read(piece)
		u.text.Write(piece[:n])
		if err != nil {
			t.Fatalf("it never began: %v\n%s", err, u.text.String())
		}
	}
	return u
}

// end reads the rest and returns the exit code.
func (u *underWay) end() int {
	rest, _ := io.ReadAll(u.out)
	_ = u.cmd.Wait()
	u.text.Write(append(rest, u.said.Bytes()...))
	return u.cmd.ProcessState.ExitCode()
}

// TestRunLocallyInterrupted asks that Ctrl-C, a polite kill and a terminal that
// closes leave no container.
func TestRunLocallyInterrupted(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			dir := workingTree(t, lasting)
			u := begin(t, dir, "| begun")
			if err := u.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if code := u.end(); code != exitBroken || !strings.Contains(u.text.String(), "interrupted after ") {
				t.Errorf("exit code %d\n%s", code, u.text.String())
			}
			if left := containersOf(t, dir); len(left) > 0 {
				t.Errorf("containers are left: %s", left)
			}
		})
	}
}

// TestRunLocallyKilled kills a run without a word, with a second one waiting for
// its place; the third finds what the first left and removes it.
func TestRunLocallyKilled(t *testing.T) {
	dir := workingTree(t, lasting)
	u := begin(t, dir, "| begun")
	if code, text := runIn(t, dir); code != exitFailed || !strings.Contains(text, "another run of "+dir+" is under way (process ") {
		t.Errorf("beside another: exit code %d\n%s", code, text)
	}
	if err := u.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	u.end()
	left := containersOf(t, dir)
	if len(left) != 1 {
		t.Errorf("killed, it left the containers %q", left)
	}
	quick := strings.Replace(runnable, "mkdir out", "exit 3", 1)
	if err := os.WriteFile(filepath.Join(dir, ".github", "pipelines", "release.yaml"), []byte(quick), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, text := runIn(t, dir); code != exitFailed || !strings.Contains(text, "> failed: exit code 3") {
		t.Errorf("afterwards: exit code %d\n%s", code, text)
	}
	if left := containersOf(t, dir); len(left) > 0 {
		t.Errorf("containers are left: %s", left)
	}
	work, _ := os.ReadDir(filepath.Join(dir, ".stagegate", "work"))
	if _, err := os.Stat(filepath.Join(dir, ".stagegate", "tmp")); err == nil || len(work) > 0 {
		t.Errorf("%d workspaces and %v are left", len(work), err)
	}
}

// TestRunLocallyOutlivesItsReader closes the output after the first line, as
// head does.
func TestRunLocallyOutlivesItsReader(t *testing.T) {
	dir := workingTree(t, strings.Replace(runnable, "mkdir out", "seq 20000; exit 3", 1))
	u := begin(t, dir, "\n")
	if err := u.out.Close(); err != nil {
		t.Fatal(err)
	}
	if code := u.end(); code != exitFailed {
		t.Errorf("exit code %d\n%s", code, u.text.String())
	}
	log, err := os.ReadFile(filepath.Join(dir, ".stagegate", "logs", "build", "compile.log"))
	if err != nil || !strings.Contains(string(log), " o 20000\n") || !strings.HasSuffix(string(log), " s failed: exit code 3\n") {
		t.Errorf("the log has %d bytes, %v", len(log), err)
	}
}

func TestRunLocallyWithoutAnEngine(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "docker.sock"))
	code, text := runIn(t, workingTree(t, runnable), "--approve")
	if code != exitFailed || !strings.Contains(text, "stagegate: Docker Engine does not answer, and actions run in its containers: start it, or set DOCKER_HOST") {
		t.Errorf("exit code %d\n%s", code, text)
	}
}
