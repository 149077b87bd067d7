package docker_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
	"github.com/stagegate/stagegate/runner/docker"
)

// busybox is the image the tests run. It is made here when it is missing, so
// that they need no registry.
const busybox = "stagegate/busybox:local"

var api *client.Client

func TestMain(m *testing.M) {
	var err error
	if api, err = client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation()); err == nil {
		err = makeBusybox(context.Background())
	}
	if err != nil {
		// Every test says so: these tests are never skipped.
		setupErr = err
	}
	code := m.Run()
	if api != nil {
		_ = api.Close()
	}
	if left := leaked(); code == 0 && left != "" {
		fmt.Fprintln(os.Stderr, "goroutines are left:\n"+left)
		code = 1
	}
	os.Exit(code)
}

// leaked returns the goroutines that stand in this project or in the client.
func leaked() string {
	var stacks string
	for range 100 {
		stacks = ""
		b := make([]byte, 1<<20)
		for g := range strings.SplitSeq(string(b[:runtime.Stack(b, true)]), "\n\n") {
			if !strings.Contains(g, "TestMain") && (strings.Contains(g, "stagegate/runner") || strings.Contains(g, "docker/client")) {
				stacks += g + "\n\n"
			}
		}
		if stacks == "" {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return stacks
}

var setupErr error

// makeBusybox imports a root file system made of one static binary.
func makeBusybox(ctx context.Context) error {
	if _, err := api.ImageInspect(ctx, busybox); err == nil {
		return nil
	}
	path, err := exec.LookPath("busybox")
	if err != nil {
		return err
	}
	binary, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := checkStatic(binary); err != nil {
		return err
	}
	list, err := exec.CommandContext(context.Background(), path, "--list").Output()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	put := func(h tar.Header, content []byte) {
		h.Size = int64(len(content))
		err = errors.Join(err, w.WriteHeader(&h))
		_, werr := w.Write(content)
		err = errors.Join(err, werr)
	}
	put(tar.Header{Typeflag: tar.TypeDir, Name: "bin/", Mode: 0o755}, nil)
	put(tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}, nil)
	put(tar.Header{Typeflag: tar.TypeDir, Name: "etc/", Mode: 0o755}, nil)
	put(tar.Header{Typeflag: tar.TypeReg, Name: "etc/passwd", Mode: 0o644}, []byte("root:x:0:0:root:/:/bin/sh\nuser:x:1000:1000:user:/:/bin/sh\n"))
	put(tar.Header{Typeflag: tar.TypeReg, Name: "bin/busybox", Mode: 0o755}, binary)
	for _, name := range strings.Fields(string(list)) {
		if name != "busybox" {
			put(tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + name, Linkname: "busybox", Mode: 0o777}, nil)
		}
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	r, err := api.ImageImport(ctx, image.ImportSource{Source: &b, SourceName: "-"}, busybox, image.ImportOptions{})
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}

// loadImage makes an image of one program, which says that it is for some
// machine.
func loadImage(t *testing.T, name, architecture, path string, program []byte) {
	t.Helper()
	pack := func(files map[string][]byte) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for name, text := range files {
			err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(text))})
			if _, werr := w.Write(text); err != nil || werr != nil {
				t.Fatal(err, werr)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	layer := pack(map[string][]byte{path: program})
	r, err := api.ImageLoad(t.Context(), bytes.NewReader(pack(map[string][]byte{
		"layer.tar":     layer,
		"config.json":   fmt.Appendf(nil, `{"os":"linux","architecture":%q,"rootfs":{"type":"layers","diff_ids":["sha256:%x"]}}`, architecture, sha256.Sum256(layer)),
		"manifest.json": fmt.Appendf(nil, `[{"Config":"config.json","RepoTags":[%q],"Layers":["layer.tar"]}]`, name),
	})))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeImage(t, name) })
}

func checkStatic(binary []byte) error {
	f, err := elf.NewFile(bytes.NewReader(binary))
	if err != nil {
		return err
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("the busybox on PATH is not static; install busybox-static")
		}
	}
	return nil
}

