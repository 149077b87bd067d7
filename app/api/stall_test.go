package api_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/api"
)

// hurried notes until when a body that is written may be on its way.
type hurried struct {
	*httptest.ResponseRecorder
	until time.Time
	waits []time.Duration // from each write on; zero and less: for ever
}

func (h *hurried) SetWriteDeadline(at time.Time) error {
	h.until = at
	return nil
}

func (h *hurried) Write(b []byte) (int, error) {
	h.waits = append(h.waits, time.Until(h.until))
	h.until = time.Time{}
	return h.ResponseRecorder.Write(b)
}

func (h *hurried) WriteString(text string) (int, error) { return h.Write([]byte(text)) }

// TestWhoTakesNothing asks that nobody who asks for an artifact and takes nothing of it
// keeps its connection and its file open for ever.
func TestWhoTakesNothing(t *testing.T) {
	s := newShelf()
	handler := api.Handler(api.Config{Admit: s.admit, Log: slog.New(slog.DiscardHandler)})
	x := s.found[0]
	w := &hurried{ResponseRecorder: httptest.NewRecorder()}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, api.Prefix+"/executions/"+x.ID+"/artifacts/"+x.Artifacts()[0].Name, nil)
	req.Header.Set("Authorization", "Bearer "+token)
	handler.ServeHTTP(w, req)
	if w.Code != http.StatusOK || len(w.waits) == 0 {
		t.Fatalf("%d %s, written %d times", w.Code, w.Body, len(w.waits))
	}
	for _, wait := range w.waits {
		if wait <= 0 || wait > time.Minute {
			t.Errorf("a piece may be on its way for %s", wait)
		}
	}
}

// racing is a log that grows as fast as it is read, to 1 MiB.
type racing struct{ at, size int64 }

func (r *racing) Seek(offset int64, whence int) (int64, error) {
	r.at = offset
	if whence == io.SeekEnd {
		r.at += r.size
	}
	return r.at, nil
}

func (r *racing) Read(b []byte) (int, error) {
	if r.at >= 1<<20 {
		return 0, io.EOF
	}
	b[0], r.at, r.size = 'x', r.at+1, r.size+1
	return 1, nil
}

func (*racing) Close() error { return nil }

// TestLogThatOutrunsItsReader asks that an answer has an end, so that whoever follows a
// log shows the token again, which may have been revoked.
func TestLogThatOutrunsItsReader(t *testing.T) {
	s := newShelf()
	s.log = func() io.ReadCloser { return &racing{size: 100} }
	_, client := serve(t, s)
	for offset, want := range map[int64]int{0: 100, 30: 70, 100: 0, 500: 0} {
		log, _, err := client.Log(t.Context(), api.LogQuery{Execution: "30", Stage: "build", Action: "compile", Offset: offset})
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(log)
		if err != nil || len(text) != want {
			t.Errorf("from %d on there are %d bytes, want %d, %v", offset, len(text), want, err)
		}
		log.Close()
	}
}
