package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// Config is what Handler needs.
type Config struct {
	// Runner names the runner that a token is of; "" where it is nobody's.
	Runner func(ctx context.Context, token string) (string, error)
	Jobs   runner.Jobs
	Files  runner.Files
	Log    *slog.Logger
}

type server struct{ Config }

// Handler answers every request at Prefix and below.
func Handler(c Config) http.Handler {
	s := &server{c}
	mux := http.NewServeMux()
	for path, handle := range map[string]func(http.ResponseWriter, *http.Request, string) error{
		"POST " + Prefix + pathLease:              s.lease,
		"GET " + Prefix + pathLeases:              s.leases,
		"POST " + Prefix + pathRenew:              s.renew,
		"POST " + Prefix + pathStarted:            s.started,
		"POST " + Prefix + pathResult:             s.result,
		"GET " + Prefix + pathSecrets:             s.secrets,
		"GET " + Prefix + pathLogin:               s.login,
		"POST " + Prefix + pathLog:                s.log,
		"GET " + Prefix + pathInput + "{name}":    s.input,
		"PUT " + Prefix + pathArtifact + "{name}": s.artifact,
	} {
		mux.HandleFunc(path, s.answer(handle))
	}
	mux.HandleFunc("/", s.answer(func(http.ResponseWriter, *http.Request, string) error {
		return refusal{notFound, "there is nothing here"}
	}))
	return mux
}

func (r refusal) Error() string { return r.Message }

// answer carries out a request with the token it shows, and answers for its error.
func (s *server) answer(handle func(http.ResponseWriter, *http.Request, string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || !possibleToken.MatchString(token) {
			s.refuse(w, r, refusal{unauthorized, "a token is missing: send it as Authorization: Bearer TOKEN"})
			return
		}
		if err := handle(w, r, token); err != nil {
			s.refuse(w, r, err)
		}
	}
}

var (
	possibleToken  = regexp.MustCompile(`^[A-Za-z0-9_-]{20,100}$`)
	possibleLease  = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`) // 256 bits
	possibleRunner = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// refuse answers for an error. One that nobody expected is for the operator's log.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var no refusal
	var author *runner.Refusal
	var large *http.MaxBytesError
	status := http.StatusInternalServerError
	switch {
	case errors.As(err, &no):
		status = map[code]int{unauthorized: http.StatusUnauthorized, invalid: http.StatusBadRequest, notFound: http.StatusNotFound}[no.Code]
	case errors.Is(err, runner.ErrLeaseLost):
		status, no = http.StatusGone, refusal{lost, "the lease is no longer this runner's"}
	case errors.As(err, &author):
		status, no = http.StatusUnprocessableEntity, refusal{refused, author.Reason}
	case errors.As(err, &large):
		status, no = http.StatusBadRequest, refusal{invalid, fmt.Sprintf("the body has more than %d bytes", large.Limit)}
	case r.Context().Err() != nil:
		return // nobody waits for the answer
	default:
		s.Log.Error("request of a runner failed", "method", r.Method, "path", r.URL.Path, "error", err)
		no = refusal{internal, "something went wrong inside; the log of the server says what"}
	}
	s.write(w, status, no)
}

func (s *server) write(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		s.Log.Error("answer to a runner not encoded", "error", err)
		status, text = http.StatusInternalServerError, []byte(`{"code":"internal"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text) // who asked may be gone
}

// decode reads the body, at most so many bytes.
func decode(w http.ResponseWriter, r *http.Request, most int64, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, most))
	err := d.Decode(into)
	var large *http.MaxBytesError
	if err == nil || errors.As(err, &large) {
		return err
	}
	return refusal{invalid, "the body is not the JSON that is expected: " + strings.TrimPrefix(err.Error(), "json: ")}
}

// runner names whoever asks for leases: the name behind its token, and the id of its
// data folder, since several machines may share a token. No name has a slash.
func (s *server) runner(ctx context.Context, token, id string) (string, error) {
	if !possibleRunner.MatchString(id) {
		return "", refusal{invalid, "the id of the runner is not one"}
	}
	name, err := s.Runner(ctx, token)
	if err == nil && name == "" {
		err = refusal{unauthorized, "the token is no runner's: make one with `stagegate runner add NAME`"}
	}
	return name + "/" + id, err
}

func (s *server) lease(w http.ResponseWriter, r *http.Request, token string) error {
	var want wanted
	if err := decode(w, r, mostWords, &want); err != nil {
		return err
	}
	name, err := s.runner(r.Context(), token, want.Runner)
	if err != nil {
		return err
	}
	if !possibleLease.MatchString(want.Token) {
		return refusal{invalid, "the token of the lease is to have 256 bits, as base64 for URLs"}
	}
	ctx, stop := context.WithTimeout(r.Context(), patience)
	defer stop()
	l, err := s.Jobs.Lease(ctx, name, want.Token)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		w.WriteHeader(http.StatusNoContent)
		return nil
	case err != nil:
		return err
	}
	s.write(w, http.StatusOK, leaseOf(l, time.Now()))
	return nil
}

