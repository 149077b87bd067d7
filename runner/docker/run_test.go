package docker_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
	"github.com/stagegate/stagegate/runner/docker"
)

func TestJobSucceeds(t *testing.T) {
	b := newBench(t)
	j := b.job(`cat README.md; echo err >&2; echo "version=1.2" >> "$STAGEGATE_OUTPUT"`)
	res := b.do(j)
	if res.Status != pipeline.Succeeded || res.Reason != "" || res.ExitCode != 0 {
		t.Fatalf("%s, exit code %d: %s", res.Status, res.ExitCode, res.Reason)
	}
	if diff := cmp.Diff([]pipeline.Value{{Name: "version", Value: "1.2"}}, res.Outputs); diff != "" {
		t.Error(diff)
	}
	if got := b.files.lines(runner.Stdout); !slices.Equal(got, []string{"hello"}) {
		t.Errorf("stdout %q", got)
	}
	if got := b.files.lines(runner.Stderr); !slices.Equal(got, []string{"err"}) {
		t.Errorf("stderr %q", got)
	}
	if !strings.Contains(res.LogTail, "hello") || res.Image == "" {
		t.Errorf("tail %q, image %q", res.LogTail, res.Image)
	}
	if res.StartedAt.IsZero() || res.FinishedAt.Before(res.StartedAt) {
		t.Errorf("ran from %s to %s", res.StartedAt, res.FinishedAt)
	}
}

