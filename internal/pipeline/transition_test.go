package pipeline_test

import (
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

func TestTransition(t *testing.T) {
	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	key := pipeline.LockKey{Repository: 42, Pipeline: "release", Lane: "refs/heads/main", Stage: "production"}
	of := func(lane, reason string, until time.Time) pipeline.Transition {
		return pipeline.Transition{Repository: 42, Pipeline: "release", Stage: "production", Lane: lane, Reason: reason, Until: until}
	}
	elsewhere := func(change func(*pipeline.Transition)) pipeline.Transition {
		tr := of("", "elsewhere", time.Time{})
		change(&tr)
		return tr
	}
	soon, later := now.Add(time.Hour), now.Add(2*time.Hour)
	for _, tc := range []struct {
		name string
		all  []pipeline.Transition
		want string // the reason of the one that closes it
	}{
		{"none", nil, ""},
		{"of all lanes", []pipeline.Transition{of("", "all", time.Time{})}, "all"},
		{"of its lane", []pipeline.Transition{of("refs/heads/main", "lane", soon)}, "lane"},
		{"of another lane", []pipeline.Transition{of("pull/7", "lane", time.Time{})}, ""},
		{"its time is over", []pipeline.Transition{of("", "all", now)}, ""},
		{"one is over, one holds", []pipeline.Transition{of("", "all", now), of("refs/heads/main", "lane", soon)}, "lane"},
		{"the later one counts", []pipeline.Transition{of("", "all", later), of("refs/heads/main", "lane", soon)}, "all"},
		{"one without an end counts", []pipeline.Transition{of("", "all", later), of("refs/heads/main", "lane", time.Time{})}, "lane"},
		{"without an end, whatever follows", []pipeline.Transition{of("", "all", time.Time{}), of("refs/heads/main", "lane", later)}, "all"},
		{"of another repository, pipeline, stage", []pipeline.Transition{
			elsewhere(func(tr *pipeline.Transition) { tr.Repository = 43 }), elsewhere(func(tr *pipeline.Transition) { tr.Pipeline = "ci" }),
			elsewhere(func(tr *pipeline.Transition) { tr.Stage = "build" }),
		}, ""},
	} {
		got, closed := pipeline.Closing(tc.all, key, now)
		if got.Reason != tc.want || closed != (tc.want != "") {
			t.Errorf("%s: %v, closed by %q, want %q", tc.name, closed, got.Reason, tc.want)
		}
	}
}

func TestTransitionInWords(t *testing.T) {
	paris := time.FixedZone("CET", 3600)
	tr := pipeline.Transition{Actor: "ann", Reason: "stock-taking", At: time.Date(2026, 11, 27, 9, 0, 0, 0, paris)}
	if got, want := tr.Words(), "closed by ann since 27 November 2026 08:00 UTC: stock-taking"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	tr.Until = time.Date(2026, 11, 30, 9, 0, 0, 0, paris)
	if got, want := tr.Words(), "closed by ann since 27 November 2026 08:00 UTC, until Monday 30 November 2026 09:00 CET (Monday 08:00 UTC): stock-taking"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
