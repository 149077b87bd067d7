package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/api/apitest"
	"github.com/stagegate/stagegate/internal/pipeline"
)

const token = "a-token-nobody-can-guess"

// shelf is what the API shows in these tests, newest first, and what it was
// asked to do. The operations themselves are tested with the whole App.
type shelf struct {
	found []api.Found
	log   func() io.ReadCloser
	asked []any
	err   error
}

func (s *shelf) Find(_ context.Context, f api.Filter) ([]api.Found, error) {
	var out []api.Found
	for _, x := range s.found {
		before, _ := strconv.Atoi(f.Before)
		id, _ := strconv.Atoi(x.ID)
		if (f.Pipeline == "" || f.Pipeline == x.Definition.Name) && (f.Before == "" || id < before) && len(out) < f.Limit {
			out = append(out, x)
		}
	}
	return out, s.err
}

func (s *shelf) Pipelines(context.Context) ([]api.Found, error) { return s.found[:1], s.err }

func (s *shelf) Execution(_ context.Context, id string) (api.Found, error) {
	for _, x := range s.found {
		if x.ID == id {
			return x, s.err
		}
	}
	return api.Found{}, &api.Refusal{Code: api.NotFound, Message: "there is no execution " + id}
}

func (s *shelf) Log(context.Context, pipeline.JobID) (io.ReadCloser, error) {
	if s.log == nil {
		return nil, nil
	}
	return s.log(), nil
}

func (s *shelf) Artifact(_ context.Context, a pipeline.Artifact) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(strings.Repeat("x", int(a.Size)))), s.err
}

func (s *shelf) do(asked any) error { s.asked = append(s.asked, asked); return s.err }

func (s *shelf) Decide(_ context.Context, _ string, a api.Answer) error     { return s.do(a) }
func (s *shelf) Retry(_ context.Context, _ string, r api.Retry) error       { return s.do(r) }
func (s *shelf) Override(_ context.Context, _ string, o api.Override) error { return s.do(o) }
func (s *shelf) Stop(_ context.Context, _ string, w api.Stop) error         { return s.do(w) }

func (s *shelf) Start(_ context.Context, w api.Start, key string) (string, bool, error) {
	return "10", key == "", s.do(w)
}

func (s *shelf) Webhook(_ context.Context, repository, name string) (api.Webhook, error) {
	return api.Webhook{Repository: repository, Pipeline: name, URL: "http://ci/hooks/1/octo/shop/release", Secret: "s"}, s.err
}

func (s *shelf) Transitions(_ context.Context, repository, name string) ([]api.Transition, error) {
	t := transition
	if repository != "" && repository != t.Repository || name != "" && name != t.Pipeline {
		return nil, s.err
	}
	return []api.Transition{t}, s.err
}

func (s *shelf) Disable(_ context.Context, d api.Disable) (api.Transition, error) {
	return transition, s.do(d)
}

func (s *shelf) Enable(_ context.Context, w api.Way) (api.Transition, error) {
	return transition, s.do(w)
}

// transition is one that is disabled.
var transition = api.Transition{
	Repository: "octo/shop", Pipeline: "release", Stage: "production", Lane: "refs/heads/main", Actor: "ann", Reason: "stock-taking",
	At: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), Until: time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC),
}

