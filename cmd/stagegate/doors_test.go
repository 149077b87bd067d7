package main

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
)

const twoGates = `
on: pull_request
stages:
  - name: build
    actions: [{ name: compile, image: "stagegate/busybox:local", run: "true" }]
  - name: production
    actions: [{ name: sign-off, approval: {} }, { name: second, approval: {} }]
`

// pull opens a pull request of alice's with the pipeline, and returns its number and
// head.
func (p *process) pull(text string) (int, string) {
	p.t.Helper()
	p.pushTo(p.repo, "on: { push: { branches: [never] } }\nstages:\n  - { name: s, actions: [{ name: a, approval: {} }] }\n")
	dir, d := p.t.TempDir(), &demo{}
	git := func(args ...string) string {
		out, err := d.git(p.t.Context(), dir, args...)
		if err != nil {
			p.t.Fatal(err)
		}
		return out
	}
	git("clone", "--quiet", p.repo.CloneURL("alice"), ".")
	git("checkout", "--quiet", "-b", "feature")
	if err := os.WriteFile(filepath.Join(dir, ".github/pipelines/ci.yaml"), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	git("commit", "--quiet", "--all", "--message=Feature")
	git("push", "--quiet", "origin", "feature")
	n, err := p.repo.OpenPullRequest("alice", "feature", "main", "Feature", "")
	if err != nil {
		p.t.Fatal(err)
	}
	return n, git("rev-parse", "HEAD")
}

// answer comments and waits for the reply, without what escapes are for.
func (p *process) answer(n int, text string) string {
	p.t.Helper()
	var answer string
	marker := fmt.Sprintf("<!-- stagegate:reply:%d -->", p.repo.Comment("bob", n, text))
	p.wait("an answer to "+text, func() bool {
		for _, c := range p.repo.Comments(n) {
			if strings.Contains(c.Body, marker) {
				answer = c.Body
			}
		}
		return answer != ""
	})
	return html.UnescapeString(strings.NewReplacer("\\", "", "\u200b", "").Replace(answer))
}

// post asks the API as whoever holds the token.
func (p *process) post(path, body string) (int, api.Refusal) {
	p.t.Helper()
	token, err := os.ReadFile(filepath.Join(p.data, "admin-token"))
	if err != nil {
		p.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, "http://"+p.listen+api.Prefix+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	var no api.Refusal
	if err := json.NewDecoder(resp.Body).Decode(&no); err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, no
}

// refusal is one that every door is to give in the same words.
type refusal struct {
	comment, command, path, body string
	status                       int
	code                         api.Code
	want                         string
}

// TestOneRefusalAtEveryDoor says what makes no sense by comment, by the command line
// and to the API.
func TestOneRefusalAtEveryDoor(t *testing.T) {
	p := newProcess(t)
	p.github.AddUser("bob")
	p.repo.SetPermission("bob", "write")
	p.start()
	n, sha := p.pull(twoGates)
	p.wait("the approvals", func() bool { return strings.Contains(p.run(sha).Title, "Waiting for approval") })
	p.refuse(n, []refusal{
		{"/approve staging", "approve ci/1 staging", "/executions/1/approve", `{"approval": "staging"}`, 404, api.NotFound, "no approval that waits is called `staging`; these wait: `ci/production/second`, `ci/production/sign-off`"},
		{"/approve production", "approve ci/1 production", "/executions/1/approve", `{"approval": "production"}`, 422, api.Ambiguous, "several approvals match; name one of them: `ci/production/second`"},
		{"/reject production/second 1234567", "reject ci/1 production/second --commit 1234567", "/executions/1/reject", `{"approval": "production/second", "commit": "1234567"}`, 409, api.Conflict, "waits for an approval of " + sha[:7] + ", not of 1234567"},
		{"/retry nope", "retry ci/1 nope", "/executions/1/retry", `{"stage": "nope"}`, 404, api.NotFound, `execution 1 has no stage "nope"; it has build, production`},
		{"/retry", "retry ci/1", "/executions/1/retry", ``, 409, api.Conflict, "execution 1 is in progress and has no failed or stopped stage"},
		{"/retry Build", "retry ci/1 Build", "/executions/1/retry", `{"stage": "Build"}`, 409, api.Conflict, "stage build is succeeded; only a failed or stopped stage can be run again"},
		{"/override nope hotfix", "override ci/1 nope --reason hotfix", "/executions/1/override", `{"stage": "nope", "reason": "hotfix"}`, 404, api.NotFound, `execution 1 has no stage "nope"; it has build, production`},
		{"/override production hotfix", "override ci/1 production --reason hotfix", "/executions/1/override", `{"stage": "production", "reason": "hotfix"}`, 409, api.Conflict, "no rule keeps stage production of execution 1 back: it waits for the approval sign-off by anyone with write access"},
		{"/rollback production", "rollback ci production", "/rollbacks", `{"repository": "octo/shop", "pipeline": "ci", "stage": "production"}`, 404, api.NotFound, `pipeline ci has no stage "production" at `},
		{"/run cd", "start cd --repository octo/shop --branch feature", "/executions", `{"repository": "octo/shop", "pipeline": "cd", "branch": "feature"}`, 404, api.NotFound, `there is no pipeline "cd" at ` + sha[:7] + "; there is ci"},
	})
	p.tells(0, "stop ci/1", "stopped by the operator")
	p.refuse(n, []refusal{
		{"/approve", "approve ci/1", "/executions/1/approve", `{}`, 409, api.Conflict, "nothing waits for an approval here"},
		{"/retry build all", "retry ci/1 build --all", "/executions/1/retry", `{"stage": "build", "all": true}`, 409, api.Conflict, "only a failed or stopped stage can be run again; of execution 1 that is production"},
	})
}

func (p *process) refuse(n int, all []refusal) {
	p.t.Helper()
	for _, r := range all {
		status, no := p.post(r.path, r.body)
		if status != r.status || no.Code != r.code || !strings.Contains(no.Message, r.want) {
			p.t.Errorf("%s %s: %d %+v, want %d %s %s", r.path, r.body, status, no, r.status, r.code, r.want)
		}
		p.tells(1, r.command, no.Message)
		if got := p.answer(n, r.comment); !strings.Contains(got, "`"+r.comment+"`: "+no.Message) {
			p.t.Errorf("%s is answered with\n%s\nand not with\n%s", r.comment, got, no.Message)
		}
	}
}
