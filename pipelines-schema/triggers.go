package schema

import (
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// triggers reads on: a mapping, one event, or a list of events.
func (p *parser) triggers(n node, on *pipeline.Triggers) {
	if n.kind != mapping {
		p.events(n, on)
		return
	}
	if len(n.pairs) == 0 {
		p.report(n.at, "write push or pull_request", "on is empty: nothing would start this pipeline")
	}
	p.each(n, inOn, func(key, value node) {
		switch key.text {
		case "push":
			on.Push = p.filter(value, inPush)
		case "pull_request":
			on.PullRequest = p.filter(value, inPullRequest)
		case "merge_group":
			on.MergeGroup = p.mergeGroup(value)
		case "schedule":
			on.Schedules = p.schedules(value)
		case "pipeline":
			on.Upstreams = p.upstreams(value)
		case "webhook":
			on.Webhook = p.webhook(value)
		}
	})
}

// events reads the short form of on.
func (p *parser) events(n node, on *pipeline.Triggers) {
	described := func(item node) bool { return item.kind == mapping }
	if i := slices.IndexFunc(n.items, described); i >= 0 {
		p.report(n.items[i].at, "write on: { push: { branches: [main] }, pull_request: }", "on is a mapping of events, or a list of their names, not a list of mappings")
		n.items = slices.DeleteFunc(slices.Clone(n.items), described)
		if len(n.items) == 0 {
			return
		}
	}
	for _, event := range p.distinct(p.some(n, "on", "write push or pull_request"), "on", exact) {
		switch event.text {
		case "push":
			on.Push = &pipeline.Filter{}
		case "pull_request":
			on.PullRequest = &pipeline.Filter{}
		case "merge_group":
			on.MergeGroup = &pipeline.Filter{}
		case "webhook":
			on.Webhook = &pipeline.Webhook{}
		case "schedule":
			p.report(event.at, `write on: { schedule: [{ cron: "0 3 * * 1-5" }] }`, "schedule does not say when")
		case "pipeline":
			p.report(event.at, "write on: { pipeline: { name: build } }", "pipeline does not say which")
		default:
			p.unknownKey(event, node{kind: scalar, null: true}, inOn)
		}
	}
}

// filter reads what is under push and pull_request. A filter with a mistake
// matches everything, so that the author sees it.
func (p *parser) filter(n node, w where) *pipeline.Filter {
	filter := &pipeline.Filter{}
	if n.null {
		return filter
	}
	before := p.mistakes()
	ok := p.each(n, w, func(key, value node) {
		what := string(w) + "." + key.text
		switch key.text {
		case "branches":
			filter.Branches = p.globs(value, what, branchNames)
		case "branches-ignore":
			filter.BranchesIgnore = p.globs(value, what, branchNames)
		case "tags":
			filter.Tags = p.globs(value, what, tagNames)
		case "tags-ignore":
			filter.TagsIgnore = p.globs(value, what, tagNames)
		case "paths":
			filter.Paths = p.globs(value, what, filePaths)
		case "paths-ignore":
			filter.PathsIgnore = p.globs(value, what, filePaths)
		case "types":
			filter.Types = p.types(value, what, PullRequestTypes)
		}
	})
	for _, key := range []string{"branches", "tags", "paths"} {
		_, wanted := n.get(key)
		if ignore, both := n.get(key + "-ignore"); wanted && both {
			p.report(ignore.at, "write ! in front of what "+key+" should leave out", "%s has both %s and %s-ignore", w, key, key)
		}
	}
	if !ok {
		p.report(n.at, "write branches: [main] under it, or nothing", "%s must be a mapping, not %s", w, n.kind)
	}
	if p.mistakes() > before {
		return &pipeline.Filter{}
	}
	return filter
}

// PullRequestTypes are what GitHub calls the things that happen to a pull
// request, the usual ones first.
var (
	PullRequestTypes = []string{
		"opened", "synchronize", "reopened", "closed", "edited", "labeled", "unlabeled", "assigned", "unassigned",
		"ready_for_review", "converted_to_draft", "review_requested", "review_request_removed", "locked", "unlocked",
		"auto_merge_enabled", "auto_merge_disabled", "enqueued", "dequeued", "milestoned", "demilestoned",
	}
	mergeGroupTypes = []string{"checks_requested", "destroyed"}
)

// types reads some of the known activities of an event.
func (p *parser) types(n node, what string, known []string) []string {
	var types []string
	for _, item := range p.distinct(p.some(n, what, "leave it out for the usual ones"), what, exact) {
		if slices.Contains(known, item.text) {
			types = append(types, item.text)
			continue
		}
		if p.full() {
			p.missed++
			continue
		}
		hint := DidYouMean(item.text, known)
		if hint == "" {
			hint = "among them are " + enumerate(known[:min(len(known), 4)])
		}
		p.report(item.at, hint, "%s has no type %s", strings.TrimSuffix(what, ".types"), quote(item.text))
	}
	return types
}

// mergeGroup reads what is under merge_group; with a mistake it stands for all
// that is usual.
func (p *parser) mergeGroup(n node) *pipeline.Filter {
	filter := &pipeline.Filter{}
	if n.null {
		return filter
	}
	before := p.mistakes()
	ok := p.each(n, inMergeGroup, func(_, value node) {
		filter.Types = p.types(value, "on.merge_group.types", mergeGroupTypes)
	})
	if !ok {
		p.report(n.at, "write nothing under it", "on.merge_group must be a mapping, not %s", n.kind)
	}
	if p.mistakes() > before {
		return &pipeline.Filter{}
	}
	return filter
}

// maxUpstreams is how many pipelines may start another one.
const maxUpstreams = 20

// upstreams reads the pipelines whose success, or that of a stage, starts this
// one: all of them, or with a mistake none.
func (p *parser) upstreams(n node) []pipeline.Upstream {
	before := p.mistakes()
	items := []node{n}
	if n.kind == list {
		items = n.items
	}
	switch {
	case len(items) == 0:
		p.report(n.at, "write pipeline: { name: build }", "on.pipeline is empty")
	case len(items) > maxUpstreams:
		p.report(items[maxUpstreams].at, "", "on.pipeline has %d entries; the most is %d", len(items), maxUpstreams)
	}
	var all []pipeline.Upstream
	for _, item := range items {
		var u pipeline.Upstream
		ok := p.each(item, inUpstream, func(key, value node) {
			if key.text == "stage" {
				u.Stage, _ = p.name(value, "a stage")
				return
			}
			u.Pipeline, _ = p.name(value, "a pipeline")
			p.scope.upstreams = append(p.scope.upstreams, value)
		})
		all = append(all, u)
		if !ok {
			p.report(item.at, "write pipeline: { name: build }", "on.pipeline must be a mapping, not %s", item.kind)
		} else {
			p.require(item, inUpstream, "name")
		}
	}
	if p.mistakes() > before {
		return nil
	}
	return all
}

// checkUpstreams refuses a pipeline that would start itself.
func (p *parser) checkUpstreams(name string) {
	for _, n := range p.scope.upstreams {
		if fold(n.text) == fold(name) {
			p.report(n.at, "name another pipeline of the repository", "%s would start itself without end", show(name))
		}
	}
}

// webhook reads what is under webhook; with a mistake it is as if it were not
// there, so that others show it.
func (p *parser) webhook(n node) *pipeline.Webhook {
	hook := &pipeline.Webhook{}
	if n.null {
		return hook
	}
	before := p.mistakes()
	ok := p.each(n, inWebhook, func(_, value node) {
		switch {
		case value.torn:
		case value.kind != scalar || value.null || strings.TrimSpace(value.text) == "":
			p.report(value.at, "write one such as payload.action == 'released', or leave it out", "filter must be an expression")
		default:
			hook.Filter = value.text
			p.checkFilter(formula{value, holds})
		}
	})
	if !ok {
		p.report(n.at, "write nothing, or filter below it", "on.webhook must be a mapping, not %s", n.kind)
	}
	if p.mistakes() > before {
		return nil
	}
	return hook
}

// checkFilter looks up what a filter of requests asks for: their payload alone is
// known.
func (p *parser) checkFilter(f formula) {
	names, calls, err := f.read()
	if err != nil {
		p.wrongFormula(f.node, err)
		return
	}
	for _, ref := range names {
		if ref.Name[0] != "payload" || len(ref.Name) < 2 {
			p.reportIn(f.node, ref.Offset, "write payload. and the names below which the body has the value", "a filter knows the payload alone, not %s", quote(ref.Name.String()))
		}
	}
	for _, c := range calls {
		switch c.Function {
		case "success", "failure", "always", "cancelled", "changed", "hash":
			p.reportIn(f.node, c.Offset, "write payload. and the names below which the body has the value", "a filter knows the payload alone, not %s()", c.Function)
		}
	}
}
