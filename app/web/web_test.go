package web_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/web"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// site is the handler under test with what it stands on.
type site struct {
	http.Handler
	shelf *shelf
	logs  *bytes.Buffer
}

func newSite(x pipeline.Execution, logs map[string]string) *site {
	s := &site{shelf: &shelf{executions: map[string]pipeline.Execution{token: x}, logs: logs}, logs: &bytes.Buffer{}}
	s.Handler = web.Handler(web.Config{
		Executions: s.shelf, GitHubURL: "https://github.com", Version: "1.2.3",
		Now: func() time.Time { return at(130) }, Log: slog.New(slog.NewTextHandler(s.logs, nil)),
		Webhook: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Panic") != "" {
				panic("webhook is broken")
			}
			w.WriteHeader(http.StatusAccepted)
		}),
	})
	return s
}

func (s *site) do(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w
}

// get returns the body of a page that must be there.
func (s *site) get(t *testing.T, path string) string {
	t.Helper()
	w := s.do(t, http.MethodGet, path)
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

const pagePath = "/executions/" + token

func TestNotFoundIsOneAnswer(t *testing.T) {
	s := newSite(red(), redLogs())
	want := s.do(t, http.MethodGet, "/nowhere")
	if want.Code != http.StatusNotFound {
		t.Fatalf("GET /nowhere: %d", want.Code)
	}
	for _, path := range []string{
		"/executions", "/executions/", pagePath + "/", pagePath + "/logs", "/executions/" + strings.Repeat("x", 43),
		"/executions/short", "/executions/" + strings.Repeat("x", 65), "/executions/" + token[:42] + "'", "/executions/" + token[:42] + "%2e",
		pagePath + "/logs/test/unit/3", pagePath + "/logs/test/unit/0", pagePath + "/logs/test/unit/-1", pagePath + "/logs/test/unit/02",
		pagePath + "/logs/test/unit/1", pagePath + "/logs/test/none/1", pagePath + "/logs/none/unit/1", pagePath + "/logs/test/unit/x",
		"/executions/" + strings.Repeat("x", 43) + "/logs/test/unit/2", "/assets/style.css", "/metrics", "/healthz/",
	} {
		got := s.do(t, http.MethodGet, path)
		if got.Code != http.StatusNotFound || got.Body.String() != want.Body.String() || cmp.Diff(want.Header(), got.Header()) != "" {
			t.Errorf("GET %s: %d %q %v", path, got.Code, got.Body, got.Header())
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodDelete, http.MethodOptions, "PROPFIND"} {
		if got := s.do(t, method, pagePath); got.Code != http.StatusNotFound || got.Body.String() != want.Body.String() {
			t.Errorf("%s a page: %d %q", method, got.Code, got.Body)
		}
	}
	for _, asked := range s.shelf.asked {
		if !regexp.MustCompile(`^[A-Za-z0-9_-]{20,64}$`).MatchString(asked) {
			t.Errorf("the store was asked for %q", asked)
		}
	}
	if s.logs.Len() > 0 {
		t.Errorf("logged: %s", s.logs)
	}
}

func TestHeaders(t *testing.T) {
	s := newSite(red(), redLogs())
	for _, path := range []string{pagePath, pagePath + "/logs/test/unit/2", "/healthz", "/readyz", "/webhooks/github", "/nowhere"} {
		h := s.do(t, http.MethodGet, path).Header()
		for name, want := range map[string]string{
			"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if got := h.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'") {
			t.Errorf("%s: Content-Security-Policy is %q", path, got)
		}
		if got := h.Get("Set-Cookie"); got != "" {
			t.Errorf("%s sets a cookie", path)
		}
	}
	if got := s.do(t, http.MethodGet, pagePath).Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("a page is %q", got)
	}
}

func TestStyleIsNamedByItsContent(t *testing.T) {
	s := newSite(green(), nil)
	href := regexp.MustCompile(`href="\.\.(/assets/[0-9a-f]{16}\.css)"`).FindStringSubmatch(s.get(t, pagePath))
	if href == nil {
		t.Fatal("the page has no style sheet")
	}
	w := s.do(t, http.MethodGet, href[1])
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("style sheet: %d %v", w.Code, w.Header())
	}
}

func TestHealth(t *testing.T) {
	err := errors.New("the store is closed at /secret/place")
	h := web.Handler(web.Config{Ready: func(context.Context) error { return err }, Log: slog.New(slog.DiscardHandler)})
	s := &site{Handler: h}
	if body := s.get(t, "/healthz"); body != "ok\n" {
		t.Errorf("healthz: %q", body)
	}
	if w := s.do(t, http.MethodGet, "/readyz"); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("readyz: %d %q", w.Code, w.Body)
	}
	err = nil
	s.get(t, "/readyz")
	if w := s.do(t, http.MethodPost, "/webhooks/github"); w.Code != http.StatusNotFound {
		t.Errorf("no webhook: %d", w.Code)
	}
}

func TestWebhookGetsEveryMethod(t *testing.T) {
	s := newSite(green(), nil)
	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodPut, http.MethodDelete} {
		if w := s.do(t, method, "/webhooks/github"); w.Code != http.StatusAccepted {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

func TestErrorsTellNothingAndLogNoToken(t *testing.T) {
	s := newSite(green(), nil)
	s.shelf.broken = errors.New("select execution " + token + ": disk I/O error")
	w := s.do(t, http.MethodGet, pagePath)
	if w.Code != http.StatusInternalServerError || w.Body.String() != "Internal error.\n" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if got := s.logs.String(); strings.Contains(got, token) || !strings.Contains(got, "/executions/:token") || strings.Count(got, "\n") != 1 {
		t.Errorf("logged: %s", got)
	}
}

func TestPanicIsOneLineAndA500(t *testing.T) {
	s := newSite(green(), nil)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/github", nil)
	r.Header.Set("X-Panic", "yes")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "broken") {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if got := s.logs.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "webhook is broken") {
		t.Errorf("logged: %s", got)
	}
}
