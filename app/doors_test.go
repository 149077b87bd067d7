package app_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
)

// odd is a request that makes no sense.
type odd struct {
	method, path, body string
	code               api.Code
	want               string // in the message
}

// TestOddRequests asks the API for what makes no sense. Nothing changes.
func TestOddRequests(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline("variables: { REGION: eu }" + withApproval(""))
	w.push("main")
	w.check(sha, "ci / production", "action_required")
	const start = `{"repository": "octo/shop", "pipeline": "ci", `
	for _, o := range []odd{
		{"POST", "/executions/1/stop", `null`, api.Invalid, "the body is to be an object, not null"},
		{"POST", "/executions/1/stop", `[]`, api.Invalid, "the body is to be an object, not an array"},
		{"POST", "/executions/1/stop", `{"abandon": "yes"}`, api.Invalid, "abandon is to be true or false, not a string"},
		{"POST", "/executions/1/stop", `{"abandon": null}`, api.Invalid, "abandon is null: leave it out, or give it a value"},
		{"POST", "/executions/1/stop", `{"reason": "` + strings.Repeat("é", 1001) + `"}`, api.Invalid, "reason has 1001 characters: say it in 1000"},
		{"POST", "/executions/1/stop", `{"reason": "` + strings.Repeat("x", 70_000) + `"}`, api.TooLarge, "more than 65536 bytes"},
		{"POST", "/executions/1/stop", `{} {}`, api.Invalid, "there is more behind it"},
		{"POST", "/executions/1/stop", `{"force": true}`, api.Invalid, `unknown field "force"`},
		{"POST", "/executions/1/stop", "\xff", api.Invalid, "the body is not the JSON object that is expected"},
		{"POST", "/executions/1/stop?abandon=true", ``, api.Invalid, `there is no parameter "abandon"`},
		{"GET", "/executions/1/stop", ``, api.MethodNotAllowed, "use POST"},
		{"POST", "/executions/1/retry", `{"stage": 5}`, api.Invalid, "stage is to be a string, not a number"},
		{"POST", "/executions/1/retry", `{"stage": "` + strings.Repeat("x", 2000) + `"}`, api.Invalid, "stage has 2000 characters"},
		{"POST", "/executions/1/override", ``, api.Invalid, "the reason is missing"},
		{"POST", "/executions/0/stop", ``, api.NotFound, `there is no execution "0"`},
		{"POST", "/executions/99/stop", ``, api.NotFound, "there is no execution 99"},
		{"POST", "/executions/%2e%2e/stop", ``, api.NotFound, `there is no execution ".."`},
		{"DELETE", "/executions/1", ``, api.MethodNotAllowed, "use GET"},
		{"POST", "/executions", ``, api.Invalid, "repository is to be OWNER/NAME"},
		{"POST", "/executions", start + `"variables": {"REGION": 1}}`, api.Invalid, "is to be a string, not a number"},
		{"POST", "/executions", start + `"variables": {"REGION": null}}`, api.Invalid, "variables.REGION is null"},
		{"POST", "/executions", start + `"variables": []}`, api.Invalid, "variables is to be an object, not an array"},
		{"POST", "/executions", start + `"variables": {"` + strings.Repeat("x", 2000) + `": ""}}`, api.Invalid, "there can be no name as long as"},
		{"POST", "/executions", start + `"commit": "main"}`, api.Invalid, "commit is to be a whole SHA"},
		{"POST", "/executions", start + `"branch": "refs/heads/main"}`, api.NotFound, "has no refs/heads/refs/heads/main"},
		{"POST", "/transitions", `{"repository": "octo/shop", "pipeline": "ci", "stage": "production", "reason": "r", "until": 5}`, api.Invalid, "until is to be a string, not a number"},
		{"POST", "/transitions/enable", `{"repository": "octo/shop", "pipeline": "ci", "stage": "production", "reason": "r"}`, api.Invalid, `unknown field "reason"`},
		{"GET", "/executions?status=bogus", ``, api.Invalid, "an execution is never"},
		{"GET", "/executions?lane=bogus", ``, api.NotFound, `no execution on a lane "bogus" is known; there is refs/heads/main`},
		{"GET", "/executions?pipeline=bogus", ``, api.NotFound, `no execution of a pipeline "bogus" is known; there is ci`},
		{"GET", "/pipelines?repository=octo/bogus", ``, api.NotFound, `no execution of a repository "octo/bogus" is known; there is octo/shop`},
		{"GET", "/executions/1/artifacts/..%2f..%2fx", ``, api.NotFound, `has no artifact "../../x"; there is source`},
	} {
		w.refuses(o)
	}
	for _, f := range []api.Filter{{Lane: "main"}, {Pipeline: "CI"}, {Pipeline: "CI", Lane: "main"}} {
		if page, err := w.api().Executions(w.context(), f); err != nil || len(page.Items) != 1 {
			t.Errorf("%+v: %v %v", f, page, err)
		}
	}
	if page, err := w.api().Executions(w.context(), api.Filter{Lane: "main", Status: "failed"}); err != nil || len(page.Items) != 0 {
		t.Errorf("failed on main: %v %v", page, err)
	}
	w.check(sha, "ci / production", "action_required")
}

func (w *world) refuses(o odd) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.context(), o.method, "http://"+w.listen+api.Prefix+o.path, strings.NewReader(o.body))
	if err != nil {
		w.t.Fatal(err)
	}
	c := w.api()
	req.Header.Set("Authorization", "Bearer "+c.Token)
	resp, err := c.HTTP.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var no api.Refusal
	if err := json.NewDecoder(resp.Body).Decode(&no); err != nil {
		w.t.Fatal(err)
	}
	if no.Code != o.code || !strings.Contains(no.Message, o.want) || len(no.Message) > 300 {
		w.t.Errorf("%s %s %.80s answers %d %s: %s; want %s: %s", o.method, o.path, o.body, resp.StatusCode, no.Code, no.Message, o.code, o.want)
	}
}
