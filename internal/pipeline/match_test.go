package pipeline_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// push is the revision of a push to a branch, or of a full ref.
func push(ref string) pipeline.Revision {
	if strings.HasPrefix(ref, "refs/") {
		return pipeline.Revision{Ref: ref}
	}
	return pipeline.Revision{Ref: "refs/heads/" + ref, Branch: ref, Base: "main"}
}

// event is what starts executions, as Match looks at it.
func event(trigger pipeline.Trigger, r pipeline.Revision) pipeline.Execution {
	x := pipeline.Execution{Trigger: trigger, Revision: r}
	if trigger == pipeline.PullRequest {
		x.Activity = "synchronize"
	}
	return x
}

func starts(why string) pipeline.Match { return pipeline.Match{Starts: true, Why: why} }

func skips(why string) pipeline.Match { return pipeline.Match{Skips: true, Why: why} }

func never(why string) pipeline.Match { return pipeline.Match{Why: why} }

func TestMatchRefs(t *testing.T) {
	branches := func(patterns ...string) pipeline.Filter { return pipeline.Filter{Branches: patterns} }
	both := pipeline.Filter{Branches: []string{"main"}, Tags: []string{"v*", "!v0*"}}
	for _, tc := range []struct {
		filter pipeline.Filter
		ref    string
		want   pipeline.Match
	}{
		{branches(), "anything", starts("push is for every branch and tag")},
		{branches(), "refs/tags/v1", starts("push is for every branch and tag")},
		{branches("main"), "main", starts("push.branches has main")},
		{branches("main"), "main2", never("push.branches is main")},
		{branches("**"), "refs/tags/v1", never("push has no tags, only branches")},
		{branches("release/*"), "release/1", starts("push.branches has release/*")},
		{branches("main", "release/*"), "release/1/a", never("push.branches is main, release/*")},
		{branches("release/**"), "release/1/a", starts("push.branches has release/**")},
		{branches("**", "!wip/**"), "wip/x", never("push.branches has !wip/**")},
		{branches("**", "!wip/**", "wip/keep"), "wip/keep", starts("push.branches has wip/keep")},
		{branches("!main"), "other", never("push.branches is !main")},
		{pipeline.Filter{BranchesIgnore: []string{"wip/**", "x"}}, "wip/a", never("push.branches-ignore has wip/**")},
		{pipeline.Filter{BranchesIgnore: []string{"wip/**", "x"}}, "main", starts("push.branches-ignore is wip/**, x")},
		{pipeline.Filter{BranchesIgnore: []string{"wip/**"}}, "refs/tags/v1", never("push has no tags, only branches")},
		{pipeline.Filter{Tags: []string{"v*"}}, "v1", never("push has no branches, only tags")},
		{pipeline.Filter{Tags: []string{"v*"}}, "refs/tags/v1", starts("push.tags has v*")},
		{pipeline.Filter{Tags: []string{"v*"}}, "refs/tags/a/v1", never("push.tags is v*")},
		{pipeline.Filter{TagsIgnore: []string{"*-rc*"}}, "refs/tags/v1-rc1", never("push.tags-ignore has *-rc*")},
		{pipeline.Filter{TagsIgnore: []string{"*-rc*"}}, "refs/tags/v1", starts("push.tags-ignore is *-rc*")},
		{both, "main", starts("push.branches has main")},
		{both, "refs/tags/v1", starts("push.tags has v*")},
		{both, "refs/tags/v0.1", never("push.tags has !v0*")},
		{both, "other", never("push.branches is main")},
		{pipeline.Filter{Paths: []string{"src/**"}}, "refs/tags/v1", starts("push is for every branch and tag")},
	} {
		on := pipeline.Triggers{Push: &tc.filter}
		if diff := cmp.Diff(tc.want, on.Match(event(pipeline.Push, push(tc.ref)))); diff != "" {
			t.Errorf("%+v, push of %s (-want +got)\n%s", tc.filter, tc.ref, diff)
		}
	}
}

