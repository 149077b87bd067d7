package githubtest_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/githubtest"
)

func TestAppToken(t *testing.T) {
	w := newWorld(t)
	good := w.jwt(9 * time.Minute)
	w.call("GET", "/app", "", good).want(200).says(`"slug":"stagegate"`)
	for name, token := range map[string]string{
		"none": "", "an installation's": w.token, "no JWT": "x", "expired": w.jwt(-time.Second), "for too long": w.jwt(11 * time.Minute),
		"forged": good[:len(good)-4] + "AAAA",
	} {
		if got := w.call("GET", "/app", "", token); got.status != http.StatusUnauthorized {
			t.Errorf("%s: status %d", name, got.status)
		}
	}
}

func TestTokenExpires(t *testing.T) {
	var later atomic.Int64
	w := newWorldWith(t, githubtest.Options{Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }})
	w.get("/repos/octo/shop").want(200)
	later.Store(int64(59 * time.Minute))
	w.get("/repos/octo/shop").want(200)
	later.Store(int64(61 * time.Minute))
	w.get("/repos/octo/shop").want(401).says("Bad credentials")
	w.call("GET", "/repos/octo/shop", "", "ghs_unknown").want(401)
}

func TestTokenOpensItsInstallationOnly(t *testing.T) {
	w := newWorld(t)
	w.github.AddRepository("octo/site")
	w.github.AddRepository("else/where")
	w.get("/repos/octo/site").want(200)
	w.get("/repos/else/where").want(404)
	w.get("/repos/octo/none").want(404)
	w.get("/orgs/else/teams/t/memberships/bob").want(404)
	narrow := w.newToken(`{"repositories":["site"],"permissions":{"checks":"read"}}`)
	w.call("GET", "/repos/octo/site", "", narrow).want(200)
	w.call("GET", "/repos/octo/shop", "", narrow).want(404)
	w.call("GET", "/repos/octo/site/contents/a", "", narrow).want(403).says("not accessible by integration")
	w.call("POST", "/repos/octo/site/check-runs", `{}`, narrow).want(403)
	path := fmt.Sprintf("/app/installations/%d/access_tokens", w.github.InstallationID("octo"))
	w.call("POST", path, `{"repositories":["none"]}`, w.jwt(time.Minute)).want(422)
	w.call("POST", path, `{"permissions":{"administration":"write"}}`, w.jwt(time.Minute)).want(422)
	w.call("POST", path, "null\n", w.jwt(time.Minute)).want(201) // as ghinstallation asks
	w.call("POST", "/app/installations/1/access_tokens", "", w.jwt(time.Minute)).want(404)
}

func TestSuspendedAndDeleted(t *testing.T) {
	w := newWorld(t)
	w.push("main", "a", "a\n")
	if err := w.github.SuspendInstallation("alice", "octo"); err != nil {
		t.Fatal(err)
	}
	w.get("/repos/octo/shop").want(403).says("suspended")
	w.push("main", "a", "b\n")
	if err := w.github.UnsuspendInstallation("alice", "octo"); err != nil {
		t.Fatal(err)
	}
	w.get("/repos/octo/shop").want(200)
	if err := w.github.DeleteInstallation("alice", "octo"); err != nil {
		t.Fatal(err)
	}
	w.get("/repos/octo/shop").want(401)
	w.call("GET", "/repos/octo/shop/installation", "", w.jwt(time.Minute)).want(404)
	w.push("main", "a", "c\n")
	if got := w.delivered("push", ""); len(got) != 1 {
		t.Errorf("%d pushes arrived, want the one before the suspension", len(got))
	}
	var actions []string
	for _, p := range w.delivered("installation", "") {
		actions = append(actions, p["action"].(string))
	}
	if got := strings.Join(actions, " "); got != "created suspend unsuspend deleted" {
		t.Errorf("installation: %s", got)
	}
	if w.github.DeleteInstallation("alice", "octo") == nil {
		t.Error("deleted what is gone")
	}
}

func TestPermissions(t *testing.T) {
	w := newWorld(t)
	w.repo.SetPermission("bob", "maintain")
	w.repo.SetPermission("carol", "triage")
	w.github.AddUser("dave")
	check := func(login, permission, role string) {
		t.Helper()
		w.get("/repos/octo/shop/collaborators/" + login + "/permission").want(200).
			says(fmt.Sprintf(`"permission":%q`, permission)).says(fmt.Sprintf(`"role_name":%q`, role))
	}
	check("alice", "write", "write")
	check("bob", "write", "maintain")
	check("carol", "read", "triage")
	check("dave", "read", "read")
	w.repo.SetPrivate(true)
	check("dave", "none", "none")
	w.get("/repos/octo/shop/collaborators/nobody/permission").want(404)
	w.github.AddTeam("octo", "release", "bob")
	w.get("/orgs/octo/teams/release/memberships/BOB").want(200).says(`"state":"active"`)
	w.get("/orgs/octo/teams/release/memberships/alice").want(404)
	w.get("/orgs/octo/teams/none/memberships/bob").want(404)
	w.github.RemoveFromTeam("octo", "release", "bob")
	w.get("/orgs/octo/teams/release/memberships/bob").want(404)
}

func TestRateLimit(t *testing.T) {
	w := newWorldWith(t, githubtest.Options{RateLimit: 3})
	for left := 2; left >= 0; left-- {
		if got := w.get("/repos/octo/shop").want(200).header.Get("X-Ratelimit-Remaining"); got != fmt.Sprint(left) {
			t.Errorf("%s requests are left, want %d", got, left)
		}
	}
	w.get("/repos/octo/shop").want(403).says("rate limit exceeded")
	w.get("/rate_limit").want(200).says(`"remaining":0`)
	w.call("GET", "/app", "", w.jwt(time.Minute)).want(200)
}
