package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/web"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

const token = "c3Vycm91bmRlZC1ieS1zdGFnZXMtYW5kLWdhdGVzXzE"

var began = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return began.Add(time.Duration(seconds * float64(time.Second))) }

// shelf is a fixed set of executions by token and of logs by job.
type shelf struct {
	executions map[string]pipeline.Execution
	logs       map[string]string
	closed     map[string]pipeline.Transition
	holder     string
	broken     error
	asked      []string // tokens
}

func (s *shelf) ByToken(_ context.Context, token string) (pipeline.Execution, error) {
	s.asked = append(s.asked, token)
	if s.broken != nil {
		return pipeline.Execution{}, s.broken
	}
	x, ok := s.executions[token]
	if !ok {
		return pipeline.Execution{}, web.ErrNotFound
	}
	return x, nil
}

func (s *shelf) Around(context.Context, pipeline.Execution) (explain.Around, error) {
	return explain.Around{Closed: s.closed, Holder: s.holder}, s.broken
}

func (s *shelf) Log(_ context.Context, id pipeline.JobID) (io.ReadCloser, error) {
	text, ok := s.logs[id.String()]
	switch {
	case !ok:
		return nil, fmt.Errorf("open log of job %s: %w", id, web.ErrNotFound)
	case text == "broken":
		return io.NopCloser(io.MultiReader(strings.NewReader(logLine(0, 'o', "half")), failing{})), nil
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk is gone") }

func logLine(seconds float64, stream byte, text string) string {
	return fmt.Sprintf("%s %c %s\n", at(seconds).Format("2006-01-02T15:04:05.000Z"), stream, text)
}

func container(name string, needs ...string) pipeline.Action {
	return pipeline.Action{Name: name, Needs: needs, Image: "golang:1.26", Run: "go test ./...", Inputs: []string{"source"}}
}

func definition() pipeline.Definition {
	return pipeline.Definition{
		Name: "release", File: ".github/pipelines/release.yaml", Hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		Stages: []pipeline.Stage{
			{Name: "build", Actions: []pipeline.Action{container("compile"), container("lint")}},
			{Name: "test", Actions: []pipeline.Action{container("unit"), container("integration", "unit")}},
			{Name: "production", Actions: []pipeline.Action{
				{Name: "sign-off", Approval: &pipeline.Approval{Teams: []string{"release-managers"}, Users: []string{"grace"}, Expires: 72 * time.Hour}},
				container("roll-out", "sign-off"),
			}},
		},
	}
}

// execution has one status throughout: reached stages ended well, the last
// reached is for the test to change.
func execution(reached int) pipeline.Execution {
	x := pipeline.Execution{
		ID: "x41", Number: 41, Repository: "acme/shop", RepositoryID: 7, Lane: "pull/7", Trigger: pipeline.PullRequest, Actor: "ada",
		Revision: pipeline.Revision{
			Commit: "5f3c2a9be1d04c77a3f0b2c4d5e6f708192a3b4c", Ref: "refs/pull/7/head", Branch: "faster-checkout", Base: "main", PullRequest: 7,
			Message: "Keep the basket when the session ends\n\nLonger words about it.", Author: "ada",
		},
		Definition: definition(), Status: pipeline.InProgress, CreatedAt: at(0),
		Source: pipeline.Artifact{Name: "source", Digest: strings.Repeat("ab12", 16), Size: 4_321_000},
	}
	for i, s := range x.Definition.Stages {
		st := pipeline.StageState{Name: s.Name, Status: pipeline.Pending, Attempt: 1}
		for _, a := range s.Actions {
			st.Actions = append(st.Actions, pipeline.ActionState{Name: a.Name, Status: pipeline.Pending, Attempt: 1})
		}
		x.Stages = append(x.Stages, st)
		if i < reached {
			succeed(&x.Stages[i], float64(2+60*i))
		}
	}
	return x
}

func succeed(st *pipeline.StageState, from float64) {
	st.Status, st.StartedAt, st.EndedAt = pipeline.Succeeded, at(from), at(from+48.4)
	for j := range st.Actions {
		a := &st.Actions[j]
		a.Status, a.StartedAt, a.EndedAt = pipeline.Succeeded, at(from), at(from+12.25*float64(j+1))
		a.Image = "docker.io/library/golang:1.26@sha256:" + strings.Repeat("0123456789abcdef", 4)
	}
}

func green() pipeline.Execution {
	x := execution(3)
	x.Status, x.EndedAt = pipeline.Succeeded, at(190)
	x.Stages[0].Actions[0].Outputs = []pipeline.Value{{Name: "version", Value: "1.4.2"}, {Name: "channel", Value: "stable"}}
	x.Stages[0].Actions[0].Artifacts = []pipeline.Artifact{{Name: "shop", Digest: strings.Repeat("c0ffee42", 8), Size: 18_300_000}}
	gate := &x.Stages[2].Actions[0]
	gate.Image, gate.Reason = "", "approved by grace"
	gate.Decision = &pipeline.Decision{
		Approved: true, Actor: "grace", At: at(140), Door: "comment", Commit: x.Revision.Commit, Definition: x.Definition.Hash,
		Artifacts: []pipeline.Artifact{x.Source, x.Stages[0].Actions[0].Artifacts[0]},
	}
	return x
}

func red() pipeline.Execution {
	x := execution(1)
	x.Status, x.EndedAt, x.Reason = pipeline.Failed, at(71), "stage test failed"
	st := &x.Stages[1]
	st.Status, st.StartedAt, st.EndedAt, st.Attempt = pipeline.Failed, at(62), at(71), 2
	unit := &st.Actions[0]
	unit.Status, unit.StartedAt, unit.EndedAt, unit.Attempt = pipeline.Failed, at(63), at(71), 2
	unit.Reason, unit.ExitCode, unit.Image = "exit code 1", 1, "docker.io/library/golang:1.26@sha256:"+strings.Repeat("0123456789abcdef", 4)
	unit.LogTail = "\x1b[31m--- FAIL: TestBasketSurvivesSession (0.01s)\x1b[0m\n    basket_test.go:41: basket has 0 items, want 3\n\x1b[31mFAIL\x1b[0m\nFAIL\tgithub.com/acme/shop/basket\t0.412s\nok  \tgithub.com/acme/shop/money\t0.120s\nFAIL\n"
	st.Actions[1].Status, st.Actions[1].EndedAt, st.Actions[1].Reason = pipeline.Cancelled, at(71), "not started"
	return x
}

func redLogs() map[string]string {
	var b strings.Builder
	b.WriteString(logLine(62.1, 's', "pulling golang:1.26"))
	b.WriteString(logLine(63, 'o', "\x1b[1m$ go test ./...\x1b[0m"))
	for i := range 60 {
		b.WriteString(logLine(63.4+float64(i)/10, 'o', fmt.Sprintf("ok  \tgithub.com/acme/shop/part%02d\t%d.%03ds", i, i%3, i*37%1000)))
	}
	b.WriteString(logLine(69.8, 'e', "go: downloading github.com/google/go-cmp v0.7.0"))
	b.WriteString(logLine(70, 'o', "\x1b[30;43m WARN \x1b[0m \x1b[33mslow test\x1b[0m \x1b[38;5;208mindexed\x1b[0m \x1b[38;2;90;170;255mtrue colour\x1b[0m \x1b[2mfaint\x1b[0m"))
	b.WriteString(logLine(70.1, 'o', "\x1b[31m--- FAIL: TestBasketSurvivesSession (0.01s)"))
	b.WriteString(logLine(70.1, 'o', "    basket_test.go:41: basket has 0 items, want 3 because the session that held it was closed before it was stored\x1b[0m"))
	b.WriteString(logLine(70.9, 'o', "\x1b[37;41m FAIL \x1b[0m\tgithub.com/acme/shop/basket\t0.412s"))
	b.WriteString(logLine(71, 's', "failed: exit code 1"))
	return map[string]string{
		"x41/build/compile/1": logLine(2, 'o', "building") + logLine(12, 'o', "\x1b[32mdone\x1b[0m"),
		"x41/test/unit/2":     b.String(),
	}
}

func asking() pipeline.Execution {
	x := execution(2)
	x.Notes = []string{"The source leaves out 2 files kept by Git LFS."}
	st := &x.Stages[2]
	st.Status, st.StartedAt = pipeline.InProgress, at(120)
	st.Actions[0].Status, st.Actions[0].StartedAt, st.Actions[0].ExpiresAt = pipeline.Waiting, at(120), at(120+72*3600)
	return x
}

func unstarted() pipeline.Execution {
	x := execution(0)
	x.Stages, x.Definition.Stages = nil, nil
	x.Status, x.EndedAt, x.Reason = pipeline.Failed, at(0), "the pipeline could not start"
	x.Source, x.Trigger, x.Lane = pipeline.Artifact{}, pipeline.Push, "refs/heads/main"
	x.Revision.PullRequest, x.Revision.Branch, x.Revision.Ref = 0, "main", "refs/heads/main"
	x.Problems = []pipeline.Problem{
		{File: ".github/pipelines/release.yaml", Line: 12, Column: 9, Message: "imgae is not a key of an action", Hint: "did you mean image?"},
		{File: ".github/pipelines/release.yaml", Line: 31, Column: 15, Message: "there is no action called units in stage test", Hint: "unit is"},
	}
	return x
}

func running() pipeline.Execution {
	x := execution(1)
	st := &x.Stages[1]
	st.Status, st.StartedAt = pipeline.InProgress, at(62)
	st.Actions[0].Status, st.Actions[0].StartedAt = pipeline.InProgress, at(63)
	return x
}
