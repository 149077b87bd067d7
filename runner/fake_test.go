package runner_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// fakeEngine is an engine in memory. A job's script is what its container does:
// see fakeContainer.play.
type fakeEngine struct {
	mu         sync.Mutex
	away       bool
	containers map[string]*fakeContainer // by name
	starts     int
	most       int // how many ran at once
	oom        bool
	imageErr   error
	calls      []string
	crash      *crash
}

func newFakeEngine() *fakeEngine { return &fakeEngine{containers: map[string]*fakeContainer{}} }

func (e *fakeEngine) setAway(away bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.away = away
	if !away {
		return
	}
	for _, c := range e.containers {
		c.dropConnections()
	}
}

func (e *fakeEngine) check() error {
	if err := e.crash.step(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.away {
		return runner.ErrUnavailable
	}
	return nil
}

func (e *fakeEngine) Image(_ context.Context, name string, _ runner.LoginOf, say func(string)) (runner.Image, error) {
	if err := e.check(); err != nil {
		return runner.Image{}, err
	}
	say("pulling " + name)
	return runner.Image{ID: "sha256:1", Digest: name + "@sha256:1", Root: true}, e.imageErr
}

func (e *fakeEngine) Create(_ context.Context, s runner.Spec) (runner.Container, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.containers[s.Name] != nil {
		return nil, runner.ErrNameTaken
	}
	c := &fakeContainer{engine: e, spec: s, files: map[string]string{}, broken: make(chan struct{}), signals: make(chan string, 16), done: make(chan struct{})}
	c.state.Phase = runner.Created
	e.containers[s.Name] = c
	return c, nil
}

func (e *fakeEngine) Reserve(context.Context, runner.Reservation) func(context.Context) error {
	return func(context.Context) error { return nil }
}

func (e *fakeEngine) Containers(_ context.Context, id string) ([]runner.Found, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []runner.Found
	for _, c := range e.containers {
		if c.spec.Labels[runner.LabelRunner] == id {
			all = append(all, runner.Found{Container: c, Labels: c.spec.Labels, State: c.state})
		}
	}
	return all, nil
}

func (e *fakeEngine) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.containers)
}

func (e *fakeEngine) started() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.starts
}

// fakeContainer carries out its script, one word-led line at a time:
//
//	print TEXT | sleep DURATION | output TEXT | make PATH | deaf | exit CODE
type fakeContainer struct {
	engine  *fakeEngine
	spec    runner.Spec
	files   map[string]string
	state   runner.State
	log     bytes.Buffer
	broken  chan struct{} // closed when the connections drop
	signals chan string
	done    chan struct{}
	wg      sync.WaitGroup
}

func (c *fakeContainer) lock() func() { c.engine.mu.Lock(); return c.engine.mu.Unlock }

func (c *fakeContainer) dropConnections() {
	close(c.broken)
	c.broken = make(chan struct{})
}

func (c *fakeContainer) Put(_ context.Context, src io.Reader) error {
	if err := c.engine.check(); err != nil {
		return err
	}
	for r := tar.NewReader(src); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, src)
			return err
		}
		if err != nil {
			return err
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		unlock := c.lock()
		c.files["/"+h.Name] = string(text)
		unlock()
	}
}

func (c *fakeContainer) Start(ctx context.Context) (runner.Output, time.Time, error) {
	if err := c.engine.check(); err != nil {
		return nil, time.Time{}, err
	}
	defer c.lock()()
	c.engine.starts++
	running := 0
	for _, other := range c.engine.containers {
		if other.state.Phase == runner.Running {
			running++
		}
	}
	c.engine.most = max(c.engine.most, running+1)
	c.state = runner.State{Phase: runner.Running, StartedAt: time.Now()}
	c.wg.Go(c.play)
	return c.output(), c.state.StartedAt, nil
}

func (c *fakeContainer) play() {
	deaf := false
	pause := func(d time.Duration) (code int, killed bool) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		for {
			select {
			case <-timer.C:
				return 0, false
			case s := <-c.signals:
				if s == "KILL" {
					return 137, true
				}
				if !deaf {
					return 143, true
				}
			}
		}
	}
	code := 0
	for line := range strings.Lines(c.script()) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		killed := false
		switch word {
		case "print":
			c.edit(func() { c.log.WriteString(rest + "\n") })
		case "sleep":
			d, _ := time.ParseDuration(rest)
			code, killed = pause(d)
		case "output":
			c.edit(func() { c.files["/stagegate/output"] += rest + "\n" })
		case "make":
			c.edit(func() { c.files[c.spec.Dir+"/"+rest] = "made" })
		case "deaf":
			deaf = true
		case "exit":
			code, killed = int(rest[0]-'0'), true
		}
		if killed {
			break
		}
	}
	c.edit(func() {
		c.state.Phase, c.state.ExitCode, c.state.FinishedAt = runner.Ended, code, time.Now()
		c.state.OOMKilled = c.engine.oom
	})
	close(c.done)
}

