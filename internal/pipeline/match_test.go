package pipeline_test

import (
	"testing"

	"github.com/stagegate/stagegate/internal/pipeline"
)

func TestMatch(t *testing.T) {
	for _, tc := range []struct {
		patterns []string
		branch   string
		starts   bool
		why      string
	}{
		{nil, "anything", true, "push is for every branch"},
		{nil, "", false, "tags start nothing"},
		{[]string{"main"}, "main", true, "push.branches has main"},
		{[]string{"main"}, "main2", false, "push.branches is main"},
		{[]string{"**"}, "", false, "tags start nothing"},
		{[]string{"release/*"}, "release/1", true, "push.branches has release/*"},
		{[]string{"main", "release/*"}, "release/1/a", false, "push.branches is main, release/*"},
		{[]string{"release/**"}, "release/1/a", true, "push.branches has release/**"},
		{[]string{"**", "!wip/**"}, "wip/x", false, "push.branches has !wip/**"},
		{[]string{"**", "!wip/**", "wip/keep"}, "wip/keep", true, "push.branches has wip/keep"},
		{[]string{"!main"}, "other", false, "push.branches is !main"},
	} {
		on := pipeline.Triggers{Push: &pipeline.BranchFilter{Branches: tc.patterns}}
		starts, why := on.Match(pipeline.Push, pipeline.Revision{Branch: tc.branch, Base: "main"})
		if starts != tc.starts || why != tc.why {
			t.Errorf("%v, push to %q: %v, %s; want %v, %s", tc.patterns, tc.branch, starts, why, tc.starts, tc.why)
		}
	}
}

// TestMatchPullRequest asks that the base decides, and that no trigger stands in
// for another.
func TestMatchPullRequest(t *testing.T) {
	main := &pipeline.BranchFilter{Branches: []string{"main"}}
	for _, tc := range []struct {
		on     pipeline.Triggers
		base   string
		starts bool
		why    string
	}{
		{pipeline.Triggers{PullRequest: main}, "main", true, "pull_request.branches has main"},
		{pipeline.Triggers{PullRequest: main}, "dev", false, "pull_request.branches is main"},
		{pipeline.Triggers{PullRequest: &pipeline.BranchFilter{}}, "dev", true, "pull_request is for every branch"},
		{pipeline.Triggers{Push: main}, "main", false, "on has no pull_request"},
		{pipeline.Triggers{}, "main", false, "on has no pull_request"},
	} {
		starts, why := tc.on.Match(pipeline.PullRequest, pipeline.Revision{Branch: "main", Base: tc.base})
		if starts != tc.starts || why != tc.why {
			t.Errorf("%+v, base %s: %v, %s; want %v, %s", tc.on, tc.base, starts, why, tc.starts, tc.why)
		}
	}
}
