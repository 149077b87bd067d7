package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Match is what an event means to a pipeline, and by which words of its file or
// of the commit, or for want of which, for people. It starts, it skips, or it is
// none of the pipeline's events.
type Match struct {
	Starts bool
	Skips  bool // it would start, but for its paths or the commit's message
	Why    string
}

// Match tells what the event behind x means to the pipeline. Of x it looks at
// the trigger, the activity and the revision: of a push at the branch or the
// tag, of a pull request at the base, of both at the files that changed and the
// message of the commit. A file whose triggers nobody can read starts by what
// starts others that say nothing of types, so that its mistakes are shown.
func (t Triggers) Match(x Execution) Match {
	switch x.Trigger {
	case OnSchedule:
		return t.scheduled()
	case OnPipeline:
		return t.follows(x)
	case OnWebhook:
		return t.called()
	default: // an event with a filter, or none
	}
	filter := t.filter(x.Trigger)
	if t.Unreadable() {
		filter = &Filter{}
	}
	if filter == nil {
		return Match{Why: fmt.Sprintf("on has no %s", x.Trigger)}
	}
	if x.Trigger == Push && t.MergeGroup != nil && strings.HasPrefix(x.Revision.Branch, queued) {
		return Match{Why: "merge_group is for the branches of a merge queue"}
	}
	m := filter.match(x)
	if t.Unreadable() && m.Starts {
		m.Why = unreadable
	}
	return m
}

const unreadable = "nobody can tell what on means"

// scheduled is what a time of the schedule means.
func (t Triggers) scheduled() Match {
	var times []string
	for _, s := range t.Schedules {
		times = append(times, strings.TrimSpace(s.Cron+" "+s.Timezone))
	}
	switch {
	case t.Unreadable():
		return Match{Starts: true, Why: unreadable}
	case len(times) == 0:
		return Match{Why: "on has no schedule"}
	}
	return Match{Starts: true, Why: "schedule has " + strings.Join(times, ", ")}
}

// asksFiles tells whether the event is narrowed by the files that changed.
func (t Triggers) asksFiles(event Trigger) bool {
	filter := t.filter(event)
	return filter != nil && len(filter.Paths)+len(filter.PathsIgnore) > 0
}

func (t Triggers) filter(event Trigger) *Filter {
	switch event {
	case Push:
		return t.Push
	case PullRequest:
		return t.PullRequest
	case MergeGroup:
		return t.MergeGroup
	case OnSchedule, OnPipeline, OnWebhook, Manual, OnRollback: // no event is
	}
	return nil
}

// queued is what the branches of GitHub's merge queues begin with.
const queued = "gh-readonly-queue/"

func (f Filter) match(x Execution) Match {
	switch {
	case x.Trigger == Push:
	case len(f.Types) > 0 && !slices.Contains(f.Types, x.Activity):
		return Match{Why: fmt.Sprintf("%s.types is %s", x.Trigger, strings.Join(f.Types, ", "))}
	case len(f.Types) == 0 && !UsualActivity(x.Activity):
		return Match{Why: fmt.Sprintf("%s without types is not for %s", x.Trigger, x.Activity)}
	case x.Trigger == MergeGroup:
		return Match{Starts: true, Why: "merge_group is for every group"}
	}
	m := f.ref(x.Trigger, x.Revision)
	if !m.Starts {
		return m
	}
	if word := skipWord(x.Revision.Message); word != "" {
		return Match{Skips: true, Why: "the commit's message says " + word}
	}
	if x.Revision.Tag() != "" {
		return m
	}
	return f.files(m, string(x.Trigger), x.Revision.Changed)
}

// UsualActivity tells whether what happened to a pull request or a merge group
// starts a pipeline that says nothing of types: it has given it a head.
func UsualActivity(activity string) bool {
	switch activity {
	case "opened", "synchronize", "reopened", "checks_requested":
		return true
	}
	return false
}