// TestMatchPullRequest asks that the base decides, and that no trigger stands in
// for another.
func TestMatchPullRequest(t *testing.T) {
	main := &pipeline.Filter{Branches: []string{"main"}}
	for _, tc := range []struct {
		on   pipeline.Triggers
		base string
		want pipeline.Match
	}{
		{pipeline.Triggers{PullRequest: main}, "main", starts("pull_request.branches has main")},
		{pipeline.Triggers{PullRequest: main}, "dev", never("pull_request.branches is main")},
		{pipeline.Triggers{PullRequest: &pipeline.Filter{}}, "dev", starts("pull_request is for every branch")},
		{pipeline.Triggers{PullRequest: &pipeline.Filter{BranchesIgnore: []string{"dev"}}}, "dev", never("pull_request.branches-ignore has dev")},
		{pipeline.Triggers{Push: main}, "main", never("on has no pull_request")},
		{pipeline.Triggers{}, "main", starts("nobody can tell what on means")},
	} {
		got := tc.on.Match(event(pipeline.PullRequest, pipeline.Revision{Branch: "main", Base: tc.base}))
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%+v, base %s (-want +got)\n%s", tc.on, tc.base, diff)
		}
	}
}

func TestMatchTypes(t *testing.T) {
	const unread = "nobody can tell what on means"
	for _, tc := range []struct {
		types    string
		activity string
		want     pipeline.Match
	}{
		{"", "opened", starts("pull_request is for every branch")},
		{"", "reopened", starts("pull_request is for every branch")},
		{"", "closed", never("pull_request without types is not for closed")},
		{"", "labeled", never("pull_request without types is not for labeled")},
		{"closed labeled", "closed", starts("pull_request is for every branch")},
		{"closed labeled", "opened", never("pull_request.types is closed, labeled")},
		{"unreadable", "opened", starts(unread)},
		{"unreadable", "labeled", never("pull_request without types is not for labeled")},
	} {
		on := pipeline.Triggers{PullRequest: &pipeline.Filter{Types: strings.Fields(tc.types)}}
		if tc.types == "unreadable" {
			on = pipeline.Triggers{}
		}
		x := event(pipeline.PullRequest, pipeline.Revision{Branch: "x", Base: "main"})
		x.Activity = tc.activity
		if got := on.Match(x); got != tc.want {
			t.Errorf("types %q, %s: %+v, want %+v", tc.types, tc.activity, got, tc.want)
		}
	}
}

func TestMatchMergeGroup(t *testing.T) {
	every, group := pipeline.Triggers{Push: &pipeline.Filter{}}, pipeline.Triggers{Push: &pipeline.Filter{}, MergeGroup: &pipeline.Filter{}}
	ends := pipeline.Triggers{MergeGroup: &pipeline.Filter{Types: []string{"destroyed"}}}
	const branch = "gh-readonly-queue/main/pr-1-c0ffee"
	of := func(activity string) pipeline.Execution {
		x := event(pipeline.MergeGroup, push(branch))
		x.Activity, x.Revision.Message = activity, "Merge [skip ci]"
		return x
	}
	for name, tc := range map[string]struct{ got, want pipeline.Match }{
		"asked for":          {group.Match(of("checks_requested")), starts("merge_group is for every group")},
		"gone":               {group.Match(of("destroyed")), never("merge_group without types is not for destroyed")},
		"gone, wanted":       {ends.Match(of("destroyed")), starts("merge_group is for every group")},
		"asked, not wanted":  {ends.Match(of("checks_requested")), never("merge_group.types is destroyed")},
		"not named":          {every.Match(of("checks_requested")), never("on has no merge_group")},
		"its push":           {group.Match(event(pipeline.Push, push(branch))), never("merge_group is for the branches of a merge queue")},
		"its push, no group": {every.Match(event(pipeline.Push, push(branch))), starts("push is for every branch and tag")},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, tc.got, tc.want)
		}
	}
}

