package github_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/internal/githubtest"
)

const (
	callback = "http://127.0.0.1:1/login/callback"
	verifier = "a-verifier-of-at-least-forty-three-characters"
)

// codeOf has a person choose themselves at the local GitHub.
func codeOf(t *testing.T, authorize, login string) string {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(t.Context(), "POST", authorize, strings.NewReader(url.Values{"login": {login}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	to, err := resp.Location()
	if err != nil || to.Query().Get("state") != "st" {
		t.Fatalf("it leads to %v: %v", to, err)
	}
	return to.Query().Get("code")
}

func TestIdentify(t *testing.T) {
	g := githubtest.New(t, githubtest.Options{})
	g.AddUser("alice")
	g.SetCallbackURL(callback)
	client, err := github.New(github.Config{URL: g.URL(), AppID: g.AppID(), PrivateKey: g.PrivateKeyPEM()})
	if err != nil {
		t.Fatal(err)
	}
	signIn := func(secret string) *github.SignIn {
		s, err := client.NewSignIn(github.SignInConfig{ClientID: g.ClientID(), ClientSecret: secret, Callback: callback})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := signIn(g.ClientSecret())
	code := codeOf(t, s.AuthorizeURL("st", verifier), "alice")
	if me, err := s.Identify(t.Context(), code, verifier); err != nil || me.Login != "alice" || me.ID == 0 {
		t.Errorf("alice is %+v: %v", me, err)
	}
	if _, err := s.Identify(t.Context(), code, verifier); !errors.Is(err, github.ErrCode) {
		t.Errorf("a code that was used: %v", err)
	}
	code = codeOf(t, s.AuthorizeURL("st", verifier), "alice")
	if _, err := s.Identify(t.Context(), code, verifier+"x"); !errors.Is(err, github.ErrCode) {
		t.Errorf("another's code: %v", err)
	}
	code = codeOf(t, s.AuthorizeURL("st", verifier), "alice")
	if _, err := signIn("wrong-secret").Identify(t.Context(), code, verifier); !errors.Is(err, github.ErrRefused) || strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("another secret: %v", err)
	}
}

func TestWebURL(t *testing.T) {
	for api, want := range map[string]string{
		"https://api.github.com":            "https://github.com",
		"https://github.example.com/api/v3": "https://github.example.com",
		"https://api.octo.ghe.com":          "https://octo.ghe.com",
		"http://127.0.0.1:3000":             "http://127.0.0.1:3000",
		"http://localhost:3000":             "http://localhost:3000",
		"http://127.0.0.1.example.com":      "",
		"https://proxy.example.com":         "",
	} {
		if got := github.WebURL(api); got != want {
			t.Errorf("%s: %q, want %q", api, got, want)
		}
	}
}
