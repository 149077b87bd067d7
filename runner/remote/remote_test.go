package remote_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
	"github.com/stagegate/stagegate/runner/remote"
)

const (
	runnerToken = "sgr_0123456789abcdefghij"
	leaseToken  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ" // 256 bits have 43 letters
)

// work is one job, and what became of it.
type work struct {
	mu      sync.Mutex
	leases  []string // whom it was given to, under which token
	started string
	result  *pipeline.Result
	log     []byte
	stored  []byte
}

var job = pipeline.Job{
	ID: pipeline.JobID{Execution: "1", Stage: "build", Action: "compile", Attempt: 1}, Image: "go", Run: "make",
	Env: []pipeline.Value{{Name: "A", Value: "b"}}, Timeout: time.Hour,
}

func (w *work) Lease(ctx context.Context, name, token string) (runner.Lease, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leases = append(w.leases, name+" "+token)
	return runner.Lease{Job: job, Token: token, Expires: time.Now().Add(time.Minute)}, ctx.Err()
}

func (w *work) Held(_ context.Context, name string) ([]runner.Lease, error) {
	if name != "tower/id-1" {
		return nil, nil
	}
	return []runner.Lease{{Job: job, Token: leaseToken, Expires: time.Now().Add(time.Minute)}}, nil
}

func (w *work) holds(token string) error {
	if token != leaseToken {
		return runner.ErrLeaseLost
	}
	return nil
}

func (w *work) Renew(_ context.Context, token string) (runner.Order, error) {
	return runner.Order{Expires: time.Now().Add(time.Minute), Cancel: true}, w.holds(token)
}

func (w *work) Started(_ context.Context, token string, _ time.Time, image string) error {
	w.started = image
	return w.holds(token)
}

func (w *work) Finish(_ context.Context, token string, r pipeline.Result) error {
	w.result = &r
	return w.holds(token)
}

