package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// waiting is a pipeline that waits for an approval of bob.
const waiting = `
name: ci
on: { push: { branches: [main] } }
stages:
  - name: production
    actions:
      - name: sign-off
        approval: { users: [bob] }
      - { name: roll-out, image: IMAGE, run: "echo out", needs: [sign-off] }
`

// rowsOf counts the rows of the audit log that say so.
func (w *world) rowsOf(kind, actor, door string) int {
	w.t.Helper()
	n := 0
	for _, r := range w.auditLog() {
		if r.Kind == kind && r.Actor == actor && r.Door == door {
			n++
		}
	}
	return n
}

const signedOut = "Sign in with GitHub"

// atSignOff has an execution wait for bob's approval.
func atSignOff(t *testing.T) (w *world, sha string) {
	t.Helper()
	w = newWorld(t)
	sha = w.pipeline(waiting)
	w.push("main")
	w.check(sha, "ci / production", "action_required")
	return w, sha
}

func TestSignIn(t *testing.T) {
	w, _ := atSignOff(t)
	const path = "/repositories/octo/shop/ci/1"
	bob := w.browser()
	if got := bob.get("/"); got.status != 200 || !strings.Contains(got.body, signedOut) {
		t.Errorf("the front page: %d %s", got.status, got.body)
	}
	to := bob.get(path + "?still")
	if to.status != http.StatusSeeOther || to.location != "/login?return="+url.QueryEscape(path+"?still") {
		t.Errorf("signed out it leads to %d %q", to.status, to.location)
	}
	if page := bob.signIn("bob", path+"?still"); page.status != 200 || !strings.Contains(page.body, "sign-off") || !strings.Contains(page.body, "<bdi>bob</bdi>") {
		t.Errorf("the execution: %d %s", page.status, page.body)
	}
	home := bob.get("/")
	mine, _, _ := strings.Cut(home.body, "<h2>")
	if !strings.Contains(mine, "Waits for you") || !strings.Contains(mine, `href="/repositories/octo/shop/ci/1#answer.production.sign-off"`) {
		t.Errorf("bob's front page: %s", home.body)
	}
	if got := bob.get("/repositories/octo/shop"); got.status != 200 || !strings.Contains(got.body, `href="`+path+`"`) {
		t.Errorf("the list: %d %s", got.status, got.body)
	}
	alice := w.browser()
	if page := alice.signIn("alice", "/"); strings.Contains(page.body, "Waits for you") || !strings.Contains(page.body, "Waits for others") {
		t.Errorf("alice's front page: %s", page.body)
	}
	if n := w.rowsOf("signed-in", "bob", "dashboard"); n != 1 {
		t.Errorf("the audit log has %d sign-ins of bob", n)
	}
}

func TestSignOut(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	page := b.signIn("bob", "/")
	stolen := b.cookies()["stagegate"]
	if got := b.do("POST", "/logout", page.forms()["/logout"]); got.status != http.StatusSeeOther {
		t.Fatalf("sign out: %d %s", got.status, got.body)
	}
	if _, kept := b.cookies()["stagegate"]; kept {
		t.Error("the browser keeps the cookie")
	}
	thief := w.browser()
	thief.setCookie("stagegate", stolen)
	if got := thief.get("/"); !strings.Contains(got.body, signedOut) {
		t.Errorf("with the cookie of a session that has ended: %s", got.body)
	}
	if n := w.rowsOf("signed-out", "bob", "dashboard"); n != 1 {
		t.Errorf("the audit log has %d sign-outs of bob", n)
	}
}

func TestSessionsEnd(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signIn("bob", "/")
	signedIn := func() bool { return !strings.Contains(b.get("/").body, signedOut) }
	later := func(d time.Duration) {
		w.stop()
		w.shift += d
		w.start()
	}
	for range 6 {
		if later(23 * time.Hour); !signedIn() {
			t.Fatalf("signed out after %s", w.shift)
		}
	}
	if later(23 * time.Hour); !signedIn() { // 161 hours
		t.Error("signed out before the week was over")
	}
	if later(8 * time.Hour); signedIn() { // 169
		t.Error("still signed in after a week")
	}
	b.signIn("bob", "/")
	if later(24 * time.Hour); signedIn() {
		t.Error("still signed in after a day without use")
	}
}

