package app_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const executionPath = "/repositories/octo/shop/ci/1"

// filled are the fields of a form of the page with some of them others.
func (v visit) filled(t *testing.T, action string, other ...string) url.Values {
	t.Helper()
	form := v.forms()[action]
	if form == nil {
		t.Fatalf("the page has no form %s: %s", action, v.body)
	}
	form = maps.Clone(form)
	for i := 0; i < len(other); i += 2 {
		form.Set(other[i], other[i+1])
	}
	return form
}

func TestApproveOnThePage(t *testing.T) {
	w, sha := atSignOff(t)
	bob, alice := w.browser(), w.browser()
	page := bob.signIn("bob", executionPath)
	form := page.filled(t, executionPath+"/approve", "says", "looks <b>good</b>")
	if alices := alice.signIn("alice", executionPath); alices.forms()[executionPath+"/approve"] != nil {
		t.Error("alice, who may not, is offered to approve")
	}
	if got := bob.do("POST", executionPath+"/approve", form); got.status != http.StatusSeeOther || got.location != executionPath+"#production.sign-off" {
		t.Fatalf("approve: %d %q %s", got.status, got.location, got.body)
	}
	w.check(sha, "ci / production", "success")
	got := bob.get(executionPath)
	if !strings.Contains(got.body, "Approved by <bdi>bob</bdi>, by dashboard") || strings.Contains(got.body, "<b>good</b>") {
		t.Errorf("afterwards: %s", got.body)
	}
	if n := w.rowsOf("decided", "bob", "dashboard"); n != 1 {
		t.Errorf("the audit log has %d decisions of bob", n)
	}
	if got := bob.do("POST", executionPath+"/approve", form); got.status != http.StatusConflict || !strings.Contains(got.body, "bob has answered it already") {
		t.Errorf("a second time: %d %s", got.status, got.body)
	}
}

func TestRejectAndRetryOnThePage(t *testing.T) {
	w, sha := atSignOff(t)
	bob := w.browser()
	form := bob.signIn("bob", executionPath).filled(t, executionPath+"/approve", "says", "not today")
	if got := bob.do("POST", executionPath+"/reject", form); got.status != http.StatusSeeOther {
		t.Fatalf("reject: %d %s", got.status, got.body)
	}
	w.check(sha, "ci / production", "failure")
	page := bob.get(executionPath)
	again := page.filled(t, executionPath+"/retry", "all", "yes")
	if got := bob.do("POST", executionPath+"/retry", again); got.status != http.StatusSeeOther {
		t.Fatalf("retry: %d %s", got.status, got.body)
	}
	w.check(sha, "ci / production", "action_required")
	if got := bob.do("POST", executionPath+"/approve", form); got.status != http.StatusConflict || !strings.Contains(got.body, "look again") {
		t.Errorf("with the form of the first attempt: %d %s", got.status, got.body)
	}
	if got := bob.do("POST", executionPath+"/retry", again); got.status != http.StatusConflict || !strings.Contains(got.body, "attempt 2") {
		t.Errorf("the retry of the first attempt: %d %s", got.status, got.body)
	}
}

func TestStopAndFreezeOnThePage(t *testing.T) {
	w, _ := atSignOff(t)
	bob, mallory := w.browser(), w.browser()
	page := bob.signIn("bob", executionPath)
	freeze := page.filled(t, executionPath+"/freeze", "says", "stock-taking", "until", "2h")
	if got := bob.do("POST", executionPath+"/freeze", freeze); got.status != http.StatusSeeOther {
		t.Fatalf("freeze: %d %s", got.status, got.body)
	}
	page = bob.get(executionPath)
	if !strings.Contains(page.body, "stock-taking") {
		t.Errorf("closed: %s", page.body)
	}
	if got := bob.do("POST", executionPath+"/unfreeze", page.filled(t, executionPath+"/unfreeze")); got.status != http.StatusSeeOther {
		t.Fatalf("unfreeze: %d %s", got.status, got.body)
	}
	theirs := mallory.signIn("mallory", executionPath)
	for action := range theirs.forms() {
		if action != "/logout" {
			t.Errorf("mallory, who may read, is offered %s", action)
		}
	}
	stop := page.filled(t, executionPath+"/stop", "says", "wrong branch")
	stop.Set("form", theirs.forms()["/logout"].Get("form"))
	if got := mallory.do("POST", executionPath+"/stop", stop); got.status != http.StatusForbidden || !strings.Contains(got.body, "write access") {
		t.Errorf("mallory stops: %d %s", got.status, got.body)
	}
	if n := w.rowsOf("refused", "mallory", "dashboard"); n != 1 {
		t.Errorf("the audit log has %d refusals of mallory", n)
	}
	stop = page.filled(t, executionPath+"/stop", "says", "wrong branch")
	if got := bob.do("POST", executionPath+"/stop", stop); got.status != http.StatusSeeOther {
		t.Fatalf("stop: %d %s", got.status, got.body)
	}
	w.eventually("the end", func() bool { return strings.Contains(bob.get(executionPath).body, "wrong branch") })
}

