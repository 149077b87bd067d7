package docker_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// small mounts a file system of a size at a folder, for the time of the test.
func small(t *testing.T, dir string, size int) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Fatalf("mount a small disk (these tests run as root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// TestDiskOfTheRunnerIsFull fills the disk that has the workspaces, then the one
// on which an artifact of a volume is put together.
func TestDiskOfTheRunnerIsFull(t *testing.T) {
	const disk = 1 << 20
	for name, c := range map[string]struct {
		source int
		run    string
		volume bool
		status pipeline.Status
		reason string
	}{
		"while unpacking": {
			source: 2 * disk, run: "true",
			status: pipeline.Errored, reason: "the runner's disk is full: cannot fill workspace: unpack artifact source",
		},
		"while the job runs": {
			run:    "cat /bin/busybox > one",
			status: pipeline.Failed, reason: "exit code 1: a disk was full, as the log says",
		},
		"while packing": {
			run: "cat /bin/busybox > one", volume: true,
			status: pipeline.Errored, reason: "the runner's disk is full: cannot store artifact all",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if c.volume {
				b.work, b.temp = "", t.TempDir()
				small(t, b.temp, disk)
			} else {
				small(t, b.work, disk)
			}
			b.files.source(t, map[string]string{"README.md": "hello\n" + strings.Repeat("x", c.source)})
			j := b.job(c.run)
			j.Artifacts = []pipeline.Output{{Name: "all", Path: "."}}
			if res := b.attack(j); res.Status != c.status || !strings.HasPrefix(res.Reason, c.reason) {
				t.Errorf("%s: %s\n%s", res.Status, res.Reason, b.files.log())
			}
		})
	}
}
