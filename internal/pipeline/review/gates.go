package review

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// who names the people of an approval, and mentions nobody.
func (d *differ) who(a pipeline.Approval) string {
	return Code(strings.ReplaceAll(explain.Approvers(pipeline.Execution{Repository: d.repository}, a), "@", ""))
}

// approval says what differs between two states of an approval.
func (d *differ) approval(was, is pipeline.Action) {
	name, old, now := Code(is.Name), *was.Approval, *is.Approval
	if a, b := d.who(old), d.who(now); a != b || !stricter(old, now) {
		d.add(!stricter(old, now), "asked for the approval %s by %s and asks %s", name, a, b)
	}
	if old.SelfReview != now.SelfReview {
		words := "no longer lets authors of the change give the approval %s"
		if now.SelfReview {
			words = "now lets authors of the change give the approval %s"
		}
		d.add(now.SelfReview, words, name)
	}
	if old.Rejections() != now.Rejections() {
		d.add(now.Rejections() > old.Rejections(), "ended the approval %s by %d rejections and ends it by %d", name, old.Rejections(), now.Rejections())
	}
	if old.Expires != now.Expires {
		d.add(now.Expires > old.Expires, "kept the approval %s open for %s and keeps it for %s", name, span(old.Expires), span(now.Expires))
	}
	if was.If != is.If {
		d.add(true, "asked for the approval %s only if %s and asks only if %s", name, condition(was.If), condition(is.If))
	}
	if old.Instructions != now.Instructions || !reflect.DeepEqual(old.Form, now.Form) {
		d.add(false, "says something else, or asks for other values, at the approval %s", name)
	}
}

// span is a time as the file has it: 72h, 90m.
func span(d time.Duration) string {
	text := d.String()
	for _, zero := range []struct{ unit, none string }{{"m", "0s"}, {"h", "0m"}} {
		if strings.HasSuffix(text, zero.unit+zero.none) {
			text = strings.TrimSuffix(text, zero.none)
		}
	}
	return text
}

// stricter tells whether an approval surely asks for no less than it did.
func stricter(was, is pipeline.Approval) bool {
	old, now := was.Groups(), is.Groups()
	if (len(was.AnyOf) > 0) != (len(is.AnyOf) > 0) {
		return false
	}
	if len(is.AnyOf) > 0 { // whichever is enough now asks for no less than one that was
		return !slices.ContainsFunc(now, func(g pipeline.Group) bool {
			return !slices.ContainsFunc(old, func(o pipeline.Group) bool { return noLess(o, g) })
		})
	}
	return !slices.ContainsFunc(old, func(o pipeline.Group) bool {
		return !slices.ContainsFunc(now, func(g pipeline.Group) bool { return noLess(o, g) })
	})
}

// noLess tells whether a group asks for as many, out of no more people.
func noLess(was, is pipeline.Group) bool {
	named, names := len(was.Users)+len(was.Teams) > 0, len(is.Users)+len(is.Teams) > 0
	switch {
	case named != names, was.CodeOwners && !is.CodeOwners: // who is named may be anybody
		return false
	case named && len(without(lower(is.Users), lower(was.Users)))+len(without(lower(is.Teams), lower(was.Teams))) > 0:
		return false
	}
	return level(is.Permission) >= level(was.Permission) && max(1, is.Count) >= max(1, was.Count)
}

func level(p pipeline.Permission) int {
	return slices.Index([]pipeline.Permission{pipeline.Write, pipeline.Maintain, pipeline.Admin}, cmp.Or(p, pipeline.Write))
}

func lower(names []string) []string {
	var all []string
	for _, n := range names {
		all = append(all, strings.ToLower(n))
	}
	return all
}

// environments says what differs in what environments trust.
func environments(before, after Files) []Change {
	if after.Problem != "" {
		if before.Problem == after.Problem {
			return nil
		}
		return []Change{{false, "The settings cannot be read, so once this is merged no environment would trust anything: " + Code(after.Problem) + "."}}
	}
	var changes []Change
	for _, name := range names(before.Environments, after.Environments) {
		was, is := effective(before, name), effective(after, name)
		a, b := words(before, name), words(after, name)
		if a == b {
			continue
		}
		wider := len(without(is.Branches, was.Branches))+len(without(is.Tags, was.Tags)) > 0 || is.PullRequests && !was.PullRequests
		wider = wider || len(without(excluded(was), excluded(is))) > 0 || len(excluded(was))+len(excluded(is)) > 0 && !slices.Equal(was.Branches, is.Branches)
		changes = append(changes, Change{wider, Code(name) + " was trusted as one that " + Code(a) + ", and " + Code(b) + "."})
	}
	return changes
}

func names(lists ...[]pipeline.Environment) []string {
	var all []string
	for _, list := range lists {
		for _, e := range list {
			if !slices.ContainsFunc(all, func(name string) bool { return strings.EqualFold(name, e.Name) }) {
				all = append(all, e.Name)
			}
		}
	}
	return all
}

// effective is what an environment trusts, written out.
func effective(f Files, name string) pipeline.Environment {
	e := pipeline.Environment{Name: name}
	for _, listed := range f.Environments {
		if strings.EqualFold(listed.Name, name) {
			e = listed
		}
	}
	if len(e.Branches)+len(e.Tags) == 0 {
		e.Branches = []string{f.DefaultBranch}
	}
	return e
}

func words(f Files, name string) string {
	return pipeline.Trusts(f.Environments, name, f.DefaultBranch, pipeline.Revision{}).Words
}

func excluded(e pipeline.Environment) []string {
	return slices.DeleteFunc(slices.Concat(e.Branches, e.Tags), func(p string) bool { return !strings.HasPrefix(p, "!") })
}