// TestOpenRedirect asks that after a sign-in a browser stays here.
func TestOpenRedirect(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{
		"https://evil.example/", "//evil.example/", `/\evil.example/`, `\\evil.example`, "/\t/evil.example", "javascript:alert(1)",
		"evil.example", "/%0d%0aSet-Cookie:x=1", "/..//evil.example", "http:evil.example", "/login?return=/", "/logout", "/" + strings.Repeat("x", 600),
	} {
		b := w.browser()
		there := b.get(b.authorized("bob", "/login?return="+url.QueryEscape(path)))
		to, err := url.Parse(there.location)
		if err != nil || there.status != http.StatusSeeOther || to.Host != "" || to.Scheme != "" ||
			strings.HasPrefix(there.location, "//") || strings.ContainsAny(there.location, "\\\r\n\t") || len(there.header.Values("Set-Cookie")) > 2 {
			t.Errorf("%q leads to %q", path, there.location)
		}
	}
}

// TestLoginCSRF asks that nobody is signed in by what another browser began.
func TestLoginCSRF(t *testing.T) {
	w := newWorld(t)
	mallory, victim := w.browser(), w.browser()
	back := mallory.authorized("mallory", "/login")
	if got := victim.get(back); got.status != 400 || victim.cookies()["stagegate"] != "" {
		t.Errorf("with nothing begun: %d %s", got.status, got.body)
	}
	victim.get("/login")
	if got := victim.get(back); got.status != 400 || !strings.Contains(got.body, "not begun in this browser") || victim.cookies()["stagegate"] != "" {
		t.Errorf("with something else begun: %d %s", got.status, got.body)
	}
	// The code of mallory, with the state that the victim's browser has begun.
	mine, err := url.Parse(victim.get("/login").location)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	injected := "/login/callback?" + url.Values{"state": {mine.Query().Get("state")}, "code": {theirs.Query().Get("code")}}.Encode()
	if got := victim.get(injected); got.status != 400 || victim.cookies()["stagegate"] != "" {
		t.Errorf("with another's code: %d %s", got.status, got.body)
	}
}

// TestSignInIsOnce asks that what came back from GitHub is good once, in one browser
// and within its time.
func TestSignInIsOnce(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	back := b.authorized("bob", "/login")
	begun := b.cookies()["stagegate-signin"]
	if got := b.get(back); got.status != http.StatusSeeOther {
		t.Fatalf("the first time: %d %s", got.status, got.body)
	}
	if got := b.get(back); got.status != 400 || !strings.Contains(got.body, "finished already") {
		t.Errorf("a second time: %d %s", got.status, got.body)
	}
	again := w.browser()
	again.setCookie("stagegate-signin", begun)
	if got := again.get(back); got.status != 400 || again.cookies()["stagegate"] != "" {
		t.Errorf("with the cookie kept: %d %s", got.status, got.body)
	}
	// A fresh code under the state that was used.
	at, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	again.setCookie("stagegate-signin", begun)
	authorize := w.github.URL() + "/login/oauth/authorize?" + url.Values{"client_id": {w.github.ClientID()}, "state": {at.Query().Get("state")}}.Encode()
	fresh := again.do("POST", authorize, url.Values{"login": {"bob"}})
	if got := again.get(fresh.location); got.status != 400 || again.cookies()["stagegate"] != "" {
		t.Errorf("a fresh code: %d %s", got.status, got.body)
	}
	late := w.browser()
	back = late.authorized("bob", "/login")
	w.stop()
	w.shift += 11 * time.Minute
	w.start()
	if got := late.get(back); got.status != 400 || !strings.Contains(got.body, "10 minutes") || late.cookies()["stagegate"] != "" {
		t.Errorf("too late: %d %s", got.status, got.body)
	}
	denied := w.browser()
	back = denied.authorized("", "/login")
	if got := denied.get(back); got.status != 400 || !strings.Contains(got.body, "did not let GitHub") || denied.cookies()["stagegate"] != "" {
		t.Errorf("denied: %d %s", got.status, got.body)
	}
}

