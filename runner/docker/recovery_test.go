package docker_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
	"github.com/stagegate/stagegate/runner/docker"
)

// waiting writes lines before and after it was told to go on.
const waiting = `i=0; while [ $i -lt 1000 ]; do echo "before $i"; i=$((i+1)); done
while ! test -e /tmp/go; do sleep 0.05; done
i=0; while [ $i -lt 1000 ]; do echo "after $i" >&2; i=$((i+1)); done; printf end; echo k=v >> $STAGEGATE_OUTPUT`

func (b *bench) goOn() {
	b.Helper()
	var t bytes.Buffer
	w := tar.NewWriter(&t)
	_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "tmp/go", Mode: 0o644})
	_ = w.Close()
	if err := api.CopyToContainer(context.Background(), b.only().ID, "/", &t, container.CopyToContainerOptions{}); err != nil {
		b.Fatal(err)
	}
}

// only returns the one container there is.
func (b *bench) only() container.Summary {
	b.Helper()
	all := b.containers()
	if len(all) != 1 {
		b.Fatalf("%d containers", len(all))
	}
	return all[0]
}

// starts counts how often containers of the bench were started.
func (b *bench) starts(since time.Time) int {
	b.Helper()
	msgs, errs := api.Events(b.Context(), events.ListOptions{
		Since: strconv.FormatInt(since.Unix()-1, 10),
		Until: strconv.FormatInt(time.Now().Unix()+1, 10),
		Filters: filters.NewArgs(filters.Arg("event", "start"), filters.Arg("type", "container"),
			filters.Arg("label", runner.LabelRunner+"="+b.id)),
	})
	for n := 0; ; {
		select {
		case <-msgs:
			n++
		case err := <-errs:
			if !errors.Is(err, io.EOF) {
				b.Fatal(err)
			}
			return n
		}
	}
}

func (b *bench) wholeLog() {
	b.Helper()
	var out, errs []string
	for i := range 1000 {
		out = append(out, fmt.Sprintf("before %d", i))
		errs = append(errs, fmt.Sprintf("after %d", i))
	}
	out = append(out, "end")
	if got := b.files.lines(runner.Stdout); !slices.Equal(got, out) {
		b.Errorf("stdout has %d lines, want %d", len(got), len(out))
	}
	if got := b.files.lines(runner.Stderr); !slices.Equal(got, errs) {
		b.Errorf("stderr has %d lines, want %d", len(got), len(errs))
	}
}

func (b *bench) succeeded(r pipeline.Result) {
	b.Helper()
	if r.Status != pipeline.Succeeded || len(r.Outputs) != 1 || r.Image == "" {
		b.Errorf("%+v\n%s", r, b.files.log())
	}
}

func TestRunningContainerIsAdopted(t *testing.T) {
	began := time.Now()
	b := newBench(t)
	j := b.job(waiting)
	stop := b.run()
	b.jobs.give(j)
	at := b.jobs.started(t, j)
	stop()
	if b.only().State != container.StateRunning {
		t.Fatalf("the container is %s", b.only().State)
	}

	b.files = newFiles()
	stop = b.run()
	if again := b.jobs.started(t, j); again.Sub(at).Abs() > 5*time.Second {
		t.Errorf("started at %s, then at %s", at, again)
	}
	b.until("the log was read again", func() bool { return len(b.files.lines(runner.Stdout)) == 1000 })
	b.goOn()
	b.succeeded(b.jobs.result(t, j))
	stop()
	b.wholeLog()
	if n := b.starts(began); n != 1 {
		t.Errorf("started %d times", n)
	}
	if n := len(b.containers()); n > 0 {
		t.Errorf("%d containers are left", n)
	}
}

func TestEndedContainerIsAdopted(t *testing.T) {
	began := time.Now()
	b := newBench(t)
	j := b.job(waiting)
	stop := b.run()
	b.jobs.give(j)
	b.jobs.started(t, j)
	stop()
	b.goOn()
	b.until("the container has ended", func() bool { return b.only().State == container.StateExited })

	b.files = newFiles()
	stop = b.run()
	b.succeeded(b.jobs.result(t, j))
	stop()
	b.wholeLog()
	if n := b.starts(began); n != 1 {
		t.Errorf("started %d times", n)
	}
}

