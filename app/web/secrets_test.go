package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/web"
)

const hostile = `"><script>alert(1)</script>`

// safe has one login of a registry with hostile names, and keeps what it is given.
type safe struct {
	kept  string
	wrong error
}

func (s *safe) Administers(context.Context, string) bool { return true }

func (s *safe) Listed(context.Context, string) ([]web.Secret, error) {
	return []web.Secret{{Registry: hostile, Environment: hostile, Username: hostile, Pipelines: []string{hostile}, SetBy: hostile, SetAt: began}}, nil
}

func (s *safe) Keep(_ context.Context, _ string, _ web.Secret, value []byte) error {
	s.kept = string(value)
	return s.wrong
}

func (s *safe) Forget(context.Context, string, web.Secret) error { return s.wrong }

// TestSecretsPage asks that names are text, and that a value that was sent is in no
// answer, also not after a mistake.
func TestSecretsPage(t *testing.T) {
	h, d := proxied(time.Now)
	session := &http.Cookie{Name: "__Host-stagegate", Value: strings.Repeat("s", 43)}
	const path = "/repositories/octo/shop/secrets"
	page := ask(t, h, path, "203.0.113.1", session)
	token := regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(page.Body.String())
	if page.Code != http.StatusOK || token == nil || strings.Contains(page.Body.String(), "<script") || !strings.Contains(page.Body.String(), "&lt;script&gt;") {
		t.Fatalf("the page: %d %s", page.Code, page.Body)
	}
	say := func(to string, form url.Values) *httptest.ResponseRecorder {
		form.Set("form", token[1])
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://ci.example")
		r.AddCookie(session)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for given, want := range map[string]string{
		"hunter2\r\n": "hunter2", "hunter2\r\nsecond\r\n": "hunter2\nsecond\n", " hunter2 ": " hunter2 ",
		strings.Repeat("\r\n", 48<<10): strings.Repeat("\n", 48<<10),
	} {
		resp := say(path, url.Values{"name": {"TOKEN"}, "value": {given}})
		if to := resp.Header().Get("Location"); resp.Code != http.StatusSeeOther || to != "/stages"+path+"?done=set" || d.safe.kept != want {
			t.Errorf("%.20q: %d %q, kept %.20q", given, resp.Code, to, d.safe.kept)
		}
	}
	d.safe.wrong = &web.Refusal{Status: http.StatusUnprocessableEntity, Message: "that is no name " + hostile}
	resp := say(path, url.Values{"name": {"wrong" + hostile}, "value": {"hunter2"}})
	if body := resp.Body.String(); resp.Code != 422 || strings.Contains(body, "hunter2") || strings.Contains(body, "<script") || !strings.Contains(body, "That is no name") || !strings.Contains(body, `value="wrong&#34;`) {
		t.Errorf("a mistake: %d %s", resp.Code, body)
	}
	if resp := say(path, url.Values{"value": {strings.Repeat("x", 400<<10)}}); resp.Code != http.StatusForbidden {
		t.Errorf("far too much: %d", resp.Code)
	}
	if resp := say(path+"/remove", url.Values{"name": {"TOKEN"}}); resp.Code != 422 || !strings.Contains(resp.Body.String(), "tick the box") {
		t.Errorf("removed without the box: %d", resp.Code)
	}
}
