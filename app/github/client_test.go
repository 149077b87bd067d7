package github

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestNewTellsEveryProblemAtOnce(t *testing.T) {
	_, err := New(Config{URL: "api.github.com", AppID: 0, PrivateKey: []byte("no key")})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"URL", "id", "private key"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not mention the %s", err, want)
		}
	}
}

func TestBaseIsUsedVerbatim(t *testing.T) {
	for _, base := range []string{"", "/", "/api/v3", "/api/v3/"} {
		s := newScript(t)
		prefix := strings.TrimRight(base, "/")
		if prefix != "" {
			s.mux.HandleFunc("POST "+prefix+"/app/installations/{id}/access_tokens", s.token)
		}
		s.on("GET "+prefix+"/repos/acme/shop/git/ref/heads/main", 200, headAnswer)
		c, err := New(Config{URL: s.URL + base, AppID: 5, PrivateKey: testKey()})
		if err != nil {
			t.Fatal(err)
		}
		if err := head(t.Context(), c, testRepo); err != nil {
			t.Errorf("base %q: %v", base, err)
		}
	}
}

func TestTokenIsKeptPerInstallation(t *testing.T) {
	s := newScript(t)
	s.on(headPath, 200, headAnswer)
	var mu sync.Mutex
	asked := map[string]int{}
	c, err := New(Config{URL: s.URL, AppID: 5, PrivateKey: testKey(), UserAgent: "tester", OnRequest: func(method, _ string, status int) {
		mu.Lock()
		defer mu.Unlock()
		asked[method+http.StatusText(status)]++
	}})
	if err != nil {
		t.Fatal(err)
	}
	other := testRepo
	other.Installation = 8
	var wait sync.WaitGroup
	for i := range 40 {
		wait.Go(func() {
			if err := head(t.Context(), c, []Repository{testRepo, other}[i%2]); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if s.tokens != 2 {
		t.Errorf("%d tokens asked for, want 2", s.tokens)
	}
	if asked["GETOK"] != 40 || asked["POSTCreated"] != 2 {
		t.Errorf("OnRequest heard %v", asked)
	}
	for _, call := range s.seen {
		if call.header.Get("User-Agent") != "tester" {
			t.Errorf("%s: User-Agent %q", call, call.header.Get("User-Agent"))
		}
		if strings.HasSuffix(call.url, "/access_tokens") && strings.TrimSpace(call.body) != "{}" {
			t.Errorf("%s: body %q", call, call.body)
		}
	}
}

func TestAnswersBecomeErrors(t *testing.T) {
	for _, tt := range []struct {
		name    string
		status  int
		body    string
		headers []string
		want    error
		text    string
	}{
		{"missing", 404, `{"message":"Not Found"}`, nil, ErrNotFound, "Not Found"},
		{"gone", 410, `{"message":"Issues are disabled"}`, nil, ErrNotFound, "disabled"},
		{"unknown commit", 422, `{"message":"No commit found for SHA: 1"}`, nil, ErrNotFound, ""},
		{"empty repository", 409, `{"message":"Git Repository is empty."}`, nil, ErrNotFound, ""},
		{"bad field", 422, `{"message":"Validation Failed","errors":[{"resource":"X","field":"body","code":"missing_field"}]}`, nil, ErrRefused, "body missing_field"},
		{"bad request told as text", 422, `{"message":"Validation Failed","errors":["too long"]}`, nil, ErrRefused, "too long"},
		{"no permission", 403, `{"message":"Resource not accessible by integration"}`, []string{"X-RateLimit-Remaining: 4999"}, ErrForbidden, "not accessible"},
		{"blocked", 451, `{"message":"Repository access blocked"}`, nil, ErrForbidden, ""},
		{"token revoked", 401, `{"message":"Bad credentials"}`, nil, ErrUnavailable, "Bad credentials"},
		{"broken", 500, `oops`, nil, ErrUnavailable, "500"},
		{"bad gateway", 502, `<html>`, nil, ErrUnavailable, ""},
		{"not JSON", 200, `<html>`, nil, ErrUnavailable, ""},
		{"cut short", 200, `{"ref":`, nil, ErrUnavailable, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScript(t)
			s.on(headPath, tt.status, tt.body, tt.headers...)
			err := head(t.Context(), s.client(t), testRepo)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want %v with %q", err, tt.want, tt.text)
			}
			var limited *RateLimited
			if errors.As(err, &limited) {
				t.Errorf("%v is a rate limit", err)
			}
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	s := newScript(t)
	c := s.client(t)
	s.Close()
	if err := head(t.Context(), c, testRepo); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestSlowAnswerIsUnavailable(t *testing.T) {
	s := newScript(t)
	s.mux.HandleFunc(headPath, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := s.client(t)
	c.wait = 200 * time.Millisecond
	err := head(t.Context(), c, testRepo)
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := head(ctx, c, testRepo); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnavailable) {
		t.Errorf("the caller's own end: got %v", err)
	}
}

func TestNoInstallationSendsNothing(t *testing.T) {
	s := newScript(t)
	repo := testRepo
	repo.Installation = 0
	c := s.client(t)
	if err := head(t.Context(), c, repo); err == nil {
		t.Error("no error")
	}
	if _, err := c.TeamMember(t.Context(), repo, "ops", "ann"); err == nil {
		t.Error("no error")
	}
	if len(s.seen) > 0 {
		t.Errorf("sent %v", s.seen)
	}
}

func TestNamesCannotClimb(t *testing.T) {
	s := newScript(t)
	c := s.client(t)
	for _, slug := range []string{"", ".", ".."} {
		if ok, err := c.TeamMember(t.Context(), testRepo, slug, "ann"); ok {
			t.Errorf("slug %q: %v, %v", slug, ok, err)
		}
	}
	if len(s.seen) > 0 {
		t.Errorf("sent %v", s.seen)
	}
	if ok, _ := c.TeamMember(t.Context(), testRepo, "../../../user?x=", "ann"); ok {
		t.Error("a member of a path")
	}
	if got := s.calls()[0].url; got != "/orgs/acme/teams/..%2F..%2F..%2Fuser%3Fx=/memberships/ann" {
		t.Errorf("asked %s", got)
	}
	if _, err := c.Commit(t.Context(), testRepo, "main"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a branch is read as a commit: %v", err)
	}
}

func TestRenamedRepositoryIsFollowedAtHomeOnly(t *testing.T) {
	s, thief := newScript(t), newScript(t)
	s.on(headPath, 301, ``, "Location: /repositories/99/git/ref/heads/main")
	s.on("GET /repositories/99/git/ref/heads/main", 200, headAnswer)
	s.on("GET /repos/acme/away/git/ref/heads/main", 302, ``, "Location: "+thief.URL+"/x")
	thief.on("GET /x", 200, headAnswer)
	c := s.client(t)
	if err := head(t.Context(), c, testRepo); err != nil {
		t.Error(err)
	}
	away := testRepo
	away.Name = "away"
	if err := head(t.Context(), c, away); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if len(thief.seen) > 0 {
		t.Errorf("the other host was asked: %v", thief.seen)
	}
}

func TestTokenRefused(t *testing.T) {
	for _, tt := range []struct {
		status  int
		headers []string
		want    error
	}{
		{401, nil, ErrUnavailable},
		{403, nil, ErrGone},
		{404, nil, ErrGone},
		{422, nil, ErrRefused},
		{503, nil, ErrUnavailable},
		{403, []string{"Retry-After: 30"}, nil},
	} {
		mux := http.NewServeMux()
		mux.HandleFunc("POST /app/installations/7/access_tokens", func(w http.ResponseWriter, _ *http.Request) {
			reply(w, tt.status, `{"message":"This installation has been suspended"}`, tt.headers...)
		})
		server := httptest.NewServer(mux)
		defer server.Close()
		c, err := New(Config{URL: server.URL, AppID: 5, PrivateKey: testKey()})
		if err != nil {
			t.Fatal(err)
		}
		err = head(t.Context(), c, testRepo)
		var limited *RateLimited
		if tt.want == nil && !errors.As(err, &limited) || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%d %v: got %v, want %v", tt.status, tt.headers, err, tt.want)
		}
		if !strings.Contains(err.Error(), "suspended") {
			t.Errorf("%v keeps GitHub's word from us", err)
		}
	}
}

func TestRefusedTokenIsAskedAnew(t *testing.T) {
	s := newScript(t)
	s.mux.HandleFunc(headPath, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "token ghs_7_1" {
			reply(w, 401, `{"message":"Bad credentials"}`)
			return
		}
		reply(w, 200, headAnswer)
	})
	c := s.client(t)
	if err := head(t.Context(), c, testRepo); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	if err := head(t.Context(), c, testRepo); err != nil {
		t.Fatal(err)
	}
	if s.tokens != 2 {
		t.Errorf("%d tokens", s.tokens)
	}
}

func TestRateLimits(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	reset := now.Add(40 * time.Minute)
	resetHeader := "X-RateLimit-Reset: " + strconv.FormatInt(reset.Unix(), 10)
	const secondary = `{"message":"You have exceeded a secondary rate limit","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`
	for _, tt := range []struct {
		name    string
		status  int
		body    string
		headers []string
		until   time.Time
	}{
		{"secondary with retry-after", 403, secondary, []string{"Retry-After: 17", "X-RateLimit-Remaining: 4000", resetHeader}, now.Add(17 * time.Second)},
		{"bare retry-after", 403, `{"message":"wait"}`, []string{"Retry-After: 17"}, now.Add(17 * time.Second)},
		{"429 with retry-after", 429, ``, []string{"Retry-After: 17"}, now.Add(17 * time.Second)},
		{"429 alone", 429, ``, nil, now.Add(time.Minute)},
		{"429 of the primary", 429, ``, []string{"X-RateLimit-Remaining: 0", resetHeader}, reset},
		{"primary", 403, `{"message":"API rate limit exceeded"}`, []string{"X-RateLimit-Remaining: 0", resetHeader}, reset},
		{"primary without reset", 403, `{"message":"API rate limit exceeded"}`, []string{"X-RateLimit-Remaining: 0"}, now.Add(time.Minute)},
		// The reset is the primary limit's, which is not exhausted.
		{"secondary without retry-after", 403, secondary, []string{"X-RateLimit-Remaining: 4000", resetHeader}, now.Add(time.Minute)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScript(t)
			s.on(headPath, tt.status, tt.body, tt.headers...)
			s.on("GET /repos/acme/shop/git/ref/heads/other", 200, headAnswer)
			c := s.client(t)
			at := now
			c.clock(&at)
			var limited *RateLimited
			if err := head(t.Context(), c, testRepo); !errors.As(err, &limited) || !limited.Until.Equal(tt.until) {
				t.Fatalf("got %v, want until %s", err, tt.until)
			}
			if _, err := c.Head(t.Context(), testRepo, "other"); !errors.As(err, &limited) || !limited.Until.Equal(tt.until) {
				t.Errorf("asked again at once: %v", err)
			}
			if _, err := c.CreateComment(t.Context(), testRepo, 1, "x"); !errors.As(err, &limited) {
				t.Errorf("wrote at once: %v", err)
			}
			if n := len(s.calls()); n != 1 {
				t.Errorf("%d requests went out: %v", n, s.calls())
			}
			elsewhere := testRepo
			elsewhere.Installation = 8
			if _, err := c.Head(t.Context(), elsewhere, "other"); err != nil {
				t.Errorf("another installation is held too: %v", err)
			}
			at = tt.until
			if _, err := c.Head(t.Context(), testRepo, "other"); err != nil {
				t.Errorf("still held: %v", err)
			}
		})
	}
}

func TestExhaustedBudgetIsNotTried(t *testing.T) {
	s := newScript(t)
	reset := time.Now().Add(time.Hour).Truncate(time.Second)
	s.on(headPath, 200, headAnswer, "X-RateLimit-Limit: 5000", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: "+strconv.FormatInt(reset.Unix(), 10))
	c := s.client(t)
	if err := head(t.Context(), c, testRepo); err != nil {
		t.Fatal(err)
	}
	var limited *RateLimited
	if err := head(t.Context(), c, testRepo); !errors.As(err, &limited) || !limited.Until.Equal(reset) {
		t.Errorf("got %v", err)
	}
	if n := len(s.calls()); n != 1 {
		t.Errorf("%d requests", n)
	}
}
