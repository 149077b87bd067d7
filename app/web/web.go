// Package web is what Stagegate answers over HTTP: GitHub's deliveries, health, the
// page of an execution with its logs, and the dashboard of people who sign in. The page
// opens by the unguessable token of its execution, and for those whom GitHub lets read
// the repository; whatever else is asked for is not found.
// It is the only importer of gin and terminal-to-html, knows executions by a
// port of its own, and imports no other adapter.
package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/stagegate/stagegate/internal/limit"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// ErrNotFound is what Executions answers when there is no such thing.
var ErrNotFound = errors.New("not found")

// Executions is where the pages come from.
type Executions interface {
	// ByToken returns the execution whose page the token opens, or ErrNotFound.
	// It is asked only for texts that can be a token.
	ByToken(ctx context.Context, token string) (pipeline.Execution, error)
	// Around tells what stands around an execution now. It is not asked about one that
	// has ended.
	Around(ctx context.Context, x pipeline.Execution) (explain.Around, error)
	// Log opens the log of a job, lines of the form `TIME STREAM TEXT\n`, or
	// returns ErrNotFound when there is none yet. It may still be growing. A
	// reader that is an io.Seeker spares reading what is not shown.
	Log(ctx context.Context, job pipeline.JobID) (io.ReadCloser, error)
}

// Config is what Handler needs.
type Config struct {
	Webhook    http.Handler // of /webhooks/github, all methods; nil: not found
	Calls      http.Handler // of what is below /hooks, all methods; nil: not found
	API        http.Handler // of what is below /api, all methods; nil: not found
	Runners    http.Handler // of what is below /runner, all methods; nil: not found
	Executions Executions
	SignIn     SignIn                      // nil: nobody signs in
	PublicURL  string                      // under which people reach all of it
	Clients    limit.Clients               // by what they are told apart where they may ask only so often
	Ready      func(context.Context) error // nil: always ready
	GitHubURL  string                      // of its pages, such as https://github.com; empty: no links
	Version    string                      // shown at the foot of a page
	Now        func() time.Time            // nil: time.Now
	Log        *slog.Logger                // nil: slog.Default
}

// server carries out the routes.
type server struct {
	Config
	base   string // the path of the public URL
	origin string // of the public URL
	secure bool   // the public URL is https
	limits limits
}

// Handler answers every request of the process.
func Handler(c Config) http.Handler {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	s := &server{Config: c, limits: newLimits(c.Now)}
	if u, err := url.Parse(c.PublicURL); err == nil {
		s.base, s.origin, s.secure = strings.TrimRight(u.EscapedPath(), "/"), u.Scheme+"://"+u.Host, u.Scheme == "https"
	}
	gin.SetMode(gin.ReleaseMode) // debug mode prints routes to stdout
	e := gin.New()
	e.RedirectTrailingSlash = false // a redirect would tell a path apart
	e.Use(s.guard, s.recovered)
	e.NoRoute(s.notFound)
	s.route(e)
	return e
}

func (s *server) route(e *gin.Engine) {
	if s.Webhook != nil {
		e.Any("/webhooks/github", gin.WrapH(s.Webhook))
	}
	if s.Calls != nil {
		e.Any("/hooks/*path", gin.WrapH(s.Calls))
	}
	if s.API != nil {
		e.Any("/api/*path", gin.WrapH(s.API))
	}
	if s.Runners != nil {
		e.Any("/runner/*path", gin.WrapH(s.Runners))
	}
	read := []string{http.MethodGet, http.MethodHead}
	e.Match(read, "/healthz", func(c *gin.Context) { c.String(http.StatusOK, "ok\n") })
	e.Match(read, "/readyz", s.ready)
	e.Match(read, stylePath(), style)
	e.Match(read, "/", s.limited(s.limits.pages, s.home))
	e.Match(read, "/login", s.limited(s.limits.signIns, s.login))
	e.Match(read, CallbackPath, s.limited(s.limits.signIns, s.callback))
	if s.SignIn != nil {
		e.POST("/logout", s.saying(s.logout))
		e.Match(read, "/tokens", s.signedIn(s.tokens))
		e.POST("/tokens", s.saying(s.makeToken))
		e.POST("/tokens/:id/revoke", s.saying(s.revokeToken))
		const ofSecrets = "/repositories/:owner/:name/secrets" //nolint:gosec // a path
		e.Match(read, ofSecrets, s.signedIn(s.secrets))
		e.POST(ofSecrets, s.sayingUpTo(mostSecretForm, s.setSecret))
		e.POST(ofSecrets+"/remove", s.saying(s.removeSecret))
		const one = "/repositories/:owner/:name/:pipeline/:number"
		e.Match(read, "/repositories/:owner/:name", s.signedIn(s.list))
		e.Match(read, one, s.signedIn(s.executionOf))
		e.POST(one+"/:verb", s.saying(s.do))
		e.Match(read, one+"/logs/:stage/:action/:attempt", s.signedIn(s.logOf))
	}
	e.Match(read, "/executions/:token", s.limited(s.limits.pages, s.page))
	e.Match(read, "/executions/:token/logs/:stage/:action/:attempt", s.limited(s.limits.pages, s.log))
}

// ready answers 503 while the process cannot do its work. The reason is for
// the operator's log, not for whoever asks.
func (s *server) ready(c *gin.Context) {
	if s.Ready != nil {
		if err := s.Ready(c.Request.Context()); err != nil {
			s.Log.Warn("not ready", "error", err)
			c.String(http.StatusServiceUnavailable, "not ready\n")
			return
		}
	}
	c.String(http.StatusOK, "ready\n")
}