func TestAdoptedTimeoutCountsFromTheStart(t *testing.T) {
	b := newBench(t)
	j := b.job("sleep 60")
	j.Timeout = 2 * time.Second
	stop := b.run()
	b.jobs.give(j)
	at := b.jobs.started(t, j)
	stop()
	b.run()
	res := b.jobs.result(t, j)
	if d := time.Since(at); res.Status != pipeline.TimedOut || d < 2*time.Second || d > 10*time.Second {
		t.Errorf("%s after %s: %s", res.Status, d, res.Reason)
	}
}

func TestOrphanIsRemoved(t *testing.T) {
	b := newBench(t)
	j := b.job("sleep 60")
	stop := b.run()
	b.jobs.give(j)
	b.jobs.started(t, j)
	stop()
	b.only()
	b.jobs = newJobs() // the app gave the lease to somebody else
	b.run()
	b.until("the orphan is gone", func() bool { return len(b.containers()) == 0 })
}

func TestContainerNeverStartedIsMadeAgain(t *testing.T) {
	for name, create := range map[string]bool{"created": true, "not even created": false} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			b := newBench(t)
			j := b.job("echo hello; echo k=v >> $STAGEGATE_OUTPUT")
			if create {
				b.create(j)
			}
			b.jobs.hold(j)
			stop := b.run()
			b.succeeded(b.jobs.result(t, j))
			stop()
			if n := b.starts(began); n != 1 {
				t.Errorf("started %d times", n)
			}
			if n := len(b.containers()); n > 0 {
				t.Errorf("%d containers are left", n)
			}
		})
	}
}

// A container of a lease that was lost while the engine was away must not make
// the next lease of the same job fail.
func TestNameTakenByAnEarlierLease(t *testing.T) {
	b := newBench(t)
	j := b.job("echo k=v >> $STAGEGATE_OUTPUT")
	stop := b.run()
	defer stop()
	warm := b.job("true")
	b.jobs.give(warm) // adoption is over once this ran
	b.jobs.result(t, warm)
	b.create(j)
	b.jobs.give(j)
	b.succeeded(b.jobs.result(t, j))
}

// create makes the container a runner would make for the job.
func (b *bench) create(j pipeline.Job) {
	b.Helper()
	ctx := b.Context()
	img, err := b.engine.Image(ctx, j.Image, noLogin, func(string) {})
	if err != nil {
		b.Fatal(err)
	}
	_, err = b.engine.Create(ctx, runner.Spec{
		Name:    runner.ContainerName(b.id, j.ID.String()),
		Image:   img.ID,
		Labels:  map[string]string{runner.LabelRunner: b.id, runner.LabelJob: j.ID.String()},
		Command: []string{"echo", "left behind"},
		Limits:  runner.Limits{LogLimit: 1 << 20, CPUs: 1},
	})
	if err != nil {
		b.Fatal(err)
	}
}

// proxy stands between the runner and the engine, to be cut.
type proxy struct {
	listener net.Listener
	mu       sync.Mutex
	away     bool
	conns    []net.Conn
	all      sync.WaitGroup
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(t.TempDir(), "docker.sock"))
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l}
	p.all.Go(p.serve)
	t.Cleanup(func() {
		_ = l.Close()
		p.cut(true)
		p.all.Wait()
	})
	return p
}

func (p *proxy) serve() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.all.Go(func() { p.pass(c) })
	}
}

func (p *proxy) pass(c net.Conn) {
	defer c.Close()
	up, err := (&net.Dialer{}).DialContext(context.Background(), "unix", strings.TrimPrefix(api.DaemonHost(), "unix://"))
	if err != nil {
		return
	}
	defer up.Close()
	p.mu.Lock()
	away := p.away
	p.conns = append(p.conns, c, up)
	p.mu.Unlock()
	if away {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { relay(up, c) })
	both.Go(func() { relay(c, up) })
	both.Wait()
}

func relay(dst, src net.Conn) {
	_, _ = io.Copy(dst, src)
	if w, ok := dst.(*net.UnixConn); ok {
		_ = w.CloseWrite()
	}
}