// newShelf has three executions of one pipeline with a build that runs.
func newShelf() *shelf {
	s := &shelf{}
	for n := 3; n > 0; n-- {
		def := pipeline.Definition{Name: "release", File: ".github/pipelines/release.yaml", Hash: "h", Stages: []pipeline.Stage{{Name: "build", Actions: []pipeline.Action{
			{Name: "compile", Image: "go:${{ variables.GO }}"}, {Name: "sign-off", Approval: &pipeline.Approval{Users: []string{"alice"}}},
		}}}, Variables: []pipeline.Variable{{Name: "GO", Default: "1"}}}
		at := time.Date(2026, 11, 25, 12, 0, n, 0, time.UTC)
		x := pipeline.Execution{
			ID: strconv.Itoa(10 * n), Number: n, Repository: "octo/shop", Lane: "refs/heads/main", Trigger: pipeline.Push, Actor: "alice",
			Revision:   pipeline.Revision{Commit: strings.Repeat("a", 40), Ref: "refs/heads/main", Branch: "main", Time: at},
			Definition: def, Status: pipeline.InProgress, CreatedAt: at, Source: pipeline.Artifact{Name: "source", Digest: "d", Size: 5},
			Stages: []pipeline.StageState{{Name: "build", Status: pipeline.InProgress, Attempt: 2, StartedAt: at, Actions: []pipeline.ActionState{
				{Name: "compile", Status: pipeline.InProgress, Attempt: 2, StartedAt: at, Image: "go@sha256:1", Runner: "r"},
				{Name: "sign-off", Status: pipeline.Succeeded, Attempt: 1, EndedAt: at, ExpiresAt: at, Decision: &pipeline.Decision{Approved: true, Actor: "alice", At: at, Door: "button"}},
			}}},
		}
		job := pipeline.Job{ID: x.JobID(0, 0), Image: "go:1", Env: []pipeline.Value{{Name: "A", Value: "b"}}, Secrets: []pipeline.SecretUse{{Name: "KEY"}}}
		first := job
		first.ID.Attempt = 1
		job.Hashed = []pipeline.Hashed{{Name: "SUM", Parts: []pipeline.Part{{Text: "go-"}, {Hash: "go.sum"}}}}
		s.found = append(s.found, api.Found{Execution: x, URL: "http://ci/executions/t", Jobs: []pipeline.Job{job, first}})
	}
	return s
}

func (s *shelf) admit(_ context.Context, given string) (api.Visitor, error) {
	if given != token {
		return api.Visitor{}, &api.Refusal{Code: api.Unauthorized, Message: "the token is missing or wrong"}
	}
	return api.Visitor{Scopes: api.Scopes(), Executions: s, Operations: s, Runners: s, Secrets: s}, nil
}

func serve(t *testing.T, s *shelf) (*httptest.Server, api.Client) {
	t.Helper()
	server := httptest.NewServer(api.Handler(api.Config{Admit: s.admit, Log: slog.New(slog.DiscardHandler)}))
	t.Cleanup(server.Close)
	return server, api.Client{URL: server.URL, Token: token, HTTP: apitest.Client(t)}
}

// answered is an answer without its body.
type answered struct {
	StatusCode int
	Header     http.Header
}

// request sends a raw request and reads what it is refused with.
func request(t *testing.T, server *httptest.Server, method, path, body string, header ...string) (answered, api.Refusal) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := apitest.Client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var no api.Refusal
	if resp.StatusCode/100 != 2 && method != http.MethodHead {
		if err := json.NewDecoder(resp.Body).Decode(&no); err != nil {
			t.Errorf("%s %s: %d is no refusal: %v", method, path, resp.StatusCode, err)
		}
	}
	return answered{resp.StatusCode, resp.Header}, no
}

// TestWithoutToken asks that nothing is told to whoever has no token.
func TestWithoutToken(t *testing.T) {
	s := newShelf()
	server, _ := serve(t, s)
	paths := append(api.Routes(), "GET /nothing", "PUT /executions", "GET ", "POST /../x")
	for _, route := range paths {
		method, path, _ := strings.Cut(route, " ")
		path = strings.NewReplacer("{execution}", "10", "{artifact}", "source", "{stage}", "build", "{action}", "compile").Replace(path)
		for _, given := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Bearer " + token + "x", "Bearer  " + token, "Basic " + token, token} {
			resp, no := request(t, server, method, api.Prefix+path, "", "Authorization", given)
			if resp.StatusCode != 401 || no.Code != api.Unauthorized || !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s with %q: %d %v", route, given, resp.StatusCode, no)
			}
		}
	}
	if len(s.asked) > 0 {
		t.Errorf("it was carried out: %v", s.asked)
	}
}

