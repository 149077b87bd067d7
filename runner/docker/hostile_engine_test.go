package docker_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// steady writes lines until it is told to end by a file in its workspace, which
// stands on this machine whatever becomes of the engine, and counts how often
// it was begun.
const steady = `echo begun >> /stagegate/inputs/source/count; i=0
while ! test -e go; do echo "line $i"; i=$((i+1)); sleep 0.02; done
echo "lines $i"; echo k=v >> "$STAGEGATE_OUTPUT"`

// workspaceOf returns the folder of the bench's one job.
func (b *bench) workspaceOf() string {
	b.Helper()
	all, err := filepath.Glob(filepath.Join(b.work, "stagegate-*", "inputs", "source"))
	if err != nil || len(all) != 1 {
		b.Fatalf("workspaces %v, %v", all, err)
	}
	return all[0]
}

// letGo lets the steady job end.
func (b *bench) letGo() {
	b.Helper()
	dir := b.workspaceOf()
	if text, err := os.ReadFile(filepath.Join(dir, "count")); err != nil || string(text) != "begun\n" {
		b.Errorf("begun %q, %v", text, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		b.Fatal(err)
	}
}

// inFlight is how many lines an engine that is killed may take with it: read
// from the container, and not yet written to the log.
const inFlight = 3

// whole looks that no line of the steady job is missing, doubled or moved, but
// for so many missing ones. It returns how many there are.
func (b *bench) whole(missing int) int {
	b.Helper()
	got := b.files.lines(runner.Stdout)
	last := strings.HasPrefix(got[len(got)-1], "lines ")
	if last {
		got = got[:len(got)-1]
	}
	next := 0
	for i, line := range got {
		n, err := strconv.Atoi(strings.TrimPrefix(line, "line "))
		missing -= n - next
		if err != nil || n < next || missing < 0 {
			b.Fatalf("line %d is %q", i, line)
		}
		next = n + 1
	}
	return len(got)
}

// TestEngineOfItsOwn does to an engine what no other test may suffer from.
func TestEngineOfItsOwn(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, 64<<20, "--live-restore")
	for _, test := range []struct {
		name string
		do   func(*testing.T, *bench, *daemon)
	}{
		{"stopped for a while", testEngineStopsForAWhile},
		{"killed, its containers go on", testEngineIsKilled},
		{"killed with its containers", testEngineIsKilledWithContainers},
		{"removed by hand", testContainerIsRemovedByHand},
		{"full disk", testDiskOfTheEngineIsFull},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := freshBench(t)
			d.on(b)
			test.do(t, b, d)
			if n := d.containers(b); n > 0 {
				t.Errorf("%d containers are left", n)
			}
			if left, err := os.ReadDir(b.work); err != nil || len(left) > 0 {
				t.Errorf("workspaces are left: %v, %v", left, err)
			}
		})
	}
}

func testEngineStopsForAWhile(t *testing.T, b *bench, d *daemon) {
	b.loss = 12 * time.Second // a hang is noticed within four
	stop := b.run()
	j := b.job(steady)
	b.jobs.give(j)
	b.jobs.started(t, j)
	d.signal(syscall.SIGSTOP)
	b.until("the hang is noticed", func() bool { return b.said.has("lost sight of the container") })
	d.signal(syscall.SIGCONT)
	b.until("the log is read again", func() bool { return b.files.opened() > 1 && len(b.files.lines(runner.Stdout)) > 0 })
	b.letGo()
	b.succeeded(b.jobs.result(t, j))
	stop()
	b.whole(0)
}

func testEngineIsKilled(t *testing.T, b *bench, d *daemon) {
	stop := b.run()
	j := b.job(steady)
	b.jobs.give(j)
	b.jobs.started(t, j)
	d.kill()
	b.until("that is noticed", func() bool { return b.said.has("lost sight of the container") })
	d.start()
	b.until("the log is read again", func() bool { return b.files.opened() > 1 && len(b.files.lines(runner.Stdout)) > 0 })
	b.letGo()
	b.succeeded(b.jobs.result(t, j))
	stop()
	b.whole(inFlight)
}

// An engine without live restore ends what it finds running when it starts.
func testEngineIsKilledWithContainers(t *testing.T, b *bench, d *daemon) {
	flags := d.flags
	stop := b.run()
	j := b.job(steady)
	b.jobs.give(j)
	b.jobs.started(t, j)
	b.until("there is some output", func() bool { return len(b.files.lines(runner.Stdout)) > 10 })
	seen := len(b.files.lines(runner.Stdout))
	d.kill()
	d.flags = nil
	d.start()
	res := b.jobs.result(t, j)
	if want := "the container ended while the Docker Engine was away, perhaps by its restart"; res.Status != pipeline.Errored || !strings.HasSuffix(res.Reason, want) {
		t.Errorf("%s: %s", res.Status, res.Reason)
	}
	stop()
	if n := b.whole(inFlight); n < seen-inFlight {
		t.Errorf("%d lines, %d were seen before", n, seen)
	}
	d.flags = flags
}

func testContainerIsRemovedByHand(t *testing.T, b *bench, d *daemon) {
	stop := b.run()
	j := b.job(steady)
	b.jobs.give(j)
	b.jobs.started(t, j)
	name := runner.ContainerName(b.id, j.ID.String())
	if err := d.api.ContainerRemove(context.Background(), name, container.RemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	res := b.jobs.result(t, j)
	if res.Status != pipeline.Errored || res.Reason != "the container was removed while it ran" {
		t.Errorf("%s: %s", res.Status, res.Reason)
	}
	stop()
}

// testDiskOfTheEngineIsFull leaves room for less and less.
func testDiskOfTheEngineIsFull(t *testing.T, b *bench, d *daemon) {
	stop := b.run()
	ballast := filepath.Join(d.data(), "ballast")
	t.Cleanup(func() { _ = os.Remove(ballast) })
	if err := fill(ballast); err != nil {
		t.Fatal(err)
	}
	j := b.job("true")
	b.jobs.give(j)
	res := b.jobs.result(t, j)
	if res.Status != pipeline.Errored || !strings.HasPrefix(res.Reason, "the Docker Engine's disk is full: cannot ") {
		t.Errorf("%s: %s", res.Status, res.Reason)
	}
	stop()
}

// fill writes a file until its disk has no room for another byte.
func fill(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	for chunk := make([]byte, 1<<16); len(chunk) > 0; {
		_, err := f.Write(chunk)
		if errors.Is(err, syscall.ENOSPC) {
			chunk = chunk[:len(chunk)/2]
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}
