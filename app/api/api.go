// Package api is the JSON API below /api/v1, and a client for it: what is known of
// pipelines and executions, their logs and artifacts, and the operations. Whoever
// asks shows a token; without one everything, even what does not exist, is 401.
// openapi.json beside this file describes it, and a test holds the
// two together. The package knows executions and operations by ports of its own
// and imports no other adapter.
package api

import (
	"context"
	_ "embed"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/audit"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// Prefix is where the API stands.
const Prefix = "/api/v1"

// Executions is where the answers come from. What does not exist is a *Refusal.
type Executions interface {
	// Find lists executions, newest first.
	Find(ctx context.Context, f Filter) ([]Found, error)
	// Pipelines lists the newest execution of every pipeline.
	Pipelines(ctx context.Context) ([]Found, error)
	Execution(ctx context.Context, id string) (Found, error)
	// Log opens the log of a job, lines of the form `TIME STREAM TEXT\n`. It may
	// still be growing; one that does not exist yet is nil.
	Log(ctx context.Context, job pipeline.JobID) (io.ReadCloser, error)
	// Artifact opens the tar of an artifact.
	Artifact(ctx context.Context, a pipeline.Artifact) (io.ReadCloser, error)
	// Transitions lists those that are disabled, of a repository and a pipeline, or
	// of all for "".
	Transitions(ctx context.Context, repository, pipeline string) ([]Transition, error)
	// Audit lists rows of the audit log, with the names of the repositories that they
	// are about.
	Audit(ctx context.Context, q AuditQuery) (rows []audit.Row, repositories map[int64]string, err error)
}

// Operations carries out what is asked for. What cannot be done is a *Refusal.
type Operations interface {
	Decide(ctx context.Context, execution string, d Answer) error
	Retry(ctx context.Context, execution string, r Retry) error
	Override(ctx context.Context, execution string, o Override) error
	Stop(ctx context.Context, execution string, s Stop) error
	// Start returns the id of the execution, and whether it is a fresh one: a key,
	// unless it is empty, starts a pipeline once.
	Start(ctx context.Context, s Start, key string) (id string, fresh bool, err error)
	// Rollback returns what it has started, or would in a preview; fresh and key are as
	// with Start.
	Rollback(ctx context.Context, r Rollback, key string) (c Comeback, fresh bool, err error)
	// Webhook tells where a pipeline is called, and under which secret.
	Webhook(ctx context.Context, repository, pipeline string) (Webhook, error)
	// Disable and Enable return the transition that they close or open.
	Disable(ctx context.Context, d Disable) (Transition, error)
	Enable(ctx context.Context, w Way) (Transition, error)
}

// Secrets keeps what jobs are given, and never tells a value. What cannot be done is a
// *Refusal.
type Secrets interface {
	// Secrets lists those of a repository or an organization, or all for neither.
	Secrets(ctx context.Context, of SecretPlace) ([]Secret, error)
	SetSecret(ctx context.Context, s SetSecret, value []byte) (Secret, error)
	// RemoveSecret returns what it was.
	RemoveSecret(ctx context.Context, p SecretPlace) (Secret, error)
	// RotateSecrets encrypts all anew and counts them.
	RotateSecrets(ctx context.Context) (int, error)
}

// Found is an execution with what stands beside it.
type Found struct {
	pipeline.Execution
	URL    string         // of its page
	Jobs   []pipeline.Job // all that were handed out, in no order; not in lists
	Around explain.Around // not in lists
}

// Comeback is a rollback with what it is about.
type Comeback struct {
	Back    Found               // the execution that goes back; in a preview it has no id
	Target  Found               // the one that it goes back to
	Now     Found               // what the stage has now; without an id it is not known
	Halfway int                 // number of what has failed there since; zero: nothing
	Closed  pipeline.Transition // what keeps the way into the stage closed; zero: nothing
}

// Filter picks executions. Zero fields do not filter.
type Filter struct {
	Repository string // owner/name
	Pipeline   string
	Number     int
	Lane       string
	Commit     string // or how its SHA begins, 7 digits at least
	Status     pipeline.Status
	Succeeded  string // in the stage of this name
	Before     string // id: only older ones
	Limit      int
}

// Visitor is what one who asks may see and have carried out.
type Visitor struct {
	Executions Executions
	Operations Operations
	Runners    Runners
	Secrets    Secrets
	Scopes     []Scope // what they may use it for; none: nothing
}

// Config is what Handler needs.
type Config struct {
	// Admit tells for whom the token of a request speaks. It may be any text, also an
	// empty one; for one that speaks for nobody there is a *Refusal.
	Admit func(ctx context.Context, token string) (Visitor, error)
	// Failed counts a request whose token speaks for nobody, and tells how long whoever
	// sent it is to wait; nil: nobody waits.
	Failed func(*http.Request) time.Duration
	Log    *slog.Logger
}

type server struct {
	Config
	Visitor // who asks; nobody before a request is answered
	mux     *http.ServeMux
}

// Handler answers every request at /api and below.
func Handler(c Config) http.Handler {
	s := &server{Config: c, mux: http.NewServeMux()}
	for _, r := range routes() {
		s.mux.HandleFunc(r.method+" "+Prefix+r.path, s.answer(r.scope, r.handle))
	}
	s.mux.HandleFunc("/", s.answer(Read, (*server).nothing))
	return s
}

// route is one operation of openapi.json.
type route struct {
	method, path string
	scope        Scope // that it takes
	handle       func(*server, http.ResponseWriter, *http.Request) error
}

func routes() []route {
	const one = "/executions/{execution}"
	return []route{
		{http.MethodGet, "/openapi.json", Read, (*server).describe},
		{http.MethodGet, "/pipelines", Read, (*server).pipelines},
		{http.MethodGet, "/webhook", Admin, (*server).webhook},
		{http.MethodGet, "/executions", Read, (*server).executions},
		{http.MethodPost, "/executions", Run, (*server).start},
		{http.MethodGet, one, Read, (*server).execution},
		{http.MethodGet, one + "/artifacts/{artifact}", Read, (*server).artifact},
		{http.MethodGet, one + "/stages/{stage}/actions/{action}/log", Read, (*server).log},
		{http.MethodPost, one + "/approve", Approve, (*server).approve},
		{http.MethodPost, one + "/reject", Approve, (*server).reject},
		{http.MethodPost, one + "/retry", Run, (*server).retry},
		{http.MethodPost, one + "/override", Approve, (*server).override},
		{http.MethodPost, one + "/stop", Run, (*server).stop},
		{http.MethodPost, "/rollbacks", Run, (*server).rollback},
		{http.MethodGet, "/transitions", Read, (*server).transitions},
		{http.MethodPost, "/transitions", Run, (*server).disable},
		{http.MethodPost, "/transitions/enable", Run, (*server).enable},
		{http.MethodGet, "/audit", Admin, (*server).audit},
		{http.MethodGet, "/runners", Admin, (*server).runners},
		{http.MethodPost, "/runners", Admin, (*server).addRunner},
		{http.MethodDelete, "/runners/{runner}", Admin, (*server).removeRunner},
		{http.MethodGet, "/secrets", Admin, (*server).secrets},
		{http.MethodPut, "/secrets", Admin, (*server).setSecret},
		{http.MethodDelete, "/secrets", Admin, (*server).removeSecret},
		{http.MethodPost, "/secrets/rotate", Admin, (*server).rotateSecrets},
	}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v, err := s.Admit(r.Context(), bearer(r))
	if err != nil {
		s.refuse(w, r, s.failed(r, err))
		return
	}
	s.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitorKey{}, v)))
}

