// Package webhook takes GitHub's deliveries in: it checks size and signature
// and hands the bytes to a durable inbox before it answers. Beside them it takes
// the calls that anybody sends to the address of a pipeline, signed alike. It
// knows bytes, not what they mean, and imports nothing of this project.
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// MaxBody is the largest delivery GitHub sends: 25 MB.
const MaxBody = 25 << 20

// Delivery is one delivery whose signature was right.
type Delivery struct {
	GUID       string // of X-GitHub-Delivery, which is not signed; the digest where it is missing
	Digest     string // SHA-256 of the body, hex
	Event      string // of X-GitHub-Event
	Repository string // the repository's id, by which deliveries are ordered; empty without one
	Body       []byte
	ReceivedAt time.Time
}

// Inbox keeps deliveries. When Receive returns nil the delivery is on disk.
type Inbox interface {
	Receive(ctx context.Context, d Delivery) error
}

// Handler answers POST /webhooks/github. Its zero value refuses everything.
type Handler struct {
	Secret []byte
	Events map[string]bool // those to keep; others are acknowledged and dropped
	Inbox  Inbox
	Now    func() time.Time
	Log    *slog.Logger

	large atomic.Int64 // how many large bodies are on their way
}

// What of bodies is held in memory before it is known whose they are: anybody can send
// one. Nearly all of GitHub's are small.
const (
	smallBody = 256 << 10
	mostLarge = 8 // larger ones at once
)

var errManyLarge = errors.New("too many large deliveries at once")

// ServeHTTP answers 202 when the delivery is stored, or is of no interest; 401
// for a missing or wrong signature, 413 for too large a body, 400 for a body
// that is signed but not a JSON object, 503 when there are too many large ones at once,
// and 500 when it could not be stored, so that GitHub lists it as failed and it is asked
// for again.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	guid, event := r.Header.Get("X-GitHub-Delivery"), r.Header.Get("X-GitHub-Event")
	status, text := h.receive(w, r, guid, event)
	if status >= 400 {
		h.Log.Warn("delivery refused", "guid", guid, "event", event, "status", status, "reason", text, "from", r.RemoteAddr)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // GitHub shows it; nobody waits for it
}

func (h *Handler) receive(w http.ResponseWriter, r *http.Request, guid, event string) (int, string) {
	if r.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, "deliveries are posted"
	}
	body, err := h.read(http.MaxBytesReader(w, r.Body, MaxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, "a delivery has at most 25 MB"
	} else if errors.Is(err, errManyLarge) {
		return http.StatusServiceUnavailable, err.Error()
	} else if err != nil {
		return http.StatusBadRequest, "the body could not be read"
	}
	if !signed(h.Secret, body, r.Header.Get("X-Hub-Signature-256")) {
		return http.StatusUnauthorized, "the signature is missing or wrong: check the webhook secret"
	}
	repository, ok := repositoryOf(body)
	if !ok {
		return http.StatusBadRequest, "the body is not a JSON object: set the webhook's content type to application/json"
	}
	if !h.Events[event] {
		return http.StatusAccepted, "ignored"
	}
	sum := sha256.Sum256(body)
	d := Delivery{GUID: guid, Digest: hex.EncodeToString(sum[:]), Event: event, Repository: repository, Body: body, ReceivedAt: h.Now()}
	if d.GUID == "" {
		d.GUID = d.Digest
	}
	if err := h.Inbox.Receive(r.Context(), d); err != nil {
		h.Log.Error("delivery not stored", "guid", guid, "event", event, "error", err)
		return http.StatusInternalServerError, "the delivery could not be stored"
	}
	return http.StatusAccepted, "accepted"
}

// read reads a body, a large one only while few others are.
func (h *Handler) read(from io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(from, smallBody))
	if err != nil || len(body) < smallBody {
		return body, err
	}
	defer h.large.Add(-1)
	if h.large.Add(1) > mostLarge {
		return nil, errManyLarge
	}
	rest, err := io.ReadAll(from)
	return append(body, rest...), err
}

// signed checks an X-Hub-Signature-256 in constant time. Without a secret nothing
// is signed.
func signed(secret, body []byte, header string) bool {
	given, ok := strings.CutPrefix(header, "sha256=")
	if !ok || len(secret) == 0 {
		return false
	}
	sum, err := hex.DecodeString(given)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return hmac.Equal(sum, mac.Sum(nil))
}

// repositoryOf reads the repository's id; ok is false when the body is not a
// JSON object. A repository that is no object, or has no id, counts as none.
func repositoryOf(body []byte) (id string, ok bool) {
	var envelope struct {
		Repository json.RawMessage `json:"repository"`
	}
	if trimmed := strings.TrimSpace(string(body[:min(len(body), 64)])); !strings.HasPrefix(trimmed, "{") {
		return "", false
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return "", false
	}
	var repository struct {
		ID int64 `json:"id"`
	}
	if err := json.Unmarshal(envelope.Repository, &repository); err != nil || repository.ID == 0 {
		return "", true
	}
	return strconv.FormatInt(repository.ID, 10), true
}