func TestMatchPaths(t *testing.T) {
	paths := func(patterns ...string) pipeline.Filter { return pipeline.Filter{Paths: patterns} }
	ignore := func(patterns ...string) pipeline.Filter { return pipeline.Filter{PathsIgnore: patterns} }
	const every = "push is for every branch and tag; "
	for _, tc := range []struct {
		filter  pipeline.Filter
		changed string
		want    pipeline.Match
	}{
		{paths("src/**"), "README.md src/a/b.go", starts(every + "push.paths has src/** for src/a/b.go")},
		{paths("src/**"), "README.md src", starts(every + "push.paths has src/** for src")},
		{paths("src/**"), "README.md", skips("no file that changed is in push.paths: src/**")},
		{paths("*.md"), "docs/a.md", skips("no file that changed is in push.paths: *.md")},
		{paths("**/*.md"), "a.md", starts(every + "push.paths has **/*.md for a.md")},
		{paths("**", "!docs/**"), "docs/a docs/b", skips("no file that changed is in push.paths: **, !docs/**")},
		{paths("**", "!docs/**"), "docs/a b", starts(every + "push.paths has ** for b")},
		{paths("**", "!docs/**", "docs/x"), "docs/x", starts(every + "push.paths has docs/x for docs/x")},
		{paths("**"), "", skips("no file that changed is in push.paths: **")},
		{ignore("docs/**", "*.md"), "docs/a a.md", skips("all files that changed are in push.paths-ignore: docs/**, *.md")},
		{ignore("docs/**"), "docs/a b", starts(every + "push.paths-ignore is docs/** for b")},
		{ignore("docs/**"), "", starts(every + "no file changed, so push.paths-ignore has none to ignore")},
	} {
		on, r := pipeline.Triggers{Push: &tc.filter}, push("main")
		d := pipeline.Definition{On: on}
		if !d.WantsFiles(event(pipeline.Push, r)) {
			t.Errorf("%+v does not want to know what changed", tc.filter)
		}
		unknown := on.Match(event(pipeline.Push, r))
		r.Changed = pipeline.Changes{Files: strings.Fields(tc.changed), Complete: true}
		if diff := cmp.Diff(tc.want, on.Match(event(pipeline.Push, r))); diff != "" {
			t.Errorf("%+v, %s changed (-want +got)\n%s", tc.filter, tc.changed, diff)
		}
		if d.WantsFiles(event(pipeline.Push, r)) {
			t.Errorf("%+v wants to know again what changed", tc.filter)
		}
		r.Changed.Complete = false
		if got := on.Match(event(pipeline.Push, r)); !got.Starts || got != unknown {
			t.Errorf("%+v, not all is known: %+v; nothing is known: %+v", tc.filter, got, unknown)
		}
	}
}

func TestMatchMessage(t *testing.T) {
	for message, word := range map[string]string{
		"Fix a typo [skip ci]":                                "[skip ci]",
		"[ci skip] Fix a typo":                                "[ci skip]",
		"Fix\n\nwords [no ci] words\n\nmore":                  "[no ci]",
		"Fix[skip actions]":                                   "[skip actions]",
		"Fix\n\n[actions skip]":                               "[actions skip]",
		"Fix\n\n\nskip-checks: true":                          "skip-checks: true",
		"Fix\r\n\r\nText\r\n\r\nSkip-Checks:true\r\n":         "skip-checks: true",
		"Fix\n\nReviewed-by: B\nskip-checks: true\nCc: C\n\n": "skip-checks: true",
		"Fix\n\nskip-checks: true\n\nMore text":               "",
		"skip-checks: true":                                   "",
		"Fix\n\nskip-checks: false":                           "",
		"Fix\n\nText says skip-checks: true":                  "",
		"Do not skip ci":                                      "",
		"":                                                    "",
	} {
		on := pipeline.Triggers{Push: &pipeline.Filter{}, PullRequest: &pipeline.Filter{Branches: []string{"main"}}}
		for _, trigger := range []pipeline.Trigger{pipeline.Push, pipeline.PullRequest} {
			r := push("main")
			r.Message = message
			got := on.Match(event(trigger, r))
			if want := skips("the commit's message says " + word); word != "" && got != want || word == "" && !got.Starts {
				t.Errorf("%s, message %q: %+v", trigger, message, got)
			}
			if r.Base = "other"; trigger == pipeline.PullRequest && on.Match(event(trigger, r)) != never("pull_request.branches is main") {
				t.Errorf("a message makes an event concern it: %+v", on.Match(event(trigger, r)))
			}
		}
	}
}

