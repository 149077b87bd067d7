package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/webhook"
)

// switchboard keeps the calls that came through.
type switchboard struct {
	got []webhook.Call
	err error
}

func (s *switchboard) start(_ context.Context, c webhook.Call) (webhook.Called, error) {
	s.got = append(s.got, c)
	return webhook.Called{Started: true, Execution: "7", Number: 3}, s.err
}

func calls(s *switchboard) *webhook.Calls {
	return &webhook.Calls{
		Secret: func(id int64, name string) string {
			if id == 42 && strings.EqualFold(name, "release") {
				return "secret"
			}
			return "another"
		},
		Start: s.start, Log: slog.New(slog.DiscardHandler),
	}
}

func post(h http.Handler, method, path string, body []byte, signature string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, path, bytes.NewReader(body))
	if signature != "" {
		r.Header.Set("X-Hub-Signature-256", signature)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestCalls(t *testing.T) {
	const to = "/hooks/42/octo/shop/release"
	body := []byte(`{"a": 1}`)
	large := bytes.Repeat([]byte("x"), webhook.MaxCall+1)
	largest := large[1:]
	for name, tc := range map[string]struct {
		method, path string
		body         []byte
		signature    string
		failing      error
		status       int
	}{
		"good":                    {path: to, body: body, signature: sign("secret", body), status: 200},
		"without a body":          {path: to, signature: sign("secret", nil), status: 200},
		"the largest":             {path: to, body: largest, signature: sign("secret", largest), status: 200},
		"larger":                  {path: to, body: large, signature: sign("secret", large), status: 413},
		"no signature":            {path: to, body: body, status: 401},
		"wrong secret":            {path: to, body: body, signature: sign("another", body), status: 401},
		"of another body":         {path: to, body: body, signature: sign("secret", largest), status: 401},
		"of another pipeline":     {path: "/hooks/42/octo/shop/deploy", body: body, signature: sign("secret", body), status: 401},
		"of another repository":   {path: "/hooks/43/octo/shop/release", body: body, signature: sign("secret", body), status: 401},
		"no pipeline":             {path: "/hooks/42/octo/shop", body: body, signature: sign("another", body), status: 401},
		"no name":                 {path: "/hooks/42/octo/shop/re lease", body: body, signature: sign("another", body), status: 401},
		"more behind it":          {path: to + "/x", body: body, signature: sign("another", body), status: 401},
		"no secret for it":        {path: "/hooks/0/octo/shop/release", body: body, signature: sign("", body), status: 401},
		"read":                    {method: http.MethodGet, path: to, body: body, signature: sign("secret", body), status: 405},
		"GitHub is away":          {path: to, body: body, signature: sign("secret", body), failing: webhook.ErrBusy, status: 503},
		"something broke":         {path: to, body: body, signature: sign("secret", body), failing: errors.New("disk"), status: 500},
		"the name in other cases": {path: "/hooks/42/octo/shop/Release", body: body, signature: sign("secret", body), status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			s := &switchboard{err: tc.failing}
			if tc.method == "" {
				tc.method = http.MethodPost
			}
			w := post(calls(s), tc.method, strings.ReplaceAll(tc.path, " ", "%20"), tc.body, tc.signature)
			var called webhook.Called
			if err := json.Unmarshal(w.Body.Bytes(), &called); err != nil || w.Code != tc.status {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if called.Started != (tc.status == 200) || (called.Reason == "") != called.Started {
				t.Errorf("%+v", called)
			}
			if came := len(s.got) > 0; came != (tc.status == 200 || tc.failing != nil) {
				t.Errorf("calls: %+v", s.got)
			}
		})
	}
}

// TestCallsTellNothing compares what is answered to calls that nobody signed.
func TestCallsTellNothing(t *testing.T) {
	h := calls(&switchboard{})
	first := post(h, http.MethodPost, "/hooks/42/octo/shop/release", []byte("{}"), "")
	for _, path := range []string{"/hooks/42/octo/shop/nope", "/hooks/1/x/y/z", "/hooks/x", "/hooks/"} {
		if w := post(h, http.MethodPost, path, []byte("{}"), "sha256=00"); w.Code != first.Code || w.Body.String() != first.Body.String() {
			t.Errorf("%s: %d %s, another: %d %s", path, w.Code, w.Body, first.Code, first.Body)
		}
	}
	if w := post(&webhook.Calls{Log: slog.New(slog.DiscardHandler)}, http.MethodPost, "/hooks/42/octo/shop/release", nil, sign("", nil)); w.Code != http.StatusUnauthorized {
		t.Errorf("the zero value answers %d", w.Code)
	}
}

// TestCallsAreRare has one pipeline called more often than it may, while another
// is called as ever; what nobody signed does not count.
func TestCallsAreRare(t *testing.T) {
	s := &switchboard{}
	h := calls(s)
	body := []byte("{}")
	for range 100 {
		post(h, http.MethodPost, "/hooks/42/octo/shop/release", body, sign("wrong", body))
	}
	var busy *httptest.ResponseRecorder
	for range 20 {
		if w := post(h, http.MethodPost, "/hooks/42/octo/shop/release", body, sign("secret", body)); w.Code != http.StatusOK {
			busy = w
		}
	}
	if busy == nil || busy.Code != http.StatusTooManyRequests || busy.Header().Get("Retry-After") == "" || len(s.got) < 10 {
		t.Errorf("after 20 calls: %+v, of which %d came through", busy, len(s.got))
	}
	if w := post(h, http.MethodPost, "/hooks/43/octo/shop/release", body, sign("another", body)); w.Code != http.StatusOK {
		t.Errorf("another pipeline: %d %s", w.Code, w.Body)
	}
}
