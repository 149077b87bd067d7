package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/web"
	"github.com/stagegate/stagegate/internal/pipeline"
)

var tags = regexp.MustCompile(`<[^>]*>`)

// words is what people read of a page, spaces made one.
func words(html string) string {
	return strings.Join(strings.Fields(tags.ReplaceAllString(html, " ")), " ")
}

func wantWords(t *testing.T, html string, want ...string) {
	t.Helper()
	text := words(html)
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("the page does not say %q:\n%.3000s", w, text)
		}
	}
}

func TestEveryStatusHasAWordASymbolAndAColour(t *testing.T) {
	badge := regexp.MustCompile(`<span class="badge (good|bad|busy|ask|idle)"><span aria-hidden="true">[^<]+</span> ([^<]+)</span>`)
	want := map[pipeline.Status]string{
		pipeline.Pending: "not started", pipeline.Waiting: "waiting for approval", pipeline.Queued: "queued", pipeline.InProgress: "running",
		pipeline.Cancelling: "stopping", pipeline.Succeeded: "succeeded", pipeline.Failed: "failed", pipeline.Errored: "could not be run",
		pipeline.TimedOut: "timed out", pipeline.Rejected: "rejected", pipeline.Expired: "expired", pipeline.Cancelled: "cancelled",
		pipeline.Superseded: "superseded", "made-up": "made-up",
	}
	for status, word := range want {
		x := execution(0)
		x.Stages[0].Status, x.Stages[0].StartedAt = pipeline.InProgress, at(1)
		x.Stages[0].Actions[1].Status = status
		html := newSite(x, nil).get(t, pagePath)
		article := html[strings.Index(html, `<article id="build.lint">`):]
		if got := badge.FindStringSubmatch(article); got == nil || got[2] != word {
			t.Errorf("%s: badge is %q, want %q", status, got, word)
		}
		for _, whole := range []pipeline.Status{status} {
			x.Status = whole
			x.Stages[0].Status = whole
			newSite(x, nil).get(t, pagePath) // must not fail
		}
	}
}

