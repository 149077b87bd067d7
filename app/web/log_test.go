package web_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

func TestWholeLogIsAsStored(t *testing.T) {
	s := newSite(red(), redLogs())
	w := s.do(t, http.MethodGet, pagePath+"/logs/test/unit/2")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" || w.Body.String() != redLogs()["x41/test/unit/2"] {
		t.Errorf("%d %v\n%s", w.Code, w.Header(), w.Body)
	}
}

func TestLogCutShortDoesNotPassForWhole(t *testing.T) {
	s := newSite(red(), map[string]string{"x41/test/unit/2": "broken"})
	server := httptest.NewServer(s)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+pagePath+"/logs/test/unit/2", nil)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := server.Client().Do(r); err == nil {
		if _, err := io.ReadAll(res.Body); err == nil {
			t.Error("half a log came as a whole one")
		}
		res.Body.Close()
	}
	server.Close() // waits for the handler, whose log is read next
	if got := s.logs.String(); !strings.Contains(got, "disk is gone") || strings.Contains(got, token) {
		t.Errorf("logged: %s", got)
	}
}

func TestLogThatCannotBeReadDoesNotCostThePage(t *testing.T) {
	s := newSite(red(), map[string]string{"x41/test/unit/2": "broken"})
	wantWords(t, s.get(t, pagePath), "The log could not be read. Whole log", "TestBasketSurvivesSession")
	if got := s.logs.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "x41/test/unit/2") {
		t.Errorf("logged: %s", got)
	}
}

func TestAbsentLogIsNotMentioned(t *testing.T) {
	html := newSite(red(), nil).get(t, pagePath)
	if strings.Contains(html, "<details") || strings.Contains(html, "Whole log") {
		t.Error("the page offers logs that are not there")
	}
}

func TestHugeLogShowsItsEnd(t *testing.T) {
	var b strings.Builder
	for i := range 300_000 {
		b.WriteString(logLine(63+float64(i)/1000, 'o', fmt.Sprintf("line %d of very many", i)))
	}
	start := time.Now()
	html := newSite(red(), map[string]string{"x41/test/unit/2": b.String()}).get(t, pagePath)
	wantWords(t, html, "last 2000 lines", "line 299999 of very many", "Earlier lines are left out. Whole log")
	if got := strings.Count(html, " of very many"); got != 2000 {
		t.Errorf("%d lines are shown", got)
	}
	t.Logf("%d bytes of page in %v", len(html), time.Since(start))
}

func TestManyLargeLogsKeepThePageSmall(t *testing.T) {
	x := red()
	logs := map[string]string{}
	line := logLine(63, 'o', strings.Repeat("w", 60_000))
	for i := range 30 {
		name := fmt.Sprintf("unit-%d", i)
		x.Stages[1].Actions = append(x.Stages[1].Actions, pipeline.ActionState{Name: name, Status: pipeline.Succeeded, Attempt: 1, StartedAt: at(63)})
		logs["x41/test/"+name+"/1"] = strings.Repeat(line, 40)
	}
	logs["x41/test/unit/2"] = logLine(63, 'o', "of the failed action")
	html := newSite(x, logs).get(t, pagePath)
	if len(html) > 4<<20 {
		t.Errorf("the page has %d bytes", len(html))
	}
	wantWords(t, html, "of the failed action", "The page has enough logs already. Whole log")
}

func TestLinesThatAreNoneAreShown(t *testing.T) {
	log := "no time here\n2026-05-04T12:01:03.000Z o\n2026-05-04T12:01:03.000Z x what\n" + logLine(4000, 'o', "late") + "2026-05-04T12:01:09.000Z e cut in the mid"
	html := newSite(red(), map[string]string{"x41/test/unit/2": log}).get(t, pagePath)
	for _, want := range []string{
		`<div class="o" data-t="">no time here</div><div class="o" data-t="0.0">&nbsp;</div><div class="o" data-t="">2026-05-04T12:01:03.000Z x what</div>`,
		`<div class="o" data-t="1:05:37">late</div><div class="e" data-t="6.0">cut in the mid</div>`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page has no %s", want)
		}
	}
}

func TestCommandsOfALogAreRead(t *testing.T) {
	text := ""
	for i, line := range []string{
		"::group::Compile <b>", "cc main.c", "::endgroup::", "::debug::how", "::group::Test", "ok", "::error file=a.c,line=3::it broke",
		"::group::Last", "::warning::slow", "::stop-commands::w", "::error::text", "::w::",
	} {
		text += logLine(64+float64(i), 'o', line)
	}
	text += logLine(81, 's', "::error::not of a script")
	html := newSite(red(), map[string]string{"x41/test/unit/2": text}).get(t, pagePath)
	for _, want := range []string{
		`<details><summary data-t="1.0">Compile &lt;b&gt;</summary><div class="o" data-t="2.0">cc main.c</div></details><div class="o debug"`,
		`<details open><summary data-t="5.0">Test</summary>`,
		`<div class="o error" data-t="7.0">error: a.c:3: it broke</div></details>`,
		`<details open><summary data-t="8.0">Last</summary><div class="o warning" data-t="9.0">warning: slow</div>`,
		`<div class="o" data-t="11.0">::error::text</div>`,
		`<div class="s" data-t="18.0">::error::not of a script</div></details>`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("no %s in\n%s", want, html)
		}
	}
}

func TestWhatAScriptSaidIsOnThePage(t *testing.T) {
	x := red()
	unit := &x.Stages[1].Actions[0]
	unit.Annotations = []pipeline.Annotation{
		{Level: "error", File: "pkg/a b.go", Line: 7, Title: "Broken", Message: "first <line>\nsecond"},
		{Level: "notice", Message: "by the way"},
	}
	unit.Summary = "# All <b>bad</b>\n- one\n"
	html := newSite(x, nil).get(t, pagePath)
	for _, want := range []string{
		`<a href="https://github.com/acme/shop/blob/` + x.Revision.Commit + `/pkg/a%20b.go#L7" rel="noopener noreferrer">pkg/a b.go:7</a></code> <b><bdi>Broken</bdi></b> <bdi class="value">first &lt;line&gt;` + "\nsecond</bdi>",
		`<li class="notice"><span class="level">notice</span> <bdi class="value">by the way</bdi></li>`,
		"<pre class=\"value\"><bdi># All &lt;b&gt;bad&lt;/b&gt;\n- one</bdi></pre>",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("no %s in\n%s", want, html)
		}
	}
}
