package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a real one, with a command at it.
type terminal struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	ended  chan struct{}

	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // there is more text
}

// atTerminal starts the command in a folder, at a terminal of 80 columns and 24
// rows.
func atTerminal(t *testing.T, dir string, env []string, args ...string) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(stop)
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, master: master, cmd: cmd, ended: make(chan struct{}), more: make(chan struct{}, 1)}
	go x.read()
	return x
}

// read ends when nobody has the other side open any more.
func (x *terminal) read() {
	defer close(x.ended)
	piece := make([]byte, 4096)
	for {
		n, err := x.master.Read(piece)
		x.mu.Lock()
		x.text.Write(piece[:n])
		x.mu.Unlock()
		select {
		case x.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (x *terminal) shown() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.text.String()
}

// await waits until the text was written.
func (x *terminal) await(text string) {
	x.t.Helper()
	for !strings.Contains(x.shown(), text) {
		select {
		case <-x.more:
		case <-x.ended:
			if !strings.Contains(x.shown(), text) {
				x.t.Fatalf("%q never came\n%s", text, x.shown())
			}
		}
	}
}

// press types keys.
func (x *terminal) press(keys string) {
	x.t.Helper()
	if _, err := x.master.WriteString(keys); err != nil {
		x.t.Fatal(err)
	}
}

// end waits for the command and returns its exit code.
func (x *terminal) end() int {
	_ = x.cmd.Wait()
	<-x.ended
	return x.cmd.ProcessState.ExitCode()
}

const gated = `on: push
stages:
  - name: build
    actions:
      - { name: compile, image: "stagegate/busybox:local", run: "mkdir out; echo a > out/shop", artifacts: { shop: out } }
  - name: production
    actions:
      - { name: sign-off, approval: {} }
      - { name: roll-out, needs: [sign-off], image: "stagegate/busybox:local", run: "echo rolled out" }
`

func TestApprovalAtATerminal(t *testing.T) {
	for name, c := range map[string]struct {
		keys []string
		code int
		want string
	}{
		"yes":        {[]string{"y, looks good\n"}, 0, "approved by ada: looks good"},
		"no":         {[]string{"n not on a friday\n"}, 1, "rejected by ada: not on a friday"},
		"nothing":    {[]string{"\n"}, 1, "rejected by ada"},
		"asked anew": {[]string{"maybe\n", "yes\n"}, 0, "approved by ada"},
		"no answer":  {[]string{"\x04"}, 1, "production/sign-off was not answered: the terminal gave no answer"},
		"Ctrl-C":     {[]string{"\x03"}, exitBroken, "interrupted"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := workingTree(t, gated)
			x := atTerminal(t, dir, []string{"NO_COLOR=1", "USER=ada"}, "run")
			x.press("y\n") // answers nothing: nobody has asked yet
			for i, keys := range c.keys {
				x.await("production/sign-off of release asks for approval")
				if i > 0 {
					x.await("Write y or n first.")
				}
				x.await("artifact  shop, ")
				x.press(keys)
			}
			code := x.end()
			text := x.shown()
			if code != c.code || !strings.Contains(text, c.want) || strings.Contains(text, "| rolled out") != (code == 0) {
				t.Errorf("exit code %d, want %d and %s\n%s", code, c.code, c.want, text)
			}
		})
	}
}

// TestTreeAtATerminal fails behind an approval, at a terminal that changes its
// size.
func TestTreeAtATerminal(t *testing.T) {
	failing := strings.Replace(gated, "echo rolled out", "echo rolled out; echo '::error file=a.go,line=3::it broke'; exit 3", 1)
	dir := workingTree(t, failing)
	x := atTerminal(t, dir, []string{"TERM=xterm", "NO_COLOR=", "USER=ada"}, "run")
	x.await("production/sign-off of release asks for approval")
	x.press("y\n")
	size := unix.Winsize{Row: 24, Col: 60}
	if err := unix.IoctlSetWinsize(int(x.master.Fd()), unix.TIOCSWINSZ, &size); err != nil {
		t.Error(err)
	}
	code := x.end()
	text := strings.ReplaceAll(x.shown(), "\x1b[0m", "")
	for _, want := range []string{"✓", "✗", "| rolled out", "a.go:3: it broke", filepath.Join("logs", "production", "roll-out.log"), "exit code 3", "failed after"} {
		if code != 1 || !strings.Contains(text, want) {
			t.Errorf("exit code %d, want 1 and %s\n%q", code, want, text[max(0, len(text)-2000):])
		}
	}
	if n := strings.Count(text, "\n"); n > 2000 {
		t.Errorf("%d lines were written", n)
	}
}
