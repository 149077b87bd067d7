package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// added says what a new pipeline does.
func added(repository string, is Pipeline) []Change {
	if is.Mistakes > 0 {
		return []Change{unreadable(is)}
	}
	changes := []Change{{false, "It starts on " + list(triggers(is.Definition.On)) + "."}}
	for _, s := range is.Definition.Stages {
		changes = append(changes, newStage(repository, s)...)
	}
	return changes
}

func unreadable(p Pipeline) Change {
	return Change{false, fmt.Sprintf("It cannot be read; mistakes that its check shows: %d.", p.Mistakes)}
}

// changed says what differs between two states of a pipeline.
func changed(repository string, before, after Pipeline) []Change {
	was, is := before.Definition, after.Definition
	var changes []Change
	add := func(weakens bool, format string, args ...any) {
		changes = append(changes, Change{weakens, fmt.Sprintf(format, args...)})
	}
	if was.Hash == is.Hash && was.File == is.File {
		return nil
	}
	if was.Name != is.Name {
		add(false, "Its name was %s: checks of that name are not reported any more, and what it has deployed is not known by the new one.", Code(was.Name))
	}
	if was.File != is.File {
		add(false, "Its file was %s.", Code(was.File))
	}
	if after.Mistakes > 0 {
		return append(changes, unreadable(after))
	}
	if before.Mistakes > 0 {
		add(false, "It could not be read before; all of it is new.")
		return append(changes, added(repository, after)...)
	}
	old, now := triggers(was.On), triggers(is.On)
	if gone := without(old, now); len(gone) > 0 {
		add(false, "It no longer starts on %s.", list(gone))
	}
	if more := without(now, old); len(more) > 0 {
		add(false, "It now starts on %s.", list(more))
	}
	if was.Mode != is.Mode {
		add(was.Mode != pipeline.Parallel && is.Mode == pipeline.Parallel, "Its mode was %s and is %s.", Code(mode(was)), Code(mode(is)))
	}
	return append(append(changes, variables(was, is)...), stages(repository, was, is)...)
}

func mode(d pipeline.Definition) string {
	if d.Mode == "" {
		return "superseded"
	}
	return string(d.Mode)
}

func variables(was, is pipeline.Definition) []Change {
	value := func(d pipeline.Definition) []string {
		var all []string
		for _, v := range d.Variables {
			all = append(all, v.Name+": "+v.Default)
		}
		return all
	}
	var changes []Change
	if gone := without(value(was), value(is)); len(gone) > 0 {
		changes = append(changes, Change{false, "Variables no longer are " + list(gone) + "."})
	}
	if more := without(value(is), value(was)); len(more) > 0 {
		changes = append(changes, Change{false, "Variables now are " + list(more) + "."})
	}
	return changes
}

// triggers are what starts a pipeline, one text for each event.
func triggers(on pipeline.Triggers) []string {
	var all []string
	filter := func(event string, f *pipeline.Filter) {
		if f == nil {
			return
		}
		text := event
		for _, part := range []struct {
			key    string
			values []string
		}{
			{"branches", f.Branches},
			{"branches-ignore", f.BranchesIgnore},
			{"tags", f.Tags},
			{"tags-ignore", f.TagsIgnore},
			{"paths", f.Paths},
			{"paths-ignore", f.PathsIgnore},
			{"types", f.Types},
		} {
			if len(part.values) > 0 {
				text += " " + part.key + " [" + strings.Join(part.values, ", ") + "]"
			}
		}
		all = append(all, text)
	}
	filter("push", on.Push)
	filter("pull_request", on.PullRequest)
	filter("merge_group", on.MergeGroup)
	for _, s := range on.Schedules {
		all = append(all, strings.TrimSpace("schedule "+s.Cron+" "+s.Timezone))
	}
	for _, u := range on.Upstreams {
		all = append(all, strings.TrimSuffix("pipeline "+u.Pipeline+"/"+u.Stage, "/"))
	}
	if on.Webhook != nil {
		all = append(all, strings.TrimSpace("webhook "+on.Webhook.Filter))
	}
	return all
}

// stages says which stages come, go, move and change.
func stages(repository string, was, is pipeline.Definition) []Change {
	var changes []Change
	old, now := stageNames(was), stageNames(is)
	for i, s := range was.Stages {
		if slices.Contains(now, s.Name) {
			continue
		}
		follows := func(name string) bool { return slices.Contains(now, name) }
		gate := slices.ContainsFunc(old[i+1:], follows) || len(approvals(s)) > 0
		changes = append(changes, Change{gate, "The stage " + Code(s.Name) + " is removed" + withApprovals(s) + "."})
	}
	if a, b := without(old, without(old, now)), without(now, without(now, old)); !slices.Equal(a, b) {
		changes = append(changes, Change{true, "The order of stages was " + list(a) + " and is " + list(b) + "."})
	}
	for _, s := range is.Stages {
		i := was.StageIndex(s.Name)
		if i < 0 {
			changes = append(changes, newStage(repository, s)...)
		} else {
			changes = append(changes, stage(repository, was.Stages[i], s)...)
		}
	}
	return changes
}

func withApprovals(s pipeline.Stage) string {
	var names []string
	for _, a := range approvals(s) {
		names = append(names, a.Name)
	}
	if len(names) == 0 {
		return ""
	}
	return ", with the approval " + list(names)
}

func approvals(s pipeline.Stage) []pipeline.Action {
	return slices.DeleteFunc(slices.Clone(s.Actions), func(a pipeline.Action) bool { return a.Approval == nil })
}
