package web

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/internal/human"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

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
	Votes     []vote
	Void      string // why what was said counts for nothing
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

type artifact struct{ Name, Digest, FullDigest, Size string }

func (v *view) action(i, j int) *action {
	st := v.x.Stages[i]
	a, def := st.Actions[j], v.definition(st.Name, st.Actions[j].Name)
	out := &action{
		ID: clip(st.Name+"."+a.Name, 200), Name: clip(cmp.Or(def.Title(), a.Name), 100), Role: roleWords(def.Role), Status: actionBadge(v.x, a),
		Took: took(a.StartedAt, a.EndedAt, v.now), Attempt: beyondFirst(a.Attempt), Reason: v.reason(st, a, def),
		Image: clip(shortImage(a.Image), 200), FullImage: clip(a.Image, 500),
		Artifacts: v.artifacts(a.Artifacts), Decision: v.decision(a.Decision), Votes: votes(a),
	}
	for _, o := range a.Outputs {
		out.Outputs = append(out.Outputs, pipeline.Value{Name: clip(o.Name, 100), Value: clip(o.Value, 1000)})
	}
	out.Remarks, out.Summary = v.remarks(a.Annotations), passage(a.Summary, maxSummary)
	if a.Status == pipeline.Waiting {
		out.Gate = v.gate(i, j, def)
	}
	if def.Approval != nil {
		out.Void = sentence(clip(explain.Void(v.x, i, j), 500))
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
