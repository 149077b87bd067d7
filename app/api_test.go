package app_test

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/api/apitest"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// api is a client with the operator's token, whose answers are held to the
// description.
func (w *world) api() api.Client {
	w.t.Helper()
	token, err := os.ReadFile(filepath.Join(w.data, "admin-token"))
	if err != nil {
		w.t.Fatal(err)
	}
	return api.Client{URL: "http://" + w.listen, Token: strings.TrimSpace(string(token)), HTTP: apitest.Client(w.t)}
}

// newest is the newest execution on a commit.
func (w *world) newest(sha string) api.Summary {
	w.t.Helper()
	page, err := w.api().Executions(w.context(), api.Filter{Commit: sha, Limit: 1})
	if err != nil || len(page.Items) != 1 {
		w.t.Fatalf("executions of %s: %v %v", sha, page, err)
	}
	return page.Items[0]
}

// executionOf is the newest execution of a pipeline on a commit.
func (w *world) executionOf(sha, pipeline string) api.Summary {
	w.t.Helper()
	page, err := w.api().Executions(w.context(), api.Filter{Commit: sha, Pipeline: pipeline, Limit: 1})
	if err != nil || len(page.Items) != 1 {
		w.t.Fatalf("executions of %s: %v %v", sha, page, err)
	}
	return page.Items[0]
}

// refusedWith asks that something was refused with a code and a text.
func (w *world) refusedWith(err error, code api.Code, want string) {
	w.t.Helper()
	var no *api.Refusal
	if !errors.As(err, &no) || no.Code != code || !strings.Contains(no.Message, want) {
		w.t.Errorf("error %v (%+v), want %s: %s", err, no, code, want)
	}
}

func TestAdminToken(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.data, "admin-token")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file: %v %v", info, err)
	}
	first := w.api()
	if _, err := first.Pipelines(w.context(), ""); err != nil || len(first.Token) < 40 {
		t.Errorf("with %d characters: %v", len(first.Token), err)
	}
	w.stop()
	w.start()
	if again := w.api(); again.Token != first.Token {
		t.Error("a restart made another token")
	}
	other := w.api()
	other.Token = "x" + other.Token
	_, err = other.Executions(w.context(), api.Filter{})
	w.refusedWith(err, api.Unauthorized, "missing, wrong")
	if strings.Contains(w.log.String(), first.Token) {
		t.Error("the token is in the log")
	}
}

func TestAPIShows(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(green)
	w.push("main")
	w.check(sha, "ci / deploy", "success")
	c := w.api()
	found := w.newest(sha[:7])
	for _, f := range []api.Filter{
		{Repository: "Octo/Shop"},
		{Pipeline: "ci", Number: 1},
		{Lane: "refs/heads/main"},
		{Status: pipeline.Succeeded, Commit: sha},
		{Repository: "octo/shop", Pipeline: "ci", Status: pipeline.Succeeded},
	} {
		if page, err := c.Executions(w.context(), f); err != nil || len(page.Items) != 1 || page.Items[0].ID != found.ID {
			t.Errorf("%+v: %v %v", f, page, err)
		}
	}
	if page, err := c.Executions(w.context(), api.Filter{Status: pipeline.Failed}); err != nil || len(page.Items) != 0 {
		t.Errorf("failed: %v %v", page, err)
	}
	x, err := c.Execution(w.context(), found.ID)
	if err != nil {
		t.Fatal(err)
	}
	roll := x.Stages[1].Actions[0]
	if len(roll.Attempts) != 1 || !slices.Contains(roll.Attempts[0].Env, api.Variable{Name: "VERSION", Value: "1.2"}) || roll.Attempts[0].Image != image {
		t.Errorf("attempts: %+v", roll.Attempts)
	}
	if outputs := x.Stages[0].Actions[0].Outputs; !slices.Contains(outputs, api.Variable{Name: "version", Value: "1.2"}) {
		t.Errorf("outputs: %v", outputs)
	}
	if page := w.get(x.URL); !strings.Contains(page, "roll-out") {
		t.Error("the URL is not that of its page")
	}
	log, ended, err := c.Log(w.context(), api.LogQuery{Execution: x.ID, Stage: "deploy", Action: "roll-out", Wait: 1})
	if err != nil || !ended {
		t.Fatalf("log: ended %v, %v", ended, err)
	}
	defer log.Close()
	if text, _ := io.ReadAll(log); !strings.Contains(string(text), "shop 1.2 from main") {
		t.Errorf("log: %s", text)
	}
	artifact, err := c.Artifact(w.context(), x.ID, "shop")
	if err != nil {
		t.Fatal(err)
	}
	defer artifact.Close()
	var names []string
	for r := tar.NewReader(artifact); ; {
		h, err := r.Next()
		if err != nil {
			break
		}
		names = append(names, strings.TrimSuffix(h.Name, "/"))
	}
	if !slices.Contains(names, "shop") {
		t.Errorf("the tar has %v", names)
	}
	pipelines, err := c.Pipelines(w.context(), "octo/shop")
	if err != nil || len(pipelines.Items) != 1 || pipelines.Items[0].Newest.ID != x.ID {
		t.Errorf("pipelines: %v %v", pipelines, err)
	}
}

