package app_test

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/api/apitest"
)

var tokenText = regexp.MustCompile(`<code class="say">(sgp_[A-Za-z0-9_-]{43})</code>`)

// token has a person make a token on the dashboard.
func (w *world) token(login, days string, scopes ...string) string {
	w.t.Helper()
	b := w.browser()
	form := b.signIn(login, "/tokens").filled(w.t, "/tokens", "name", "of "+login, "days", days)
	form["scope"] = scopes
	page := b.do("POST", "/tokens", form)
	found := tokenText.FindStringSubmatch(page.body)
	if page.status != 200 || found == nil {
		w.t.Fatalf("no token: %d %s", page.status, page.body)
	}
	return found[1]
}

func (w *world) as(token string) api.Client {
	return api.Client{URL: "http://" + w.listen, Token: token, HTTP: apitest.Client(w.t)}
}

func TestAccessToken(t *testing.T) {
	w, sha := atSignOff(t)
	x := w.newest(sha)
	bob := w.browser()
	page := bob.signIn("bob", "/tokens")
	form := page.filled(t, "/tokens", "name", `<b>laptop</b>`, "days", "90")
	form["scope"] = []string{"approve"}
	made := bob.do("POST", "/tokens", form)
	text := tokenText.FindStringSubmatch(made.body)[1]
	if list := bob.get("/tokens"); strings.Contains(list.body, text) || !strings.Contains(list.body, html.EscapeString("<b>laptop</b>")) || !strings.Contains(list.body, "never used") {
		t.Errorf("the list: %s", list.body)
	}
	c := w.as(text)
	if _, err := c.Stop(w.context(), x.ID, api.Stop{}); err == nil {
		t.Error("it stops without the scope run")
	}
	if _, err := c.Decide(w.context(), x.ID, api.Answer{Approved: true, Comment: "go"}); err != nil {
		t.Fatalf("approve: %v", err)
	}
	w.check(sha, "ci / production", "success")
	after, err := c.Execution(w.context(), x.ID)
	if d := after.Stages[0].Actions[0].Decision; err != nil || d.Actor != "bob" || d.Door != "api" {
		t.Errorf("decided by %+v, %v", d, err)
	}
	list := bob.get("/tokens")
	if strings.Contains(list.body, "never used") {
		t.Errorf("it was used: %s", list.body)
	}
	for action, form := range list.forms() {
		if strings.HasSuffix(action, "/revoke") {
			carol := w.browser()
			theirs := carol.signIn("carol", "/tokens").filled(t, "/tokens")
			if got := carol.do("POST", action, theirs); got.status != 404 {
				t.Errorf("carol revokes bob's: %d", got.status)
			}
			if got := bob.do("POST", action, form); got.status != http.StatusSeeOther {
				t.Errorf("revoke: %d %s", got.status, got.body)
			}
		}
	}
	_, err = c.Execution(w.context(), x.ID)
	w.refusedWith(err, api.Unauthorized, "revoked")
	if n, m := w.rowsOf("token-made", "bob", "dashboard"), w.rowsOf("token-revoked", "bob", "dashboard"); n != 1 || m != 1 {
		t.Errorf("the audit log has %d and %d", n, m)
	}
	if strings.Contains(w.log.String(), text) {
		t.Error("the log has the token")
	}
	for _, wrong := range []url.Values{
		{"name": {""}, "days": {"90"}},
		{"name": {"x"}, "days": {"366"}},
		{"name": {"x"}, "days": {"0"}},
		{"name": {"x"}, "days": {"x"}},
		{"name": {"x"}, "days": {"1"}, "scope": {"everything"}},
		{"name": {strings.Repeat("x", 101)}, "days": {"1"}},
	} {
		wrong.Set("form", form.Get("form"))
		if got := bob.do("POST", "/tokens", wrong); got.status != 422 || tokenText.MatchString(got.body) {
			t.Errorf("%v: %d", wrong, got.status)
		}
	}
}

