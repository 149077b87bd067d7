package main

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// hushed waits until the terminal shows no more what is typed, or again.
func (x *terminal) hushed(want bool) {
	x.t.Helper()
	for x.t.Context().Err() == nil {
		state, err := unix.IoctlGetTermios(int(x.master.Fd()), unix.TCGETS)
		if err != nil {
			x.t.Fatal(err)
		}
		if (state.Lflag&unix.ECHO == 0) == want {
			return
		}
		time.Sleep(time.Millisecond) // nobody tells of it
	}
}

func TestSecretAtATerminal(t *testing.T) {
	p := newProcess(t)
	p.start()
	x := atTerminal(t, t.TempDir(), p.env, "secret", "set", "TOKEN", "--repo", "octo/shop")
	x.await("TOKEN (is not shown): ")
	x.hushed(true)
	x.press("hunter2\n")
	if code := x.end(); code != 0 || strings.Contains(x.shown(), "hunter2") || !strings.Contains(x.shown(), "secret TOKEN of octo/shop is set") {
		t.Errorf("exit code %d\n%s", code, x.shown())
	}
	x = atTerminal(t, t.TempDir(), p.env, "secret", "set", "OTHER", "--repo", "octo/shop")
	x.await("OTHER (is not shown): ")
	x.hushed(true)
	x.press("\x03")
	x.hushed(false)
	if code := x.end(); code != exitBroken {
		t.Errorf("exit code %d after an interrupt\n%s", code, x.shown())
	}
	p.tells(0, "secret list", "TOKEN", "octo/shop", "the operator", "never")
	if got := p.ask("secret", "list"); strings.Contains(got.out, "OTHER") || strings.Contains(got.out+p.log.String(), "hunter2") {
		t.Errorf("the list:\n%s", got.out)
	}
}
