package github

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const pullAnswer = `{"number":3,"title":"T","state":"closed","draft":true,"merged":true,"merge_commit_sha":"m","commits":%d,
	"user":{"login":"Opener"},
	"head":{"sha":"h","ref":"topic","repo":%s},
	"base":{"sha":"b","ref":"main","repo":{"id":99}}}`

func TestPullRequest(t *testing.T) {
	for repo, want := range map[string]PullRequestInfo{
		`{"id":99}`: {HeadRepoID: 99},
		`{"id":98}`: {HeadRepoID: 98, Fork: true},
		`null`:      {Fork: true},
	} {
		s := newScript(t)
		s.on("GET /repos/acme/shop/pulls/3", 200, fmt.Sprintf(pullAnswer, 2, repo))
		got, err := s.client(t).PullRequest(t.Context(), testRepo, 3)
		if err != nil {
			t.Fatal(err)
		}
		want.Number, want.Title, want.State, want.Draft, want.Merged, want.Merge = 3, "T", "closed", true, true, "m"
		want.User, want.Head, want.Branch, want.Base, want.BaseSHA, want.Commits = "Opener", "h", "topic", "main", "b", 2
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", repo, diff)
		}
	}
}

func TestPullRequestsOf(t *testing.T) {
	s := newScript(t)
	s.on("GET /repos/acme/shop/commits/"+testSHA+"/pulls", 200,
		`[{"number":1,"state":"closed","merged_at":"2026-01-01T00:00:00Z","merge_commit_sha":"m"},{"number":2,"state":"open","merge_commit_sha":"test merge","head":null}]`)
	got, err := s.client(t).PullRequestsOf(t.Context(), testRepo, testSHA)
	want := []PullRequestInfo{
		{Number: 1, State: "closed", Merged: true, Merge: "m", Fork: true},
		{Number: 2, State: "open", Fork: true},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

// commitsOf answers pages of n commits each, every one by another author.
func (s *script) commitsOf(path string, perPage []int, wrap string) {
	s.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
		page := 1
		_, _ = fmt.Sscan(r.URL.Query().Get("page"), &page)
		var list []string
		for i := range perPage[page-1] {
			list = append(list, fmt.Sprintf(`{"author":{"login":"A%d-%d"},"committer":null,"commit":{"message":"x\n\nCo-authored-by: C <co%d@users.noreply.github.com>"}}`, page, i, page))
		}
		var headers []string
		if page < len(perPage) {
			headers = []string{fmt.Sprintf(`Link: <%s%s?page=%d>; rel="next", <%s%s?page=%d>; rel="last"`, s.URL, path, page+1, s.URL, path, len(perPage))}
		}
		reply(w, 200, fmt.Sprintf(wrap, "["+strings.Join(list, ",")+"]"), headers...)
	})
}

func TestPullRequestAuthors(t *testing.T) {
	s := newScript(t)
	s.on("GET /repos/acme/shop/pulls/3", 200, fmt.Sprintf(pullAnswer, 3, "null"))
	s.commitsOf("/repos/acme/shop/pulls/3/commits", []int{2, 1}, "%s")
	got, err := s.client(t).PullRequestAuthors(t.Context(), testRepo, 3)
	if diff := cmp.Diff([]string{"a1-0", "a1-1", "a2-0", "co1", "co2", "opener"}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

// The list of a pull request ends at 250 commits; those beyond have authors
// too.
func TestPullRequestAuthorsBeyondTheList(t *testing.T) {
	s := newScript(t)
	s.on("GET /repos/acme/shop/pulls/3", 200, fmt.Sprintf(pullAnswer, 260, "null"))
	s.commitsOf("/repos/acme/shop/compare/b...h", []int{100, 100, 60}, `{"commits":%s}`)
	got, err := s.client(t).PullRequestAuthors(t.Context(), testRepo, 3)
	if err != nil || len(got) != 260+3+1 {
		t.Errorf("%d authors, %v", len(got), err)
	}
}

// The list of a pull request's files ends at 3,000: who gets so many does not
// know whether there are more.
func TestPullRequestFilesBeyondTheList(t *testing.T) {
	for last, want := range map[int]bool{99: true, 100: false} {
		s := newScript(t)
		s.commitsOf("/repos/acme/shop/pulls/3/files", append(slices.Repeat([]int{100}, 29), last), "%s") // their shape does not matter
		files, all, err := s.client(t).PullRequestFiles(t.Context(), testRepo, 3)
		if err != nil || len(files) != 2900+last || all != want {
			t.Errorf("%d files, %v, %v", len(files), all, err)
		}
	}
	s := newScript(t)
	s.on("GET /repos/acme/shop/pulls/3/files", 422, `{}`)
	if files, all, err := s.client(t).PullRequestFiles(t.Context(), testRepo, 3); err != nil || all || files != nil {
		t.Errorf("too large to compare: got %v, %v, %v", files, all, err)
	}
}

func TestPullRequestAuthorsMustBeComplete(t *testing.T) {
	s := newScript(t)
	s.on("GET /repos/acme/shop/pulls/3", 200, fmt.Sprintf(pullAnswer, 4, "null"))
	s.commitsOf("/repos/acme/shop/pulls/3/commits", []int{3}, "%s")
	if got, err := s.client(t).PullRequestAuthors(t.Context(), testRepo, 3); !errors.Is(err, ErrUnavailable) || got != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestPermission(t *testing.T) {
	for level, want := range map[string]Permission{"admin": Admin, "write": Write, "read": Read, "none": None} {
		s := newScript(t)
		s.on("GET /repos/acme/shop/collaborators/bot%5Bbot%5D/permission", 200, `{"permission":"`+level+`","role_name":"maintain"}`)
		got, err := s.client(t).Permission(t.Context(), testRepo, "bot[bot]")
		if err != nil || got != want || got.String() != level {
			t.Errorf("%s: got %s, %v", level, got, err)
		}
	}
	if !(None < Read && Read < Write && Write < Admin) {
		t.Error("not ordered")
	}
	for status, want := range map[int]error{404: nil, 403: ErrForbidden, 500: ErrUnavailable} {
		s := newScript(t)
		s.on("GET /repos/acme/shop/collaborators/ann/permission", status, `{}`)
		if got, err := s.client(t).Permission(t.Context(), testRepo, "ann"); got != None || !errors.Is(err, want) {
			t.Errorf("%d: got %s, %v", status, got, err)
		}
	}
	s := newScript(t)
	s.on("GET /repos/acme/shop/collaborators/ann/permission", 200, `{"permission":"owner"}`)
	if got, err := s.client(t).Permission(t.Context(), testRepo, "ann"); got != None || err == nil {
		t.Errorf("an unknown word: got %s, %v", got, err)
	}
}

func TestTeamMember(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		want   bool
		err    error
	}{
		{200, `{"state":"active"}`, true, nil},
		{200, `{"state":"pending"}`, false, nil},
		{200, `{}`, false, nil},
		{404, `{}`, false, nil},
		{403, `{}`, false, ErrForbidden},
		{503, `{}`, false, ErrUnavailable},
	} {
		s := newScript(t)
		s.on("GET /orgs/acme/teams/ops/memberships/ann", tt.status, tt.body)
		if got, err := s.client(t).TeamMember(t.Context(), testRepo, "ops", "ann"); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%d %s: got %v, %v", tt.status, tt.body, got, err)
		}
	}
}
