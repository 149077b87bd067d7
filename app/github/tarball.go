package github

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"
)

// errIdle ends a tarball whose sender fell silent.
var errIdle = fmt.Errorf("%w: the sender fell silent", ErrUnavailable)

// Tarball opens the gzipped tar of a commit's tree, which has one top folder.
// Its size is GitHub's word: the caller bounds it, and closes it. A read that
// waits 30 seconds ends in ErrUnavailable.
func (c *Client) Tarball(ctx context.Context, repo Repository, sha string) (io.ReadCloser, error) {
	r := onRepo(repo, "download "+sha, "tarball", sha).needs(sha)
	if r.err != nil {
		return nil, fmt.Errorf("%s: %w", r.what, r.err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	body := &idleReader{cancel: cancel, wait: c.wait, timer: time.AfterFunc(c.wait, func() { cancel(errIdle) })}
	resp, err := c.download(ctx, r) //nolint:bodyclose // the reader that is returned closes it
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, errIdle) {
			err = cause
		}
		_ = body.Close()
		return nil, fmt.Errorf("%s: %w", r.what, err)
	}
	body.timer.Stop()
	body.body, body.ctx = resp.Body, ctx
	return body, nil
}

// download asks for the archive and goes where GitHub sends us: to an address
// that carries a token of its own. Ours goes only where the API's path is: to a
// renamed repository, never to a download address, even of the same host.
func (c *Client) download(ctx context.Context, r request) (*http.Response, error) {
	in := c.installation(r.installation)
	if err := in.admit(ctx, r.method); err != nil {
		return nil, err
	}
	api, err := c.client(in)
	if err != nil {
		return nil, err
	}
	req, err := api.NewRequest(r.method, r.url(), nil)
	if err != nil {
		return nil, err
	}
	// Without this net/http would unpack a body that is labelled as gzip.
	req.Header.Set("Accept-Encoding", "identity")
	signed := api.Client().Transport
	for range 3 { // a renamed repository takes one more
		transport := signed
		if !c.isAPI(req.URL) {
			transport = c.wire
		}
		resp, err := transport.RoundTrip(req.WithContext(ctx))
		if err != nil {
			return nil, c.judge(ctx, in, err)
		}
		next, err := c.redirected(ctx, req, resp)
		if err != nil {
			return nil, c.judge(ctx, in, err)
		}
		if next == nil {
			return resp, nil
		}
		req = next
	}
	return nil, fmt.Errorf("%w: too many redirects", ErrUnavailable)
}

// isAPI tells the API's addresses of a repository, under its name or, once it
// was renamed, its number, from those of downloads on the same host.
func (c *Client) isAPI(u *url.URL) bool {
	path, below := strings.CutPrefix(u.Path, c.base.Path)
	return below && c.ours(u.Scheme, u.Host) && (strings.HasPrefix(path, "repos/") || strings.HasPrefix(path, "repositories/"))
}

// redirected reads an answer: nil for the archive itself, else the request for
// the place it names. It closes the body of all but the archive.
func (c *Client) redirected(ctx context.Context, req *http.Request, resp *http.Response) (*http.Request, error) {
	if resp.StatusCode == http.StatusOK {
		return nil, nil
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 3 {
		return nil, gh.CheckResponse(resp)
	}
	to, err := req.URL.Parse(resp.Header.Get("Location"))
	if err != nil || resp.Header.Get("Location") == "" {
		return nil, errors.New("redirected to nowhere")
	}
	if !safeTarget(req.URL, to) {
		return nil, fmt.Errorf("refuse redirect to %s://%s", to.Scheme, to.Host)
	}
	next, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil) //nolint:gosec // GitHub says where the archive is; our token does not go there
	if err != nil {
		return nil, errors.New("redirected to an address that cannot be read")
	}
	next.Header.Set("Accept-Encoding", "identity")
	return next, nil
}

// safeTarget allows the web, and never from https down to http.
func safeTarget(from, to *url.URL) bool {
	return to.Host != "" && (to.Scheme == "https" || to.Scheme == "http" && from.Scheme == "http")
}

// idleReader cancels its request when one read waits too long.
type idleReader struct {
	body   io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	wait   time.Duration
	timer  *time.Timer
}

func (r *idleReader) Read(p []byte) (int, error) {
	r.timer.Reset(r.wait)
	n, err := r.body.Read(p)
	r.timer.Stop()
	if err != nil && err != io.EOF {
		if cause := context.Cause(r.ctx); cause != nil {
			return n, cause
		}
		return n, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return n, err
}

func (r *idleReader) Close() error {
	r.timer.Stop()
	r.cancel(context.Canceled)
	if r.body == nil {
		return nil
	}
	return r.body.Close()
}