// ref tells whether the filter lets the branch or the tag through.
func (f Filter) ref(event Trigger, r Revision) Match {
	branches := globs{string(event) + ".branches", f.Branches, f.BranchesIgnore}
	tags := globs{string(event) + ".tags", f.Tags, f.TagsIgnore}
	switch {
	case event == PullRequest:
		return branches.match(r.Base, "pull_request is for every branch")
	case branches.none() && tags.none():
		return Match{Starts: true, Why: "push is for every branch and tag"}
	case r.Tag() != "" && tags.none():
		return Match{Why: "push has no tags, only branches"}
	case r.Tag() != "":
		return tags.match(r.Tag(), "")
	case branches.none():
		return Match{Why: "push has no branches, only tags"}
	}
	return branches.match(r.Branch, "")
}

// files adds to a match what the filter's paths say about it.
func (f Filter) files(m Match, event string, changed Changes) Match {
	paths := globs{event + ".paths", f.Paths, f.PathsIgnore}
	if paths.none() {
		return m
	}
	if !changed.Complete {
		m.Why += "; not all files that changed are known, so " + paths.key + " lets it through"
		return m
	}
	for _, file := range changed.Files {
		if one := paths.match(file, ""); one.Starts {
			m.Why += "; " + one.Why + " for " + file
			return m
		}
	}
	switch {
	case len(f.Paths) > 0:
		return Match{Skips: true, Why: fmt.Sprintf("no file that changed is in %s: %s", paths.key, strings.Join(f.Paths, ", "))}
	case len(changed.Files) == 0:
		m.Why += "; no file changed, so " + paths.key + "-ignore has none to ignore"
		return m
	}
	return Match{Skips: true, Why: fmt.Sprintf("all files that changed are in %s-ignore: %s", paths.key, strings.Join(f.PathsIgnore, ", "))}
}

// globs are the patterns of one key, or of its -ignore form.
type globs struct {
	key            string
	patterns, less []string
}

func (g globs) none() bool { return len(g.patterns) == 0 && len(g.less) == 0 }

// match tells whether the patterns let a name through; always is said where
// there are none.
func (g globs) match(name, always string) Match {
	switch {
	case len(g.less) > 0:
		if last := lastMatch(g.less, name); last != "" {
			return Match{Why: fmt.Sprintf("%s-ignore has %s", g.key, last)}
		}
		return Match{Starts: true, Why: fmt.Sprintf("%s-ignore is %s", g.key, strings.Join(g.less, ", "))}
	case len(g.patterns) == 0:
		return Match{Starts: true, Why: always}
	}
	switch last := lastMatch(g.patterns, name); {
	case last == "":
		return Match{Why: fmt.Sprintf("%s is %s", g.key, strings.Join(g.patterns, ", "))}
	case strings.HasPrefix(last, "!"):
		return Match{Why: fmt.Sprintf("%s has %s", g.key, last)}
	default:
		return Match{Starts: true, Why: fmt.Sprintf("%s has %s", g.key, last)}
	}
}

// lastMatch is the last of the patterns that matches, with ! or without, or "".
func lastMatch(patterns []string, name string) string {
	for i := len(patterns) - 1; i >= 0; i-- {
		if ok, err := doublestar.Match(strings.TrimPrefix(patterns[i], "!"), name); err == nil && ok {
			return patterns[i]
		}
	}
	return ""
}

// skipWords are what GitHub Actions heeds anywhere in the message of a commit.
var skipWords = []string{"[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]"}

// skipWord is what in the message of a commit says that nothing is to run, or
// "". A trailer stands in the last paragraph.
func skipWord(message string) string {
	for _, word := range skipWords {
		if strings.Contains(message, word) {
			return word
		}
	}
	message = strings.TrimSpace(strings.ReplaceAll(message, "\r\n", "\n"))
	last := strings.LastIndex(message, "\n\n")
	if last < 0 {
		return ""
	}
	for line := range strings.Lines(message[last+2:]) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.EqualFold(strings.TrimSpace(key), "skip-checks") && strings.TrimSpace(value) == "true" {
			return "skip-checks: true"
		}
	}
	return ""
}