func (w *work) Input(_ context.Context, token, name string) (io.ReadCloser, error) {
	if name == "broken" {
		return io.NopCloser(io.MultiReader(strings.NewReader(strings.Repeat("half", 100_000)), failing{})), nil
	}
	return io.NopCloser(strings.NewReader("tar of " + name)), w.holds(token)
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk is gone") }

func (w *work) Output(_ context.Context, token, name string, tar io.Reader) (pipeline.Artifact, error) {
	var err error
	if w.stored, err = io.ReadAll(tar); err != nil {
		return pipeline.Artifact{}, err
	}
	return pipeline.Artifact{Name: name, Digest: "d", Size: int64(len(w.stored))}, w.holds(token)
}

func (w *work) Secrets(_ context.Context, token string) ([]pipeline.Value, error) {
	if err := w.holds(token); err != nil {
		return nil, err
	}
	return []pipeline.Value{{Name: "KEY", Value: "bin\xff\x00ary"}}, nil
}

func (w *work) Login(_ context.Context, token, host string) (runner.Login, error) {
	return runner.Login{Username: "robot", Password: "of " + host}, w.holds(token)
}

func (w *work) Log(_ context.Context, token string, from int64) (io.WriteCloser, error) {
	if err := w.holds(token); err != nil {
		return nil, err
	}
	if from > int64(len(w.log)) {
		return nil, &runner.Refusal{Reason: "the log is shorter"}
	}
	w.log = w.log[:from]
	return appender{w}, nil
}

type appender struct{ *work }

func (a appender) Write(b []byte) (int, error) {
	a.log = append(a.log, b...)
	return len(b), nil
}

func (a appender) Close() error { return nil }

// serve answers for the work; faults, in their turn, may answer in its place.
func serve(t *testing.T, w *work, faults ...http.HandlerFunc) *remote.Client {
	t.Helper()
	handler := remote.Handler(remote.Config{
		Jobs: w, Files: w, Log: slog.New(slog.DiscardHandler),
		Runner: func(_ context.Context, token string) (string, error) {
			if token == runnerToken {
				return "tower", nil
			}
			return "", nil
		},
	})
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if i := int(n.Add(1)) - 1; i < len(faults) && faults[i] != nil {
			faults[i](rw, r)
			return
		}
		handler.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	return client(t, server.URL, runnerToken)
}

func client(t *testing.T, url, token string) *remote.Client {
	t.Helper()
	c, err := remote.NewClient(remote.Server{URL: url, Token: token, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAJobFromItsLeaseToItsEnd(t *testing.T) {
	w := &work{}
	c, ctx := serve(t, w), t.Context()
	l, err := c.Lease(ctx, "id-1", leaseToken)
	if err != nil || l.Token != leaseToken || time.Until(l.Expires) < 50*time.Second || !cmp.Equal(l.Job, job) {
		t.Fatalf("lease %+v, %v", l, err)
	}
	if want := []string{"tower/id-1 " + leaseToken}; !slices.Equal(w.leases, want) {
		t.Errorf("leased by %q, want %q", w.leases, want)
	}
	if held, err := c.Held(ctx, "id-1"); err != nil || len(held) != 1 || held[0].Token != leaseToken {
		t.Errorf("held %v, %v", held, err)
	}
	if o, err := c.Renew(ctx, l.Token); err != nil || !o.Cancel || time.Until(o.Expires) < 50*time.Second {
		t.Errorf("order %+v, %v", o, err)
	}
	if err := c.Started(ctx, l.Token, time.Now(), "go@sha256:1"); err != nil || w.started != "go@sha256:1" {
		t.Errorf("started %q, %v", w.started, err)
	}
	if got, err := c.Secrets(ctx, l.Token); err != nil || len(got) != 1 || got[0].Value != "bin\xff\x00ary" {
		t.Errorf("secrets %q, %v", got, err)
	}
	if got, err := c.Login(ctx, l.Token, "ghcr.io"); err != nil || got != (runner.Login{Username: "robot", Password: "of ghcr.io"}) {
		t.Errorf("login %q, %v", got, err)
	}
	in, err := c.Input(ctx, l.Token, "the source")
	if err != nil {
		t.Fatal(err)
	}
	if tar, err := io.ReadAll(in); err != nil || string(tar) != "tar of the source" {
		t.Errorf("input %q, %v", tar, err)
	}
	log, err := c.Log(ctx, l.Token, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, piece := range []string{"one\n", "two\n"} {
		if n, err := io.WriteString(log, piece); err != nil || n != len(piece) {
			t.Errorf("log: %d, %v", n, err)
		}
	}
	if err := log.Close(); err != nil || string(w.log) != "one\ntwo\n" {
		t.Errorf("log %q, %v", w.log, err)
	}
	if a, err := c.Output(ctx, l.Token, "shop", strings.NewReader("tar")); err != nil || a != (pipeline.Artifact{Name: "shop", Digest: "d", Size: 3}) || string(w.stored) != "tar" {
		t.Errorf("output %+v of %q, %v", a, w.stored, err)
	}
	end := pipeline.Result{Status: pipeline.Succeeded, Outputs: []pipeline.Value{{Name: "v", Value: "1"}}, FinishedAt: time.Now().UTC()}
	if err := c.Finish(ctx, l.Token, end); err != nil || !cmp.Equal(*w.result, end) {
		t.Errorf("result %+v, %v", w.result, err)
	}
}

func TestALostLease(t *testing.T) {
	c, ctx, other := serve(t, &work{}), t.Context(), strings.Repeat("x", 43)
	_, renew := c.Renew(ctx, other)
	_, secrets := c.Secrets(ctx, other)
	_, login := c.Login(ctx, other, "ghcr.io")
	_, input := c.Input(ctx, other, "source")
	_, output := c.Output(ctx, other, "shop", strings.NewReader("tar"))
	_, log := c.Log(ctx, other, 0)
	for name, err := range map[string]error{
		"renew": renew, "secrets": secrets, "login": login, "input": input, "output": output, "log": log,
		"started": c.Started(ctx, other, time.Now(), ""), "result": c.Finish(ctx, other, pipeline.Result{}),
	} {
		if !errors.Is(err, runner.ErrLeaseLost) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTokensOpenNothingElse(t *testing.T) {
	w := &work{}
	c := serve(t, w)
	if _, err := c.Secrets(t.Context(), runnerToken); !errors.Is(err, runner.ErrLeaseLost) {
		t.Errorf("a runner's token on a job: %v", err)
	}
	for name, token := range map[string]string{"a lease's token": leaseToken, "a wrong token": "sgr_wrong0123456789abcde", "no token": ""} {
		server := httptest.NewServer(others(w))
		defer server.Close()
		c := client(t, server.URL, token)
		if _, err := c.Lease(t.Context(), "id-1", leaseToken); !errors.Is(err, remote.ErrUnauthorized) {
			t.Errorf("%s for a lease: %v", name, err)
		}
		if _, err := c.Held(t.Context(), "id-1"); !errors.Is(err, remote.ErrUnauthorized) {
			t.Errorf("%s for the leases: %v", name, err)
		}
	}
	if len(w.leases) > 0 {
		t.Errorf("leased to %q", w.leases)
	}
}

// others serves the work to nobody whom it knows.
func others(w *work) http.Handler {
	return remote.Handler(remote.Config{
		Jobs: w, Files: w, Log: slog.New(slog.DiscardHandler),
		Runner: nobody,
	})
}

func nobody(context.Context, string) (string, error) { return "", nil }

func TestWhatARunnerMayNotSay(t *testing.T) {
	w := &work{}
	c := serve(t, w)
	for _, x := range []struct{ id, token string }{
		{"../other", leaseToken},
		{"other/id", leaseToken},
		{"", leaseToken},
		{strings.Repeat("a", 65), leaseToken},
		{"id-1", "short"},
		{"id-1", leaseToken + "/"},
		{"id-1", ""},
	} {
		if _, err := c.Lease(t.Context(), x.id, x.token); err == nil {
			t.Errorf("id %q, token %q: given a job", x.id, x.token)
		}
	}
	if len(w.leases) > 0 {
		t.Errorf("leased to %q", w.leases)
	}
}

// cut ends the connection without an answer, or in the middle of one.
func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestSentAgain(t *testing.T) {
	w := &work{}
	down := func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "bad gateway", http.StatusBadGateway) }
	c := serve(t, w, nil, cut, down, nil, cut, nil, down)
	log, err := c.Log(t.Context(), leaseToken, 0)
	if err != nil {
		t.Fatal(err)
	}
	content := strings.Repeat("artifact", 100_000)
	if _, err := io.WriteString(log, "line\n"); err != nil || string(w.log) != "line\n" {
		t.Errorf("log %q, %v", w.log, err)
	}
	if _, err := c.Output(t.Context(), leaseToken, "shop", strings.NewReader(content)); err != nil || string(w.stored) != content {
		t.Errorf("%d bytes stored, %v", len(w.stored), err)
	}
	if err := c.Finish(t.Context(), leaseToken, pipeline.Result{Status: pipeline.Failed}); err != nil || w.result == nil {
		t.Errorf("result %v, %v", w.result, err)
	}
}

func TestAnAnswerThatIsLost(t *testing.T) {
	w := &work{}
	lost := func(http.ResponseWriter, *http.Request) {
		_, _ = w.Lease(t.Context(), "tower/id-1", leaseToken)
		cut(nil, nil)
	}
	c := serve(t, w, lost)
	if _, err := c.Lease(t.Context(), "id-1", leaseToken); err == nil {
		t.Fatal("an answer came")
	}
	if _, err := c.Lease(t.Context(), "id-1", leaseToken); err != nil {
		t.Fatal(err)
	}
	if len(w.leases) != 2 || w.leases[0] != w.leases[1] {
		t.Errorf("asked for %q", w.leases)
	}
}

func TestHalfAnInputIsNone(t *testing.T) {
	in, err := serve(t, &work{}).Input(t.Context(), leaseToken, "broken")
	if err != nil {
		t.Fatal(err)
	}
	if tar, err := io.ReadAll(in); err == nil {
		t.Errorf("%d bytes pass for the whole", len(tar))
	}
}

func TestAServerThatMustNotBeAsked(t *testing.T) {
	for _, url := range []string{"http://ci.example.com", "http://10.0.0.1:8080", "ftp://ci.example.com"} {
		if _, err := remote.NewClient(remote.Server{URL: url, Token: runnerToken}); err == nil {
			t.Errorf("%s is asked", url)
		}
	}
	for _, url := range []string{"https://ci.example.com", "http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost"} {
		if _, err := remote.NewClient(remote.Server{URL: url, Token: runnerToken}); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	asked := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer elsewhere.Close()
	c := serve(t, &work{}, http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect).ServeHTTP)
	if _, err := c.Held(t.Context(), "id-1"); err == nil || asked {
		t.Errorf("a redirect was followed: %v, %v", asked, err)
	}
}

func TestTooMuch(t *testing.T) {
	w := &work{}
	c := serve(t, w)
	log, err := c.Log(t.Context(), leaseToken, 0)
	if err != nil {
		t.Fatal(err)
	}
	long := bytes.Repeat([]byte("x"), 5<<20+1)
	if n, err := log.Write(long); err != nil || n != len(long) || !bytes.Equal(w.log, long) {
		t.Errorf("%d bytes of a log at once, %d stand there, %v", n, len(w.log), err)
	}
	server := others(w)
	for path, size := range map[string]int{"/job/log?from=0": 2 << 20, "/job/started": 17 << 10, "/lease": 17 << 10} {
		rec := httptest.NewRecorder()
		body := io.MultiReader(strings.NewReader(`"`), strings.NewReader(strings.Repeat("x", size)))
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, remote.Prefix+path, body)
		req.Header.Set("Authorization", "Bearer "+leaseToken)
		server.ServeHTTP(rec, req)
		if rec.Code != http.StatusBadRequest || !strings.Contains(rec.Body.String(), "more than") {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
}
