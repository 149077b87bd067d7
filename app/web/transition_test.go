package web_test

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

func TestClosedWaySaysSo(t *testing.T) {
	x := running()
	x.Stages[1].Status, x.Stages[1].Actions[0].Status = pipeline.Waiting, pipeline.Pending
	s := newSite(x, nil)
	s.shelf.closed = map[string]pipeline.Transition{
		"test":       {Stage: "test", Actor: "ann", Reason: "stock<b>-taking", At: at(0), Until: at(3600)},
		"production": {Stage: "production", Actor: "bob", Reason: "holidays", At: at(0)},
	}
	html := s.get(t, pagePath)
	const way = "The way into this stage is closed by ann since 4 May 2026 12:00 UTC, until Monday 4 May 2026 13:00 UTC: stock&lt;b&gt;-taking. When it is opened, the newest of pull/7 that waits here goes on."
	if got := strings.Count(words(html), way); got != 2 { // above the stages, and at its own
		t.Errorf("the page says %d times who closed the way:\n%s", got, words(html))
	}
	wantWords(t, html, "production · not started The way into this stage is closed by bob since 4 May 2026 12:00 UTC: holidays.")
	if strings.Contains(words(html), "Another execution") {
		t.Error("the page says that another execution is in the stage")
	}
	x.Definition.Mode = pipeline.Queueing
	s = newSite(x, nil)
	s.shelf.closed = map[string]pipeline.Transition{"test": {Stage: "test", Actor: "ann", Reason: "r", At: at(0)}}
	wantWords(t, s.get(t, pagePath), "those of pull/7 that wait here go on in the order in which they came")
}

// TestEndedHasNoWays asks that what is closed now is not shown with what has ended.
func TestEndedHasNoWays(t *testing.T) {
	s := newSite(red(), redLogs())
	s.shelf.closed = map[string]pipeline.Transition{"production": {Stage: "production", Actor: "ann", Reason: "stock-taking", At: at(0)}}
	if html := s.get(t, pagePath); strings.Contains(html, "stock-taking") {
		t.Error("the page shows it")
	}
}