// ways is what every operation of the API takes: a body that makes sense, the scope, and
// what its person must be in the repository. hides is what an outsider gets.
var ways = map[string]struct {
	path, body string
	scope      api.Scope
	takes      string // read, write, admin or operator; nobody: whoever has a token
	hides      int
}{
	"GET /openapi.json":                                {"", "", api.Read, "nobody", 200},
	"GET /pipelines":                                   {"", "", api.Read, "read", 200},
	"GET /webhook":                                     {"/webhook?repository=octo/shop&pipeline=ci", "", api.Admin, "admin", 404},
	"GET /executions":                                  {"/executions?repository=octo/shop", "", api.Read, "read", 404},
	"POST /executions":                                 {"", `{"repository":"octo/shop","pipeline":"ci"}`, api.Run, "write", 404},
	"GET /executions/{execution}":                      {"", "", api.Read, "read", 404},
	"POST /executions/{execution}/approve":             {"", `{}`, api.Approve, "bob", 404},
	"POST /executions/{execution}/reject":              {"", `{}`, api.Approve, "bob", 404},
	"POST /executions/{execution}/retry":               {"", `{}`, api.Run, "write", 404},
	"POST /executions/{execution}/override":            {"", `{"reason":"x"}`, api.Approve, "write", 404},
	"POST /executions/{execution}/stop":                {"", `{}`, api.Run, "write", 404},
	"POST /rollbacks":                                  {"", `{"repository":"octo/shop","pipeline":"ci","stage":"production","preview":true}`, api.Run, "write", 404},
	"GET /transitions":                                 {"", "", api.Read, "read", 200},
	"POST /transitions":                                {"", `{"repository":"octo/shop","pipeline":"ci","stage":"production","reason":"x"}`, api.Run, "write", 404},
	"POST /transitions/enable":                         {"", `{"repository":"octo/shop","pipeline":"ci","stage":"production"}`, api.Run, "write", 404},
	"GET /secrets":                                     {"/secrets?repository=octo/shop", "", api.Admin, "admin", 404},
	"PUT /secrets":                                     {"/secrets?repository=octo/shop&name=KEY", "value-of-a-secret", api.Admin, "admin", 404},
	"DELETE /secrets":                                  {"/secrets?repository=octo/shop&name=KEY", "", api.Admin, "admin", 404},
	"POST /secrets/rotate":                             {"", "", api.Admin, "operator", 403},
	"GET /audit":                                       {"", "", api.Admin, "operator", 403},
	"GET /runners":                                     {"", "", api.Admin, "operator", 403},
	"POST /runners":                                    {"", `{"name":"x"}`, api.Admin, "operator", 403},
	"DELETE /runners/{runner}":                         {"", "", api.Admin, "operator", 403},
	"GET /executions/{execution}/artifacts/{artifact}": {"", "", api.Read, "read", 404},
	"GET /executions/{execution}/stages/{stage}/actions/{action}/log": {"", "", api.Read, "read", 404},
}

