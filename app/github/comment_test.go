package github

import (
	"fmt"
	"strings"
	"testing"
)

func TestFindComment(t *testing.T) {
	const (
		quoted  = `{"id":1,"body":"see <!--m-->","user":{"login":"ann","type":"User"},"performed_via_github_app":{"id":5}}`
		foreign = `{"id":2,"body":"<!--m-->","user":{"login":"other[bot]","type":"Bot"},"performed_via_github_app":{"id":6}}`
		silent  = `{"id":3,"body":"<!--m-->","user":{"login":"other[bot]","type":"Bot"},"performed_via_github_app":null}`
		plain   = `{"id":4,"body":"m","user":{"login":"stagegate[bot]","type":"Bot"},"performed_via_github_app":{"id":5}}`
		ours    = `{"id":5,"body":"x <!--m-->","user":{"login":"stagegate[bot]","type":"Bot"},"performed_via_github_app":{"id":5}}`
		ours2   = `{"id":6,"body":"x <!--m-->","user":{"login":"Stagegate[bot]","type":"Bot"}}`
		ghost   = `{"id":7,"body":null,"user":null}`
	)
	for _, tt := range []struct {
		list []string
		want int64
	}{
		{nil, 0},
		{[]string{quoted, foreign, silent, plain, ghost}, 0},
		{[]string{quoted, foreign, ours}, 5},
		{[]string{silent, ours2, ours}, 6},
	} {
		s := newScript(t)
		s.on("GET /repos/acme/shop/issues/9/comments", 200, "["+strings.Join(tt.list, ",")+"]")
		s.on("GET /app", 200, `{"id":5,"slug":"stagegate"}`)
		c := s.client(t)
		id, found, err := c.FindComment(t.Context(), testRepo, 9, "<!--m-->")
		if err != nil || id*boolInt(found) != tt.want {
			t.Errorf("%v: got %d, %v, %v", tt.list, id, found, err)
		}
	}
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func TestSlugIsAskedOnceByTheApp(t *testing.T) {
	s := newScript(t)
	s.on("GET /app", 200, `{"id":5,"slug":"stagegate"}`)
	c := s.client(t)
	for range 3 {
		if slug, err := c.Slug(t.Context()); err != nil || slug != "stagegate" {
			t.Errorf("got %q, %v", slug, err)
		}
	}
	if len(s.seen) != 1 || !strings.HasPrefix(s.seen[0].auth, "Bearer ey") {
		t.Errorf("asked %v", s.seen)
	}
}

func TestWriteComments(t *testing.T) {
	s := newScript(t)
	s.on("POST /repos/acme/shop/issues/9/comments", 201, `{"id":77}`)
	s.on("PATCH /repos/acme/shop/issues/comments/77", 200, `{"id":77}`)
	s.on("POST /repos/acme/shop/issues/comments/77/reactions", 200, `{"id":1}`)
	c := s.client(t)
	id, err := c.CreateComment(t.Context(), testRepo, 9, strings.Repeat("x", 70000))
	if err != nil || id != 77 {
		t.Errorf("got %d, %v", id, err)
	}
	if err := c.EditComment(t.Context(), testRepo, id, "new"); err != nil {
		t.Error(err)
	}
	if err := c.React(t.Context(), testRepo, id, "+1"); err != nil {
		t.Error(err)
	}
	calls := s.calls()
	if n := len(decodeBody(t, calls[0])["body"].(string)); n > maxMarkdown {
		t.Errorf("a comment of %d bytes", n)
	}
	if got := fmt.Sprint(decodeBody(t, calls[1]), decodeBody(t, calls[2])); got != "map[body:new] map[content:+1]" {
		t.Error(got)
	}
}