func TestBadRequests(t *testing.T) {
	s := newShelf()
	server, _ := serve(t, s)
	for _, c := range []struct {
		request, body string
		status        int
		code          api.Code
		want          string // part of message and alternatives
	}{
		{"GET /nothing", "", 404, api.NotFound, "openapi.json"},
		{"DELETE /executions/10", "", 405, api.MethodNotAllowed, "use GET"},
		{"GET /executions/10/stop", "", 405, api.MethodNotAllowed, "POST"},
		{"GET /executions?colour=red", "", 422, api.Invalid, `no parameter "colour"; there is repository, pipeline`},
		{"GET /executions?limit=1&limit=2", "", 422, api.Invalid, "2 times"},
		{"GET /executions?limit=0", "", 422, api.Invalid, "from 1 to 200"},
		{"GET /executions?limit=x", "", 422, api.Invalid, "from 1 to 200"},
		{"GET /executions?status=done", "", 422, api.Invalid, "succeeded"},
		{"GET /executions?commit=HEAD", "", 422, api.Invalid, "SHA"},
		{"GET /executions?cursor=x", "", 422, api.Invalid, "next"},
		{"GET /executions?pipeline=relaese", "", 404, api.NotFound, "release"},
		{"GET /executions?repository=octo/nothing&pipeline=nothing", "", 404, api.NotFound, "octo/shop"},
		{"GET /executions/11", "", 404, api.NotFound, "no execution 11"},
		{"GET /executions/release", "", 404, api.NotFound, "ids are numbers"},
		{"GET /executions/-1", "", 404, api.NotFound, "ids are numbers"},
		{"GET /executions/10?x=1", "", 422, api.Invalid, "x"},
		{"GET /executions/10/artifacts/shop", "", 404, api.NotFound, "source"},
		{"GET /executions/10/stages/build/actions/test/log", "", 404, api.NotFound, "build/compile"},
		{"GET /executions/10/stages/build/actions/sign-off/log", "", 404, api.NotFound, "is an approval"},
		{"GET /executions/10/stages/build/actions/compile/log?attempt=3", "", 422, api.Invalid, "from 1 to 2"},
		{"GET /executions/10/stages/build/actions/compile/log?wait=31", "", 422, api.Invalid, "from 0 to 30"},
		{"GET /executions/10/stages/build/actions/compile/log?offset=-1", "", 422, api.Invalid, "from 0"},
		{"POST /executions/10/retry", `{"stages":"build"}`, 422, api.Invalid, "stages"},
		{"POST /executions/10/retry", `{"stage":1}`, 422, api.Invalid, "stage"},
		{"POST /executions/10/retry", `[]`, 422, api.Invalid, "body"},
		{"POST /executions/10/retry", `{} {}`, 422, api.Invalid, "body"},
		{"POST /executions/10/retry", `{`, 422, api.Invalid, "body"},
		{"POST /executions/10/override", `{"reason":"` + strings.Repeat("ü", 1001) + `"}`, 422, api.Invalid, "1001 characters"},
		{"POST /executions/10/stop?reason=x", "", 422, api.Invalid, "reason"},
		{"POST /executions/10/stop", `{"reason":"` + strings.Repeat("ü", 1001) + `"}`, 422, api.Invalid, "1001 characters"},
		{"POST /executions/10/approve", `{"comment":"` + strings.Repeat("x", 1001) + `"}`, 422, api.Invalid, "1001 characters"},
		{"POST /executions/10/approve", `{"commit":"HEAD"}`, 422, api.Invalid, "SHA"},
		{"POST /executions/10/approve", `{"comment":"` + strings.Repeat("x", 70_000) + `"}`, 413, api.TooLarge, "65536 bytes"},
		{"POST /executions", "", 422, api.Invalid, "OWNER/NAME"},
		{"POST /executions", `{"repository":"shop","pipeline":"ci"}`, 422, api.Invalid, "OWNER/NAME"},
		{"POST /executions", `{"repository":"octo/../shop","pipeline":"ci"}`, 422, api.Invalid, "OWNER/NAME"},
		{"POST /executions", `{"repository":"octo/..","pipeline":"ci"}`, 422, api.Invalid, "OWNER/NAME"},
		{"POST /executions", `{"repository":"octo/shop"}`, 422, api.Invalid, "pipeline is missing"},
		{"POST /executions", `{"repository":"octo/shop","pipeline":"ci","branch":"a","tag":"b"}`, 422, api.Invalid, "keep one"},
		{"POST /executions", `{"repository":"octo/shop","pipeline":"ci","commit":"a","tag":"b"}`, 422, api.Invalid, "names its commit"},
		{"POST /executions", `{"repository":"octo/shop","pipeline":"ci","branch":"a b"}`, 422, api.Invalid, "no branch"},
		{"POST /executions", `{"repository":"octo/shop","pipeline":"ci","tag":"/"}`, 422, api.Invalid, "no tag"},
		{"POST /executions", `{"repository":"octo/shop","pipeline":"ci","commit":"abcdef1"}`, 422, api.Invalid, "whole SHA"},
		{"POST /executions", `{"repository":"octo/shop","pipeline":"ci","variables":{"A":1}}`, 422, api.Invalid, "string"},
		{"POST /executions", `{"repository":"octo/shop","pipeline":"ci","variables":{"A":"` + strings.Repeat("x", 1001) + `"}}`, 422, api.Invalid, "1001"},
		{"POST /executions/11/approve", "", 404, api.NotFound, "no execution 11"},
		{"GET /transitions?stage=x", "", 422, api.Invalid, `no parameter "stage"; there is repository, pipeline`},
		{"GET /transitions?pipeline=relaese", "", 404, api.NotFound, "release"},
		{"DELETE /transitions", "", 405, api.MethodNotAllowed, "use GET or POST"},
		{"POST /transitions", `{"repository":"shop","pipeline":"ci","stage":"s","reason":"r"}`, 422, api.Invalid, "OWNER/NAME"},
		{"POST /transitions", `{"repository":"octo/shop","stage":"s","reason":"r"}`, 422, api.Invalid, "pipeline is missing"},
		{"POST /transitions", `{"repository":"octo/shop","pipeline":"ci","reason":"r"}`, 422, api.Invalid, "stage is missing"},
		{"POST /transitions", `{"repository":"octo/shop","pipeline":"ci","stage":"s","reason":"` + strings.Repeat("x", 1001) + `"}`, 422, api.Invalid, "1001 characters"},
		{"POST /transitions/enable", `{"repository":"octo/shop","pipeline":"ci"}`, 422, api.Invalid, "stage is missing"},
		{"POST /transitions/enable", `{"repository":"octo/shop","pipeline":"ci","stage":"s","reason":"r"}`, 422, api.Invalid, "reason"},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		resp, no := request(t, server, method, api.Prefix+path, c.body)
		said := no.Message + " " + strings.Join(no.Alternatives, " ")
		if resp.StatusCode != c.status || no.Code != c.code || !strings.Contains(said, c.want) {
			t.Errorf("%s %.60s: %d %s %q, want %d %s %q", c.request, c.body, resp.StatusCode, no.Code, said, c.status, c.code, c.want)
		}
	}
	if len(s.asked) > 0 {
		t.Errorf("it was carried out: %v", s.asked)
	}
}

