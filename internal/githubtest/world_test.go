package githubtest_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/githubtest"
)

// world is a GitHub with a repository, a person's clone of it and a client
// that speaks as the App.
type world struct {
	t       *testing.T
	github  *githubtest.GitHub
	repo    *githubtest.Repository
	clone   string
	token   string
	receive *receiver
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldWith(t, githubtest.Options{})
}

func newWorldWith(t *testing.T, o githubtest.Options) *world {
	t.Helper()
	w := &world{t: t, receive: &receiver{status: http.StatusAccepted}}
	server := httptest.NewServer(w.receive)
	t.Cleanup(server.Close)
	o.WebhookURL = server.URL
	w.github = githubtest.New(t, o)
	w.receive.secret = w.github.WebhookSecret()
	w.github.AddUser("alice")
	w.github.AddUser("bob")
	w.repo = w.github.AddRepository("octo/shop")
	w.repo.SetPermission("alice", "write")
	w.clone = filepath.Join(t.TempDir(), "shop")
	w.git("", "init", "--quiet", "--initial-branch=main", w.clone)
	w.git(w.clone, "remote", "add", "origin", w.repo.CloneURL("alice"))
	w.token = w.newToken("")
	return w
}

// in is the same world in a part of the test.
func (w *world) in(t *testing.T) *world {
	part := *w
	part.t = t
	return &part
}

// git runs git as alice.
func (w *world) git(dir string, args ...string) string {
	w.t.Helper()
	out, err := w.tryGit(dir, args...)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) tryGit(dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(w.t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Alice", "GIT_AUTHOR_EMAIL=7+alice@users.noreply.github.com",
		"GIT_COMMITTER_NAME=Alice", "GIT_COMMITTER_EMAIL=alice@users.noreply.github.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

func (w *world) write(name, text string) {
	w.t.Helper()
	file := filepath.Join(w.clone, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// commit writes a file and commits it, and returns the commit's SHA.
func (w *world) commit(name, text string) string {
	w.t.Helper()
	w.write(name, text)
	w.git(w.clone, "add", "--all")
	w.git(w.clone, "commit", "--quiet", "--message=Change "+name)
	return w.git(w.clone, "rev-parse", "HEAD")
}

// push commits a file and pushes it to a branch.
func (w *world) push(branch, name, text string) string {
	w.t.Helper()
	sha := w.commit(name, text)
	w.git(w.clone, "push", "--quiet", "origin", "HEAD:"+branch)
	return sha
}

// jwt is a token that the App signs itself.
func (w *world) jwt(life time.Duration) string {
	block, _ := pem.Decode(w.github.PrivateKeyPEM())
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		w.t.Fatal(err)
	}
	part := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			w.t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	text := part(map[string]string{"alg": "RS256", "typ": "JWT"}) + "." + part(map[string]any{
		"iss": fmt.Sprint(w.github.AppID()), "iat": time.Now().Add(-30 * time.Second).Unix(), "exp": time.Now().Add(life).Unix(),
	})
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		w.t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// newToken asks for an installation's token; the body may narrow it.
func (w *world) newToken(body string) string {
	w.t.Helper()
	var got struct{ Token string }
	path := fmt.Sprintf("/app/installations/%d/access_tokens", w.github.InstallationID("octo"))
	w.call("POST", path, body, w.jwt(time.Minute)).want(http.StatusCreated).into(&got)
	return got.Token
}

// got is an answer of the API.
type got struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   []byte
}

func (g got) want(status int) got {
	g.t.Helper()
	if g.status != status {
		g.t.Fatalf("%s: status %d, want %d: %s", g.what, g.status, status, g.body)
	}
	return g
}

func (g got) into(v any) {
	g.t.Helper()
	if err := json.Unmarshal(g.body, v); err != nil {
		g.t.Fatalf("%s: %v: %s", g.what, err, g.body)
	}
}

// says fails unless the body has a text in it.
func (g got) says(text string) got {
	g.t.Helper()
	if !strings.Contains(string(g.body), text) {
		g.t.Errorf("%s: %q is not in %s", g.what, text, g.body)
	}
	return g
}

func (w *world) call(method, path, body, token string) got {
	w.t.Helper()
	resp, err := w.do(method, path, body, token)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return got{w.t, method + " " + path, resp.StatusCode, resp.Header, raw}
}

func (w *world) do(method, path, body, token string) (*http.Response, error) {
	if strings.HasPrefix(path, "/") {
		path = w.github.URL() + path
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, path, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client.Do(req)
}

func (w *world) get(path string) got { w.t.Helper(); return w.call("GET", path, "", w.token) }
func (w *world) post(path, body string, args ...any) got {
	w.t.Helper()
	return w.call("POST", path, fmt.Sprintf(body, args...), w.token)
}

func (w *world) patch(path, body string, args ...any) got {
	w.t.Helper()
	return w.call("PATCH", path, fmt.Sprintf(body, args...), w.token)
}

// wrong fails unless exactly these violations happened, and forgets them.
func (w *world) wrong(want ...string) {
	w.t.Helper()
	violations := w.github.TakeViolations()
	if len(violations) != len(want) {
		w.t.Fatalf("%d violations, want %d: %v", len(violations), len(want), violations)
	}
	for i, v := range violations {
		if !strings.Contains(v.String(), want[i]) {
			w.t.Errorf("violation %q does not say %q", v, want[i])
		}
	}
}

// receiver is where deliveries go.
type receiver struct {
	mu     sync.Mutex
	secret string
	status int
	got    []received
}

type received struct {
	event, guid string
	payload     map[string]any
	signed      bool
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	mac := hmac.New(sha256.New, []byte(r.secret))
	mac.Write(body)
	one := received{
		event: req.Header.Get("X-GitHub-Event"), guid: req.Header.Get("X-GitHub-Delivery"),
		signed: req.Header.Get("X-Hub-Signature-256") == "sha256="+hex.EncodeToString(mac.Sum(nil)),
	}
	if json.Unmarshal(body, &one.payload) == nil {
		r.got = append(r.got, one)
	}
	w.WriteHeader(r.status)
}

// delivered waits for all deliveries and returns those of an event and action
// since the last call.
func (w *world) delivered(event, action string) []map[string]any {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	if err := w.github.WaitDelivered(ctx); err != nil {
		w.t.Fatal(err)
	}
	w.receive.mu.Lock()
	defer w.receive.mu.Unlock()
	var list []map[string]any
	for _, one := range w.receive.got {
		if !one.signed {
			w.t.Errorf("%s is not signed", one.event)
		}
		if one.event == event && (action == "" || one.payload["action"] == action) {
			list = append(list, one.payload)
		}
	}
	return list
}

// at digs into a payload: at(p, "pull_request.head.sha").
func at(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

// recorder is a test in which New may fail.
type recorder struct {
	testing.TB
	errors  []string
	cleanup func()
}

func (r *recorder) Cleanup(f func()) { r.cleanup = f }

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
