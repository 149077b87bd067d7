package remote_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/runner/remote"
)

// FuzzHandler sends what nobody has the token for. It is refused in a sentence of JSON,
// and no job is touched.
func FuzzHandler(f *testing.F) {
	for _, path := range []string{"/lease", "/leases?runner=a", "/job/renew", "/job/result", "/job/log?from=-1", "/job/inputs/../secrets", "/job/artifacts/%2e%2e", "/job/secrets"} {
		f.Add("POST", path, "Bearer "+strings.Repeat("x", 43), `{"runner":"a","token":"`+leaseToken+`"}`)
		f.Add("GET", path, "Bearer ", `{`)
	}
	f.Fuzz(func(t *testing.T, method, path, authorization, body string) {
		req, err := http.NewRequestWithContext(t.Context(), method, "http://x"+remote.Prefix+path, strings.NewReader(body))
		if err != nil || strings.Contains(authorization, leaseToken) {
			return
		}
		req.Header.Set("Authorization", authorization)
		w, rec := &work{}, httptest.NewRecorder()
		log := &strings.Builder{}
		handler := remote.Handler(remote.Config{Jobs: w, Files: w, Log: slog.New(slog.NewTextHandler(log, nil)), Runner: nobody})
		handler.ServeHTTP(rec, req)
		if rec.Code < 300 || rec.Code >= 500 || log.Len() > 0 {
			t.Errorf("%s %q: %d %s\n%s", method, path, rec.Code, rec.Body, log)
		}
		if len(w.leases) > 0 || len(w.log) > 0 {
			t.Errorf("%s %q: something was done", method, path)
		}
	})
}
