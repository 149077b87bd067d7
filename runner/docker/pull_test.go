package docker_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagegate/stagegate/runner"
)

// registry serves one image of one layer, named shop:1.
type registry struct {
	http.Handler
	manifest, config, layer []byte
	fail                    func(w http.ResponseWriter, r *http.Request, n int64) bool // n counts requests for the manifest
	manifests               atomic.Int64
}

const manifestType = "application/vnd.docker.distribution.manifest.v2+json"

func newRegistry(t *testing.T) (*registry, string) {
	t.Helper()
	r := &registry{}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	text := rand.Text()
	_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "file", Mode: 0o644, Size: int64(len(text))})
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	r.layer = layer.Bytes()
	r.config = fmt.Appendf(nil, `{"architecture":%q,"os":"linux","config":{"User":"1000"},"rootfs":{"type":"layers","diff_ids":[%q]}}`,
		runtime.GOARCH, digestOf(r.layer))
	blob := func(kind string, b []byte) map[string]any {
		return map[string]any{"mediaType": kind, "size": len(b), "digest": digestOf(b)}
	}
	r.manifest, _ = json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType,
		"config": blob("application/vnd.docker.container.image.v1+json", r.config),
		"layers": []any{blob("application/vnd.docker.image.rootfs.diff.tar", r.layer)},
	})
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	return r, strings.TrimPrefix(s.URL, "http://") + "/shop:1"
}

func noLogin(context.Context, string) (runner.Login, error) { return runner.Login{}, nil }

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (r *registry) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	isManifest := strings.Contains(q.URL.Path, "/manifests/")
	n := r.manifests.Load()
	if isManifest {
		n = r.manifests.Add(1)
	}
	if r.fail != nil && r.fail(w, q, n) {
		return
	}
	switch {
	case isManifest:
		w.Header().Set("Content-Type", manifestType)
		w.Header().Set("Docker-Content-Digest", digestOf(r.manifest))
		_, _ = w.Write(r.manifest)
	case strings.HasSuffix(q.URL.Path, digestOf(r.config)):
		_, _ = w.Write(r.config)
	case strings.HasSuffix(q.URL.Path, digestOf(r.layer)):
		_, _ = w.Write(r.layer)
	}
}

// refuse answers for manifests as a registry does, with an error of its own.
func refuse(status int, code, text string, times int64) func(http.ResponseWriter, *http.Request, int64) bool {
	return func(w http.ResponseWriter, q *http.Request, n int64) bool {
		if !strings.Contains(q.URL.Path, "/manifests/") || n > times {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"errors":[{"code":%q,"message":%q}]}`, code, text)
		return true
	}
}

func TestPull(t *testing.T) {
	for name, c := range map[string]struct {
		fail    func(http.ResponseWriter, *http.Request, int64) bool
		reason  string // after the image's name; none is success
		said    string
		retried bool
	}{
		"good":                 {said: "pulled "},
		"unavailable for once": {fail: refuse(503, "UNAVAILABLE", "try later", 2), said: "try 2 of 4", retried: true},
		"too many, for once":   {fail: refuse(429, "TOOMANYREQUESTS", "slow down", 2), said: "again in 5s", retried: true},
		"not found":            {fail: refuse(404, "MANIFEST_UNKNOWN", "manifest unknown", 99), reason: "not found in its registry", said: "manifest unknown"},
		"not allowed":          {fail: refuse(401, "UNAUTHORIZED", "authentication required", 99), reason: "unauthorized: this repository has no login of 127.0.0.1:"},
		"hostile words":        {fail: refuse(403, "DENIED", "\x1b[2Jdenied\n"+strings.Repeat("x", 9000), 99), reason: "unauthorized: this repository has no login of 127.0.0.1:", said: "denied"},
		"layer of other bytes": {fail: otherLayer, reason: "cannot be pulled: "},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			r, image := newRegistry(t)
			r.fail = c.fail
			var said []string
			got, err := b.engine.Image(t.Context(), image, noLogin, func(line string) { said = append(said, line) })
			all := strings.Join(said, "\n")
			var refusal *runner.Refusal
			switch {
			case c.reason == "" && err != nil:
				t.Errorf("%v\n%s", err, all)
			case c.reason == "":
				defer removeImage(t, image)
				if want := strings.TrimSuffix(image, ":1") + "@" + digestOf(r.manifest); got.Digest != want || got.Root {
					t.Errorf("%+v, want %s", got, want)
				}
			case !errors.As(err, &refusal) || !strings.HasPrefix(refusal.Reason, "image "+image+": "+c.reason):
				t.Errorf("%v\n%s", err, all)
			}
			if !strings.Contains(all, c.said) || strings.Contains(all, "again in") != c.retried {
				t.Errorf("said\n%s", all)
			}
			for _, line := range said {
				if len(line) > 1500 || strings.ContainsAny(line, "\n\x1b") {
					t.Errorf("said %q", line)
				}
			}
		})
	}
}

func otherLayer(w http.ResponseWriter, q *http.Request, _ int64) bool {
	if !strings.Contains(q.URL.Path, "/blobs/") {
		return false
	}
	_, _ = w.Write([]byte("something else"))
	return true
}

// A registry that hangs does not hold a job that was cancelled.
func TestPullIsCancelled(t *testing.T) {
	b := newBench(t)
	r, image := newRegistry(t)
	asked, done := make(chan struct{}, 99), make(chan struct{})
	t.Cleanup(func() { close(done) })
	r.fail = func(http.ResponseWriter, *http.Request, int64) bool {
		asked <- struct{}{}
		<-done
		return true
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	began := time.Now()
	if _, err := b.engine.Image(ctx, image, noLogin, func(string) {}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("took %s", d)
	}
}
