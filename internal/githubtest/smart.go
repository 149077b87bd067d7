package githubtest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cgi" //nolint:gosec // what it warns of was mended in Go 1.6.3
	"strings"
	"time"
)

// gitServices are the paths of git's smart HTTP protocol, and of Git LFS.
var gitServices = []string{"/info/refs", "/git-upload-pack", "/git-receive-pack", lfsService}

// gitPath returns the owner/name of a request that git makes.
func gitPath(path string) (string, bool) {
	for _, service := range gitServices {
		if name, ok := strings.CutSuffix(path, service); ok {
			name = strings.Trim(strings.TrimSuffix(name, ".git"), "/")
			return name, strings.Count(name, "/") == 1
		}
	}
	return "", false
}

// serveGit lets git's own backend answer, once it is known who asks.
func (g *GitHub) serveGit(w http.ResponseWriter, r *http.Request, name string) {
	login, password, _ := r.BasicAuth()
	push := strings.HasSuffix(r.URL.Path, "/git-receive-pack") || r.URL.Query().Get("service") == "git-receive-pack"
	repo := g.Repository(name)
	status := g.admitGit(repo, login, password, push)
	switch status {
	case http.StatusOK:
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
		http.Error(w, "Authentication failed.", status)
		return
	case http.StatusForbidden:
		http.Error(w, "Permission to "+repo.FullName()+".git denied to "+login+".", status)
		return
	default:
		http.Error(w, "Repository not found.", status)
		return
	}
	if strings.HasSuffix(r.URL.Path, lfsService) {
		g.serveLFS(w, r, repo)
		return
	}
	if !strings.HasSuffix(r.URL.Path, "/git-receive-pack") {
		g.runBackend(w, r, repo, login)
		return
	}
	g.receive(w, r, repo, login)
}

// admitGit decides over a request of git, as a status. Any password does; the
// App comes as x-access-token, with its token.
func (g *GitHub) admitGit(repo *Repository, login, password string, push bool) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if login == "x-access-token" {
		t := g.tokens[password]
		switch {
		case t == nil || !g.now().Before(t.expires) || t.installation.deleted || !t.installation.suspended.IsZero():
			return http.StatusUnauthorized
		case repo == nil || !t.covers(repo):
			return http.StatusNotFound
		case push || !t.may("contents:read"):
			return http.StatusForbidden
		}
		return http.StatusOK
	}
	who := g.accounts[strings.ToLower(login)]
	switch {
	case who == nil:
		return http.StatusUnauthorized
	case repo == nil || !repo.may(who, "read"):
		return http.StatusNotFound
	case push && !repo.may(who, "write"):
		return http.StatusForbidden
	}
	return http.StatusOK
}

// receive carries a push out. Git hears the result after the events are on
// their way, so that who waits for a push may then wait for its deliveries.
func (g *GitHub) receive(w http.ResponseWriter, r *http.Request, repo *Repository, login string) {
	repo.refs.Lock()
	defer repo.refs.Unlock()
	before, err := repo.branchesAndTags()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	held := &heldAnswer{header: http.Header{}, status: http.StatusOK}
	g.runBackend(held, r, repo, login)
	if err := repo.moved(login, before); err != nil {
		g.options.Logf("githubtest: tell of a push: %v", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	for k, v := range held.header {
		w.Header()[k] = v
	}
	w.WriteHeader(held.status)
	_, _ = w.Write(held.body.Bytes()) // a caller that went away is its own affair
}

// runBackend runs git http-backend, which wants a body of known length.
func (g *GitHub) runBackend(w http.ResponseWriter, r *http.Request, repo *Repository, login string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, service, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	_, service, _ = strings.Cut(service, "/")
	r = r.Clone(r.Context())
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	r.URL.Path = "/" + repo.FullName() + ".git/" + service
	r.Header.Del("Authorization")
	backend := &cgi.Handler{
		Path: g.git, Args: []string{"http-backend"}, Dir: repo.dir, Root: "/",
		Env:    append(gitEnvironment(), "GIT_PROJECT_ROOT="+g.options.Dir, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER="+login),
		Stderr: io.Discard,
	}
	backend.ServeHTTP(w, r)
}

// heldAnswer keeps an answer back.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *heldAnswer) Header() http.Header         { return h.header }
func (h *heldAnswer) WriteHeader(status int)      { h.status = status }
func (h *heldAnswer) Write(b []byte) (int, error) { return h.body.Write(b) }

// moved compares the branches and tags with what they were, and tells of every
// difference. r.refs is held.
func (r *Repository) moved(login string, before map[string]string) error {
	after, err := r.branchesAndTags()
	if err != nil {
		return err
	}
	moves, newTags := movesBetween(before, after)
	if len(moves) > 0 {
		r.g.mu.Lock()
		r.pushed = r.g.now().Truncate(time.Second)
		r.g.mu.Unlock()
	}
	for _, m := range moves {
		if newTags > 3 && strings.HasPrefix(m.ref, "refs/tags/") {
			continue // GitHub tells of no tag when more than three come at once
		}
		if err := r.tell(login, m, before); err != nil {
			return err
		}
	}
	return nil
}
