package pipeline

import (
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Match tells whether an event starts the pipeline, and by which words of its
// file or for want of which, for people. Of a push it looks at the branch, of
// which a tag has none, and of a pull request at the base.
func (t Triggers) Match(event Trigger, r Revision) (starts bool, why string) {
	filter, branch := t.Push, r.Branch
	if event == PullRequest {
		filter, branch = t.PullRequest, r.Base
	}
	switch {
	case filter == nil:
		return false, fmt.Sprintf("on has no %s", event)
	case event == Push && branch == "":
		return false, "tags start nothing"
	}
	return filter.match(string(event), branch)
}

// match tells whether the filter lets the branch through, and why.
func (f BranchFilter) match(event, branch string) (bool, string) {
	if len(f.Branches) == 0 {
		return true, event + " is for every branch"
	}
	key, last := event+".branches", ""
	for _, pattern := range f.Branches {
		if ok, err := doublestar.Match(strings.TrimPrefix(pattern, "!"), branch); err == nil && ok {
			last = pattern
		}
	}
	switch {
	case last == "":
		return false, fmt.Sprintf("%s is %s", key, strings.Join(f.Branches, ", "))
	case strings.HasPrefix(last, "!"):
		return false, fmt.Sprintf("%s has %s", key, last)
	}
	return true, fmt.Sprintf("%s has %s", key, last)
}