func (c *fakeContainer) edit(f func()) {
	defer c.lock()()
	f()
}

func (c *fakeContainer) script() string {
	defer c.lock()()
	return c.files["/stagegate/run"]
}

func (c *fakeContainer) Logs(context.Context) (runner.Output, error) {
	if err := c.engine.check(); err != nil {
		return nil, err
	}
	defer c.lock()()
	return c.output(), nil
}

func (c *fakeContainer) output() *fakeOutput {
	return &fakeOutput{c: c, broken: c.broken, closed: make(chan struct{})}
}

type fakeOutput struct {
	c      *fakeContainer
	at     int
	broken chan struct{}
	closed chan struct{}
}

func (o *fakeOutput) Next() (runner.Chunk, error) {
	for {
		ended := false
		select {
		case <-o.c.done:
			ended = true
		case <-o.broken:
			return runner.Chunk{}, io.EOF // as a dropped unix socket looks
		case <-o.closed:
			return runner.Chunk{}, io.ErrClosedPipe
		case <-time.After(10 * time.Millisecond):
		}
		unlock := o.c.lock()
		text := bytes.Clone(o.c.log.Bytes()[o.at:])
		unlock()
		if len(text) > 0 {
			o.at += len(text)
			return runner.Chunk{Stream: runner.Stdout, Data: text}, nil
		}
		if ended {
			return runner.Chunk{}, io.EOF
		}
	}
}

func (o *fakeOutput) Close() error { close(o.closed); return nil }

func (c *fakeContainer) Wait(ctx context.Context) (runner.State, error) {
	unlock := c.lock()
	broken := c.broken
	unlock()
	select {
	case <-c.done:
		defer c.lock()()
		return c.state, nil
	case <-broken:
		return runner.State{}, runner.ErrUnavailable
	case <-ctx.Done():
		return runner.State{}, ctx.Err()
	}
}

func (c *fakeContainer) Signal(_ context.Context, name string) error {
	if err := c.engine.check(); err != nil {
		return err
	}
	defer c.lock()()
	c.engine.calls = append(c.engine.calls, name)
	select {
	case c.signals <- name:
	default:
	}
	return nil
}

func (c *fakeContainer) Stat(_ context.Context, path string) (fs.FileMode, int64, error) {
	if err := c.engine.check(); err != nil {
		return 0, 0, err
	}
	defer c.lock()()
	text, ok := c.files[path]
	if !ok {
		return 0, 0, runner.ErrNoPath
	}
	return 0o644, int64(len(text)), nil
}

func (c *fakeContainer) Get(_ context.Context, path string) (io.ReadCloser, error) {
	if err := c.engine.check(); err != nil {
		return nil, err
	}
	defer c.lock()()
	text := c.files[path]
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path[strings.LastIndex(path, "/")+1:], Mode: 0o644, Size: int64(len(text))})
	_, werr := io.WriteString(w, text)
	return io.NopCloser(&b), errors.Join(err, werr, w.Close())
}

func (c *fakeContainer) Remove(context.Context) error {
	if err := c.engine.check(); err != nil {
		return err
	}
	select {
	case c.signals <- "KILL":
	default:
	}
	defer c.lock()()
	delete(c.engine.containers, c.spec.Name)
	return nil
}

// fakeJobs is the app's side. Its fields are set before it is used, or with mu.
type fakeJobs struct {
	mu        sync.Mutex
	ttl       time.Duration
	queue     chan pipeline.Job
	held      map[string]runner.Lease
	cancel    map[string]bool
	wake      chan struct{} // closed and renewed at every cancel
	results   chan pipeline.Result
	renewErr  error
	finishErr error
	renewals  int
	starts    int
	crash     *crash
}

func newFakeJobs() *fakeJobs {
	return &fakeJobs{
		ttl: 30 * time.Second, queue: make(chan pipeline.Job, 64), held: map[string]runner.Lease{},
		cancel: map[string]bool{}, wake: make(chan struct{}), results: make(chan pipeline.Result, 64),
	}
}

func (j *fakeJobs) hold(job pipeline.Job) runner.Lease {
	j.mu.Lock()
	defer j.mu.Unlock()
	l := runner.Lease{Job: job, Token: "token of " + job.ID.String(), Expires: time.Now().Add(j.ttl)}
	j.held[l.Token] = l
	return l
}

func (j *fakeJobs) order(job pipeline.Job) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.cancel["token of "+job.ID.String()] = true
	close(j.wake)
	j.wake = make(chan struct{})
}

func (j *fakeJobs) set(f func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f()
}

func (j *fakeJobs) Lease(ctx context.Context, _, _ string) (runner.Lease, error) {
	select {
	case <-ctx.Done():
		return runner.Lease{}, ctx.Err()
	case job := <-j.queue:
		return j.hold(job), nil
	}
}

func (j *fakeJobs) Held(context.Context, string) ([]runner.Lease, error) {
	if err := j.crash.step(); err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []runner.Lease
	for _, l := range j.held {
		all = append(all, l)
	}
	return all, nil
}