// cut drops every connection and, while away, every new one.
func (p *proxy) cut(away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = away
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

func TestEngineIsAwayForAWhile(t *testing.T) {
	began := time.Now()
	b := newBench(t)
	p := newProxy(t)
	e, err := docker.At("unix://" + p.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	b.engine = e
	j := b.job(waiting)
	stop := b.run()
	b.jobs.give(j)
	b.jobs.started(t, j)
	opens := b.files.opened()
	p.cut(true)
	b.goOn() // it ends behind the runner's back
	b.until("the container has ended", func() bool { return b.only().State == container.StateExited })
	p.cut(false)
	b.succeeded(b.jobs.result(t, j))
	stop()
	b.wholeLog()
	if b.files.opened() == opens {
		t.Error("the log was not read again")
	}
	if n := b.starts(began); n != 1 {
		t.Errorf("started %d times", n)
	}
}

// Only the attachment breaks: the log is read again, the job goes on.
func TestAttachmentBreaks(t *testing.T) {
	b := newBench(t)
	p := newProxy(t)
	e, err := docker.At("unix://" + p.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	b.engine = e
	j := b.job(waiting)
	stop := b.run()
	b.jobs.give(j)
	b.jobs.started(t, j)
	b.until("the log is read", func() bool { return len(b.files.lines(runner.Stdout)) == 1000 })
	opens := b.files.opened()
	p.cut(false)
	b.until("the log is read again", func() bool {
		return b.files.opened() > opens && len(b.files.lines(runner.Stdout)) == 1000
	})
	b.goOn()
	b.succeeded(b.jobs.result(t, j))
	stop()
	b.wholeLog()
}

func TestEngineIsLost(t *testing.T) {
	b := newBench(t)
	p := newProxy(t)
	e, err := docker.At("unix://" + p.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	b.engine, b.loss = e, time.Second
	j := b.job("sleep 60")
	stop := b.run()
	b.jobs.give(j)
	b.jobs.started(t, j)
	p.cut(true)
	res := b.jobs.result(t, j)
	if res.Status != pipeline.Errored || res.Reason != "Docker Engine was lost" {
		t.Errorf("%s: %s", res.Status, res.Reason)
	}
	b.only() // it runs on, until the engine can be told
	p.cut(false)
	b.until("the container is gone", func() bool { return len(b.containers()) == 0 })
	stop()
}

func TestNetworkWasPruned(t *testing.T) {
	b := newBench(t)
	if err := b.engine.LoseNetwork(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.succeeded(b.do(b.job("echo k=v >> $STAGEGATE_OUTPUT")))
}

// Many processes may find no network at the same moment.
func TestNetworkIsOne(t *testing.T) {
	b := newBench(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			e, err := docker.New()
			if err != nil {
				t.Error(err)
				return
			}
			defer e.Close()
			if _, err := e.NetworkID(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	list, err := api.NetworkList(t.Context(), network.ListOptions{Filters: filters.NewArgs(filters.Arg("name", "stagegate"))})
	if err != nil {
		t.Fatal(err)
	}
	id, err := b.engine.NetworkID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range list {
		if n.ID == id && n.Options["com.docker.network.bridge.enable_icc"] != "false" {
			t.Errorf("options %v", n.Options)
		}
	}
}

func BenchmarkJob(b *testing.B) {
	if setupErr != nil {
		b.Fatal(setupErr)
	}
	e, err := docker.New()
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	w := &bench{id: "bench", jobs: newJobs(), files: newFiles(), engine: e}
	ctx, cancel := context.WithCancel(b.Context())
	var done sync.WaitGroup
	done.Go(func() {
		_ = runner.New(runner.Config{ID: w.id, Jobs: w.jobs, Files: w.files, Engine: e}).Run(ctx)
	})
	defer done.Wait()
	defer cancel()
	w.files.tars["source"] = make([]byte, 1024)
	w.files.infos["source"] = pipeline.Artifact{Name: "source", Digest: "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"}
	for b.Loop() {
		j := w.job("true")
		w.jobs.give(j)
		if r := <-w.jobs.results[j.ID.String()]; r.Status != pipeline.Succeeded {
			b.Fatal(r.Reason)
		}
	}
}
