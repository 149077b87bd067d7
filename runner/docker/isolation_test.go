package docker_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// walls are options of isolation, each with a script that succeeds only with it.
func walls(t *testing.T) map[string]pipeline.Job {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("of the machine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]pipeline.Job{
		"privileged":             {Isolation: pipeline.Isolation{Privileged: true}, Run: `mount -t tmpfs none /tmp`},
		"network=host":           {Isolation: pipeline.Isolation{HostNetwork: true}, Run: `grep -q docker0 /proc/net/dev`},
		"docker-socket":          {Isolation: pipeline.Isolation{DockerSocket: true}, Run: `test -S /var/run/docker.sock`},
		"volumes=" + dir:         {Isolation: pipeline.Isolation{Volumes: []pipeline.Volume{{From: dir, To: "/there"}}}, Run: `grep machine /there/file; touch /there/new`},
		"volumes=" + dir + ":ro": {Isolation: pipeline.Isolation{Volumes: []pipeline.Volume{{From: dir, To: "/there", ReadOnly: true}}}, Run: `grep machine /there/file; ! touch /there/other 2>/dev/null`},
		"cap-add=MKNOD":          {Isolation: pipeline.Isolation{CapAdd: []string{"MKNOD"}}, Run: `mknod /tmp/zero c 1 5`},
		"cap-add=SYS_ADMIN":      {Isolation: pipeline.Isolation{CapAdd: []string{"SYS_ADMIN"}}, Run: `mount -t tmpfs none /tmp`},
		"devices=/dev/kmsg":      {Isolation: pipeline.Isolation{Devices: []string{"/dev/kmsg"}}, Run: `test -c /dev/kmsg`},
	}
}

func TestIsolationIsRefused(t *testing.T) {
	b := newBench(t)
	for option, wanted := range walls(t) {
		j := b.job(wanted.Run)
		if res := b.do(j); res.Status != pipeline.Failed {
			t.Errorf("%s without it: %s (%s)", option, res.Status, res.Reason)
		}
		j = b.job(wanted.Run)
		j.Isolation = wanted.Isolation
		want := "isolation: acme/shop is not allowed " + option + "; leave it out, or have it allowed (STAGEGATE_ALLOW of a server or a runner, --allow of stagegate run)"
		if res := b.do(j); res.Status != pipeline.Errored || res.Reason != want {
			t.Errorf("%s: %s (%s)", option, res.Status, res.Reason)
		}
	}
}

func TestIsolationAllowed(t *testing.T) {
	b := newBench(t)
	for option, wanted := range walls(t) {
		asked := ""
		b.refused = func(repository string, options []string) []string {
			asked = repository + " " + strings.Join(options, " ")
			return nil
		}
		j := b.job(wanted.Run)
		j.Isolation = wanted.Isolation
		res := b.do(j)
		if wanted.Isolation.Privileged && strings.Contains(res.Reason, "unable to apply caps") {
			t.Log("this machine cannot have privileged containers") // it is not privileged itself
		} else if res.Status != pipeline.Succeeded {
			t.Errorf("%s: %s (%s)\n%s", option, res.Status, res.Reason, b.files.log())
		}
		if asked != "acme/shop "+option {
			t.Errorf("asked for %q", asked)
		}
	}
}

func TestIsolationOfWhatIsNotThere(t *testing.T) {
	b := newBench(t)
	b.refused = func(string, []string) []string { return nil }
	for want, i := range map[string]pipeline.Isolation{
		"isolation: there is no /not/here on the engine's machine":            {Volumes: []pipeline.Volume{{From: "/not/here", To: "/there"}}},
		"isolation: there is no device /dev/not-here on the engine's machine": {Devices: []string{"/dev/not-here"}},
		"isolation: the engine has no runtime runsc; it has ":                 {Runtime: "runsc"},
	} {
		j := b.job("true")
		j.Isolation = i
		if res := b.do(j); res.Status != pipeline.Errored || !strings.HasPrefix(res.Reason, want) {
			t.Errorf("%s (%s), want %s", res.Status, res.Reason, want)
		}
	}
}

// A runtime that the engine offers is used, and another engine's is not.
func TestRuntime(t *testing.T) {
	runc, err := exec.LookPath("runc")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	newDaemon(t, 64<<20, "--add-runtime", "other="+runc).on(b)
	b.refused = func(string, []string) []string { return nil }
	for runtime, want := range map[string]string{"other": "", "runsc": "isolation: the engine has no runtime runsc; it has io.containerd.runc.v2, io.containerd.runtime.v1.linux, other, runc"} {
		j := b.job(`test -e /stagegate/run`)
		j.Isolation.Runtime = runtime
		if res := b.do(j); res.Reason != want {
			t.Errorf("%s: %s (%s)", runtime, res.Status, res.Reason)
		}
	}
}