func (j *fakeJobs) Renew(ctx context.Context, token string) (runner.Order, error) {
	if err := j.crash.step(); err != nil {
		return runner.Order{}, err
	}
	j.mu.Lock()
	j.renewals++
	err, wake, cancel := j.renewErr, j.wake, j.cancel[token]
	_, held := j.held[token]
	j.mu.Unlock()
	switch {
	case err != nil:
		return runner.Order{}, err
	case !held:
		return runner.Order{}, runner.ErrLeaseLost
	case !cancel:
		select {
		case <-ctx.Done():
			return runner.Order{}, ctx.Err()
		case <-time.After(j.ttl / 3):
		case <-wake:
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return runner.Order{Expires: time.Now().Add(j.ttl), Cancel: j.cancel[token]}, nil
}

func (j *fakeJobs) Started(context.Context, string, time.Time, string) error {
	if err := j.crash.step(); err != nil {
		return err
	}
	j.set(func() { j.starts++ })
	return nil
}

func (j *fakeJobs) Finish(_ context.Context, token string, r pipeline.Result) error {
	if err := j.crash.step(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.finishErr != nil {
		return j.finishErr
	}
	if _, held := j.held[token]; !held {
		return runner.ErrLeaseLost
	}
	delete(j.held, token)
	j.results <- r
	return nil
}

// fakeFiles has one empty source for every job and keeps the last log.
type fakeFiles struct {
	mu     sync.Mutex
	log    *strings.Builder
	opens  int
	refuse int // how many logs are broken for writing
	crash  *crash

	secrets []pipeline.Value
}

var emptyTar = make([]byte, 1024)

func (f *fakeFiles) Input(context.Context, string, string) (io.ReadCloser, error) {
	if err := f.crash.step(); err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(emptyTar)), nil
}

func (f *fakeFiles) Output(_ context.Context, _, name string, r io.Reader) (pipeline.Artifact, error) {
	if err := f.crash.step(); err != nil {
		return pipeline.Artifact{}, err
	}
	sum := sha256.New()
	n, err := io.Copy(sum, r)
	return pipeline.Artifact{Name: name, Digest: hex.EncodeToString(sum.Sum(nil)), Size: n}, err
}

func (f *fakeFiles) Login(context.Context, string, string) (runner.Login, error) {
	return runner.Login{}, nil
}

func (f *fakeFiles) Secrets(context.Context, string) ([]pipeline.Value, error) {
	return f.secrets, nil
}

func (f *fakeFiles) Log(context.Context, string, int64) (io.WriteCloser, error) {
	if err := f.crash.step(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opens++
	f.log = &strings.Builder{}
	return &fakeLog{f: f, b: f.log, bad: f.opens <= f.refuse}, nil
}

type fakeLog struct {
	f   *fakeFiles
	b   *strings.Builder
	bad bool
}

func (l *fakeLog) Write(p []byte) (int, error) {
	if err := l.f.crash.step(); err != nil {
		return 0, err
	}
	if l.bad {
		return 0, errors.New("disk full")
	}
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	return l.b.Write(p)
}

func (l *fakeLog) Close() error { return nil }

func (f *fakeFiles) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	for line := range strings.Lines(f.log.String()) {
		b.WriteString(line[25:])
	}
	return b.String()
}

// crash ends the process before its n-th call from outside: nothing it asks for
// afterwards happens.
type crash struct {
	mu     sync.Mutex
	left   int
	killed func()
}

var errDead = errors.New("the process is dead")

func (c *crash) step() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left--
	if c.left > 0 {
		return nil
	}
	c.killed()
	return errDead
}

// world is one runner in memory.
type world struct {
	*testing.T
	engine *fakeEngine
	jobs   *fakeJobs
	files  *fakeFiles
	config runner.Config
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, engine: newFakeEngine(), jobs: newFakeJobs(), files: &fakeFiles{}}
	w.config = runner.Config{ID: "r1", Slots: 2, Jobs: w.jobs, Files: w.files, Engine: w.engine}
	return w
}

// run starts the runner; stop ends it as the process would be ended.
func (w *world) run() (stop func() time.Duration) {
	ctx, cancel := context.WithCancel(w.Context())
	if w.engine.crash != nil {
		w.engine.crash.killed = cancel
	}
	var all sync.WaitGroup
	all.Go(func() {
		if err := runner.New(w.config).Run(ctx); !errors.Is(err, context.Canceled) {
			w.Errorf("run: %v", err)
		}
	})
	return func() time.Duration {
		began := time.Now()
		cancel()
		all.Wait()
		return time.Since(began)
	}
}

func job(name, script string) pipeline.Job {
	sum := sha256.Sum256(emptyTar)
	return pipeline.Job{
		ID:    pipeline.JobID{Execution: "7", Stage: "build", Action: name, Attempt: 1},
		Image: "golang:1", Run: script,
		Inputs: []pipeline.Artifact{{Name: "source", Digest: hex.EncodeToString(sum[:])}},
	}
}
