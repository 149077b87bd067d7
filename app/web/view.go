package web

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/human"
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
	Refresh        int  // seconds; 0: never
	Still          bool // would be loaded anew, but was asked not to

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

type action struct {
	ID        string
	Name      string
	Role      string // what it is there for; empty: it is the stage's own
	Status    badge
	Took      string
	Attempt   int // 0: the first
	Reason    string
	Image     string
	FullImage string
	Artifacts []artifact
	Outputs   []pipeline.Value
	Remarks   []remark
	Summary   string // Markdown, shown as text
	Decision  *decision
	Gate      *gate
	Log       *logView
	LogLink   string // to the page with the log, where this one has it not
	Earlier   []link // logs of earlier attempts
}

// remark is what a script said about a file.
type remark struct {
	Level   string // error, warning or notice
	Place   link
	Title   string
	Message string
}

// maxSummary is how many characters of a summary a page shows.
const maxSummary = 20_000

type artifact struct{ Name, Digest, FullDigest, Size string }

type problem struct{ Place, Message, Hint string }

func newView(x pipeline.Execution, hub string, now time.Time) *view {
	return &view{x: x, hub: hub, now: now}
}

func (v *view) page() page {
	x := v.x
	p := page{
		Style: ".." + stylePath(), Version: v.Version,
		Name: clip(x.Definition.Name, 100), Number: x.Number, Status: executionBadge(x),
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

func (v *view) action(i, j int) *action {
	st := v.x.Stages[i]
	a, def := st.Actions[j], v.definition(st.Name, st.Actions[j].Name)
	out := &action{
		ID: clip(st.Name+"."+a.Name, 200), Name: clip(cmp.Or(def.Title(), a.Name), 100), Role: roleWords(def.Role), Status: actionBadge(v.x, a),
		Took: took(a.StartedAt, a.EndedAt, v.now), Attempt: beyondFirst(a.Attempt), Reason: v.reason(st, a, def),
		Image: clip(shortImage(a.Image), 200), FullImage: clip(a.Image, 500),
		Artifacts: v.artifacts(a.Artifacts), Decision: v.decision(a.Decision),
	}
	for _, o := range a.Outputs {
		out.Outputs = append(out.Outputs, pipeline.Value{Name: clip(o.Name, 100), Value: clip(o.Value, 1000)})
	}
	out.Remarks, out.Summary = v.remarks(a.Annotations), passage(a.Summary, maxSummary)
	if a.Status == pipeline.Waiting {
		out.Gate = v.gate(i, j, def)
	}
	if def.Approval == nil && a.Decision == nil {
		v.logs(out, v.x.JobID(i, j), a)
	}
	return out
}

// logs says which logs of an action the page has, and where the others are. A
// page that is loaded anew has no folded logs: it would fold those that were
// opened.
func (v *view) logs(out *action, id pipeline.JobID, a pipeline.ActionState) {
	for n := 1; n < a.Attempt; n++ {
		id := id
		id.Attempt = n
		out.Earlier = append(out.Earlier, link{strconv.Itoa(n), v.wholeLog(id)})
	}
	switch a.Status {
	case pipeline.Pending, pipeline.Waiting, pipeline.Queued:
		return
	case pipeline.Cancelled:
		if a.StartedAt.IsZero() {
			return
		}
	default:
	}
	live := !a.Status.Ended()
	name := id.Stage + "/" + id.Action
	following := !v.x.Status.Ended() && !v.Still
	if following && !live && !a.Status.Bad() {
		out.LogLink = "?" + url.Values{"log": {name}}.Encode() + "#" + url.PathEscape(out.ID)
		return
	}
	out.Log = &logView{
		job: id, start: a.StartedAt, limit: logLimit, lines: logLines,
		Label: clip(name, 200), Whole: v.wholeLog(id), Live: live,
		Open: live || a.Status.Bad() || v.open == name,
	}
	if following {
		out.Log.limit, out.Log.lines = liveLimit, liveLines
	}
}

func (v *view) wholeLog(id pipeline.JobID) string {
	return under(v.token, "logs", id.Stage, id.Action, strconv.Itoa(id.Attempt))
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

// definition finds an action's definition by name; zero when there is none.
func (v *view) definition(stage, name string) pipeline.Action {
	i := v.x.Definition.StageIndex(stage)
	if i < 0 {
		return pipeline.Action{}
	}
	for _, a := range v.x.Definition.Stages[i].Actions {
		if a.Name == name {
			return a
		}
	}
	return pipeline.Action{}
}

// reason says why the action is where it is, if that needs saying.
func (v *view) reason(st pipeline.StageState, a pipeline.ActionState, def pipeline.Action) string {
	if a.Decision != nil {
		return "" // the decision says it
	}
	text := clip(a.Reason, 1000)
	if a.Status == pipeline.Failed && a.ExitCode != 0 && !strings.Contains(text, "exit code") {
		text = strings.TrimSuffix("exit code "+strconv.Itoa(a.ExitCode)+": "+text, ": ")
	}
	if a.Status == pipeline.Pending && text == "" && !v.x.Status.Ended() && len(def.Needs) > 0 && st.Status == pipeline.InProgress {
		text = "after " + clip(strings.Join(def.Needs, ", "), 200)
	}
	return sentence(text)
}

func (v *view) artifacts(list []pipeline.Artifact) []artifact {
	var out []artifact
	for _, a := range list {
		out = append(out, artifact{clip(a.Name, 100), short(a.Digest, 12), clip(a.Digest, 100), human.Size(a.Size)})
	}
	return out
}

func (v *view) remarks(list []pipeline.Annotation) []remark {
	var out []remark
	for _, a := range list {
		r := remark{Level: "notice", Title: clip(a.Title, 300), Message: passage(a.Message, 1000)}
		if a.Level == pipeline.LevelError || a.Level == pipeline.LevelWarning {
			r.Level = string(a.Level)
		}
		if a.File != "" {
			r.Place = link{clip(a.File, 300), under(v.hub, v.x.Repository, "blob", v.x.Revision.Commit, a.File)}
			if a.Line > 0 {
				line := strconv.Itoa(a.Line)
				r.Place.Text += ":" + line
				if r.Place.URL != "" {
					r.Place.URL += "#L" + line
				}
			}
		}
		out = append(out, r)
	}
	return out
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

// shortImage leaves out what goes without saying, and of a digest all but what
// can be compared by eye.
func shortImage(image string) string {
	image = strings.TrimPrefix(strings.TrimPrefix(image, "docker.io/"), "library/")
	name, digest, ok := strings.Cut(image, "@sha256:")
	if !ok {
		return image
	}
	return name + "@sha256:" + digest[:min(len(digest), 12)] + "…"
}

func beyondFirst(attempt int) int {
	if attempt > 1 {
		return attempt
	}
	return 0
}