func TestAPIRetriesAndStops(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(red)
	w.push("main")
	w.check(sha, "ci / test", "failure")
	c, id := w.api(), w.newest(sha).ID
	_, err := c.Retry(w.context(), id, api.Retry{Stage: "nope"})
	w.refusedWith(err, api.NotFound, `no stage "nope"; it has test, deploy`)
	_, err = c.Retry(w.context(), id, api.Retry{Stage: "deploy"})
	w.refusedWith(err, api.Conflict, "only a failed or stopped stage")
	_, err = c.Stop(w.context(), id, api.Stop{})
	w.refusedWith(err, api.Conflict, "has already ended: failed")
	_, err = c.Retry(w.context(), "99", api.Retry{})
	w.refusedWith(err, api.NotFound, "no execution 99")
	x, err := c.Retry(w.context(), id, api.Retry{All: true})
	if err != nil || x.Status != "in_progress" || x.Stages[0].Attempt != 2 || x.Stages[0].Actions[1].Attempt != 2 {
		t.Errorf("retry: %+v %v", x, err)
	}
	w.eventually("a second run", func() bool { return len(w.runs(sha, "ci / test")) == 2 })
	w.check(sha, "ci / test", "failure")
	if x, err := c.Execution(w.context(), id); err != nil || len(x.Stages[0].Actions[0].Attempts) != 2 {
		t.Errorf("after the retry: %+v %v", x.Stages, err)
	}

	sha = w.pipeline(slow)
	w.push("main")
	w.running(sha)
	stopped := w.newest(sha).ID
	x, err = c.Stop(w.context(), stopped, api.Stop{Reason: "lunch"})
	if err != nil || x.Status != "stopping" || x.Abandoned || x.Stages[0].Actions[0].Status != "in_progress" {
		t.Errorf("stop: %+v %v", x, err)
	}
	if page := w.get(x.URL); !strings.Contains(page, "Finishes what runs (stopped by the operator: lunch)") {
		t.Error("the page does not say that what runs finishes")
	}
	x, err = c.Stop(w.context(), stopped, api.Stop{Reason: "lunch", Abandon: true})
	if err != nil || x.Status != "stopping" || !x.Abandoned {
		t.Errorf("abandon: %+v %v", x, err)
	}
	if run := w.check(sha, "ci / build", "cancelled"); !strings.Contains(run.Title, "topped by the operator: lunch") {
		t.Errorf("title %q", run.Title)
	}
	sha = w.pipeline(red + "# again\n")
	w.push("main")
	w.check(sha, "ci / test", "failure")
	_, err = c.Retry(w.context(), id, api.Retry{})
	w.refusedWith(err, api.Conflict, "newer execution has entered stage test")
}

