package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/api"
)

// TestExecutionText shows what rules came to, who overrode them, and which actions are
// there for them.
func TestExecutionText(t *testing.T) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	checks := []api.Check{{At: at, Point: "before-entry", Findings: []api.Finding{
		{Rule: "window", Evidence: "closed\x1b[2J", Otherwise: "wait"}, {Rule: "command", Holds: true, Otherwise: "fail"},
	}}}
	x := api.Execution{
		Summary: api.Summary{Pipeline: "release", Number: 7, Repository: "octo/shop", Status: "in_progress"},
		Stages: []api.Stage{{
			Name: "production", Status: "in_progress", Conditions: checks,
			Overrides: []api.Overridden{{At: at, Actor: "ann", Reason: "hotfix", Point: "before-entry"}},
			Past:      []api.PastStage{{Attempt: 1, Status: "failed", Conditions: checks, Actions: []api.PastAction{{Name: "unit-1", Title: "unit (1)", Status: "failed"}}}},
			Actions:   []api.Action{{Name: "unit-1", Title: "unit (1)", Status: "succeeded"}, {Name: "tidy", Title: "tidy", Role: "finally", Status: "pending"}},
		}},
	}
	var b bytes.Buffer
	if err := executionText(&b, x); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"before-entry window does not hold (otherwise wait): closed", "before-entry command holds ",
		"overridden before-entry by ann at 2026-11-28 12:00 UTC: hotfix", "(attempt 1) failed: unit (1) failed", "tidy (finally) pending",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, b.String())
		}
	}
	if strings.Count(text, "window does not hold") != 2 || strings.Contains(text, "\x1b") {
		t.Errorf("it says\n%q", b.String())
	}
}

func TestKeptBack(t *testing.T) {
	x := api.Execution{Stages: []api.Stage{
		{Name: "build", Status: "succeeded"},
		{Name: "test", Status: "failed"},
		{Name: "staging", Status: "waiting", WaitsFor: []api.Wait{{Kind: "lock"}}},
		{Name: "production", Status: "waiting", WaitsFor: []api.Wait{{Kind: "condition"}}},
	}}
	if got := strings.Join(keptBack(x), " "); got != "test production" {
		t.Errorf("offered: %s", got)
	}
}