func (s *server) leases(w http.ResponseWriter, r *http.Request, token string) error {
	name, err := s.runner(r.Context(), token, r.URL.Query().Get("runner"))
	if err != nil {
		return err
	}
	held, err := s.Jobs.Held(r.Context(), name)
	if err != nil {
		return err
	}
	list := make([]lease, 0, len(held))
	for _, l := range held {
		list = append(list, leaseOf(l, time.Now()))
	}
	s.write(w, http.StatusOK, list)
	return nil
}

func (s *server) renew(w http.ResponseWriter, r *http.Request, token string) error {
	o, err := s.Jobs.Renew(r.Context(), token)
	if err != nil {
		return err
	}
	s.write(w, http.StatusOK, order{time.Until(o.Expires).Milliseconds(), o.Cancel})
	return nil
}

func (s *server) started(w http.ResponseWriter, r *http.Request, token string) error {
	var told started
	err := decode(w, r, mostWords, &told)
	if err == nil {
		err = s.Jobs.Started(r.Context(), token, told.At, told.Image)
	}
	return s.done(w, err)
}

func (s *server) result(w http.ResponseWriter, r *http.Request, token string) error {
	var end pipeline.Result
	err := decode(w, r, mostResult, &end)
	if err == nil {
		err = s.Jobs.Finish(r.Context(), token, end)
	}
	return s.done(w, err)
}

func (s *server) secrets(w http.ResponseWriter, r *http.Request, token string) error {
	values, err := s.Files.Secrets(r.Context(), token)
	if err != nil {
		return err
	}
	list := make([]secret, 0, len(values))
	for _, v := range values {
		list = append(list, secret{v.Name, []byte(v.Value)})
	}
	s.write(w, http.StatusOK, list)
	return nil
}

func (s *server) login(w http.ResponseWriter, r *http.Request, token string) error {
	l, err := s.Files.Login(r.Context(), token, r.URL.Query().Get("host"))
	if err != nil {
		return err
	}
	s.write(w, http.StatusOK, login{l.Username, []byte(l.Password)})
	return nil
}

// log writes a piece of a job's log at its place. Sent twice, it stands there once.
func (s *server) log(w http.ResponseWriter, r *http.Request, token string) error {
	from, err := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
	if err != nil || from < 0 {
		return refusal{invalid, "from is to be an offset in bytes"}
	}
	piece, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostLog))
	if err != nil {
		return err
	}
	log, err := s.Files.Log(r.Context(), token, from)
	if err != nil {
		return err
	}
	_, err = log.Write(piece)
	return s.done(w, errors.Join(err, log.Close()))
}

func (s *server) input(w http.ResponseWriter, r *http.Request, token string) error {
	tar, err := s.Files.Input(r.Context(), token, r.PathValue("name"))
	if err != nil {
		return err
	}
	defer tar.Close()
	w.Header().Set("Content-Type", "application/x-tar")
	if _, err := io.Copy(patientWriter{w, http.NewResponseController(w)}, tar); err != nil {
		s.Log.Warn("input not sent to its end", "input", r.PathValue("name"), "error", err)
		panic(http.ErrAbortHandler) // so that half a tar does not pass for a whole one
	}
	return nil
}

func (s *server) artifact(w http.ResponseWriter, r *http.Request, token string) error {
	body := patientReader{http.MaxBytesReader(w, r.Body, mostArtifact), http.NewResponseController(w)}
	art, err := s.Files.Output(r.Context(), token, r.PathValue("name"), body)
	if err != nil {
		return err
	}
	s.write(w, http.StatusOK, art)
	return nil
}

func (s *server) done(w http.ResponseWriter, err error) error {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// stall is how long a file may not move before its connection is given up. The
// server's own limits are for whole requests, and files may be large.
const stall = time.Minute

type patientWriter struct {
	w       io.Writer
	control *http.ResponseController
}

func (p patientWriter) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(stall)) // where it cannot be set, the server's holds
	return p.w.Write(b)
}

type patientReader struct {
	r       io.Reader
	control *http.ResponseController
}

func (p patientReader) Read(b []byte) (int, error) {
	now := time.Now()
	_ = p.control.SetReadDeadline(now.Add(stall)) // likewise
	_ = p.control.SetWriteDeadline(now.Add(2 * stall))
	return p.r.Read(b)
}
