package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// ErrUnauthorized is returned where the server does not know the runner's token.
var ErrUnauthorized = errors.New("the server does not know this runner's token")

// Client is the work and the files of a runner, at a server. It implements
// runner.Jobs and runner.Files. What does not come through is sent again, for as long
// as the context lasts; nothing is harmed by what comes through twice.
type Client struct {
	url     string
	token   string
	agent   string
	tempDir string
	http    *http.Client
}

var (
	_ runner.Jobs  = (*Client)(nil)
	_ runner.Files = (*Client)(nil)
)

// Server says where a Client asks.
type Server struct {
	URL       string // without a trailing slash; https, or http at a loopback address
	Token     string // the runner's
	UserAgent string
	TempDir   string // for artifacts on their way; empty: the system's
}

// NewClient returns a client. Secrets go over the wire, so it refuses http to
// other machines.
func NewClient(s Server) (*Client, error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return nil, fmt.Errorf("read the address of the server: %w", err)
	}
	if u.Scheme != "https" && !loopback(u.Hostname()) {
		return nil, fmt.Errorf("%s is not encrypted, and secrets of jobs go over it: give the server an https address", s.URL)
	}
	c := &Client{url: s.URL + Prefix, token: s.Token, agent: s.UserAgent, tempDir: s.TempDir}
	c.http = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return c, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Lease asks until there is a job. After an error the same token is to be asked with.
func (c *Client) Lease(ctx context.Context, id, token string) (runner.Lease, error) {
	want := wanted{Runner: id, Token: token}
	for {
		var l lease
		got, err := c.once(ctx, request{http.MethodPost, pathLease, c.token, words(want)}, &l)
		if err != nil || got {
			return l.lease(time.Now()), err
		}
	}
}

// Held lists the leases that the runner still has.
func (c *Client) Held(ctx context.Context, id string) ([]runner.Lease, error) {
	var list []lease
	_, err := c.once(ctx, request{http.MethodGet, pathLeases + "?runner=" + url.QueryEscape(id), c.token, nil}, &list)
	held := make([]runner.Lease, 0, len(list))
	for _, l := range list {
		held = append(held, l.lease(time.Now()))
	}
	return held, err
}

// Renew prolongs a lease and brings back its order.
func (c *Client) Renew(ctx context.Context, token string) (runner.Order, error) {
	var o order
	_, err := c.once(ctx, request{http.MethodPost, pathRenew, token, nil}, &o)
	return runner.Order{Expires: time.Now().Add(time.Duration(o.Left) * time.Millisecond), Cancel: o.Cancel}, err
}

// Started tells that a job's container runs.
func (c *Client) Started(ctx context.Context, token string, at time.Time, image string) error {
	return c.again(ctx, request{http.MethodPost, pathStarted, token, words(started{at, image})}, nil)
}

// Finish tells how a job ended.
func (c *Client) Finish(ctx context.Context, token string, r pipeline.Result) error {
	return c.again(ctx, request{http.MethodPost, pathResult, token, words(r)}, nil)
}

// Secrets returns the values of the secrets that the job names.
func (c *Client) Secrets(ctx context.Context, token string) ([]pipeline.Value, error) {
	var list []secret
	err := c.again(ctx, request{http.MethodGet, pathSecrets, token, nil}, &list)
	var values []pipeline.Value
	for _, s := range list {
		values = append(values, pipeline.Value{Name: s.Name, Value: string(s.Value)})
	}
	return values, err
}

// Login returns what the job's repository signs in with at a registry.
func (c *Client) Login(ctx context.Context, token, host string) (runner.Login, error) {
	var l login
	err := c.again(ctx, request{http.MethodGet, pathLogin + "?host=" + url.QueryEscape(host), token, nil}, &l)
	return runner.Login{Username: l.Username, Password: string(l.Password)}, err
}

// Input opens the tar of one of the job's inputs.
func (c *Client) Input(ctx context.Context, token, name string) (io.ReadCloser, error) {
	var tar io.ReadCloser
	err := c.again(ctx, request{http.MethodGet, pathInput + url.PathEscape(name), token, nil}, &tar)
	return tar, err
}

