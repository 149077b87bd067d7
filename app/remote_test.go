package app_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/api/apitest"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
	"github.com/stagegate/stagegate/runner/docker"
	"github.com/stagegate/stagegate/runner/remote"
)

// operator asks the App as whoever holds the operator's token.
func (w *world) operator() api.Client {
	w.t.Helper()
	token, err := os.ReadFile(filepath.Join(w.data, "admin-token"))
	if err != nil {
		w.t.Fatal(err)
	}
	return api.Client{URL: "http://" + w.listen, Token: strings.TrimSpace(string(token)), HTTP: apitest.Client(w.t)}
}

// newWorldApart is a world whose App leaves its jobs to runners elsewhere, and the
// token of one such.
func newWorldApart(t *testing.T) (w *world, token string) {
	t.Helper()
	w = newWorld(t)
	w.stop()
	w.apart = true
	w.start()
	made, err := w.operator().AddRunner(w.context(), "tower")
	if err != nil {
		t.Fatal(err)
	}
	return w, made.Token
}

func (w *world) remote(token string) *remote.Client {
	w.t.Helper()
	c, err := remote.NewClient(remote.Server{URL: "http://" + w.listen, Token: token, TempDir: w.t.TempDir()})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// runApart runs jobs over HTTP until stop is called.
func (w *world) runApart(id, token string) (stop func()) {
	w.t.Helper()
	engine, err := docker.New()
	if err != nil {
		w.t.Fatal(err)
	}
	client := w.remote(token)
	r := runner.New(runner.Config{
		ID: id, Slots: 2, Grace: time.Second, Jobs: client, Files: client, Engine: engine, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			w.t.Errorf("run apart: %v", err)
		}
	}
}

const apart = `
on: { push: {} }
stages:
  - name: build
    actions:
      - name: compile
        image: IMAGE
        run: |
          mkdir out && cat README.md > out/a.txt
          echo "version=7" >> "$STAGEGATE_OUTPUT"
          echo made
        artifacts: { shop: out }
  - name: ship
    actions:
      - name: deliver
        image: IMAGE
        inputs: [source, shop]
        env: { V: "${{ build.compile.version }}" }
        run: |
          echo "version $V of $(cat "$STAGEGATE_INPUT_SHOP/a.txt")"
`

// TestARunnerOnAnotherMachine carries out a pipeline by a runner that has nothing of
// the App but its address and a token.
func TestARunnerOnAnotherMachine(t *testing.T) {
	w, token := newWorldApart(t)
	defer w.runApart("apart-1", token)()
	sha := w.pipeline(apart)
	w.push("main")
	run := w.check(sha, "ci / ship", "success")
	if log := w.actionLog(run, "deliver"); !strings.Contains(log, "version 7 of shop") {
		t.Errorf("log:\n%s", log)
	}
	list, err := w.operator().Runners(w.context())
	if err != nil || len(list.Items) != 1 || list.Items[0].Name != "tower" || list.Items[0].SeenAt.IsZero() {
		t.Errorf("runners %+v, %v", list, err)
	}
}

// handed pushes a pipeline of one action and leases its job, as a runner would.
func handed(t *testing.T, w *world, c *remote.Client, branch, token string) runner.Lease {
	t.Helper()
	w.pipeline(`
on: { push: {} }
stages:
  - name: build
    actions: [{ name: compile, image: IMAGE, run: "true", artifacts: { shop: out } }]
`)
	w.push("HEAD:refs/heads/" + branch)
	l, err := c.Lease(w.context(), "apart-2", token)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func lost(errs ...error) bool {
	for _, err := range errs {
		if !errors.Is(err, runner.ErrLeaseLost) {
			return false
		}
	}
	return true
}

// TestTheTokenOfAJobEndsWithIt lets a job end and asks on with its token.
func TestTheTokenOfAJobEndsWithIt(t *testing.T) {
	w, token := newWorldApart(t)
	c, ctx := w.remote(token), w.context()
	l := handed(t, w, c, "main", strings.Repeat("a", 43))
	source := l.Job.Inputs[0]
	in, err := c.Input(ctx, l.Token, source.Name)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, in); err != nil || n != source.Size {
		t.Errorf("%d bytes of the source, %v", n, err)
	}
	forged := pipeline.Result{Status: pipeline.Succeeded, Artifacts: []pipeline.Artifact{{Name: "shop", Digest: source.Digest, Size: source.Size}}, FinishedAt: time.Now()}
	brief, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	if err := c.Finish(brief, l.Token, forged); err == nil {
		t.Error("a result may name artifacts that the job has not stored")
	}
	made, err := c.Output(ctx, l.Token, "shop", strings.NewReader("no tar, but stored"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Finish(ctx, l.Token, pipeline.Result{Status: pipeline.Succeeded, Artifacts: []pipeline.Artifact{made}, FinishedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	_, input := c.Input(ctx, l.Token, source.Name)
	_, output := c.Output(ctx, l.Token, "shop", strings.NewReader("other"))
	_, secrets := c.Secrets(ctx, l.Token)
	_, log := c.Log(ctx, l.Token, 0)
	_, renew := c.Renew(ctx, l.Token)
	if !lost(input, output, secrets, log, renew, c.Started(ctx, l.Token, time.Now(), ""), c.Finish(ctx, l.Token, forged)) {
		t.Error("the token of a job that has ended opens something:", input, output, secrets, log, renew)
	}
}

// TestAJobsTokenOpensNoOther asks with the token of one job for what is another's, and
// takes a lease over by its token.
func TestAJobsTokenOpensNoOther(t *testing.T) {
	w, token := newWorldApart(t)
	c, ctx := w.remote(token), w.context()
	one := handed(t, w, c, "one", strings.Repeat("a", 43))
	two := handed(t, w, c, "two", strings.Repeat("b", 43))
	if one.Job.ID == two.Job.ID {
		t.Fatal("one job was handed out twice")
	}
	for name, token := range map[string]string{"the job": one.Token, "the runner": token} {
		brief, stop := context.WithTimeout(ctx, time.Second)
		_, input := c.Input(brief, token, two.Job.ID.String())
		_, other := c.Input(brief, token, "nothing")
		stop()
		if input == nil || other == nil {
			t.Errorf("the token of %s opens what it should not", name)
		}
	}
	again, err := c.Lease(ctx, "apart-2", one.Token)
	if err != nil || again.Job.ID != one.Job.ID {
		t.Errorf("asked again, the runner gets %v, %v", again.Job.ID, err)
	}
	if _, err := c.Lease(ctx, "apart-3", one.Token); !lost(err) {
		t.Errorf("another machine takes a lease over by its token: %v", err)
	}
	if held, err := c.Held(ctx, "apart-3"); err != nil || len(held) > 0 {
		t.Errorf("another machine is told of %v, %v", held, err)
	}
}

// TestARunnerThatIsRemoved is heard no more, and what it ran has not succeeded.
func TestARunnerThatIsRemoved(t *testing.T) {
	w, token := newWorldApart(t)
	c, ctx := w.remote(token), w.context()
	l := handed(t, w, c, "main", strings.Repeat("a", 43))
	if _, err := w.operator().RemoveRunner(ctx, "tower"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Lease(ctx, "apart-2", strings.Repeat("b", 43)); !errors.Is(err, remote.ErrUnauthorized) {
		t.Errorf("a removed runner gets work: %v", err)
	}
	if err := c.Finish(ctx, l.Token, pipeline.Result{Status: pipeline.Succeeded, FinishedAt: time.Now()}); !lost(err) {
		t.Errorf("a removed runner is heard: %v", err)
	}
	run := w.check(l.Job.Commit, "ci / build", "failure")
	if !strings.Contains(run.Summary+run.Text, "the runner tower was removed") {
		t.Errorf("the check says %q", run.Summary)
	}
	var no *api.Refusal
	if _, err := w.operator().RemoveRunner(ctx, "tower"); !errors.As(err, &no) || no.Code != api.NotFound {
		t.Errorf("removed twice: %v", err)
	}
}
