package githubtest_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/githubtest"
)

// busy is a world in which every route has something to show.
type busy struct {
	*world
	sha     string // the head of pull request 1
	blob    string
	comment int64
}

func newBusy(t *testing.T) *busy {
	w := &busy{world: newWorld(t)}
	w.github.AddTeam("octo", "release", "bob")
	w.write("dir/a.txt", "a\n")
	w.write("run.sh", "#!/bin/sh\n")
	if err := os.Symlink("dir/a.txt", filepath.Join(w.clone, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/nowhere", filepath.Join(w.clone, "dangling")); err != nil {
		t.Fatal(err)
	}
	w.git(w.clone, "add", "--all")
	first := w.commit(".gitmodules", "[submodule \"lib\"]\n\tpath = lib\n\turl = https://example.com/lib.git\n")
	w.git(w.clone, "update-index", "--add", "--cacheinfo", "160000,"+first+",lib")
	w.git(w.clone, "commit", "--quiet", "--message=Add lib")
	w.git(w.clone, "tag", "--annotate", "--message=First", "v1")
	w.git(w.clone, "push", "--quiet", "origin", "HEAD:main", "v1")
	w.git(w.clone, "mv", "run.sh", "walk.sh")
	w.sha = w.push("feature/x", "dir/b.txt", "b\nc\n")
	w.blob = w.git(w.clone, "rev-parse", "HEAD:dir/b.txt")
	if _, err := w.repo.OpenPullRequest("alice", "feature/x", "main", "A change", "Why"); err != nil {
		t.Fatal(err)
	}
	w.comment = w.repo.Comment("bob", 1, "Looks good")
	w.delivered("push", "")
	return w
}

// TestAnswersMatchTheDescription drives every route. The server holds each of
// its answers to the description; what does not match is a violation, which
// fails the test at its end.
func TestAnswersMatchTheDescription(t *testing.T) {
	w := newBusy(t)
	app := w.jwt(time.Minute)
	installation := w.github.InstallationID("octo")
	for _, path := range []string{
		"/app", "/app/installations", fmt.Sprintf("/app/installations/%d", installation), "/repos/octo/shop/installation",
		"/orgs/octo/installation", "/app/hook/config", "/app/hook/deliveries",
		fmt.Sprintf("/app/hook/deliveries/%d", w.github.Deliveries()[0].ID),
	} {
		w.call("GET", path, "", app).want(200)
	}
	w.github.SetCallbackURL(callback)
	w.call("GET", "/user", "", w.exchange(w.code()).Get("access_token")).want(200)
	var run, reaction struct {
		ID    int64
		Suite struct{ ID int64 } `json:"check_suite"`
	}
	w.post("/repos/octo/shop/check-runs", `{"name":"build","head_sha":%q,"status":"in_progress","external_id":"e","details_url":"https://example.com",
		"output":{"title":"T","summary":"S","text":"X","annotations":[{"path":"dir/b.txt","start_line":1,"end_line":1,"start_column":1,"annotation_level":"notice","message":"m"}]},
		"actions":[{"label":"l","description":"d","identifier":"i"}]}`, w.sha).want(201).into(&run)
	w.patch(fmt.Sprintf("/repos/octo/shop/check-runs/%d", run.ID), `{"status":"completed","conclusion":"action_required"}`).want(200)
	w.post(fmt.Sprintf("/repos/octo/shop/issues/comments/%d/reactions", w.comment), `{"content":"eyes"}`).want(201).into(&reaction)
	w.post(fmt.Sprintf("/repos/octo/shop/issues/comments/%d/reactions", w.comment), `{"content":"eyes"}`).want(200)
	var mine struct{ ID int64 }
	w.post("/repos/octo/shop/issues/1/comments", `{"body":"hi"}`).want(201).into(&mine)
	w.patch(fmt.Sprintf("/repos/octo/shop/issues/comments/%d", mine.ID), `{"body":"ho"}`).want(200)
	for _, path := range []string{
		"", "/contents/", "/contents/dir?ref=main", "/contents/dir/b.txt?ref=" + w.sha, "/contents/link", "/contents/dangling", "/contents/lib",
		"/git/trees/main", "/git/trees/" + w.sha + "?recursive=1", "/git/blobs/" + w.blob, "/git/commits/" + w.sha,
		"/git/ref/heads/feature/x", "/git/ref/tags/v1", "/commits", "/commits?sha=feature/x&path=dir&per_page=1", "/commits/feature/x", "/commits/v1",
		"/commits/" + w.sha + "/pulls", "/branches", "/branches/feature/x", "/compare/main...feature%2Fx", "/compare/feature/x...main",
		"/tarball/v1", "/collaborators/bob/permission", "/pulls", "/pulls?state=all&head=octo:feature/x&base=main", "/pulls/1", "/pulls/1/commits", "/pulls/1/files",
		"/issues/1/comments", fmt.Sprintf("/issues/comments/%d", w.comment), fmt.Sprintf("/issues/comments/%d/reactions", w.comment),
		fmt.Sprintf("/check-runs/%d", run.ID), fmt.Sprintf("/check-runs/%d/annotations", run.ID), "/commits/" + w.sha + "/check-runs",
		"/commits/feature/x/check-suites?app_id=1", "/commits/feature/x/check-suites",
		fmt.Sprintf("/check-suites/%d", run.Suite.ID), fmt.Sprintf("/check-suites/%d/check-runs", run.Suite.ID),
	} {
		if got := w.get("/repos/octo/shop" + path); got.status != 200 && got.status != 302 {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	for _, path := range []string{"/users/bob", "/users/octo", "/rate_limit", "/installation/repositories", "/orgs/octo/teams/release/memberships/bob"} {
		w.get(path).want(200)
	}
	w.call("DELETE", fmt.Sprintf("/repos/octo/shop/issues/comments/%d/reactions/%d", w.comment, reaction.ID), "", w.token).want(204)
	w.call("DELETE", fmt.Sprintf("/repos/octo/shop/issues/comments/%d", mine.ID), "", w.token).want(204)
	w.call("POST", fmt.Sprintf("/app/hook/deliveries/%d/attempts", w.github.Deliveries()[0].ID), "", app).want(202)
	w.deployAndReview()
	w.call("DELETE", "/installation/token", "", w.token).want(204)
	w.everyRoute()
}

// everyRoute fails for routes that nobody drove.
func (w *world) everyRoute() {
	driven := map[string]bool{}
	for _, r := range w.github.Requests() {
		driven[r.Operation] = driven[r.Operation] || r.Status < 400
	}
	for _, id := range githubtest.Implemented() {
		if !driven[id] {
			w.t.Errorf("no request drove %s", id)
		}
	}
	if unknown := githubtest.Unknown(w.github); len(unknown) > 0 {
		w.t.Errorf("GitHub's description does not have %v", unknown)
	}
}

func TestVerifyCanFail(t *testing.T) {
	w := newWorld(t)
	for name, body := range map[string]map[string]any{
		"a field is missing":   {"permission": "admin", "role_name": "admin"},
		"a field is of no use": {"permission": 7, "role_name": "admin", "user": nil},
	} {
		if err := githubtest.Verify(w.github, "/repos/octo/shop/collaborators/bob/permission", 200, body); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := githubtest.Verify(w.github, "/repos/octo/shop/pulls", http.StatusCreated, []any{}); err == nil {
		t.Error("a status that the operation does not have: taken")
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	sha := w.push("main", "a", "a\n")
	runs := "/repos/octo/shop/check-runs"
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		violation                string
	}{
		{"no such operation", "GET", "/repos/octo/shop/nothing", "", 404, "no such operation"},
		{"not implemented", "GET", "/repos/octo/shop/environments", "", 501, "not implemented by githubtest"},
		{"unknown parameter", "GET", "/repos/octo/shop/pulls?sate=open", "", 422, `query parameter "sate" is not permitted`},
		{"parameter of another kind", "GET", "/repos/octo/shop/pulls?state=on", "", 422, "state"},
		{"path of another kind", "GET", "/repos/octo/shop/pulls/one", "", 422, "pull_number"},
		{"unknown key", "POST", runs, `{"name":"a","head_sha":"` + sha + `","colour":"red"}`, 422, `"colour" is not a permitted key`},
		{"unknown key inside", "POST", runs, `{"name":"a","head_sha":"` + sha + `","output":{"title":"t","summary":"s","x":1}}`, 422, `"output.x" is not a permitted key`},
		{"missing key", "POST", runs, `{"name":"a"}`, 422, "head_sha"},
		{"broken JSON", "POST", runs, `{`, 422, "problems parsing JSON"},
		{"no body", "POST", runs, "", 422, "required"},
		{"a body where none goes", "GET", "/repos/octo/shop/pulls", `{}`, 422, "a body is not permitted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w.in(t)
			w.call(c.method, c.path, c.body, w.token).want(c.status).says(`"message"`)
			w.wrong(c.violation)
		})
	}
}

func TestContentTypeAndUserAgent(t *testing.T) {
	w := newWorld(t)
	for name, header := range map[string]http.Header{
		"application/json": {"Content-Type": {"text/plain"}},
		"no User-Agent":    {"Content-Type": {"application/json"}, "User-Agent": {""}},
	} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", w.github.URL()+"/repos/octo/shop/issues/1/comments", strings.NewReader(`{"body":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		req.Header.Set("Authorization", "Bearer "+w.token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		w.wrong(name)
	}
}

func TestPaging(t *testing.T) {
	w := newWorld(t)
	sha := w.push("main", "a", "a\n")
	for i := range 5 {
		w.post("/repos/octo/shop/check-runs", `{"name":"run %d","head_sha":%q}`, i, sha).want(201)
	}
	var names []string
	next := "/repos/octo/shop/commits/" + sha + "/check-runs?per_page=2"
	for pages := 0; next != ""; pages++ {
		var list struct {
			Total int                     `json:"total_count"`
			Runs  []struct{ Name string } `json:"check_runs"`
		}
		got := w.get(next).want(200)
		got.into(&list)
		if list.Total != 5 || pages > 2 {
			t.Fatalf("page %d of %d", pages, list.Total)
		}
		for _, r := range list.Runs {
			names = append(names, r.Name)
		}
		next = linkTo(got.header, "next")
	}
	if want := []string{"run 4", "run 3", "run 2", "run 1", "run 0"}; !slices.Equal(names, want) {
		t.Errorf("pages have %v, want %v", names, want)
	}
}

// linkTo finds an address in a Link header.
func linkTo(header http.Header, rel string) string {
	for link := range strings.SplitSeq(header.Get("Link"), ", ") {
		if address, ok := strings.CutSuffix(link, `>; rel="`+rel+`"`); ok {
			return strings.TrimPrefix(address, "<")
		}
	}
	return ""
}

func TestUnchangedAnswersAre304(t *testing.T) {
	w := newWorld(t)
	etag := w.get("/repos/octo/shop").want(200).header.Get("ETag")
	req, err := http.NewRequestWithContext(t.Context(), "GET", w.github.URL()+"/repos/octo/shop", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Authorization": {"Bearer " + w.token}, "If-None-Match": {etag}}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotModified {
		t.Errorf("status %d with the ETag %s", resp.StatusCode, etag)
	}
}
