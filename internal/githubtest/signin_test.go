package githubtest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/githubtest"
)

const (
	callback = "http://127.0.0.1:1/login/callback"
	verifier = "a-verifier-of-at-least-forty-three-characters"
)

// browser follows no redirect, so that a test sees where it leads.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func fetch(t *testing.T, b *http.Client, method, address string, form url.Values) (status int, location *url.URL, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := b.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	location, _ = resp.Location()
	return resp.StatusCode, location, string(text)
}

func (w *world) authorizeURL() string {
	sum := sha256.Sum256([]byte(verifier))
	return w.github.URL() + "/login/oauth/authorize?" + url.Values{
		"client_id": {w.github.ClientID()}, "redirect_uri": {callback}, "state": {"st"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode()
}

// code has alice choose herself on the page.
func (w *world) code() string {
	w.t.Helper()
	_, to, _ := fetch(w.t, browser(w.t), "POST", w.authorizeURL(), url.Values{"login": {"alice"}})
	if to == nil || to.Query().Get("state") != "st" || !strings.HasPrefix(to.String(), callback) {
		w.t.Fatalf("it leads to %v", to)
	}
	return to.Query().Get("code")
}

// exchange returns what a code is exchanged for, with some values of the form others.
func (w *world) exchange(code string, other ...string) url.Values {
	w.t.Helper()
	form := url.Values{
		"client_id": {w.github.ClientID()}, "client_secret": {w.github.ClientSecret()}, "code": {code},
		"redirect_uri": {callback}, "code_verifier": {verifier},
	}
	for i := 0; i < len(other); i += 2 {
		form.Set(other[i], other[i+1])
	}
	status, _, body := fetch(w.t, browser(w.t), "POST", w.github.URL()+"/login/oauth/access_token", form)
	values, err := url.ParseQuery(body)
	if status != 200 || err != nil {
		w.t.Fatalf("%d %s", status, body)
	}
	return values
}

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	w.github.SetCallbackURL(callback)
	if status, _, page := fetch(t, browser(t), "GET", w.authorizeURL(), nil); status != 200 || !strings.Contains(page, `value="bob"`) {
		t.Errorf("the page: %d %s", status, page)
	}
	code := w.code()
	token := w.exchange(code).Get("access_token")
	var me struct {
		Login string
		ID    int64
	}
	w.call("GET", "/user", "", token).want(200).into(&me)
	if me.Login != "alice" || me.ID == 0 {
		t.Errorf("me: %+v", me)
	}
	w.call("GET", "/user", "", w.token).want(401)
	if got := w.exchange(code).Get("error"); got != "bad_verification_code" {
		t.Errorf("a second time: %s", got)
	}
	for _, c := range []struct{ name, value, want string }{
		{"client_secret", "x", "incorrect_client_credentials"},
		{"client_id", "x", "incorrect_client_credentials"},
		{"code_verifier", "x", "bad_verification_code"},
		{"redirect_uri", callback + "x", "redirect_uri_mismatch"},
		{"code", "x", "bad_verification_code"},
	} {
		if got := w.exchange(w.code(), c.name, c.value).Get("error"); got != c.want {
			t.Errorf("another %s: %s", c.name, got)
		}
	}
	if _, to, _ := fetch(t, browser(t), "POST", w.authorizeURL(), url.Values{"login": {""}}); to.Query().Get("error") != "access_denied" {
		t.Errorf("a refusal leads to %s", to)
	}
	if status, to, _ := fetch(t, browser(t), "POST", strings.Replace(w.authorizeURL(), "callback", "elsewhere", 1), url.Values{"login": {"alice"}}); status != 400 || to != nil {
		t.Errorf("another redirect: %d %v", status, to)
	}
}

func TestSignInEnds(t *testing.T) {
	now := time.Now()
	w := newWorldWith(t, githubtest.Options{Now: func() time.Time { return now }})
	w.github.SetCallbackURL(callback)
	code, token := w.code(), w.exchange(w.code()).Get("access_token")
	now = now.Add(11 * time.Minute)
	if got := w.exchange(code).Get("error"); got != "bad_verification_code" {
		t.Errorf("a late code: %s", got)
	}
	now = now.Add(8 * time.Hour)
	w.call("GET", "/user", "", token).want(401)
}

func TestSignInLink(t *testing.T) {
	w := newWorld(t)
	w.github.SetCallbackURL(callback)
	link, err := w.github.SignInLink("bob", w.authorizeURL())
	if err != nil {
		t.Fatal(err)
	}
	stranger, b := browser(t), browser(t)
	if status, _, _ := fetch(t, stranger, "POST", w.authorizeURL(), url.Values{"login": {"bob"}}); status != 401 {
		t.Errorf("without the link: %d", status)
	}
	if status, to, _ := fetch(t, b, "GET", link, nil); status != 302 || to.String() != w.authorizeURL() {
		t.Errorf("the link: %d %s", status, to)
	}
	_, to, _ := fetch(t, b, "GET", w.authorizeURL(), nil)
	var me struct{ Login string }
	w.call("GET", "/user", "", w.exchange(to.Query().Get("code")).Get("access_token")).want(200).into(&me)
	if me.Login != "bob" {
		t.Errorf("me: %+v", me)
	}
	if status, _, _ := fetch(t, stranger, "GET", link, nil); status != 410 {
		t.Errorf("a second time: %d", status)
	}
	if _, err := w.github.SignInLink("nobody", ""); err == nil {
		t.Error("there is a link for nobody")
	}
	open := githubtest.New(t, githubtest.Options{Listen: "0.0.0.0:0"})
	open.AddUser("bob")
	if _, err := open.SignInLink("bob", ""); err == nil || !strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("on all addresses: %v", err)
	}
}

func TestRenamedUser(t *testing.T) {
	w := newWorld(t)
	w.github.RenameUser("alice", "alicia")
	w.get("/repos/octo/shop/collaborators/alice/permission").want(404)
	var got struct {
		Permission string
		User       struct{ ID int64 }
	}
	w.get("/repos/octo/shop/collaborators/alicia/permission").want(200).into(&got)
	was := got.User.ID
	w.github.AddUser("alice")
	w.get("/repos/octo/shop/collaborators/alice/permission").want(200).into(&got)
	if got.User.ID == was || got.Permission != "read" {
		t.Errorf("%+v, was %d", got, was)
	}
}