func TestAPIDecides(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(withApproval(""))
	w.push("main")
	w.check(sha, "ci / production", "action_required")
	c, id := w.api(), w.newest(sha).ID
	_, err := c.Decide(w.context(), id, api.Answer{Approval: "build", Approved: true})
	w.refusedWith(err, api.NotFound, "these wait: `ci/production/sign-off`")
	_, err = c.Decide(w.context(), id, api.Answer{Commit: "deadbeef", Approved: true})
	w.refusedWith(err, api.Conflict, "not of deadbeef")
	x, err := c.Decide(w.context(), id, api.Answer{Approval: "production", Commit: sha[:7], Comment: "looks good", Approved: true})
	if err != nil {
		t.Fatal(err)
	}
	if d := x.Stages[0].Actions[0].Decision; d == nil || d.Actor != "the operator" || d.Door != "api" || d.Comment != "looks good" || d.Commit != sha {
		t.Errorf("decision: %+v", d)
	}
	if run := w.check(sha, "ci / production", "success"); !strings.Contains(run.Summary, "approved by the operator: looks good") {
		t.Errorf("summary: %s", run.Summary)
	}
	_, err = c.Decide(w.context(), id, api.Answer{})
	w.refusedWith(err, api.Conflict, "nothing waits")

	sha = w.pipeline(withApproval("users: [bob]"))
	w.push("main")
	w.check(sha, "ci / production", "action_required")
	named := w.newest(sha).ID
	_, err = c.Decide(w.context(), named, api.Answer{Approved: true})
	w.refusedWith(err, api.Forbidden, "the operator may not decide about ci/production/sign-off; these may: bob")

	sha = w.pipeline(withApproval("") + "# rejected\n")
	w.push("main")
	w.check(sha, "ci / production", "action_required")
	if _, err := c.Decide(w.context(), w.newest(sha).ID, api.Answer{Comment: "not today"}); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / production", "failure")
}

func TestAPIAsksAboutTheHead(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(withApproval(""))
	w.push("main")
	w.check(sha, "ci / production", "action_required")
	w.github.HoldDeliveries(true)
	w.commit("Newer", nil)
	w.push("main")
	_, err := w.api().Decide(w.context(), w.newest(sha).ID, api.Answer{Approved: true})
	w.refusedWith(err, api.Conflict, "the head has moved on")
	w.github.HoldDeliveries(false)
	w.check(sha, "ci / production", "cancelled")
}

const byHand = `
on: { push: { branches: [never] } }
variables: { REGION: eu }
stages:
  - name: build
    actions:
      - { name: compile, image: IMAGE, env: { REGION: "${{ variables.REGION }}", WHY: "${{ execution.trigger }}" }, run: "echo $REGION $WHY $(cat README.md)" }
  - name: production
    actions:
      - { name: sign-off, approval: {} }
`