// TestForeignForms asks that a form counts only if a page of the dashboard, made for
// this very session, has sent it.
func TestForeignForms(t *testing.T) {
	w, sha := atSignOff(t)
	bob, mallory := w.browser(), w.browser()
	approve := executionPath + "/approve"
	good := bob.signIn("bob", executionPath).filled(t, approve)
	foreign := mallory.signIn("mallory", "/").forms()["/logout"].Get("form")
	for name, c := range map[string]struct {
		fields []string
		header []string
		status int
	}{
		"no token":                 {[]string{"form", ""}, nil, 403},
		"a wrong token":            {[]string{"form", strings.Repeat("x", 43)}, nil, 403},
		"the token of another":     {[]string{"form", foreign}, nil, 403},
		"from another site":        {nil, []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		"from another port":        {nil, []string{"Origin", w.github.URL(), "Sec-Fetch-Site", "same-site"}, 403},
		"of a sandbox":             {nil, []string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}, 403},
		"an old browser elsewhere": {nil, []string{"Origin", "https://evil.example", "Sec-Fetch-Site", ""}, 403},
		"an old browser, no word":  {nil, []string{"Origin", "", "Sec-Fetch-Site", ""}, 403},
		"only the site says so":    {nil, []string{"Origin", "", "Sec-Fetch-Site", "cross-site"}, 403},
		"only the site lies":       {nil, []string{"Origin", "https://evil.example"}, 403},
		"another commit":           {[]string{"commit", strings.Repeat("a", 40)}, nil, 409},
		"another definition":       {[]string{"definition", "x"}, nil, 409},
		"another attempt":          {[]string{"attempt", "2"}, nil, 409},
		"another execution":        {[]string{"execution", "999"}, nil, 409},
		"no approval":              {[]string{"action", "roll-out"}, nil, 409},
		"no stage":                 {[]string{"stage", "x"}, nil, 422},
		"too much":                 {[]string{"says", strings.Repeat("x", 1001)}, nil, 422},
		"far too much":             {[]string{"says", strings.Repeat("x", 100_000)}, nil, 403},
	} {
		form := maps.Clone(good)
		for i := 0; i < len(c.fields); i += 2 {
			form.Set(c.fields[i], c.fields[i+1])
		}
		if got := bob.do("POST", approve, form, c.header...); got.status != c.status {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := bob.get(approve + "?" + good.Encode()); got.status != 404 {
		t.Errorf("GET: %d", got.status)
	}
	if got := bob.do("POST", approve+"?"+good.Encode(), nil); got.status != 403 {
		t.Errorf("in the query: %d", got.status)
	}
	if got := w.browser().do("POST", approve, good); got.status != 401 {
		t.Errorf("signed out: %d", got.status)
	}
	if got := w.runs(sha, "ci / production"); got[len(got)-1].Conclusion != "action_required" {
		t.Errorf("it was decided: %+v", got)
	}
	if got := bob.do("POST", approve, good); got.status != http.StatusSeeOther {
		t.Errorf("the real one: %d %s", got.status, got.body)
	}
}

// TestApprovalAfterAPush asks that nobody decides by a page that a push has overtaken.
func TestApprovalAfterAPush(t *testing.T) {
	w, _ := atSignOff(t)
	bob := w.browser()
	form := bob.signIn("bob", executionPath).filled(t, executionPath+"/approve")
	w.github.HoldDeliveries(true)
	w.commit("Newer", map[string]string{"new.txt": "x"})
	w.push("main")
	if got := bob.do("POST", executionPath+"/approve", form); got.status != http.StatusConflict || !strings.Contains(got.body, "moved on") {
		t.Errorf("after a push: %d %s", got.status, got.body)
	}
	w.github.HoldDeliveries(false)
	w.eventually("the newer one", func() bool { return bob.get("/repositories/octo/shop/ci/2").status == 200 })
	if got := bob.do("POST", executionPath+"/approve", form); got.status != http.StatusConflict {
		t.Errorf("superseded: %d %s", got.status, got.body)
	}
}

// TestRemovedWhileLooking asks that a decision is by the rights of its moment, whatever
// is remembered for pages.
func TestRemovedWhileLooking(t *testing.T) {
	w, _ := atSignOff(t)
	w.repo.SetPrivate(true)
	bob := w.browser()
	form := bob.signIn("bob", executionPath).filled(t, executionPath+"/approve")
	w.repo.SetPermission("bob", "")
	if got := bob.do("POST", executionPath+"/approve", form); got.status != 404 && got.status != 422 || strings.Contains(got.body, "sign-off") {
		t.Errorf("bob, removed a moment ago, approves: %d %s", got.status, got.body)
	}
	if n := w.rowsOf("decided", "bob", "dashboard"); n > 0 {
		t.Error("it was decided")
	}
}

// TestHostilePages asks that nothing that others wrote is more than text on the pages of
// the dashboard, and that each has its headers.
func TestHostilePages(t *testing.T) {
	w := newWorld(t)
	const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`
	w.pipeline(waiting)
	w.git(w.clone, "commit", "--quiet", "--allow-empty", "--message="+evil)
	w.push("HEAD:main")
	w.check(w.git(w.clone, "rev-parse", "HEAD"), "ci / production", "action_required")
	b := w.browser()
	b.signIn("bob", "/")
	for _, path := range []string{"/", "/repositories/octo/shop", "/repositories/octo/shop?pipeline=ci", executionPath, "/repositories/octo/shop?pipeline=" + url.QueryEscape(evil), "/repositories/octo/" + url.PathEscape(strings.ReplaceAll(evil, "/", "."))} {
		got := b.get(path)
		if strings.Contains(got.body, "<script") || strings.Contains(got.body, "<img") || strings.Contains(got.body, " style=") || strings.Contains(got.body, "onerror=alert(1)>") && !strings.Contains(got.body, "&gt;&lt;img") {
			t.Errorf("%s: %s", path, got.body)
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; style-src 'self'",
			"X-Frame-Options":         "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
			"Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got.header.Get(name) != want {
				t.Errorf("%s has %s: %q", path, name, got.header.Get(name))
			}
		}
	}
}

// TestHostHeader asks that no address is made of what a request calls its host.
func TestHostHeader(t *testing.T) {
	w, _ := atSignOff(t)
	for _, path := range []string{"/", "/login", "/repositories/octo/shop", "/login/callback?code=x&state=y"} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+w.listen+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "evil.example"
		req.Header.Set("X-Forwarded-Host", "evil.example")
		req.Header.Set("X-Forwarded-Proto", "https")
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if to := resp.Header.Get("Location"); strings.Contains(to, "evil") {
			t.Errorf("%s leads to %s", path, to)
		}
	}
}

// TestNoSecretInLogs asks that what opens a session or a page is not logged.
func TestNoSecretInLogs(t *testing.T) {
	w, _ := atSignOff(t)
	b := w.browser()
	back := b.authorized("bob", "/login")
	begun := b.cookies()["stagegate-signin"]
	b.get(back)
	session := b.cookies()["stagegate"]
	b.get("/login/callback?" + back[strings.Index(back, "?")+1:])
	b.do("POST", executionPath+"/approve", url.Values{"form": {"x"}})
	at, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{begun, session, at.Query().Get("code"), at.Query().Get("state"), w.github.ClientSecret()} {
		if secret == "" || strings.Contains(w.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	if strings.Contains(b.get("/").body, session) {
		t.Error("the page has the secret of the session")
	}
}
