package webhook_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/webhook"
)

// held is the body of a stranger, who sends its beginning and then waits.
type held struct {
	beginning io.Reader
	waits     func()
	until     <-chan struct{}
}

func (h *held) Read(b []byte) (int, error) {
	if n, _ := h.beginning.Read(b); n > 0 {
		return n, nil
	}
	h.waits()
	<-h.until
	return 0, io.EOF
}

// TestManyLargeBodies asks that strangers cannot fill the memory with bodies that nobody
// has signed, and that small deliveries come in all the same.
func TestManyLargeBodies(t *testing.T) {
	const secret = "It's a Secret to Everybody"
	in := &inbox{}
	h := &webhook.Handler{Secret: []byte(secret), Events: map[string]bool{"push": true}, Inbox: in, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	deliver := func(body io.Reader, signature string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/github", body)
		r.Header.Set("X-GitHub-Event", "push")
		r.Header.Set("X-Hub-Signature-256", signature)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	large := []byte(`{"a":"` + strings.Repeat("x", 1<<20) + `"}`)
	until := make(chan struct{})
	var waiting, done sync.WaitGroup
	for range 8 {
		waiting.Add(1)
		done.Go(func() {
			body := &held{bytes.NewReader(large), sync.OnceFunc(waiting.Done), until}
			if got := deliver(body, sign("other", large)); got != http.StatusUnauthorized {
				t.Errorf("a stranger's: %d", got)
			}
		})
	}
	waiting.Wait()
	if got := deliver(bytes.NewReader(large), sign(secret, large)); got != http.StatusServiceUnavailable {
		t.Errorf("one more large one: %d", got)
	}
	small := []byte(`{}`)
	if got := deliver(bytes.NewReader(small), sign(secret, small)); got != http.StatusAccepted {
		t.Errorf("a small one: %d", got)
	}
	close(until)
	done.Wait()
	if got := deliver(bytes.NewReader(large), sign(secret, large)); got != http.StatusAccepted || len(in.got) != 2 || !bytes.Equal(in.got[1].Body, large) {
		t.Errorf("a large one afterwards: %d, %d kept", got, len(in.got))
	}
}
