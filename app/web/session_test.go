package web_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/web"
	"github.com/stagegate/stagegate/internal/limit"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// desk lets everybody in as bob.
type desk struct {
	asked []string
	safe  safe
}

func (d *desk) AuthorizeURL(state, verifier string) string {
	return "https://github.com/login/oauth/authorize?" + url.Values{"state": {state}}.Encode()
}

func (d *desk) Enter(_ context.Context, code, verifier, state string) (string, error) {
	d.asked = append(d.asked, code)
	return strings.Repeat("s", 43), nil
}

func (d *desk) Visitor(_ context.Context, session string) (web.Visitor, error) {
	if session != strings.Repeat("s", 43) {
		return web.Visitor{}, web.ErrNotFound
	}
	return web.Visitor{Login: "bob", Dashboard: d, Secrets: &d.safe}, nil
}

func (d *desk) Leave(context.Context, string) error            { return nil }
func (d *desk) Overview(context.Context) (web.Overview, error) { return web.Overview{}, nil }
func (d *desk) Do(context.Context, web.Wish) error             { return nil }
func (d *desk) Execution(context.Context, string, string, int) (web.Shown, error) {
	return web.Shown{}, web.ErrNotFound
}

func (d *desk) List(context.Context, string, string, string, int) ([]pipeline.Execution, error) {
	return nil, web.ErrNotFound
}

// proxied is a dashboard at https://ci.example/stages, behind a proxy at 10.0.0.1.
func proxied(now func() time.Time) (http.Handler, *desk) {
	d := &desk{}
	return web.Handler(web.Config{
		Executions: &shelf{executions: map[string]pipeline.Execution{token: red()}}, SignIn: d, PublicURL: "https://ci.example/stages", Now: now,
		Log: slog.New(slog.DiscardHandler), Clients: limit.Clients{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}},
	}), d
}

func ask(t *testing.T, h http.Handler, path, client string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.RemoteAddr = "10.0.0.1:5"
	r.Header.Set("X-Forwarded-For", client)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func cookiesOf(w *httptest.ResponseRecorder) []*http.Cookie {
	var all []*http.Cookie
	for _, line := range w.Header().Values("Set-Cookie") {
		if c, err := http.ParseSetCookie(line); err == nil {
			all = append(all, c)
		}
	}
	return all
}

// TestHTTPS asks what holds where the public URL is https, and below a path.
func TestHTTPS(t *testing.T) {
	h, d := proxied(time.Now)
	resp := ask(t, h, "/login?return=/repositories/octo/shop", "203.0.113.1")
	begun := cookiesOf(resp)[0]
	if begun.Name != "__Host-stagegate-signin" || !begun.Secure || !begun.HttpOnly || begun.Path != "/" || begun.Domain != "" || begun.SameSite != http.SameSiteLaxMode {
		t.Errorf("the cookie of a sign-in: %s", begun)
	}
	at, err := url.Parse(resp.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	resp = ask(t, h, "/login/callback?"+url.Values{"code": {"c"}, "state": {at.Query().Get("state")}}.Encode(), "203.0.113.1", begun)
	if to := resp.Header().Get("Location"); resp.Code != http.StatusSeeOther || to != "/stages/repositories/octo/shop" || len(d.asked) != 1 {
		t.Errorf("%d leads to %q", resp.Code, to)
	}
	for _, c := range cookiesOf(resp) {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("a cookie: %s", c)
		}
	}
	session := &http.Cookie{Name: "__Host-stagegate", Value: strings.Repeat("s", 43)}
	plain := &http.Cookie{Name: "stagegate", Value: session.Value}
	for path, cookie := range map[string]*http.Cookie{"/": session, "/tokens": plain, "/nowhere": session, "/executions/" + token: session, "/healthz": session} {
		resp := ask(t, h, path, "203.0.113.1", cookie)
		if resp.Header().Get("Strict-Transport-Security") != "max-age=31536000" {
			t.Errorf("%s has no HSTS: %v", path, resp.Header())
		}
		if cookie == plain && resp.Code != http.StatusSeeOther {
			t.Errorf("a cookie without its prefix is taken: %d", resp.Code)
		}
	}
}

// TestNothingBesideThePublicURL asks that nobody is led to what else stands at the host.
func TestNothingBesideThePublicURL(t *testing.T) {
	h, _ := proxied(time.Now)
	session := &http.Cookie{Name: "__Host-stagegate", Value: strings.Repeat("s", 43)}
	for path, want := range map[string]string{
		"/repositories/octo/shop": "/stages/repositories/octo/shop",
		"/a..b/...":               "/stages/a..b/...",
		"/../other":               "/stages/",
		"/..":                     "/stages/",
		"/a/../../other":          "/stages/",
		"/%2e%2E/other":           "/stages/",
		"/.%2e/other?x=1":         "/stages/",
	} {
		resp := ask(t, h, "/login?"+url.Values{"return": {path}}.Encode(), "203.0.113.1", session)
		if to := resp.Header().Get("Location"); resp.Code != http.StatusSeeOther || to != want {
			t.Errorf("%s: %d leads to %q, want %q", path, resp.Code, to, want)
		}
	}
}

// TestTooMany asks that who asks too often waits, and nobody else does.
func TestTooMany(t *testing.T) {
	session := &http.Cookie{Name: "__Host-stagegate", Value: strings.Repeat("s", 43)}
	for path, c := range map[string]struct {
		most    int
		cookies []*http.Cookie
	}{
		"/login":                                 {60, nil},
		"/login/callback":                        {60, nil},
		"/executions/" + token:                   {300, nil},
		"/executions/" + strings.Repeat("x", 43): {100, nil},
		"/nowhere":                               {100, nil},
		"/":                                      {300, nil},
		"/repositories/octo/shop":                {100, []*http.Cookie{session}},
		"/repositories/octo/shop/ci/1":           {300, nil},
	} {
		now := time.Unix(1_000_000, 0)
		h, _ := proxied(func() time.Time { return now })
		for range c.most {
			if got := ask(t, h, path, "203.0.113.1", c.cookies...); got.Code == http.StatusTooManyRequests {
				t.Fatalf("%s: too many too soon", path)
			}
		}
		slowed := ask(t, h, path, "203.0.113.1", c.cookies...)
		if slowed.Code != http.StatusTooManyRequests || slowed.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %v after %d", path, slowed.Code, slowed.Header(), c.most)
		}
		if got := ask(t, h, path, "203.0.113.2"); got.Code == http.StatusTooManyRequests {
			t.Errorf("%s: another client waits", path)
		}
		now = now.Add(10 * time.Second)
		if got := ask(t, h, path, "203.0.113.1", c.cookies...); got.Code == http.StatusTooManyRequests {
			t.Errorf("%s: still, 10 s later", path)
		}
	}
}
