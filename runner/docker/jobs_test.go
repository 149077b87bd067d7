package docker_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/artifact"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

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
	case <-time.After(3 * time.Minute):
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

func (j *jobs) Lease(ctx context.Context, _, _ string) (runner.Lease, error) {
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
	login   runner.Login
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

func (f *files) Login(context.Context, string, string) (runner.Login, error) {
	return f.login, nil
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

func (f *files) Log(context.Context, string, int64) (io.WriteCloser, error) {
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

func (f *files) opened() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opens
}
