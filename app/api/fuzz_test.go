package api_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
)

// FuzzRequests asks for anything at all, by somebody who may: there is an answer, or a
// refusal in a sentence, and never an error of ours.
func FuzzRequests(f *testing.F) {
	for _, route := range api.Routes() {
		method, path, _ := strings.Cut(route, " ")
		f.Add(method, strings.NewReplacer("{execution}", "30", "{stage}", "build", "{action}", "compile", "{artifact}", "shop").Replace(path), `{"reason": "x", "stage": "build"}`)
		f.Add(method, path+"?repository=octo/shop&limit=5&cursor=%00", `{"reason": null}`)
	}
	f.Fuzz(func(t *testing.T, method, path, body string) {
		req, err := http.NewRequestWithContext(t.Context(), method, "http://x"+api.Prefix+path, strings.NewReader(body))
		if err != nil {
			return
		}
		req.Header.Set("Authorization", "Bearer "+token)
		s, rec := newShelf(), httptest.NewRecorder()
		api.Handler(api.Config{Admit: s.admit, Log: slog.New(slog.DiscardHandler)}).ServeHTTP(rec, req)
		if rec.Code >= 500 {
			t.Errorf("%s %q %q: %d %s", method, path, body, rec.Code, rec.Body)
		}
	})
}
