package pipeline

import "strings"

// Triggers say which events start an execution. A nil filter means never.
type Triggers struct {
	Push        *Filter
	PullRequest *Filter    // its branches are matched against the base
	MergeGroup  *Filter    `json:",omitempty"` // of types only
	Schedules   []Schedule `json:",omitempty"`
	Upstreams   []Upstream `json:",omitempty"` // of on: pipeline
	Webhook     *Webhook   `json:",omitempty"`
}

// Unreadable tells of a file whose triggers a mistake hides.
func (t Triggers) Unreadable() bool {
	return t.Push == nil && t.PullRequest == nil && t.MergeGroup == nil && len(t.Schedules) == 0 && len(t.Upstreams) == 0 && t.Webhook == nil
}

// Schedule is when the newest commit of the default branch runs.
type Schedule struct {
	Cron     string // the five fields of crontab
	Timezone string // a name of the IANA database
}

// Upstream is a pipeline of the same commit whose success starts this one, or a
// stage of it.
type Upstream struct {
	Pipeline string
	Stage    string `json:",omitempty"` // empty: all of it
}

// Filter narrows an event by glob patterns, as in GitHub Actions. Of a list the
// last pattern that matches decides; one that starts with ! excludes. A list of
// what to ignore stands in place of the other of its kind. Without any list for
// branches and tags all of both match; with one for either, only those do.
type Filter struct {
	Branches       []string
	BranchesIgnore []string `json:",omitempty"`
	Tags           []string `json:",omitempty"`
	TagsIgnore     []string `json:",omitempty"`
	Paths          []string `json:",omitempty"` // of tags they are not asked
	PathsIgnore    []string `json:",omitempty"`
	Types          []string `json:",omitempty"` // none: opened, synchronize and reopened, or checks_requested
}

// Changes are the paths of the files that an event changed; of a file that was
// renamed, both. Where they are not known to be all, every filter of paths lets
// the event through; so does the zero value.
type Changes struct {
	Files    []string `json:",omitempty"`
	Complete bool     `json:",omitempty"`
}

// mostKept is how many bytes of names an execution keeps.
const mostKept = 32 << 10

// Kept is what of the changes is worth keeping with an execution: a list that
// is too long is not known to be all.
func (c Changes) Kept() Changes {
	size := 0
	for _, f := range c.Files {
		size += len(f)
	}
	if !c.Complete || size > mostKept {
		return Changes{}
	}
	return c
}

// Tag is the tag that was pushed; empty for everything else.
func (r Revision) Tag() string {
	tag, ok := strings.CutPrefix(r.Ref, "refs/tags/")
	if !ok {
		return ""
	}
	return tag
}
