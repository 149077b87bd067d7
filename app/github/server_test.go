package github

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// script is a GitHub that answers what a test tells it to, over real HTTP: for
// the answers that a well-behaved GitHub gives seldom.
type script struct {
	*httptest.Server
	mux *http.ServeMux

	mu     sync.Mutex
	seen   []call
	tokens int
}

type call struct {
	method, url, auth, body string
	header                  http.Header
}

func (c call) String() string { return c.method + " " + c.url }

const (
	testSHA  = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
	otherSHA = "ec26c3e57ca3a959ca5aad62de7213c562f8c821"
)

var testRepo = Repository{Installation: 7, ID: 99, Owner: "acme", Name: "shop"}

var testKey = sync.OnceValue(func() []byte {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
})

func newScript(t *testing.T) *script {
	t.Helper()
	s := &script{mux: http.NewServeMux()}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		s.mu.Lock()
		s.seen = append(s.seen, call{r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), string(body), r.Header})
		s.mu.Unlock()
		s.mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	s.mux.HandleFunc("POST /app/installations/{id}/access_tokens", s.token)
	return s
}

func (s *script) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.tokens++
	n := s.tokens
	s.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"token":"ghs_%s_%d","expires_at":%q}`, r.PathValue("id"), n, time.Now().Add(time.Hour).Format(time.RFC3339))
}

// on answers a pattern with a status, headers as "Name: value", and a body.
func (s *script) on(pattern string, status int, body string, headers ...string) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { reply(w, status, body, headers...) })
}

func reply(w http.ResponseWriter, status int, body string, headers ...string) {
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		w.Header().Set(name, value)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// calls lists what was asked, but for tokens.
func (s *script) calls() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []call
	for _, c := range s.seen {
		if !strings.HasSuffix(c.url, "/access_tokens") {
			out = append(out, c)
		}
	}
	return out
}

func (s *script) client(t *testing.T) *Client {
	t.Helper()
	c, err := New(Config{URL: s.URL, AppID: 5, PrivateKey: testKey()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// clock is a client's clock that a test moves.
func (c *Client) clock(now *time.Time) { c.now = func() time.Time { return *now } }

func encode(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func decodeBody(t *testing.T, c call) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(c.body), &m); err != nil {
		t.Fatalf("%s: body %q: %v", c, c.body, err)
	}
	return m
}

// head is the cheapest call there is.
func head(ctx context.Context, c *Client, repo Repository) error {
	_, err := c.Head(ctx, repo, "main")
	return err
}

const (
	headPath   = "GET /repos/acme/shop/git/ref/heads/main"
	headAnswer = `{"ref":"refs/heads/main","object":{"type":"commit","sha":"` + testSHA + `"}}`
)
