package web

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// view turns an execution into what its page says.
type view struct {
	x     pipeline.Execution
	now   time.Time
	hub   string // GitHub's pages
	token string
	open  string // STAGE/ACTION whose log was asked for

	around explain.Around

	Version string
	Still   bool // not to be loaded anew
}

// page is all page.html shows. Text others chose went through clip.
type page struct {
	Style, Version string
	Bar            *head // nil: the page opens by its token
	Refresh        int   // seconds; 0: never
	Still          bool  // would be loaded anew, but was asked not to

	Name       string
	Number     int
	Status     badge
	Reason     string // empty when Failures tell it
	Repository link
	Commit     link
	Subject    string // first line of the commit's message
	Ref        link
	Base       string // the pull request's
	Cause      string // with the actor behind it, if there is one
	Actor      string
	Author     string // empty when the actor is the author
	Started    moment
	Took       string
	Definition string // the file, and the beginning of its hash
	Source     *artifact

	Stop *ask // nil: whoever looks cannot

	Failures []failure
	Gates    []gate
	Problems []problem
	Notes    []string
	Stages   []stage
}

type stage struct {
	ID      string
	Name    string
	Status  badge
	Took    string
	Attempt int // 0: the first
	Reason  string
	Closed  string // who keeps the way into it closed, where its reason does not say so
	Actions []*action
	Past    []attempt // the earlier ones, newest first

	Checks    []check
	Overrides []override
	Override  string // what to say after /override, where that lets it go on
	Shut      bool   // somebody keeps the way into it closed

	Retry, OverrideAsk, Freeze, Unfreeze *ask // nil: whoever looks cannot
}

// attempt is an earlier attempt of a stage, briefly.
type attempt struct {
	Number  int
	Status  badge
	Reason  string
	Took    string
	Actions string // how each ended

	Checks    []check
	Overrides []override
}

// maxSummary is how many characters of a summary a page shows.
const maxSummary = 20_000

type problem struct{ Place, Message, Hint string }

func newView(x pipeline.Execution, hub string, now time.Time) *view {
	return &view{x: x, hub: hub, now: now}
}

func (v *view) page() page {
	x := v.x
	p := page{
		Version: v.Version,
		Name:    clip(x.Definition.Name, 100), Number: x.Number, Status: executionBadge(x),
		Started: momentOf(x.CreatedAt), Took: took(x.CreatedAt, x.EndedAt, v.now),
		Cause: cause(x), Actor: clip(x.Actor, 100),
		Definition: clip(x.Definition.File, 200),
		Failures:   v.failures(), Problems: problems(x.Problems),
	}
	if !x.Status.Ended() {
		p.Refresh, p.Still = v.refresh(p.Status), v.Still
	}
	v.revision(&p)
	if x.Definition.Hash != "" {
		p.Definition += " @ " + short(x.Definition.Hash, 12)
	}
	if len(x.Problems) > 0 {
		p.Took = "" // nothing was run
	}
	if x.Source.Digest != "" {
		p.Source = &v.artifacts([]pipeline.Artifact{x.Source})[0]
	}
	if text := explain.Rollback(x); text != "" {
		p.Notes = append(p.Notes, "This execution "+clip(text, 1500)+".")
	}
	if text := explain.Admission(x); text != "" {
		p.Notes = append(p.Notes, "This execution "+clip(text, 500)+".")
	}
	for _, n := range x.Notes {
		p.Notes = append(p.Notes, clip(n, 1000))
	}
	for i := range x.Stages {
		p.Stages = append(p.Stages, v.stage(i))
	}
	for _, st := range p.Stages {
		for _, a := range st.Actions {
			if a.Gate != nil {
				p.Gates = append(p.Gates, *a.Gate)
			}
		}
	}
	p.Reason = v.why(&p)
	return p
}

// why says why the execution is where it is, unless its failures do.
func (v *view) why(p *page) string {
	if len(p.Failures) > 0 {
		return ""
	}
	for i, st := range v.x.Stages {
		if slices.Contains([]pipeline.Status{pipeline.Waiting, pipeline.Stopping, pipeline.Cancelling}, st.Status) && !v.x.Status.Ended() {
			return p.Stages[i].Reason
		}
	}
	for _, st := range v.x.Stages {
		if v.x.Status == pipeline.Failed && st.Status == pipeline.Failed && st.Reason != "" {
			return clip("Stage "+st.Name+" failed: "+st.Reason, 1000)
		}
	}
	return sentence(clip(v.x.Reason, 1000))
}

// refresh is after how many seconds the page is loaded anew: seldom where
// people are waited for.
func (v *view) refresh(b badge) int {
	switch {
	case v.Still:
		return 0
	case b.Class == "ask":
		return 30
	}
	return 5
}