// ask sends a request of a way and returns its status, and what is said.
func (w *world) ask(route, token, execution string) (int, string) {
	w.t.Helper()
	way := ways[route]
	method, path, _ := strings.Cut(route, " ")
	if way.path != "" {
		path = way.path
	}
	path = strings.NewReplacer("{execution}", execution, "{artifact}", "source", "{stage}", "production", "{action}", "roll-out", "{runner}", "x").Replace(path)
	req, err := http.NewRequestWithContext(w.context(), method, "http://"+w.listen+api.Prefix+path, strings.NewReader(way.body))
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := apitest.Client(w.t).Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// TestWhoMayAtTheAPI asks every operation of the description for everybody.
func TestWhoMayAtTheAPI(t *testing.T) {
	w, sha := atSignOff(t)
	w.github.AddUser("eve")
	other := w.github.AddRepository("octo/other")
	other.SetPermission("eve", "admin")
	w.repo.SetPermission("carol", "admin")
	w.repo.SetPrivate(true)
	x := w.newest(sha)
	all := []string{"approve", "run", "admin"}
	expired, good := w.token("carol", "1", all...), map[string]string{}
	for _, login := range []string{"mallory", "alice", "carol", "eve", "bob"} {
		good[login] = w.token(login, "90", all...)
	}
	without := map[api.Scope]string{}
	for _, s := range all {
		rest := slices.DeleteFunc(slices.Clone(all), func(o string) bool { return o == s })
		without[api.Scope(s)] = w.token("carol", "90", rest...)
	}
	revoked := w.token("carol", "90", all...)
	w.revokeAll("carol", revoked)
	w.stop()
	w.shift = 25 * time.Hour
	w.start()
	doc, err := apitest.Document()
	if err != nil {
		t.Fatal(err)
	}
	var routes []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			routes = append(routes, method+" "+path)
		}
	}
	slices.Sort(routes)
	const start = "POST /executions" // the last, since it takes the place of what waits
	const remove = "DELETE /secrets" // after it was set
	routes = append(slices.DeleteFunc(routes, func(r string) bool { return r == start || r == remove }), remove, start)
	for _, route := range routes {
		way, ok := ways[route]
		if !ok {
			t.Errorf("%s has no row: say what it takes", route)
			continue
		}
		for name, token := range map[string]string{
			"none": "", "wrong": "sgp_" + strings.Repeat("x", 43), "expired": expired, "revoked": revoked, "cut": good["carol"][:46], "the digest": "sgp_x",
		} {
			if got, said := w.ask(route, token, x.ID); got != 401 && got != 429 {
				t.Errorf("%s with a token that is %s: %d %s", route, name, got, said)
			}
		}
		if got, said := w.ask(route, good["eve"], x.ID); got != way.hides || strings.Contains(said, "sign-off") || way.hides == 200 && way.takes == "read" && strings.Contains(said, "octo/shop") {
			t.Errorf("%s by an outsider: %d %s", route, got, said)
		}
		if token := without[way.scope]; token != "" {
			if got, said := w.ask(route, token, x.ID); got != 403 || !strings.Contains(said, "scope "+string(way.scope)) {
				t.Errorf("%s without the scope: %d %s", route, got, said)
			}
		}
		for login, is := range map[string][]string{
			"mallory": {"nobody", "read"}, "alice": {"nobody", "read", "write"}, "carol": {"nobody", "read", "write", "admin"},
		} {
			may := slices.Contains(is, way.takes)
			if may && way.takes != "read" && way.takes != "nobody" && login != "carol" {
				continue // so that it is done once
			}
			got, said := w.ask(route, good[login], x.ID)
			if may && (got == 401 || got == 403 || got == 404 || got >= 500) || !may && got != 403 {
				t.Errorf("%s by %s: %d %s", route, login, got, said)
			}
		}
	}
	for route := range ways {
		if !slices.Contains(routes, route) {
			t.Errorf("there is no %s any more", route)
		}
	}
}

// revokeAll has a person revoke the newest of their tokens.
func (w *world) revokeAll(login, text string) {
	w.t.Helper()
	b := w.browser()
	page := b.signIn(login, "/tokens")
	first := regexp.MustCompile(`action="(/tokens/[0-9]+/revoke)"`).FindStringSubmatch(page.body)[1]
	if got := b.do("POST", first, page.forms()[first]); got.status != http.StatusSeeOther {
		w.t.Fatalf("revoke: %d %s", got.status, got.body)
	}
	if _, err := w.as(text).Pipelines(w.context(), ""); err == nil {
		w.t.Fatal("it still is good")
	}
}

// TestTooManyTokens asks that who guesses is slowed down, and others are not.
func TestTooManyTokens(t *testing.T) {
	w := newWorld(t)
	var last *http.Response
	slowed := 0
	for range 60 {
		req, err := http.NewRequestWithContext(w.context(), "GET", "http://"+w.listen+"/api/v1/pipelines", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer sgp_wrong")
		req.Header.Set("X-Forwarded-For", "203.0.113.9") // nobody's whom the App trusts
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode == http.StatusTooManyRequests {
			slowed++
			var no api.Refusal
			if err := json.NewDecoder(resp.Body).Decode(&no); err != nil || no.Code != api.TooMany {
				t.Errorf("it says %+v %v", no, err)
			}
		}
		resp.Body.Close()
		last = resp
	}
	if slowed < 20 || last.Header.Get("Retry-After") == "" {
		t.Errorf("%d of 60 were slowed down, the last: %v", slowed, last.Header)
	}
	if _, err := w.api().Pipelines(w.context(), ""); err != nil {
		t.Errorf("the operator: %v", err)
	}
}
