package github

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// requestTime bounds one request with its answer, but not a tarball's body,
// whose every read it bounds.
const requestTime = 30 * time.Second

// wire carries every request, of whatever identity.
type wire struct {
	next      http.RoundTripper
	agent     string
	log       *slog.Logger
	onRequest func(method, path string, status int)
}

func newWire(c Config) *wire {
	w := &wire{next: c.HTTP, agent: c.UserAgent, log: c.Log, onRequest: c.OnRequest}
	if w.next == nil {
		w.next = newTransport()
	}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	if w.onRequest == nil {
		w.onRequest = func(string, string, int) {}
	}
	return w
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          64,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: requestTime,
		// A connection that died silently must not take every request with it.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
	}
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Header.Get("User-Agent") == "" { // ghinstallation sets none
		req = req.Clone(req.Context())
		req.Header.Set("User-Agent", w.agent)
	}
	start := time.Now()
	resp, err := w.next.RoundTrip(req)
	status := 0
	if err == nil {
		status = resp.StatusCode
	}
	w.onRequest(req.Method, req.URL.Path, status)
	w.log.DebugContext(req.Context(), "GitHub asked", "method", req.Method, "path", req.URL.Path,
		"status", status, "took", time.Since(start), "error", err)
	return resp, err
}

// sameHost follows the redirects of renamed repositories and no others: our
// transports sign every request they are given, whatever its host.
func (c *Client) sameHost(req *http.Request, via []*http.Request) error {
	if !c.ours(req.URL.Scheme, req.URL.Host) {
		return fmt.Errorf("refuse redirect to %s://%s", req.URL.Scheme, req.URL.Host)
	}
	if len(via) >= 5 {
		return fmt.Errorf("stop after %d redirects", len(via))
	}
	return nil
}

func (c *Client) ours(scheme, host string) bool {
	return scheme == c.base.Scheme && host == c.base.Host
}
