package docker_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"

	"github.com/stagegate/stagegate/runner"
	"github.com/stagegate/stagegate/runner/docker"
)

// daemon is a Docker Engine that a test may stop and kill. It lives in a network
// of its own: an engine takes the machine's default bridge for its own, and even
// one told to have none removes it.
type daemon struct {
	*testing.T
	dir    string
	flags  []string
	cmd    *exec.Cmd
	log    bytes.Buffer
	api    *client.Client
	within func(func() error) error // runs something in that network
}

// newDaemon starts one whose images and containers stand on a disk of its own,
// of so many bytes, and which has the tests' image. These tests run as root.
func newDaemon(t *testing.T, disk int, flags ...string) *daemon {
	t.Helper()
	dir, err := os.MkdirTemp("", "engine-") //nolint:usetesting // a socket's name must be short
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{T: t, dir: dir, flags: flags}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Mkdir(d.data(), 0o700); err != nil {
		t.Fatal(err)
	}
	small(t, d.data(), disk)
	d.within = ownNetwork(t)
	t.Cleanup(d.end)
	if d.api, err = client.NewClientWithOpts(client.WithHost(d.host()), client.WithAPIVersionNegotiation()); err != nil {
		t.Fatal(err)
	}
	d.start()
	d.takeImage()
	return d
}

func (d *daemon) data() string { return filepath.Join(d.dir, "data") }

func (d *daemon) host() string { return "unix://" + filepath.Join(d.dir, "s") }

// start returns when the engine answers.
func (d *daemon) start() {
	d.Helper()
	pidfile := filepath.Join(d.dir, "pid")
	_ = os.Remove(pidfile)
	args := append([]string{
		"-H", d.host(), "--data-root", d.data(), "--exec-root", filepath.Join(d.dir, "exec"), "--pidfile", pidfile,
		"--iptables=false", "--ip6tables=false",
	}, d.flags...)
	d.cmd = exec.CommandContext(context.Background(), "dockerd", args...)
	d.cmd.Stdout, d.cmd.Stderr = &d.log, &d.log
	if err := d.within(d.cmd.Start); err != nil {
		d.Fatalf("start dockerd: %v", err)
	}
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err := d.api.Ping(context.Background()); err == nil {
			return
		}
		if time.Now().After(end) {
			d.Fatalf("dockerd does not answer\n%s", d.log.String())
		}
	}
}

// ownNetwork makes a network namespace that lasts as long as the test. It is that
// of one thread, which is never used for anything else and ends with it.
func ownNetwork(t *testing.T) func(func() error) error {
	t.Helper()
	tasks, results := make(chan func() error), make(chan error)
	go func() {
		runtime.LockOSThread()
		for task := range tasks {
			results <- task()
		}
	}()
	t.Cleanup(func() { close(tasks) })
	within := func(task func() error) error {
		tasks <- task
		return <-results
	}
	if err := within(func() error { return syscall.Unshare(syscall.CLONE_NEWNET) }); err != nil {
		t.Fatalf("make a network namespace (these tests run as root): %v", err)
	}
	return within
}

// signal sends one to the engine alone: its containers have other parents.
func (d *daemon) signal(s syscall.Signal) {
	d.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
		d.Fatal(err)
	}
}

// kill ends the engine at once, and with it the containerd that it had started. The
// containers go on.
func (d *daemon) kill() {
	d.Helper()
	pidfile := filepath.Join(d.dir, "exec", "containerd", "containerd.pid")
	pid, err := os.ReadFile(pidfile)
	if err != nil {
		d.Fatal(err)
	}
	d.signal(syscall.SIGKILL)
	_ = d.cmd.Wait()
	if n, err := strconv.Atoi(strings.TrimSpace(string(pid))); err == nil {
		_ = syscall.Kill(n, syscall.SIGKILL)
	}
	_ = os.Remove(pidfile) // which the next one would trust
}

// end leaves nothing of the engine and its containers.
func (d *daemon) end() {
	if d.cmd == nil || d.cmd.Process == nil {
		return
	}
	_ = d.cmd.Process.Signal(syscall.SIGCONT)
	ctx := context.Background()
	list, err := d.api.ContainerList(ctx, container.ListOptions{All: true})
	for _, c := range list {
		if err := d.api.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true, RemoveVolumes: true}); err != nil {
			d.Error(err)
		}
	}
	if err != nil {
		d.Errorf("clean up the engine: %v", err)
	}
	_ = d.api.Close()
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	if err := d.cmd.Wait(); err != nil {
		d.Errorf("dockerd: %v\n%s", err, d.log.String())
	}
	d.unmount()
}

// unmount takes away what the engine mounted below its folder.
func (d *daemon) unmount() {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		d.Error(err)
	}
	for line := range strings.Lines(string(mounts)) {
		at := strings.Fields(line)[1]
		if strings.HasPrefix(at, d.dir+"/") && at != d.data() {
			_ = syscall.Unmount(at, syscall.MNT_DETACH)
		}
	}
}

// takeImage brings the tests' image there.
func (d *daemon) takeImage() {
	d.Helper()
	ctx := context.Background()
	src, err := api.ImageSave(ctx, []string{busybox})
	if err != nil {
		d.Fatal(err)
	}
	defer src.Close()
	res, err := d.api.ImageLoad(ctx, src)
	if err != nil {
		d.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		d.Fatal(err)
	}
}

// on makes the bench run its jobs on the engine.
func (d *daemon) on(b *bench) {
	b.Helper()
	e, err := docker.At(d.host())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = e.Close() })
	b.engine = e
}

// containers counts those of a bench.
func (d *daemon) containers(b *bench) int {
	b.Helper()
	all, err := d.api.ContainerList(context.Background(), container.ListOptions{All: true})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for _, c := range all {
		if c.Labels[runner.LabelRunner] == b.id {
			n++
		}
	}
	return n
}