// bench is one runner's world: its jobs, its files, its engine.
type bench struct {
	*testing.T
	id     string
	engine *docker.Engine
	jobs   *jobs
	files  *files
	work   string // where workspaces are folders; empty: they are volumes
	temp   string // where the runner spools; empty: the system's
	said   record // what the runner told its operator
	limits runner.Limits
	grace  time.Duration
	loss   time.Duration
	slots  int // default 1

	refused func(repository string, options []string) []string
}

// record keeps what is written to it.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) has(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Contains(r.text.String(), text)
}

// inBothModes runs a test with workspaces that are folders of this machine, and
// with volumes.
func inBothModes(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	t.Run("folder", func(t *testing.T) { test(t, newBench(t)) })
	t.Run("volume", func(t *testing.T) {
		b := newBench(t)
		b.work = ""
		test(t, b)
	})
}

func newBench(t *testing.T) *bench {
	t.Helper()
	t.Parallel()
	return freshBench(t)
}

func freshBench(t *testing.T) *bench {
	t.Helper()
	if setupErr != nil {
		t.Fatalf("these tests need a Docker Engine (make test starts one): %v", setupErr)
	}
	e, err := docker.New()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, id: "test-" + rand.Text(), engine: e, jobs: newJobs(), files: newFiles(), grace: 2 * time.Second, work: t.TempDir()}
	b.limits = runner.Limits{Memory: 128 << 20, CPUs: 1, Timeout: time.Minute}
	t.Cleanup(func() {
		for _, c := range b.containers() {
			_ = api.ContainerRemove(context.Background(), c.ID, container.RemoveOptions{Force: true})
		}
		_ = e.Close()
	})
	return b
}

func (b *bench) containers() []container.Summary {
	b.Helper()
	list, err := api.ContainerList(context.Background(), container.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("label", runner.LabelRunner+"="+b.id)),
	})
	if err != nil {
		b.Fatal(err)
	}
	return list
}

// run starts a runner and returns what stops it.
func (b *bench) run() (stop func()) {
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r := runner.New(runner.Config{
			ID: b.id, Slots: b.slots, Grace: b.grace, Jobs: b.jobs, Files: b.files,
			Engine: b.engine, Limits: b.limits, Refused: b.refused, EngineLoss: b.loss, WorkDir: b.work,
			Log: slog.New(slog.NewTextHandler(io.MultiWriter(b.Output(), &b.said), nil)), TempDir: b.temp,
		})
		_ = r.Run(ctx)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			b.Error("the runner does not stop")
		}
	})
	b.Cleanup(stop)
	return stop
}

// do runs one job to its end and looks that nothing is left of it.
func (b *bench) do(j pipeline.Job) pipeline.Result {
	b.Helper()
	stop := b.run()
	defer stop()
	b.jobs.give(j)
	res := b.jobs.result(b.T, j)
	stop()
	b.nothingLeft()
	return res
}

// nothingLeft looks that no container and no workspace is.
func (b *bench) nothingLeft() {
	b.Helper()
	if left := b.containers(); len(left) > 0 {
		b.Errorf("%d containers are left", len(left))
	}
	if b.work != "" {
		if left, err := os.ReadDir(b.work); err != nil || len(left) > 0 {
			b.Errorf("workspaces are left: %v, %v", left, err)
		}
	}
	if left, err := filepath.Glob("/dev/shm/" + runner.ContainerName(b.id, "") + "-secrets/*"); err != nil || len(left) > 0 {
		b.Errorf("secrets are left: %v, %v", left, err)
	}
}

func (b *bench) job(run string) pipeline.Job {
	if b.files.count() == 0 {
		b.files.source(b.T, map[string]string{"README.md": "hello\n"})
	}
	return pipeline.Job{
		ID:         pipeline.JobID{Execution: rand.Text()[:8], Stage: "build", Action: "compile", Attempt: 1},
		Repository: "acme/shop", Pipeline: "release", Commit: strings.Repeat("a", 40), Ref: "refs/heads/main",
		CommitTime: time.Unix(1700000000, 0),
		Image:      busybox, Run: run,
		Inputs: []pipeline.Artifact{b.files.artifact("source")},
	}
}

func removeImage(t *testing.T, name string) {
	t.Helper()
	if _, err := api.ImageRemove(context.Background(), name, image.RemoveOptions{Force: true}); err != nil {
		t.Error(err)
	}
}
