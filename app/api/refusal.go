package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Code tells a program why something was refused. Codes are stable.
type Code string

// The codes, each with one HTTP status.
const (
	Unauthorized     Code = "unauthorized"       // 401
	Forbidden        Code = "forbidden"          // 403: somebody else may
	NotFound         Code = "not_found"          // 404
	MethodNotAllowed Code = "method_not_allowed" // 405
	Conflict         Code = "conflict"           // 409: the state does not allow it
	Already          Code = "already"            // 409: the same person has done it before
	TooLarge         Code = "too_large"          // 413
	Invalid          Code = "invalid"            // 422: what was asked for makes no sense
	Ambiguous        Code = "ambiguous"          // 422: more than one thing is meant by it
	TooMany          Code = "too_many"           // 429: wait as long as Retry-After says
	Internal         Code = "internal"           // 500
	Unavailable      Code = "unavailable"        // 503: GitHub does not answer; try again later
)

func (c Code) status() int {
	status, known := map[Code]int{
		Unauthorized: http.StatusUnauthorized, Forbidden: http.StatusForbidden, NotFound: http.StatusNotFound,
		MethodNotAllowed: http.StatusMethodNotAllowed, Conflict: http.StatusConflict, Already: http.StatusConflict,
		TooLarge: http.StatusRequestEntityTooLarge, Invalid: http.StatusUnprocessableEntity,
		Ambiguous: http.StatusUnprocessableEntity, TooMany: http.StatusTooManyRequests, Unavailable: http.StatusServiceUnavailable,
	}[c]
	if !known {
		return http.StatusInternalServerError
	}
	return status
}

// Refusal is why something was not done, as every answer that is not 2xx has it.
type Refusal struct {
	Code         Code     `json:"code"`
	Message      string   `json:"message"`                // one sentence, with what to do instead
	Alternatives []string `json:"alternatives,omitempty"` // what would be understood in place of what was said

	RetryAfter time.Duration `json:"-"` // of too many
}

// TooSoon refuses one who asks too often.
func TooSoon(wait time.Duration) *Refusal {
	no := refuse(TooMany, "too many requests: wait %s", max(wait, time.Second).Round(time.Second))
	no.RetryAfter = wait
	return no
}

func (r *Refusal) Error() string { return r.Message }

func (r *Refusal) offering(alternatives []string) *Refusal {
	r.Alternatives = alternatives
	return r
}

func refuse(c Code, format string, args ...any) *Refusal {
	return &Refusal{Code: c, Message: fmt.Sprintf(format, args...)}
}

// refuse answers for an error. One that is no refusal is for the operator's log.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var (
		no    *Refusal
		large *http.MaxBytesError
	)
	switch {
	case errors.As(err, &no):
	case errors.As(err, &large):
		no = refuse(TooLarge, "the body has more than %d bytes", large.Limit)
	case r.Context().Err() != nil || errors.Is(err, context.Canceled):
		return // nobody waits for the answer
	default:
		s.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		no = refuse(Internal, "something went wrong inside; the log of the server says what")
	}
	if no.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(no.RetryAfter.Seconds()))))
	}
	if no.Code == Unauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="stagegate"`)
	}
	s.write(w, no.Code.status(), no)
}

func (s *server) write(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		s.Log.Error("answer not encoded", "error", err)
		status, text = http.StatusInternalServerError, []byte(`{"code":"internal","message":"the answer could not be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // who asked may be gone
}