func TestKeptChanges(t *testing.T) {
	few := pipeline.Changes{Files: []string{"a", "b"}, Complete: true}
	if diff := cmp.Diff(few, few.Kept()); diff != "" {
		t.Error(diff)
	}
	for name, c := range map[string]pipeline.Changes{
		"not all": {Files: []string{"a"}},
		"long":    {Files: []string{strings.Repeat("a", 40<<10)}, Complete: true},
	} {
		if diff := cmp.Diff(pipeline.Changes{}, c.Kept()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestMatchSchedule(t *testing.T) {
	on := pipeline.Triggers{Schedules: []pipeline.Schedule{{Cron: "0 3 * * *", Timezone: "UTC"}, {Cron: "0 4 * * *", Timezone: "Asia/Tokyo"}}}
	for name, tc := range map[string]struct{ got, want pipeline.Match }{
		"its times":       {on.Match(event(pipeline.OnSchedule, push("main"))), starts("schedule has 0 3 * * * UTC, 0 4 * * * Asia/Tokyo")},
		"a push":          {on.Match(event(pipeline.Push, push("main"))), never("on has no push")},
		"none of others":  {pipeline.Triggers{Push: &pipeline.Filter{}}.Match(event(pipeline.OnSchedule, push("main"))), never("on has no schedule")},
		"nobody can tell": {pipeline.Triggers{}.Match(event(pipeline.OnSchedule, push("main"))), starts("nobody can tell what on means")},
	} {
		if d := cmp.Diff(tc.want, tc.got); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
}

func TestMatchPipeline(t *testing.T) {
	on := pipeline.Triggers{Upstreams: []pipeline.Upstream{{Pipeline: "build"}, {Pipeline: "build", Stage: "test"}, {Pipeline: "base"}}}
	of := func(chain ...pipeline.Link) pipeline.Execution {
		x := event(pipeline.OnPipeline, push("main"))
		x.Chain = chain
		return x
	}
	for name, tc := range map[string]struct{ got, want pipeline.Match }{
		"a pipeline":      {on.Match(of(pipeline.Link{Pipeline: "build"})), starts("pipeline names build")},
		"a stage":         {on.Match(of(pipeline.Link{Pipeline: "build", Stage: "test"})), starts("pipeline names build/test")},
		"the last counts": {on.Match(of(pipeline.Link{Pipeline: "build"}, pipeline.Link{Pipeline: "x"})), never("pipeline names others")},
		"another stage":   {on.Match(of(pipeline.Link{Pipeline: "base", Stage: "test"})), never("pipeline names others")},
		"any":             {on.Match(of()), starts("pipeline names build, build/test, base")},
		"none":            {pipeline.Triggers{Push: &pipeline.Filter{}}.Match(of()), never("on has no pipeline")},
		"nobody can tell": {pipeline.Triggers{}.Match(of()), starts("nobody can tell what on means")},
	} {
		if d := cmp.Diff(tc.want, tc.got); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
}

func TestChain(t *testing.T) {
	first := pipeline.Execution{ID: "1", Number: 4, Trigger: pipeline.Push, Definition: pipeline.Definition{Name: "build"}}
	second := pipeline.Execution{ID: "2", Trigger: pipeline.OnPipeline, Chain: first.Next("test"), Definition: pipeline.Definition{Name: "deploy"}}
	want := []pipeline.Link{
		{Execution: "1", Number: 4, Pipeline: "build", Stage: "test", Trigger: pipeline.Push},
		{Execution: "2", Pipeline: "deploy", Trigger: pipeline.OnPipeline},
	}
	if d := cmp.Diff(want, second.Next("")); d != "" {
		t.Error(d)
	}
	if second.Root().Execution != "1" || first.Root().Execution != "1" {
		t.Errorf("roots %+v and %+v", second.Root(), first.Root())
	}
}