func TestEnvironment(t *testing.T) {
	b := newBench(t)
	j := b.job(`env; pwd; ls -l /stagegate`)
	j.Env = []pipeline.Value{{Name: "VERSION", Value: "1 2\n3"}, {Name: "CI", Value: "mine"}}
	b.files.put("my-lib", []byte(make([]byte, 1024)), "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef")
	j.Inputs = append(j.Inputs, b.files.artifact("my-lib"))
	if res := b.do(j); res.Status != pipeline.Succeeded {
		t.Fatal(res.Reason, b.files.log())
	}
	got := b.files.lines(runner.Stdout)
	for _, want := range []string{
		"CI=mine", "VERSION=1 2", "3",
		"STAGEGATE_EXECUTION=" + j.ID.Execution, "STAGEGATE_PIPELINE=release", "STAGEGATE_STAGE=build",
		"STAGEGATE_ACTION=compile", "STAGEGATE_REPOSITORY=acme/shop", "STAGEGATE_COMMIT=" + j.Commit,
		"STAGEGATE_REF=refs/heads/main", "STAGEGATE_OUTPUT=/stagegate/output",
		"STAGEGATE_INPUT_SOURCE=/stagegate/inputs/source", "STAGEGATE_INPUT_MY_LIB=/stagegate/inputs/my-lib",
		"/stagegate/inputs/source",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no line %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
}

func TestLogIsCompleteAndInOrder(t *testing.T) {
	const n = 10_000
	b := newBench(t)
	res := b.do(b.job(`i=0; while [ $i -lt 10000 ]; do echo "line $i"; i=$((i+1)); done; printf 'no newline'`))
	if res.Status != pipeline.Succeeded {
		t.Fatal(res.Reason)
	}
	got := b.files.lines(runner.Stdout)
	if len(got) != n+1 {
		t.Fatalf("%d lines, want %d", len(got), n+1)
	}
	for i := range n {
		if want := fmt.Sprintf("line %d", i); got[i] != want {
			t.Fatalf("line %d is %q, want %q", i, got[i], want)
		}
	}
	if got[n] != "no newline" {
		t.Errorf("last line is %q", got[n])
	}
	if c := strings.Count(res.LogTail, "\n") + 1; c != 50 {
		t.Errorf("the tail has %d lines", c)
	}
}

func TestLogKeepsWhatIsOdd(t *testing.T) {
	b := newBench(t)
	res := b.do(b.job(`printf 'a\r\n'; printf '\377\000x\n'; printf '10%%\r20%%\n'; head -c 200000 /dev/zero | tr '\0' y; echo; echo end`))
	if res.Status != pipeline.Succeeded {
		t.Fatal(res.Reason)
	}
	got := b.files.lines(runner.Stdout)
	if diff := cmp.Diff([]string{"a", "\uFFFD\uFFFDx", "10%\r20%"}, got[:3]); diff != "" {
		t.Error(diff)
	}
	long := strings.Join(got[3:len(got)-1], "")
	if long != strings.Repeat("y", 200000) || len(got[3]) != 64<<10 {
		t.Errorf("the long line has %d bytes, its first piece %d", len(long), len(got[3]))
	}
	if got[len(got)-1] != "end" {
		t.Errorf("last line is %q", got[len(got)-1])
	}
}

func TestLogLosesItsMiddleOnly(t *testing.T) {
	b := newBench(t)
	b.limits.LogLimit = 256 << 10
	res := b.do(b.job(`i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done`))
	if res.Status != pipeline.Succeeded {
		t.Fatal(res.Reason)
	}
	text := b.files.log()
	if len(text) > 256<<10 {
		t.Errorf("the log has %d bytes", len(text))
	}
	got := b.files.lines(runner.Stdout)
	if got[0] != "line 0" || got[len(got)-1] != "line 19999" {
		t.Errorf("from %q to %q", got[0], got[len(got)-1])
	}
	if said := b.files.lines(runner.Stagegate); len(said) != 1 || !strings.Contains(said[0], "left out here") {
		t.Errorf("said %q", said)
	}
}

func TestHowJobsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		run    string
		shell  string
		image  string
		status pipeline.Status
		code   int
		reason string
	}{
		"exit code":         {run: "exit 3", status: pipeline.Failed, code: 3, reason: "exit code 3"},
		"first failure":     {run: "false\necho not reached", status: pipeline.Failed, code: 1, reason: "exit code 1"},
		"signal":            {run: "kill -9 $$", status: pipeline.Failed, code: 137, reason: "exit code 137: killed by signal KILL, perhaps out of memory (limit 128 MiB)"},
		"other signal":      {run: "kill -11 $$", status: pipeline.Failed, code: 139, reason: "exit code 139: killed by signal SEGV"},
		"signal of timers":  {run: "kill -26 $$", status: pipeline.Failed, code: 154, reason: "exit code 154: killed by signal VTALRM"},
		"no disk":           {run: "echo 'cp: write error: No space left on device'; exit 1", status: pipeline.Failed, code: 1, reason: "exit code 1: a disk was full, as the log says"},
		"command not found": {run: "nosuchcommand", status: pipeline.Failed, code: 127, reason: "exit code 127: command not found"},
		"not executable":    {run: "./README.md", status: pipeline.Failed, code: 126, reason: "exit code 126: command cannot be executed"},
		"other processor":   {run: "echo './shop: Exec format error'; exit 126", status: pipeline.Failed, code: 126, reason: "exit code 126: command cannot be executed: a program is made for another processor, as the log says"},
		"no such shell":     {run: "true", shell: "bash", status: pipeline.Errored, code: 127, reason: "the image has no bash that can be run"},
		"shell is a file":   {run: "true", shell: "/etc/passwd", status: pipeline.Errored, code: 126, reason: "the image's /etc/passwd cannot be executed"},
		"own interpreter":   {run: "#!/bin/sh -e\nfalse", shell: "{0}", status: pipeline.Failed, code: 1, reason: "exit code 1"},
		"no interpreter":    {run: "#!/no/such", shell: "{0}", status: pipeline.Errored, code: 127, reason: "the image does not have the interpreter that the script's first line names"},
		"own shell":         {run: "exit 4", shell: "busybox ash -e {0}", status: pipeline.Failed, code: 4, reason: "exit code 4"},
		"bad image name":    {run: "true", image: "Not An Image", status: pipeline.Errored, reason: `image "Not An Image": not an image name`},
		"unreachable":       {run: "true", image: "127.0.0.1:1/no/such:1", status: pipeline.Errored, reason: "image 127.0.0.1:1/no/such:1: registry unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			j := b.job(c.run)
			j.Shell = c.shell
			if c.image != "" {
				j.Image = c.image
			}
			res := b.do(j)
			if res.Status != c.status || res.ExitCode != c.code || res.Reason != c.reason {
				t.Errorf("%s, exit code %d: %s\n%s", res.Status, res.ExitCode, res.Reason, b.files.log())
			}
			if said := b.files.lines(runner.Stagegate); !strings.HasSuffix(said[len(said)-1], c.reason) {
				t.Errorf("the log ends with %q", said)
			}
		})
	}
}