// failed counts a token that speaks for nobody. Of too many each is refused in the same
// way; a token that is good is never kept waiting for the sake of others.
func (s *server) failed(r *http.Request, err error) error {
	var no *Refusal
	if s.Failed == nil || !errors.As(err, &no) || no.Code != Unauthorized {
		return err
	}
	if wait := s.Failed(r); wait > 0 {
		return TooSoon(wait)
	}
	return err
}

// visitorKey is where the context of a request has its Visitor.
type visitorKey struct{}

// bearer is the token that a request shows; empty if it shows none.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// answer carries out a route for whoever asks, and answers for its error.
func (s *server) answer(takes Scope, handle func(*server, http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
		visited := *s
		visited.Visitor, _ = r.Context().Value(visitorKey{}).(Visitor)
		err := visited.lacking(takes)
		if err == nil {
			err = handle(&visited, w, r)
		}
		if err != nil {
			s.refuse(w, r, err)
		}
	}
}

// nothing answers for what is not a route.
func (s *server) nothing(w http.ResponseWriter, r *http.Request) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := s.mux.Handler(other); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return refuse(MethodNotAllowed, "%s is not a method of this path: use %s", r.Method, strings.Join(allowed, " or ")).offering(allowed)
	}
	return refuse(NotFound, "the API has nothing at this path: %s/openapi.json lists what there is", Prefix)
}

//go:embed openapi.json
var description []byte

// Description is the OpenAPI document that the API serves.
func Description() []byte { return description }

func (s *server) describe(w http.ResponseWriter, r *http.Request) error {
	if err := parameters(r); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(description)
	return err
}