func TestAPIStarts(t *testing.T) {
	w := newWorld(t)
	first := w.pipeline(byHand)
	w.push("main")
	w.logged("no pipeline runs on a push to main")
	second := w.commit("Newer", map[string]string{"README.md": "newer\n"})
	w.push("main")
	c := w.api()
	x, err := c.Start(w.context(), api.Start{
		Repository: "octo/shop", Pipeline: "CI", Commit: first, Variables: map[string]string{"REGION": "us"},
	}, "one")
	if err != nil {
		t.Fatal(err)
	}
	if x.Trigger != "manual" || x.Actor != "the operator" || x.Lane != "refs/heads/main" || x.Revision.Commit != first || x.Variables[0].Value != "us" {
		t.Errorf("started %+v", x)
	}
	w.check(first, "ci / build (manual 1)", "success")
	w.check(first, "ci / production (manual 1)", "action_required")
	if log := w.actionLog(w.runs(first, "ci / build (manual 1)")[0], "compile"); !strings.Contains(log, "us manual shop") {
		t.Errorf("log: %s", log)
	}
	again, err := c.Start(w.context(), api.Start{Repository: "octo/shop", Pipeline: "ci", Commit: first, Variables: map[string]string{"REGION": "us"}}, "one")
	if err != nil || again.ID != x.ID {
		t.Errorf("the same key: %s, %v", again.ID, err)
	}
	_, err = c.Start(w.context(), api.Start{Repository: "octo/shop", Pipeline: "ci", Commit: first}, "one") // without the variable
	w.refusedWith(err, api.Conflict, "the key has started execution 1 already")
	_, err = c.Start(w.context(), api.Start{Repository: "octo/shop", Pipeline: "ci", Commit: second}, "one")
	w.refusedWith(err, api.Conflict, "the key has started execution 1 already")
	_, err = c.Start(w.context(), api.Start{Repository: "octo/shop", Pipeline: "ci", Variables: map[string]string{"REGION": "asia"}}, "one")
	w.refusedWith(err, api.Conflict, "the key has started execution 1 already")
	_, err = c.Decide(w.context(), x.ID, api.Answer{Approved: true})
	w.refusedWith(err, api.Forbidden, "the operator is an author of this change")

	newest, err := c.Start(w.context(), api.Start{Repository: "octo/shop", Pipeline: "ci"}, "") // release change
	if err != nil || newest.Revision.Commit != second || newest.Number != 2 {
		t.Fatalf("the newest commit: %+v %v", newest.Summary, err)
	}
	waiting := w.check(second, "ci / production (manual 2)", "action_required")
	if err := w.repo.ClickAction("carol", waiting.ID, "approve"); err != nil {
		t.Fatal(err)
	}
	w.check(second, "ci / production (manual 2)", "success")
	w.check(first, "ci / production (manual 1)", "cancelled") // superseded by the newer one
}

func TestAPIRefusesToStart(t *testing.T) {
	w := newWorld(t)
	main := w.pipeline(byHand)
	w.push("main")
	w.git(w.clone, "checkout", "--quiet", "-b", "other")
	other := w.commit("Other", map[string]string{".github/pipelines/bad.yaml": "on: push\nstagse: []\n"})
	w.push("other")
	w.git(w.clone, "tag", "v1")
	w.push("v1")
	c := w.api()
	for _, tc := range []struct {
		start api.Start
		code  api.Code
		want  string
	}{
		{api.Start{Repository: "octo/none", Pipeline: "ci"}, api.NotFound, `not installed on a repository "octo/none"`},
		{api.Start{Pipeline: "cd"}, api.NotFound, `no pipeline "cd" at ` + main[:7] + "; there is ci"},
		{api.Start{Pipeline: "ci", Branch: "nope"}, api.NotFound, "has no refs/heads/nope"},
		{api.Start{Pipeline: "ci", Tag: "v2"}, api.NotFound, "has no refs/tags/v2"},
		{api.Start{Pipeline: "ci", Commit: other}, api.Conflict, "is not part of branch main"},
		{api.Start{Pipeline: "ci", Commit: strings.Repeat("1", 40)}, api.NotFound, "has no commit 1111"},
		{api.Start{Pipeline: "bad", Branch: "other"}, api.Invalid, ".github/pipelines/bad.yaml:"},
		{api.Start{Pipeline: "ci", Variables: map[string]string{"REGOIN": "x"}}, api.NotFound, `no variable "REGOIN"; it has REGION`},
	} {
		if tc.start.Repository == "" {
			tc.start.Repository = "octo/shop"
		}
		_, err := c.Start(w.context(), tc.start, "key")
		w.refusedWith(err, tc.code, tc.want)
	}
	page, err := c.Executions(w.context(), api.Filter{Pipeline: "ci"})
	if len(page.Items) > 0 {
		t.Errorf("something was started: %v %v", page, err)
	}
	x, err := c.Start(w.context(), api.Start{Repository: "octo/shop", Pipeline: "ci", Tag: "v1"}, "key")
	if err != nil || x.Lane != "refs/tags/v1" || x.Revision.Commit != other {
		t.Errorf("a tag: %+v %v", x.Summary, err)
	}
	w.check(other, "ci / build (manual 1)", "success")
}
