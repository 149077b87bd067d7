package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

func TestUnableInWords(t *testing.T) {
	write := &fs.PathError{Op: "write", Path: "inputs/source/x", Err: syscall.ENOSPC}
	for want, err := range map[string]error{
		"the runner's disk is full: cannot fill workspace: unpack artifact source": fmt.Errorf("fill workspace: %w", fmt.Errorf("unpack artifact source: %w", write)),
		"the runner's disk is full: cannot make workspace":                         fmt.Errorf("make workspace: %w", &fs.PathError{Op: "mkdir", Path: "/x", Err: syscall.EDQUOT}),
		"the runner's disk is full: cannot store artifact shop":                    fmt.Errorf("store artifact shop: %w", errors.Join(write, errors.New("more"))),
		"the disk that keeps the artifacts is full: cannot store artifact shop":    fmt.Errorf("store artifact shop: %w", fmt.Errorf("%w: %w", errKeeping, write)),
		"the Docker Engine's disk is full: cannot create container":                fmt.Errorf("create container: %w", fmt.Errorf("%w: %w", ErrDiskFull, errors.New("mkdir: no space left on device"))),
		"create container: something else":                                         fmt.Errorf("create container: %w", errors.New("something else")),
	} {
		if got := unable(err); got.reason != want || got.status != pipeline.Errored {
			t.Errorf("%v\nis %q\nnot %q", err, got.reason, want)
		}
	}
}

func TestSignalName(t *testing.T) {
	for n, want := range map[int]string{
		-1: "", 0: "", 1: "HUP", 6: "ABRT", 9: "KILL", 15: "TERM", 16: "STKFLT", 31: "SYS", 32: "", 33: "", 34: "RTMIN+0", 64: "RTMIN+30", 65: "", 127: "",
	} {
		if got := signalName(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

// TestWhatBefellTheJob are ends that are not the job's own.
func TestWhatBefellTheJob(t *testing.T) {
	at := time.Now()
	for name, c := range map[string]struct {
		code    int
		unseen  bool
		oom     bool
		removed bool
		status  pipeline.Status
		reason  string
	}{
		"restart":         {code: 143, unseen: true, status: pipeline.Errored, reason: "exit code 143: the container ended while the Docker Engine was away, perhaps by its restart"},
		"reboot":          {code: 255, unseen: true, status: pipeline.Errored, reason: "exit code 255: the container ended while the Docker Engine was away, perhaps by its restart"},
		"unseen failure":  {code: 2, unseen: true, status: pipeline.Failed, reason: "exit code 2"},
		"seen":            {code: 255, status: pipeline.Failed, reason: "exit code 255"},
		"memory, unseen":  {code: 137, unseen: true, oom: true, status: pipeline.Failed, reason: "killed: out of memory (limit 4 GiB)"},
		"removed by hand": {code: 137, removed: true, status: pipeline.Errored, reason: "the container was removed while it ran"},
	} {
		t.Run(name, func(t *testing.T) {
			j := task{r: New(Config{}), work: t.Context(), unseen: c.unseen, log: newJobLog(&sink{}, minLogLimit, nil)}
			got := j.blame(State{ExitCode: c.code, OOMKilled: c.oom, Removed: c.removed, StartedAt: at, FinishedAt: at.Add(time.Second)})
			if got.status != c.status || got.reason != c.reason {
				t.Errorf("%s: %s", got.status, got.reason)
			}
		})
	}
}