// TestSessionFixation asks that a sign-in makes a secret of its own, and ends the
// session that was there.
func TestSessionFixation(t *testing.T) {
	w := newWorld(t)
	mallory := w.browser()
	mallory.signIn("mallory", "/")
	planted := mallory.cookies()["stagegate"]
	victim := w.browser()
	victim.setCookie("stagegate", "x"+planted[1:])
	victim.signIn("bob", "/")
	if victim.cookies()["stagegate"] == "x"+planted[1:] {
		t.Error("a planted secret is taken")
	}
	other := w.browser()
	back := other.authorized("bob", "/login")
	other.setCookie("stagegate", planted)
	if got := other.get(back); got.status != http.StatusSeeOther || other.cookies()["stagegate"] == planted {
		t.Errorf("over mallory's session: %d", got.status)
	}
	if got := mallory.get("/"); !strings.Contains(got.body, signedOut) {
		t.Errorf("the session that was planted goes on: %s", got.body)
	}
}

// TestPrivateRepository asks that what somebody may not see is as what does not exist.
func TestPrivateRepository(t *testing.T) {
	w, sha := atSignOff(t)
	w.repo.SetPrivate(true)
	w.repo.SetPermission("mallory", "")
	x := w.newest(sha)
	b := w.browser()
	home := b.signIn("mallory", "/")
	if strings.Contains(home.body, "octo") || !strings.Contains(home.body, "Nothing to see yet") {
		t.Errorf("mallory sees %s", home.body)
	}
	none := b.get("/repositories/octo/nothing")
	for _, path := range []string{
		"/repositories/octo/shop", "/repositories/octo/shop?pipeline=ci", "/repositories/octo/shop/ci/1", "/repositories/octo/shop/ci/2",
		"/repositories/octo/shop/ci/1/logs/production/roll-out/1", "/repositories/octo/nothing/ci/1", "/repositories/octo/shop/ci/01",
	} {
		if got := b.get(path); got.status != 404 || got.body != none.body {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := b.get("/repositories/octo/shop?before=" + x.ID); got.status != 200 || strings.Contains(got.body, "ci") {
		if got.status != 404 {
			t.Errorf("behind the first page: %d %s", got.status, got.body)
		}
	}
	out := w.browser()
	for _, path := range []string{"/repositories/octo/shop/ci/1", "/repositories/octo/nothing/ci/1"} {
		if got := out.get(path); got.status != http.StatusSeeOther {
			t.Errorf("signed out %s: %d", path, got.status)
		}
	}
}

// TestRightsAreAskedAgain asks that who loses access, and whoever takes a login or a
// name that was another's, sees nothing a minute later.
func TestRightsAreAskedAgain(t *testing.T) {
	const path = "/repositories/octo/shop/ci/1"
	for name, lose := range map[string]func(*world){
		"removed": func(w *world) { w.repo.SetPermission("carol", "") },
		"renamed": func(w *world) { w.github.RenameUser("carol", "caroline") },
		"another has the login": func(w *world) {
			w.github.RenameUser("carol", "caroline")
			w.github.AddUser("carol")
			w.repo.SetPermission("carol", "admin")
		},
		"suspended": func(w *world) {
			if err := w.github.SuspendInstallation("octo", "octo"); err != nil {
				w.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := atSignOff(t)
			w.repo.SetPrivate(true)
			b := w.browser()
			if got := b.signIn("carol", path); got.status != 200 {
				t.Fatalf("before: %d", got.status)
			}
			lose(w)
			w.stop() // what was remembered is gone, as it is after a minute
			w.shift += time.Minute
			w.start()
			if got := b.get(path); got.status != 404 || strings.Contains(got.body, "sign-off") {
				t.Errorf("after: %d %s", got.status, got.body)
			}
			if got := b.get("/"); strings.Contains(got.body, "octo/shop") {
				t.Errorf("the front page: %s", got.body)
			}
		})
	}
}
