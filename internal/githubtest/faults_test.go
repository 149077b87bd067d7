package githubtest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/githubtest"
)

func posts(r *http.Request) bool { return r.Method == http.MethodPost }

func TestFaults(t *testing.T) {
	w := newWorld(t)
	sha := w.push("main", "a", "a\n")
	body := `{"name":"build","head_sha":"` + sha + `"}`
	w.github.Fail(posts, 1, githubtest.SecondaryLimit(30*time.Second))
	w.get("/repos/octo/shop").want(200)
	if got := w.call("POST", runs, body, w.token).want(403).says("secondary rate limit"); got.header.Get("Retry-After") != "30" {
		t.Errorf("headers are %v", got.header)
	}
	w.github.Fail(posts, 1, githubtest.ServerError())
	w.call("POST", runs, body, w.token).want(502)
	w.github.Fail(posts, 1, githubtest.PrimaryLimit(time.Unix(2000000000, 0)))
	if got := w.call("POST", runs, body, w.token).want(403); got.header.Get("X-Ratelimit-Remaining") != "0" || got.header.Get("X-Ratelimit-Reset") != "2000000000" {
		t.Errorf("headers are %v", got.header)
	}
	if got := w.repo.CheckRuns(sha); len(got) != 0 {
		t.Fatalf("failed requests made %v", got)
	}
	w.github.Fail(posts, 1, githubtest.LostAnswer())
	if resp, err := w.do("POST", runs, body, w.token); err == nil {
		resp.Body.Close()
		t.Error("the answer was not lost")
	}
	if got := w.repo.CheckRuns(sha); len(got) != 1 {
		t.Errorf("the lost answer was of %v", got)
	}
	w.call("POST", runs, body, w.token).want(201)
	stop := w.github.Fail(nil, -1, githubtest.ServerError())
	w.get("/repos/octo/shop").want(502)
	w.get("/repos/octo/shop").want(502)
	stop()
	w.get("/repos/octo/shop").want(200)
}

func TestRequests(t *testing.T) {
	w := newWorld(t)
	w.github.ResetRequests()
	w.github.Fail(nil, 1, githubtest.ServerError())
	w.get("/repos/octo/shop")
	w.get("/repos/octo/shop/pulls?state=all")
	got := w.github.Requests()
	if len(got) != 2 || !got[0].Faulted || got[0].Status != 502 || got[1].Operation != "pulls/list" ||
		got[1].Pattern != "/repos/{owner}/{repo}/pulls" || got[1].Status != 200 || !strings.HasSuffix(got[1].URL, "?state=all") {
		t.Errorf("requests are %+v", got)
	}
}

// TestNewReports holds New to its word: a violation that is left fails the test.
func TestNewReports(t *testing.T) {
	inner := &recorder{TB: t}
	w := &world{t: t, github: githubtest.New(inner, githubtest.Options{})}
	w.call("GET", "/nowhere", "", "").want(404)
	inner.cleanup()
	if len(inner.errors) != 1 || !strings.Contains(inner.errors[0], "GET /nowhere") {
		t.Errorf("reported %q", inner.errors)
	}
}