func TestPages(t *testing.T) {
	_, client := serve(t, newShelf())
	var ids []string
	for f := (api.Filter{Limit: 2}); ; {
		page, err := client.Executions(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range page.Items {
			ids = append(ids, x.ID)
		}
		if f.Before = page.Next; f.Before == "" {
			break
		}
		ids = append(ids, "|")
	}
	if diff := cmp.Diff([]string{"30", "20", "|", "10"}, ids); diff != "" {
		t.Error(diff)
	}
	if page, err := client.Executions(t.Context(), api.Filter{Pipeline: "release", Before: "10"}); err != nil || len(page.Items) != 0 {
		t.Errorf("behind the last: %v %v", page, err)
	}
	pipelines, err := client.Pipelines(t.Context(), "Octo/Shop")
	if err != nil || len(pipelines.Items) != 1 || pipelines.Items[0].Newest.ID != "30" {
		t.Errorf("pipelines: %+v %v", pipelines, err)
	}
}

func TestExecution(t *testing.T) {
	s := newShelf()
	_, client := serve(t, s)
	x, err := client.Execution(t.Context(), "20")
	if err != nil {
		t.Fatal(err)
	}
	compile := x.Stages[0].Actions[0]
	want := []api.Attempt{
		{Number: 1, Image: "go:1", Env: []api.Variable{{Name: "A", Value: "b"}}, Secrets: []string{"KEY"}},
		{Number: 2, Image: "go:1", Env: []api.Variable{{Name: "A", Value: "b"}, {Name: "SUM", Value: "go-${{ hash('go.sum') }}"}}, Secrets: []string{"KEY"}},
	}
	if diff := cmp.Diff(want, compile.Attempts); diff != "" || x.Number != 2 || compile.Image != "go@sha256:1" || len(x.Artifacts) != 1 {
		t.Errorf("%+v\n%s", x, diff)
	}
	tar, err := client.Artifact(t.Context(), "20", "source")
	if err != nil {
		t.Fatal(err)
	}
	defer tar.Close()
	if text, err := io.ReadAll(tar); err != nil || string(text) != "xxxxx" {
		t.Errorf("artifact %q %v", text, err)
	}
	after, err := client.Decide(t.Context(), "20", api.Answer{Approval: "build", Comment: "fine", Approved: true})
	if err != nil || after.ID != "20" {
		t.Errorf("approve: %v", err)
	}
	_, err = client.Decide(t.Context(), "20", api.Answer{})
	_, err2 := client.Retry(t.Context(), "20", api.Retry{Stage: "build", All: true})
	_, err3 := client.Stop(t.Context(), "20", api.Stop{Reason: "enough", Abandon: true})
	_, err4 := client.Start(t.Context(), api.Start{Repository: "octo/shop", Pipeline: "ci"}, "")
	_, err5 := client.Start(t.Context(), api.Start{Repository: "octo/shop", Pipeline: "ci"}, "key")
	_, err6 := client.Override(t.Context(), "20", api.Override{Stage: "build", Reason: "hotfix"})
	if err := errors.Join(err, err2, err3, err4, err5, err6); err != nil {
		t.Error(err)
	}
	start := api.Start{Repository: "octo/shop", Pipeline: "ci"}
	asked := []any{api.Answer{Approval: "build", Comment: "fine", Approved: true}, api.Answer{}, api.Retry{Stage: "build", All: true}, api.Stop{Reason: "enough", Abandon: true}, start, start, api.Override{Stage: "build", Reason: "hotfix"}}
	if diff := cmp.Diff(asked, s.asked); diff != "" {
		t.Error(diff)
	}
}

// TestConditions shows what rules came to, who overrode them, and which actions are
// there for them.
func TestConditions(t *testing.T) {
	s := newShelf()
	_, client := serve(t, s)
	x := &s.found[0]
	at := x.CreatedAt
	checks := []pipeline.Check{{At: at, Point: pipeline.RoleEntry, Findings: []pipeline.Finding{
		{Rule: "window", Evidence: "closed", Otherwise: pipeline.OtherwiseWait}, {Rule: "command", Holds: true},
	}}}
	overrides := []pipeline.Overridden{{At: at, Actor: "ann", Reason: "hotfix", Point: pipeline.RoleEntry}}
	x.Definition.Stages[0].Actions[0] = pipeline.Action{Name: "compile-1", Of: "compile", Matrix: []pipeline.Value{{Name: "go", Value: "1"}}, Role: pipeline.RoleFinally, If: "always()"}
	st := &x.Stages[0]
	st.Checks, st.Overrides, st.Retries = checks, overrides, 2
	st.Past = []pipeline.Attempt{{Attempt: 1, Status: pipeline.Failed, Actions: st.Actions, Checks: checks, Overrides: overrides}}
	got, err := client.Execution(t.Context(), x.ID)
	if err != nil {
		t.Fatal(err)
	}
	stage := got.Stages[0]
	conditions := []api.Check{{At: at, Point: "before-entry", Findings: []api.Finding{
		{Rule: "window", Evidence: "closed", Otherwise: "wait"}, {Rule: "command", Holds: true, Otherwise: "fail"},
	}}}
	overridden := []api.Overridden{{At: at, Actor: "ann", Reason: "hotfix", Point: "before-entry"}}
	for _, c := range []struct{ got, want any }{
		{stage.Conditions, conditions},
		{stage.Overrides, overridden},
		{stage.Retries, 2},
		{stage.Past[0].Conditions, conditions},
		{stage.Past[0].Overrides, overridden},
		{[]string{stage.Actions[0].Title, stage.Actions[0].Role, stage.Actions[0].If}, []string{"compile (1)", "finally", "always()"}},
		{[]string{stage.Past[0].Actions[0].Title, stage.Past[0].Actions[0].Role}, []string{"compile (1)", "finally"}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestTransitions(t *testing.T) {
	s := newShelf()
	_, client := serve(t, s)
	for _, name := range []string{"", "release"} {
		if page, err := client.Transitions(t.Context(), "", name); err != nil || len(page.Items) != 1 || page.Items[0] != transition {
			t.Errorf("of %q: %+v %v", name, page, err)
		}
	}
	way := api.Way{Repository: "octo/shop", Pipeline: "release", Stage: "production", Lane: "main"}
	disable := api.Disable{Way: way, Reason: "stock-taking", Until: "tomorrow 09:00"}
	if got, err := client.Disable(t.Context(), disable); err != nil || got != transition {
		t.Errorf("disabled %+v %v", got, err)
	}
	if got, err := client.Enable(t.Context(), way); err != nil || got != transition {
		t.Errorf("enabled %+v %v", got, err)
	}
	if diff := cmp.Diff([]any{disable, way}, s.asked); diff != "" {
		t.Error(diff)
	}
	s.found[0].Around.Closed = map[string]pipeline.Transition{"build": {Pipeline: "release", Stage: "build", Actor: "ann", Reason: "r", At: transition.At}}
	want := &api.Transition{Repository: "octo/shop", Pipeline: "release", Stage: "build", Actor: "ann", Reason: "r", At: transition.At}
	if x, err := client.Execution(t.Context(), "30"); err != nil || !cmp.Equal(x.Stages[0].Transition, want) {
		t.Errorf("its stage: %+v %v", x.Stages[0].Transition, err)
	}
}

// TestRefusals asks that what the App refuses is told as it is, and what breaks is
// not told at all.
func TestRefusals(t *testing.T) {
	s := newShelf()
	_, client := serve(t, s)
	s.err = &api.Refusal{Code: api.Ambiguous, Message: "two wait", Alternatives: []string{"a", "b"}}
	_, err := client.Pipelines(t.Context(), "")
	if diff := cmp.Diff(s.err, err); diff != "" {
		t.Error(diff)
	}
	s.err = errors.New("hunter2")
	var no *api.Refusal
	if _, err := client.Executions(t.Context(), api.Filter{}); !errors.As(err, &no) || no.Code != api.Internal || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("broken: %v", err)
	}
}

// growing is a log that a test lets grow.
type growing struct {
	text  string
	opens int
	grow  func(n int) string
}

func (g *growing) open() io.ReadCloser {
	g.opens++
	g.text += g.grow(g.opens)
	return io.NopCloser(strings.NewReader(g.text))
}

func TestLog(t *testing.T) {
	s := newShelf()
	_, client := serve(t, s)
	read := func(offset int64, wait int) (string, bool) {
		t.Helper()
		log, ended, err := client.Log(t.Context(), api.LogQuery{Execution: "30", Stage: "build", Action: "compile", Offset: offset, Wait: wait})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		text, err := io.ReadAll(log)
		if err != nil {
			t.Fatal(err)
		}
		return string(text), ended
	}
	if text, ended := read(0, 0); text != "" || ended {
		t.Errorf("before there is one: %q %v", text, ended)
	}
	g := &growing{grow: func(n int) string { return map[int]string{1: "one\n", 4: "two\n"}[n] }}
	s.log = g.open
	if text, ended := read(0, 0); text != "one\n" || ended {
		t.Errorf("the first line: %q %v", text, ended)
	}
	if text, ended := read(4, 30); text != "two\n" || ended || g.opens != 4 {
		t.Errorf("waited for: %q %v, opened %d times", text, ended, g.opens)
	}
	if text, ended := read(100, 0); text != "" || ended {
		t.Errorf("beyond the end: %q %v", text, ended)
	}
	s.found[0].Stages[0].Actions[0].Status = pipeline.Failed
	if text, ended := read(4, 30); text != "two\n" || !ended {
		t.Errorf("at the end: %q %v", text, ended)
	}
	if text, ended := read(8, 30); text != "" || !ended {
		t.Errorf("after the end: %q %v", text, ended)
	}
}
