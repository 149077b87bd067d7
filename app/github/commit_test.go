package github

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCommit(t *testing.T) {
	s := newScript(t)
	s.on("GET /repos/acme/shop/commits/"+testSHA, 200, `{"sha":"`+testSHA+`","parents":[{"sha":"p"}],
		"author":{"login":"Ann"},"committer":{"login":"web-flow"},
		"commit":{"message":"m\n\nCo-authored-by: B <bob@users.noreply.github.com>",
			"author":{"name":"Ann Lee","email":"ann@example.com","date":"2026-01-01T00:00:00Z"},
			"committer":{"name":"GitHub","email":"noreply@github.com","date":"2026-01-02T00:00:00Z"}}}`)
	s.on("GET /repos/acme/shop/commits/"+otherSHA, 200, `{"sha":"`+otherSHA+`","author":null,"commit":{"author":{"name":"Nobody"}}}`)
	s.on("GET /repos/acme/shop/commits/", 422, `{"message":"The SHA is odd"}`)
	c := s.client(t)
	got, err := c.Commit(t.Context(), testRepo, testSHA)
	want := Commit{
		SHA: testSHA, Message: "m\n\nCo-authored-by: B <bob@users.noreply.github.com>",
		Time: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), Author: "Ann",
		Authors: []string{"ann", "bob", "web-flow"}, Parents: []string{"p"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if got, err := c.Commit(t.Context(), testRepo, otherSHA); err != nil || got.Author != "Nobody" || len(got.Authors) > 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := c.Commit(t.Context(), testRepo, "0000000000000000000000000000000000000000"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestCompareAndHead(t *testing.T) {
	s := newScript(t)
	s.on("GET /repos/acme/shop/compare/main...feature%2Fa%20b", 200, `{"status":"diverged"}`)
	s.on("GET /repos/acme/shop/git/ref/heads/feature/a%20b", 200, headAnswer)
	s.on("GET /repos/acme/shop/installation", 200, `{"id":7}`)
	c := s.client(t)
	if got, err := c.Compare(t.Context(), testRepo, "main", "feature/a b"); err != nil || got != "diverged" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := c.Head(t.Context(), testRepo, "feature/a b"); err != nil || got != testSHA {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := c.Head(t.Context(), testRepo, "gone"); !errors.Is(err, ErrNotFound) || got != "" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := c.InstallationOf(t.Context(), "acme", "shop"); err != nil || got != 7 {
		t.Errorf("got %d, %v", got, err)
	}
	if _, err := c.InstallationOf(t.Context(), "acme", "none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
