package webhook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/webhook"
)

type inbox struct {
	got []webhook.Delivery
	err error
}

func (i *inbox) Receive(_ context.Context, d webhook.Delivery) error {
	if i.err != nil {
		return i.err
	}
	i.got = append(i.got, d)
	return nil
}

func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func TestHandler(t *testing.T) {
	const secret = "It's a Secret to Everybody"
	push := []byte(`{"repository":{"id":42},"ref":"refs/heads/main"}`)
	large := []byte(`{"a":"` + strings.Repeat("x", webhook.MaxBody) + `"}`)
	for _, tc := range []struct {
		name      string
		method    string
		event     string
		body      []byte
		signature string
		failing   error
		status    int
		stored    int
	}{
		{name: "good", event: "push", body: push, signature: sign(secret, push), status: 202, stored: 1},
		{name: "unknown event", event: "star", body: push, signature: sign(secret, push), status: 202},
		{name: "no signature", event: "push", body: push, status: 401},
		{name: "wrong secret", event: "push", body: push, signature: sign("other", push), status: 401},
		{name: "signature of another body", event: "push", body: push, signature: sign(secret, []byte("{}")), status: 401},
		{name: "sha1 only", event: "push", body: push, signature: strings.Replace(sign(secret, push), "sha256=", "sha1=", 1), status: 401},
		{name: "truncated signature", event: "push", body: push, signature: sign(secret, push)[:20], status: 401},
		{name: "signature is not hex", event: "push", body: push, signature: "sha256=zz", status: 401},
		{name: "too large", event: "push", body: large, signature: sign(secret, large), status: 413},
		{name: "malformed", event: "push", body: []byte(`{"a":`), signature: sign(secret, []byte(`{"a":`)), status: 400},
		{name: "malformed of unknown event", event: "star", body: []byte(`{"a":`), signature: sign(secret, []byte(`{"a":`)), status: 400},
		{name: "no object", event: "push", body: []byte(`[]`), signature: sign(secret, []byte(`[]`)), status: 400},
		{name: "empty", event: "push", body: nil, signature: sign(secret, nil), status: 400},
		{name: "odd repository", event: "push", body: []byte(`{"repository":"x"}`), signature: sign(secret, []byte(`{"repository":"x"}`)), status: 202, stored: 1},
		{name: "not stored", event: "push", body: push, signature: sign(secret, push), failing: errors.New("disk full"), status: 500},
		{name: "get", method: http.MethodGet, event: "push", body: push, signature: sign(secret, push), status: 405},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := &inbox{err: tc.failing}
			h := &webhook.Handler{Secret: []byte(secret), Events: map[string]bool{"push": true}, Inbox: in, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
			method := tc.method
			if method == "" {
				method = http.MethodPost
			}
			r := httptest.NewRequestWithContext(t.Context(), method, "/webhooks/github", bytes.NewReader(tc.body))
			r.Header.Set("X-GitHub-Event", tc.event)
			r.Header.Set("X-GitHub-Delivery", "guid-1")
			if tc.signature != "" {
				r.Header.Set("X-Hub-Signature-256", tc.signature)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tc.status || len(in.got) != tc.stored {
				t.Errorf("status %d with %d stored, want %d with %d: %s", w.Code, len(in.got), tc.status, tc.stored, w.Body)
			}
		})
	}
}

// The vector is GitHub's own, from its page on validating deliveries.
func TestGitHubsVector(t *testing.T) {
	body := []byte("Hello, World!")
	const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	if got := sign("It's a Secret to Everybody", body); got != signature {
		t.Fatalf("signature %s, want %s", got, signature)
	}
	h := &webhook.Handler{Secret: []byte("It's a Secret to Everybody"), Inbox: &inbox{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("X-Hub-Signature-256", signature)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest { // the signature is right, the body is no JSON
		t.Errorf("status %d, want 400", w.Code)
	}
}

func TestNoSecretRefusesEverything(t *testing.T) {
	h := &webhook.Handler{Inbox: &inbox{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader("{}"))
	r.Header.Set("X-Hub-Signature-256", sign("", []byte("{}")))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("status %d, want 401", w.Code)
	}
}
