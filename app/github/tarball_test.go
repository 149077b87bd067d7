package github

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const tarballPath = "GET /repos/acme/shop/tarball/" + testSHA

func TestTarballOfTheSameHostGetsNoToken(t *testing.T) {
	s := newScript(t)
	s.on(tarballPath, 302, ``, "Location: /_codeload/acme/shop?token=secret")
	s.on("GET /_codeload/acme/shop", 200, "a tar")
	body, err := s.client(t).Tarball(t.Context(), testRepo, testSHA)
	if err != nil {
		t.Fatal(err)
	}
	body.Close()
	if calls := s.calls(); calls[0].auth == "" || calls[1].auth != "" {
		t.Errorf("Authorization %q, then %q", calls[0].auth, calls[1].auth)
	}
}

func TestTarballOfAnotherHostGetsNoToken(t *testing.T) {
	s, codeload := newScript(t), newScript(t)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, "a tar")
	z.Close()
	s.on(tarballPath, 302, ``, "Location: /repositories/99/tarball/x")
	s.on("GET /repositories/99/tarball/x", 302, ``, "Location: "+codeload.URL+"/acme/shop?token=secret")
	// Labelled as gzip, net/http would unpack it.
	codeload.on("GET /acme/shop", 200, zipped.String(), "Content-Encoding: gzip")
	body, err := s.client(t).Tarball(t.Context(), testRepo, testSHA)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(body)
	if err != nil || !bytes.Equal(got, zipped.Bytes()) {
		t.Errorf("got %q, %v", got, err)
	}
	if err := body.Close(); err != nil {
		t.Error(err)
	}
	for _, call := range s.calls() {
		if !strings.HasPrefix(call.auth, "token ghs_") {
			t.Errorf("%s: Authorization %q", call, call.auth)
		}
	}
	if len(codeload.seen) != 1 || codeload.seen[0].auth != "" {
		t.Errorf("the other host was shown %v", codeload.seen)
	}
}

func TestTarballAnswers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		header string
		want   error
	}{
		{"at once", 200, "X: y", nil},
		{"missing", 404, "X: y", ErrNotFound},
		{"broken", 502, "X: y", ErrUnavailable},
		{"forbidden", 403, "X: y", ErrForbidden},
		{"to nowhere", 302, "X: y", ErrUnavailable},
		{"to a file", 302, "Location: file:///etc/passwd", ErrUnavailable},
		{"round and round", 302, "Location: /repos/acme/shop/tarball/" + testSHA, ErrUnavailable},
	} {
		s := newScript(t)
		s.on(tarballPath, tt.status, `x`, tt.header)
		body, err := s.client(t).Tarball(t.Context(), testRepo, testSHA)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v", tt.name, err)
		}
		if err == nil {
			body.Close()
		}
	}
}

func TestTarballErrorsHideTheAddress(t *testing.T) {
	s, codeload := newScript(t), newScript(t)
	s.on(tarballPath, 302, ``, "Location: "+codeload.URL+"/acme/shop?token=secret")
	codeload.Close()
	_, err := s.client(t).Tarball(t.Context(), testRepo, testSHA)
	if !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestSilentTarballEnds(t *testing.T) {
	for _, silent := range []string{"head", "body"} {
		s := newScript(t)
		s.mux.HandleFunc(tarballPath, func(w http.ResponseWriter, r *http.Request) {
			if silent == "body" {
				_, _ = io.WriteString(w, "start")
				w.(http.Flusher).Flush()
			}
			<-r.Context().Done()
		})
		c := s.client(t)
		c.wait = 300 * time.Millisecond
		body, err := c.Tarball(t.Context(), testRepo, testSHA)
		if err == nil {
			_, err = io.ReadAll(body)
			body.Close()
		}
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "silent") {
			t.Errorf("silent %s: got %v", silent, err)
		}
	}
}

func TestTarballEndsWithItsCaller(t *testing.T) {
	s := newScript(t)
	s.mux.HandleFunc(tarballPath, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	body, err := s.client(t).Tarball(ctx, testRepo, testSHA)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	cancel()
	if _, err := io.ReadAll(body); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