func (v *view) revision(p *page) {
	x, r := v.x, v.x.Revision
	p.Repository = link{clip(x.Repository, 200), under(v.hub, x.Repository)}
	p.Commit = link{short(r.Commit, 7), under(v.hub, x.Repository, "commit", r.Commit)}
	p.Subject = clip(firstLine(r.Message), 200)
	if r.PullRequest != 0 {
		p.Ref, p.Base = v.pullRequest(), clip(r.Base, 200)
	} else {
		name := cmp.Or(r.Branch, r.Tag())
		p.Ref = link{clip(name, 200), under(v.hub, x.Repository, "tree", name)}
	}
	if r.Author != x.Actor {
		p.Author = clip(r.Author, 100)
	}
}

func (v *view) pullRequest() link {
	n := strconv.Itoa(v.x.Revision.PullRequest)
	return link{"pull request #" + n, under(v.hub, v.x.Repository, "pull", n)}
}

// cause is what started an execution; its actor follows it, if there is one.
func cause(x pipeline.Execution) string {
	switch {
	case x.Rollback != nil && x.Rollback.Automatic:
		return "rolled back after execution " + strconv.Itoa(x.Rollback.For)
	case x.Trigger == pipeline.OnSchedule:
		return "started by its schedule"
	case x.Trigger == pipeline.OnWebhook:
		return "started by a webhook"
	case x.Trigger == pipeline.OnPipeline && len(x.Chain) > 0:
		last := x.Chain[len(x.Chain)-1]
		text := "after " + clip(last.Pipeline, 100) + " " + strconv.Itoa(last.Number)
		if x.Actor != "" {
			text += ", by"
		}
		return text
	case x.Actor == "":
		return ""
	}
	switch x.Trigger {
	case pipeline.PullRequest: // which stands beside it
		return "by"
	case pipeline.Push:
		return "pushed by"
	case pipeline.MergeGroup:
		return "queued by"
	case pipeline.Manual:
		return "started by"
	case pipeline.OnRollback:
		return "rolled back by"
	case pipeline.OnSchedule, pipeline.OnPipeline, pipeline.OnWebhook:
	}
	return clip(string(x.Trigger), 30) + " by"
}

func (v *view) stage(i int) stage {
	st := v.x.Stages[i]
	out := stage{
		ID: clip(st.Name, 100), Name: clip(st.Name, 100), Status: stageBadge(v.x, st),
		Took: took(st.StartedAt, st.EndedAt, v.now), Attempt: beyondFirst(st.Attempt), Reason: sentence(clip(st.Reason, 1000)),
		Checks: checksOf(st.Checks), Overrides: overridesOf(st.Overrides),
	}
	if st.Overridable() {
		out.Override = clip(v.x.Definition.Name+"/"+st.Name, 200)
	}
	v.wait(&out, i)
	if st.Status == pipeline.Stopping || st.Status == pipeline.Cancelling {
		out.Reason = sentence(clip(explain.Stop(st.Reason, v.x.Abandoned || st.Status == pipeline.Cancelling), 1000))
	}
	for j := range st.Actions {
		out.Actions = append(out.Actions, v.action(i, j))
	}
	for _, p := range slices.Backward(st.Past) {
		out.Past = append(out.Past, v.past(p))
	}
	return out
}

func (v *view) past(p pipeline.Attempt) attempt {
	var ends []string
	for _, a := range p.Actions {
		ends = append(ends, a.Name+" "+actionBadge(v.x, a).Word)
	}
	return attempt{
		Number: p.Attempt, Status: badgeOf(p.Status), Reason: clip(p.Reason, 200), Took: took(p.StartedAt, p.EndedAt, p.EndedAt),
		Actions: clip(strings.Join(ends, ", "), 500), Checks: checksOf(p.Checks), Overrides: overridesOf(p.Overrides),
	}
}

// logs lists the logs of the page, those people look for first.
func (p *page) logs() []*logView {
	var all []*logView
	for _, st := range p.Stages {
		for _, a := range st.Actions {
			if a.Log != nil {
				all = append(all, a.Log)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *logView) int { return rank(a) - rank(b) })
	return all
}

func rank(l *logView) int {
	if l.Open {
		return 0
	}
	return 1
}

func problems(list []pipeline.Problem) []problem {
	var out []problem
	for _, p := range list {
		place := clip(p.File, 300)
		if p.Line > 0 {
			place += ":" + strconv.Itoa(p.Line)
			if p.Column > 0 {
				place += ":" + strconv.Itoa(p.Column)
			}
		}
		out = append(out, problem{place, clip(p.Message, 1000), clip(p.Hint, 1000)})
	}
	return out
}
