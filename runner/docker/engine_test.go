package docker_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"

	"github.com/stagegate/stagegate/internal/artifact"
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
			ID: b.id, Slots: 1, Grace: b.grace, Jobs: b.jobs, Files: b.files,
			Engine: b.engine, Limits: b.limits, EngineLoss: b.loss, WorkDir: b.work,
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
	if left := b.containers(); len(left) > 0 {
		b.Errorf("%d containers are left", len(left))
	}
	if b.work != "" {
		if left, err := os.ReadDir(b.work); err != nil || len(left) > 0 {
			b.Errorf("workspaces are left: %v, %v", left, err)
		}
	}
	return res
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

// jobs is the app's side: leases in memory.
type jobs struct {
	mu      sync.Mutex
	queue   chan pipeline.Job
	held    map[string]runner.Lease
	cancels map[string]chan struct{}
	starts  map[string]chan time.Time
	results map[string]chan pipeline.Result
	lost    bool

	finishing func() error // called when a result is told
}

func newJobs() *jobs {
	return &jobs{
		queue: make(chan pipeline.Job, 16), held: map[string]runner.Lease{},
		cancels: map[string]chan struct{}{}, starts: map[string]chan time.Time{}, results: map[string]chan pipeline.Result{},
	}
}

func (j *jobs) give(job pipeline.Job) {
	j.mu.Lock()
	j.prepare(job)
	j.mu.Unlock()
	j.queue <- job
}

func (j *jobs) prepare(job pipeline.Job) {
	id := job.ID.String()
	j.cancels[id] = make(chan struct{})
	j.starts[id] = make(chan time.Time, 8)
	j.results[id] = make(chan pipeline.Result, 1)
}

// hold makes the job one that an earlier process had leased.
func (j *jobs) hold(job pipeline.Job) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.prepare(job)
	token := job.ID.String()
	j.held[token] = runner.Lease{Job: job, Token: token, Expires: time.Now().Add(time.Minute)}
}

func (j *jobs) cancel(job pipeline.Job) { close(j.cancels[job.ID.String()]) }

func (j *jobs) loseLeases() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lost = true
}

func (j *jobs) result(t *testing.T, job pipeline.Job) pipeline.Result {
	t.Helper()
	select {
	case r := <-j.results[job.ID.String()]:
		return r
	case <-time.After(90 * time.Second):
		t.Fatal("no result")
		return pipeline.Result{}
	}
}

func (j *jobs) started(t *testing.T, job pipeline.Job) time.Time {
	t.Helper()
	select {
	case at := <-j.starts[job.ID.String()]:
		return at
	case <-time.After(60 * time.Second):
		t.Fatal("not started")
		return time.Time{}
	}
}

func (j *jobs) Lease(ctx context.Context, _ string) (runner.Lease, error) {
	select {
	case <-ctx.Done():
		return runner.Lease{}, ctx.Err()
	case job := <-j.queue:
		j.mu.Lock()
		defer j.mu.Unlock()
		l := runner.Lease{Job: job, Token: job.ID.String(), Expires: time.Now().Add(time.Minute)}
		j.held[l.Token] = l
		return l, nil
	}
}

func (j *jobs) Held(context.Context, string) ([]runner.Lease, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []runner.Lease
	for _, l := range j.held {
		all = append(all, l)
	}
	return all, nil
}

func (j *jobs) Renew(ctx context.Context, token string) (runner.Order, error) {
	j.mu.Lock()
	cancelled := j.cancels[token]
	_, held := j.held[token]
	lost := j.lost
	j.mu.Unlock()
	if !held || lost {
		return runner.Order{}, runner.ErrLeaseLost
	}
	select {
	case <-ctx.Done():
		return runner.Order{}, ctx.Err()
	case <-cancelled:
		return runner.Order{Expires: time.Now().Add(time.Minute), Cancel: true}, nil
	case <-time.After(200 * time.Millisecond):
		return runner.Order{Expires: time.Now().Add(time.Minute)}, nil
	}
}

func (j *jobs) Started(_ context.Context, token string, at time.Time, _ string) error {
	select {
	case j.starts[token] <- at:
	default:
	}
	return nil
}

func (j *jobs) Finish(_ context.Context, token string, r pipeline.Result) error {
	if j.finishing != nil {
		if err := j.finishing(); err != nil {
			return err
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, ok := j.held[token]; !ok || j.lost {
		return runner.ErrLeaseLost
	}
	delete(j.held, token)
	j.results[token] <- r
	return nil
}

// files keeps artifacts by name and one log.
type files struct {
	mu    sync.Mutex
	tars  map[string][]byte
	infos map[string]pipeline.Artifact
	text  *bytes.Buffer
	opens int

	secrets []pipeline.Value
	filling func() // called when an input is to be read
	packing func() // called when an artifact is to be packed
}

func newFiles() *files {
	return &files{tars: map[string][]byte{}, infos: map[string]pipeline.Artifact{}, text: &bytes.Buffer{}}
}

func (f *files) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.tars)
}

func (f *files) artifact(name string) pipeline.Artifact {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.infos[name]
}

func (f *files) source(t *testing.T, tree map[string]string) {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, text := range tree {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	rep, err := artifact.Canonical(&out, &b, artifact.Options{Symlinks: true})
	if err != nil {
		t.Fatal(err)
	}
	f.put("source", out.Bytes(), rep.Digest)
}

func (f *files) put(name string, b []byte, digest string) pipeline.Artifact {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tars[name] = b
	f.infos[name] = pipeline.Artifact{Name: name, Digest: digest, Size: int64(len(b))}
	return f.infos[name]
}

// names lists an artifact's entries.
func (f *files) names(t *testing.T, name string) []string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for r := tar.NewReader(bytes.NewReader(f.tars[name])); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, h.Name)
	}
}

func (f *files) Secrets(context.Context, string) ([]pipeline.Value, error) {
	return f.secrets, nil
}

func (f *files) Input(_ context.Context, _, name string) (io.ReadCloser, error) {
	if f.filling != nil {
		f.filling()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok := f.tars[name]
	if !ok {
		return nil, errors.New("no such artifact")
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (f *files) Output(_ context.Context, _, name string, r io.Reader) (pipeline.Artifact, error) {
	if f.packing != nil {
		f.packing()
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return pipeline.Artifact{}, err
	}
	sum := sha256.Sum256(b)
	return f.put(name, b, hex.EncodeToString(sum[:])), nil
}

func (f *files) Log(context.Context, string) (io.WriteCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = &bytes.Buffer{}
	f.opens++
	return &logWriter{files: f, text: f.text}, nil
}

type logWriter struct {
	files *files
	text  *bytes.Buffer
}

func (w *logWriter) Write(p []byte) (int, error) {
	w.files.mu.Lock()
	defer w.files.mu.Unlock()
	return w.text.Write(p)
}

func (w *logWriter) Close() error { return nil }

func (f *files) log() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text.String()
}

// lines returns the texts of one stream of the log.
func (f *files) lines(s runner.Stream) []string {
	var all []string
	for line := range strings.Lines(f.log()) {
		_, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if kind, text, _ := strings.Cut(rest, " "); kind == string(s) {
			all = append(all, text)
		}
	}
	return all
}

func removeImage(t *testing.T, name string) {
	t.Helper()
	if _, err := api.ImageRemove(context.Background(), name, image.RemoveOptions{Force: true}); err != nil {
		t.Error(err)
	}
}

func (f *files) opened() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opens
}