// Output stores the tar of one of the job's artifacts. It goes by a file of its own,
// from which it can be sent again.
func (c *Client) Output(ctx context.Context, token, name string, tar io.Reader) (pipeline.Artifact, error) {
	spool, err := os.CreateTemp(c.tempDir, "artifact-*")
	if err != nil {
		return pipeline.Artifact{}, fmt.Errorf("spool artifact %s: %w", name, err)
	}
	defer os.Remove(spool.Name())
	defer spool.Close()
	size, err := io.Copy(spool, tar)
	if err != nil {
		return pipeline.Artifact{}, fmt.Errorf("spool artifact %s: %w", name, err)
	}
	if size > mostArtifact {
		return pipeline.Artifact{}, &runner.Refusal{Reason: fmt.Sprintf("the artifact %s has %d bytes: the server takes %d", name, size, int64(mostArtifact))}
	}
	var art pipeline.Artifact
	content := func() (io.Reader, int64) { return io.NewSectionReader(spool, 0, size), size }
	err = c.again(ctx, request{http.MethodPut, pathArtifact + url.PathEscape(name), token, content}, &art)
	return art, err
}

// Log opens the job's log from an offset on.
func (c *Client) Log(ctx context.Context, token string, from int64) (io.WriteCloser, error) {
	w := &logWriter{c, ctx, token, from}
	_, err := w.Write(nil) // empties it, and tells whether the lease holds
	return w, err
}

// logWriter sends a log piece by piece.
type logWriter struct {
	client *Client
	ctx    context.Context //nolint:containedctx // of the lease, which a Writer is not handed
	token  string
	at     int64
}

// Write sends no more at once than the server takes. Nothing is sent too.
func (w *logWriter) Write(p []byte) (int, error) {
	sent := 0
	for {
		piece := p[sent:min(len(p), sent+mostLog)]
		if err := w.send(piece); err != nil {
			return sent, fmt.Errorf("send the log: %w", err)
		}
		if sent += len(piece); sent == len(p) {
			return sent, nil
		}
	}
}

func (w *logWriter) send(piece []byte) error {
	content := func() (io.Reader, int64) { return bytes.NewReader(piece), int64(len(piece)) }
	to := pathLog + "?from=" + strconv.FormatInt(w.at, 10)
	err := w.client.again(w.ctx, request{http.MethodPost, to, w.token, content}, nil)
	if err == nil {
		w.at += int64(len(piece))
	}
	return err
}

func (w *logWriter) Close() error { return nil }

// request is what is sent. content, unless nil, may be asked for more than once.
type request struct {
	method, path string
	token        string
	content      func() (body io.Reader, size int64)
}

func words(v any) func() (io.Reader, int64) {
	text, err := json.Marshal(v)
	if err != nil { // never: all that is sent are plain values
		panic(err)
	}
	return func() (io.Reader, int64) { return bytes.NewReader(text), int64(len(text)) }
}

// errAway is wrapped by errors that may be others at the next try.
var errAway = errors.New("the server does not answer")

// again sends a request until it is answered, or ctx ends.
func (c *Client) again(ctx context.Context, r request, into any) error {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		_, err := c.once(ctx, r, into)
		if !errors.Is(err, errAway) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-time.After(pause):
		}
	}
}

// once sends a request. into takes the answer: a value, or an *io.ReadCloser its whole
// body. It tells whether there was one.
func (c *Client) once(ctx context.Context, r request, into any) (bool, error) {
	resp, err := c.send(ctx, r)
	if err != nil {
		return false, err
	}
	if body, ok := into.(*io.ReadCloser); ok && resp.StatusCode == http.StatusOK {
		*body = resp.Body
		return true, nil
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNoContent:
		return false, nil
	case resp.StatusCode != http.StatusOK || into == nil:
		return false, c.refusal(resp)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, mostAnswer)).Decode(into); err != nil {
		return false, fmt.Errorf("%w: read its answer: %w", errAway, err)
	}
	return true, nil
}

func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	var body io.Reader
	size := int64(0)
	if r.content != nil {
		body, size = r.content()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.url+r.path, body) //nolint:gosec // the operator says where
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	req.ContentLength = size
	req.Header.Set("Authorization", "Bearer "+r.token)
	req.Header.Set("User-Agent", c.agent)
	resp, err := c.http.Do(req) //nolint:gosec // likewise
	if err == nil {
		return resp, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, fmt.Errorf("%w: %w", errAway, err)
}

// refusal reads why something was not done.
func (c *Client) refusal(resp *http.Response) error {
	var no refusal
	err := json.NewDecoder(io.LimitReader(resp.Body, mostRefusal)).Decode(&no)
	switch {
	case err != nil || no.Code == internal:
		return fmt.Errorf("%w: it answers %s", errAway, resp.Status)
	case no.Code == lost:
		return runner.ErrLeaseLost
	case no.Code == refused:
		return &runner.Refusal{Reason: no.Message}
	case no.Code == unauthorized:
		return fmt.Errorf("%w: %s", ErrUnauthorized, no.Message)
	}
	return errors.New(no.Message)
}