func TestFailureComesFirst(t *testing.T) {
	html := newSite(red(), redLogs()).get(t, pagePath)
	wantWords(t, html, "release #41 ✗ failed", "test / unit ✗ failed Exit code 1 --- FAIL: TestBasketSurvivesSession", "attempt 2", "Logs of earlier attempts: 1",
		"production · not reached", "5f3c2a9 Keep the basket when the session ends pull request #7 into main by ada")
	reason, stages := strings.Index(html, "TestBasketSurvivesSession"), strings.Index(html, `class="stage"`)
	if reason < 0 || stages < reason {
		t.Error("the reason does not stand before the stages")
	}
	for _, want := range []string{
		`<section class="stage" id="test">`, `href="#test.unit"`, `id="test.unit"`, `<details open>`, `href="` + token + `/logs/test/unit/2"`, `href="` + token + `/logs/test/unit/1"`,
		`href="https://github.com/acme/shop/commit/5f3c2a9be1d04c77a3f0b2c4d5e6f708192a3b4c"`, `href="https://github.com/acme/shop/pull/7"`,
		`<div class="e" data-t="6.8">go: downloading`, `<div class="s" data-t="−0.9">pulling`, `<span class="term-fg31">`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if strings.Contains(html, "Longer words") {
		t.Error("the page has more than the first line of the message")
	}
	if got := strings.Count(html, "<details open>"); got != 1 {
		t.Errorf("%d logs are open, want that of the failed action", got)
	}
}

func TestGreen(t *testing.T) {
	html := newSite(green(), nil).get(t, pagePath)
	wantWords(t, html, "✓ succeeded", "3 min 10 s", "Approved by grace , by comment, 2026-05-04 12:02:20 UTC",
		"bound to commit 5f3c2a9 , pipeline file 9f86d081884c , source ab12ab12ab12 4.1 MiB , shop c0ffee42c0ff 17.5 MiB",
		"artifact shop c0ffee42c0ff 17.5 MiB", "output version = 1.4.2", "image golang:1.26@sha256:0123456789ab…", "Stagegate 1.2.3")
	if strings.Contains(html, "refresh") {
		t.Error("the page of an ended execution is loaded anew")
	}
}

func TestApprovalSaysWhoAndHow(t *testing.T) {
	x := asking()
	html := newSite(x, nil).get(t, pagePath)
	wantWords(t, html, "release #41 ? waiting for approval", "May approve: @grace, @acme/release-managers , but no author of the change.",
		"Until 2026-05-07 12:02:00 UTC , 2 days 23 h from now.", "Press a button of the check run release / production , or comment on pull request #7 : /approve release/production/sign-off or /reject release/production/sign-off", "The answer is for commit 5f3c2a9 and no other.", "Git LFS")
	if !strings.Contains(html, `content="30"`) {
		t.Error("a page that waits for people is not loaded anew every 30 seconds")
	}
	x.Revision.PullRequest, x.Definition.Stages[2].Actions[0].Approval = 0, &pipeline.Approval{SelfReview: true}
	html = newSite(x, nil).get(t, pagePath)
	wantWords(t, html, "May approve: anyone with write access . Until", "Press a button of the check run release / production .")
	if strings.Contains(html, "/approve") {
		t.Error("a push has no pull request to comment on")
	}
}

func TestProblems(t *testing.T) {
	wantWords(t, newSite(unstarted(), nil).get(t, pagePath), "The pipeline could not start",
		".github/pipelines/release.yaml:12:9 imgae is not a key of an action — did you mean image?",
		".github/pipelines/release.yaml:31:15 there is no action called units in stage test — unit is", "main pushed by ada")
}

func TestRefreshesOnlyWhileItRuns(t *testing.T) {
	s := newSite(running(), map[string]string{
		"x41/build/compile/1": logLine(3, 'o', "of compile"), "x41/test/unit/1": logLine(64, 'o', "of unit"),
	})
	html := s.get(t, pagePath)
	if !strings.Contains(html, `<meta http-equiv="refresh" content="5">`) {
		t.Error("a running execution is not loaded anew")
	}
	wantWords(t, html, "every 5 seconds. Hold it still", "of unit", "After unit")
	if strings.Contains(html, "of compile") || !strings.Contains(html, `href="?log=build%2Fcompile#build.compile"`) {
		t.Error("a page that is loaded anew must link to the logs that would fold")
	}
	for _, query := range []string{"?still", "?log=build%2Fcompile"} {
		html = s.get(t, pagePath+query)
		if strings.Contains(html, "http-equiv") {
			t.Errorf("%s: loaded anew", query)
		}
		wantWords(t, html, "Follow it", "of compile", "of unit")
	}
	if got := strings.Count(html, "<details open>"); got != 2 {
		t.Errorf("%d logs are open, want the running and the asked for", got)
	}
}

func TestRunningWithoutOutput(t *testing.T) {
	x := running()
	wantWords(t, newSite(x, nil).get(t, pagePath), "unit ● running 1 min 7 s No output yet.")
	x.Stages[1].Actions[0].Status = pipeline.Cancelling
	wantWords(t, newSite(x, map[string]string{"x41/test/unit/1": ""}).get(t, pagePath), "unit ● stopping 1 min 7 s No output yet.")
}

func TestWaitingForTheLockSaysSo(t *testing.T) {
	x := running()
	x.Stages[1].Status, x.Stages[1].Actions[0].Status = pipeline.Waiting, pipeline.Pending
	s := newSite(x, nil)
	s.shelf.holder = "execution 40"
	wantWords(t, s.get(t, pagePath), "#41 … waiting", "Hold it still Waits for execution 40 to leave this stage. Then it enters, unless a newer execution of pull/7 takes its place.")
}

func TestWaitingForARunnerSaysSo(t *testing.T) {
	x := running()
	x.Stages[1].Actions[1].Status = pipeline.Queued
	wantWords(t, newSite(x, nil).get(t, pagePath), "Waits for a free runner: integration.")
}

func TestWithoutGitHubURLNoLinks(t *testing.T) {
	s := &site{Handler: web.Handler(web.Config{Executions: &shelf{executions: map[string]pipeline.Execution{token: asking()}}})}
	if html := s.get(t, pagePath); strings.Contains(html, "://") {
		t.Errorf("the page links somewhere:\n%s", html)
	}
	if w := s.do(t, http.MethodHead, pagePath); w.Code != http.StatusOK {
		t.Errorf("HEAD: %d", w.Code)
	}
}

func TestHostileTextIsOnlyText(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>' onclick='a`
	x := red()
	x.Actor, x.Lane, x.Repository, x.Reason = evil, evil, evil, evil
	x.Definition.Name, x.Definition.File = evil, evil
	x.Revision = pipeline.Revision{Commit: evil, Branch: evil, Message: evil, Author: "a" + evil}
	x.Notes, x.Problems = []string{evil}, []pipeline.Problem{{File: evil, Line: 1, Message: evil, Hint: evil}}
	x.Stages[1].Name, x.Stages[1].Reason = evil, evil
	x.Stages[1].Past = []pipeline.Attempt{{Attempt: 1, Status: evil, Reason: evil, Actions: []pipeline.ActionState{{Name: evil, Status: evil}}}}
	a := &x.Stages[1].Actions[0]
	a.Name, a.Reason, a.Image, a.LogTail = evil, evil, evil, evil
	a.Outputs, a.Artifacts = []pipeline.Value{{Name: evil, Value: evil}}, []pipeline.Artifact{{Name: evil, Digest: evil}}
	a.Decision = &pipeline.Decision{Actor: evil, Door: evil, Commit: evil, Definition: evil}
	x.Stages[2].Actions[0].Status, x.Stages[2].Status = pipeline.Waiting, pipeline.InProgress
	html := newSite(x, map[string]string{"x41/build/compile/1": logLine(1, 'o', evil) + evil + "\n"}).get(t, pagePath)
	for _, bad := range []string{"<script", "<img", "onclick='a"} {
		if strings.Contains(html, bad) {
			t.Errorf("the page has %s:\n%s", bad, html)
		}
	}
	for _, tag := range tags.FindAllString(html, -1) {
		if strings.Contains(tag, "onerror") && !strings.Contains(tag, "&#34;") && !strings.Contains(tag, "%22") {
			t.Errorf("the page has the tag %s", tag)
		}
	}
	x = green()
	x.Revision.Message, x.Revision.PullRequest, x.Revision.Branch = "safe\u202egpj.exe \x1b[31m\x00", 0, "niam\u202e/../x"
	html = newSite(x, nil).get(t, pagePath)
	if strings.ContainsAny(html, "\u202e\x1b\x00") {
		t.Error("the page has marks that turn the direction, or control codes")
	}
}