// TestImageOfAnotherProcessor runs images whose shell is made for another kind of
// machine: one that says so, and one that lies.
func TestImageOfAnotherProcessor(t *testing.T) {
	foreign := docker.Pause("aarch64")
	if runtime.GOARCH == "arm64" {
		foreign = docker.Pause("x86_64")
	}
	for _, says := range []string{"amd64", "arm64"} {
		name := "stagegate/test-" + says + ":1"
		loadImage(t, name, says, "bin/sh", foreign)
		b := freshBench(t)
		j := b.job("true")
		j.Image = name
		res := b.do(j)
		if want := "the image's sh is no program for the engine's processor (the image says: " + says + ")"; res.Status != pipeline.Errored || res.Reason != want {
			t.Errorf("%s: %s: %s\n%s", name, res.Status, res.Reason, b.files.log())
		}
	}
}

// TestFewerProcessors asks for more processors than the engine has.
func TestFewerProcessors(t *testing.T) {
	b := newBench(t)
	b.limits.CPUs = 1000
	b.engine.Guess(1000)
	b.succeeded(b.do(b.job("echo k=v >> $STAGEGATE_OUTPUT")))
}

func TestTimeout(t *testing.T) {
	for name, c := range map[string]struct {
		run  string
		last string
	}{
		"TERM is enough": {run: "echo on; exec sleep 60", last: "on"},
		"TERM is heard":  {run: "trap 'echo bye; exit 0' TERM; echo on; sleep 60 & wait", last: "bye"},
		"KILL is needed": {run: "trap '' TERM; echo on; while :; do sleep 1; done", last: "on"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			j := b.job(c.run)
			j.Timeout = time.Second
			res := b.do(j)
			if res.Status != pipeline.TimedOut || res.Reason != "ran longer than 1s" {
				t.Errorf("%s: %s", res.Status, res.Reason)
			}
			got := b.files.lines(runner.Stdout)
			if got[len(got)-1] != c.last {
				t.Errorf("last line %q", got)
			}
			if d := res.FinishedAt.Sub(res.StartedAt); d > 15*time.Second {
				t.Errorf("took %s", d)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	b := newBench(t)
	j := b.job("trap 'echo cleaning up; exit 0' TERM; sleep 60 & wait")
	stop := b.run()
	b.jobs.give(j)
	b.jobs.started(t, j)
	b.jobs.cancel(j)
	res := b.jobs.result(t, j)
	stop()
	if res.Status != pipeline.Cancelled {
		t.Errorf("%s: %s", res.Status, res.Reason)
	}
	if n := len(b.containers()); n > 0 {
		t.Errorf("%d containers are left", n)
	}
}

func TestLostLeaseKills(t *testing.T) {
	b := newBench(t)
	b.grace = time.Hour // no time for that
	j := b.job("trap '' TERM; while :; do sleep 1; done")
	b.run()
	b.jobs.give(j)
	b.jobs.started(t, j)
	b.jobs.loseLeases()
	b.until("the container is gone", func() bool { return len(b.containers()) == 0 })
	select {
	case r := <-b.jobs.results[j.ID.String()]:
		t.Errorf("reported %+v", r)
	default:
	}
}

// Not every engine tells that memory was the cause (this needs the kernel's
// notice to reach it before the end does), so the words allow for both.
func TestOutOfMemory(t *testing.T) {
	b := newBench(t)
	b.limits.Memory = 16 << 20
	res := b.do(b.job(`x=$(head -c 100000000 /dev/zero | tr '\0' y); echo ${#x}`))
	if res.Status != pipeline.Failed || !strings.HasSuffix(res.Reason, "out of memory (limit 16 MiB)") {
		t.Errorf("%s, exit code %d: %s", res.Status, res.ExitCode, res.Reason)
	}
}

func (b *bench) until(what string, ok func() bool) {
	b.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	b.Fatalf("not in time: %s", what)
}

// Jobs reach the world, not each other.
func TestJobsCannotReachEachOther(t *testing.T) {
	b := newBench(t)
	other := &bench{T: t, id: b.id + "-other", engine: b.engine, jobs: newJobs(), files: newFiles(), limits: b.limits, grace: b.grace}
	server := b.job(`hostname -i; exec nc -l -p 8000 -e echo reached`)
	stop := b.run()
	b.jobs.give(server)
	b.until("the server listens", func() bool { return len(b.files.lines(runner.Stdout)) == 1 })
	address := b.files.lines(runner.Stdout)[0]
	res := other.do(other.job("echo trying; nc -w 2 " + address + " 8000 </dev/null"))
	if res.Status != pipeline.Failed || !strings.Contains(other.files.log(), "nc: timed out") {
		t.Errorf("%s: %s", res.Status, other.files.log())
	}
	b.jobs.cancel(server)
	b.jobs.result(t, server)
	stop()
}
