package app

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/human"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// completed is the one status of a check run that is final.
const completed = "completed"

// wanted is a check run as it should be.
type wanted struct {
	stage   string // empty: the run of the whole pipeline
	attempt int
	waiting string // the approvals it shows as waiting, action/attempt
	run     github.CheckRun
}

// note puts an answer to a person at the end of the run's summary.
func (w *wanted) note(text string) {
	if text != "" {
		w.run.Summary += "\n\n---\n\n" + text
	}
}

// checkRuns says what GitHub should show of an execution: one run for each
// stage, or one for the pipeline when it could not start. closed is what keeps the
// ways into its stages closed.
func (a *App) checkRuns(x store.Execution, closed map[string]pipeline.Transition) []wanted {
	if len(x.Stages) == 0 {
		return []wanted{a.unstartedRun(x)}
	}
	var all []wanted
	for i := range x.Stages {
		if x.Rollback != nil && x.Stages[i].Name != x.Rollback.Stage {
			continue // it stands there as the target of the rollback left it
		}
		w := a.stageRun(x, i)
		if t, ok := closed[x.Stages[i].Name]; ok {
			w.closed(x.Execution, i, t)
		}
		all = append(all, w)
	}
	return all
}

func (a *App) pageURL(x store.Execution, stage string) string {
	u := a.settings.PublicURL + "/executions/" + x.Token
	if stage != "" {
		u += "#" + stage
	}
	return u
}

// unstartedRun is the run of a pipeline whose file has mistakes.
func (a *App) unstartedRun(x store.Execution) wanted {
	var text strings.Builder
	run := github.CheckRun{
		Name: x.Definition.Name + suffix(x.Execution), SHA: x.Revision.Commit, DetailsURL: a.pageURL(x, ""),
		Status: completed, Conclusion: "failure", StartedAt: x.CreatedAt, CompletedAt: x.EndedAt,
	}
	for _, p := range x.Problems {
		if p.File == "" {
			fmt.Fprintf(&text, "- %s\n", plain(sentence(p.Message)))
			continue
		}
		fmt.Fprintf(&text, "- `%s:%d:%d` %s", p.File, max(p.Line, 1), max(p.Column, 1), plain(p.Message))
		if p.Hint != "" {
			fmt.Fprintf(&text, " (%s)", plain(p.Hint))
		}
		text.WriteString("\n")
		line := max(p.Line, 1)
		run.Annotations = append(run.Annotations, github.Annotation{
			Path: p.File, StartLine: line, EndLine: line, StartColumn: p.Column, EndColumn: p.Column, Level: "failure",
			Title: "Pipeline file", Message: strings.TrimSpace(p.Message + parenthesised(p.Hint)),
		})
	}
	run.Title = sentence(x.Reason)
	if n := len(run.Annotations); n > 0 {
		run.Title = fmt.Sprintf("%s has %s", x.Definition.File, count(n, "mistake"))
		fmt.Fprintf(&text, "\nNothing was run. Push a commit that mends the file.\n")
	} else if len(x.Problems) > 0 {
		run.Title = sentence(x.Problems[0].Message)
	}
	run.Summary = cmp.Or(text.String(), run.Title)
	return wanted{attempt: 1, run: run}
}

// suffix ends the names of check runs of what nobody's push or pull request
// started, so that they do not stand for what those started.
func suffix(x pipeline.Execution) string {
	switch x.Trigger {
	case pipeline.Push, pipeline.PullRequest, pipeline.MergeGroup:
		return ""
	case pipeline.Manual, pipeline.OnRollback:
		return fmt.Sprintf(" (%s %d)", x.Trigger, x.Number)
	case pipeline.OnSchedule, pipeline.OnPipeline, pipeline.OnWebhook:
	}
	return fmt.Sprintf(" (%s)", x.Trigger)
}

// stageRun is the run of one stage.
func (a *App) stageRun(x store.Execution, i int) wanted {
	st := x.Stages[i]
	w := wanted{stage: st.Name, attempt: st.Attempt}
	w.run = github.CheckRun{
		Name: x.Definition.Name + " / " + st.Name + suffix(x.Execution), SHA: x.Revision.Commit, DetailsURL: a.pageURL(x, st.Name),
		StartedAt: st.StartedAt,
	}
	w.run.Status, w.run.Conclusion = stageStatus(x.Execution, i)
	waiting := waitingApprovals(x.Execution, i)
	for _, j := range waiting {
		w.waiting += fmt.Sprintf("%s/%d ", st.Actions[j].Name, st.Actions[j].Attempt)
	}
	if x.AwaitsWord() && i == 0 {
		w.awaitsWord(x.Execution)
	} else if w.run.Conclusion == "action_required" && pressable(x.Execution, i, waiting[0]) {
		w.run.Actions = []github.Button{
			{Label: "Approve", Description: "Let this commit into what comes next", Identifier: "approve"},
			{Label: "Reject", Description: "Stop this execution here", Identifier: "reject"},
		}
	}
	if w.run.Status == completed {
		w.run.CompletedAt = completedAt(x.Execution, i)
		if w.run.StartedAt.IsZero() {
			w.run.StartedAt = w.run.CompletedAt
		}
	}
	shown := called(x.Execution, i)
	w.run.Title = stageTitle(shown, i)
	w.run.Summary = stageSummary(shown, i)
	if text := explain.Rollback(x.Execution); text != "" {
		w.run.Summary = "This execution " + plain(text) + ".\n\n" + w.run.Summary
	}
	w.run.Summary = ofFork(x.Execution, i) + w.run.Summary
	w.run.Text = summaries(shown.Stages[i])
	if st.Status.Ended() { // before that, more could come in front of those that were sent
		w.run.Annotations = annotations(shown, i)
	}
	return w
}

// called is an execution with the actions of a stage called as people call them:
// unit (1.25) for a run of a matrix, whose values may be any text.
func called(x pipeline.Execution, i int) pipeline.Execution {
	x.Stages = slices.Clone(x.Stages)
	actions := slices.Clone(x.Stages[i].Actions)
	for j, def := range x.Definition.Stages[i].Actions {
		actions[j].Name = strings.Join(strings.Fields(def.Title()), " ")
	}
	x.Stages[i].Actions = actions
	return x
}

// completedAt is when the run's present conclusion came about.
func completedAt(x pipeline.Execution, i int) time.Time {
	st := x.Stages[i]
	if x.AwaitsWord() {
		return x.CreatedAt
	}
	if st.Status == pipeline.InProgress {
		var asked time.Time
		for _, j := range waitingApprovals(x, i) {
			asked = st.Actions[j].StartedAt
		}
		return asked
	}
	if !st.EndedAt.IsZero() {
		return st.EndedAt
	}
	return x.EndedAt
}

// waitingApprovals lists the stage's actions that wait for a person.
func waitingApprovals(x pipeline.Execution, i int) []int {
	var waiting []int
	for j, act := range x.Stages[i].Actions {
		if act.Status == pipeline.Waiting {
			waiting = append(waiting, j)
		}
	}
	return waiting
}

// stageStatus is a stage in GitHub's words. A stage that was not reached never
// becomes skipped or neutral, since GitHub counts those as passed.
func stageStatus(x pipeline.Execution, i int) (status, conclusion string) {
	st := x.Stages[i]
	switch st.Status {
	case pipeline.Succeeded:
		return completed, "success"
	case pipeline.Failed:
		return completed, "failure"
	case pipeline.TimedOut:
		return completed, "timed_out"
	case pipeline.Cancelled, pipeline.Stopped, pipeline.Superseded:
		return completed, "cancelled"
	case pipeline.Skipped:
		return completed, "skipped"
	case pipeline.Stopping, pipeline.Cancelling:
		return "in_progress", ""
	case pipeline.InProgress:
		if onlyOneApprovalLeft(x, i) {
			return completed, "action_required"
		}
		return "in_progress", ""
	default: // it has not been entered
	}
	switch {
	case x.AwaitsWord() && i == 0:
		return completed, "action_required"
	case sourceFailed(x) && i == 0:
		return completed, "failure"
	case x.Status.Ended():
		return completed, "cancelled"
	}
	return "queued", ""
}

// sourceFailed tells whether the execution ended before its first stage
// because its tree could not be had.
func sourceFailed(x pipeline.Execution) bool {
	return x.Status == pipeline.Failed && x.Stages[0].Status == pipeline.Pending
}

// onlyOneApprovalLeft tells whether the stage can do nothing but wait for one
// person: only then can its run be completed and carry buttons.
func onlyOneApprovalLeft(x pipeline.Execution, i int) bool {
	for _, act := range x.Stages[i].Actions {
		if act.Status == pipeline.Queued || act.Status == pipeline.InProgress || act.Status == pipeline.Cancelling {
			return false
		}
	}
	return len(waitingApprovals(x, i)) == 1
}

func stageSummary(x pipeline.Execution, i int) string {
	st := x.Stages[i]
	var b strings.Builder
	for j, act := range st.Actions {
		switch {
		case act.Status == pipeline.Waiting:
			fmt.Fprintf(&b, "**%s** waits for an approval.\n\n%s\n\n", act.Name, howToApprove(x, i, j))
		case act.Status.Bad():
			fmt.Fprintf(&b, "**%s** %s%s\n\n%s", plain(act.Name), statusWords(act.Status), plain(colon(act.Reason)), firstErrors(act))
			if act.LogTail != "" {
				fmt.Fprintf(&b, "%s\n\n", fenced(act.LogTail))
			}
		}
	}
	b.WriteString(conditions(x, i))
	b.WriteString("| Action | Result | Time |\n| --- | --- | --- |\n")
	for j, act := range st.Actions {
		fmt.Fprintf(&b, "| %s%s | %s | %s |\n", plain(act.Name), roleWords(x.Definition.Stages[i].Actions[j].Role), result(x, i, j), actionTime(act))
	}
	if made := artifacts(st); made != "" {
		fmt.Fprintf(&b, "\nArtifacts: %s\n", made)
	}
	for _, n := range x.Notes {
		fmt.Fprintf(&b, "\n> %s\n", plain(n))
	}
	fmt.Fprintf(&b, "\nExecution %d of %s, started by %s.", x.Number, x.Definition.Name, beginning(x))
	return b.String()
}

// beginning is what started an execution, and who stands behind that.
func beginning(x pipeline.Execution) string {
	if x.Trigger == pipeline.OnPipeline && len(x.Chain) > 0 {
		last := x.Chain[len(x.Chain)-1]
		return fmt.Sprintf("execution %d of %s", last.Number, last.Pipeline)
	}
	return string(x.Trigger) + by(x.Actor)
}

func result(x pipeline.Execution, i, j int) string {
	act := x.Stages[i].Actions[j]
	text, void := statusWords(act.Status), explain.Void(x, i, j)
	switch {
	case void != "":
		text = plain(void)
	case act.Decision != nil:
		text = plain(act.Reason)
	case act.Status == pipeline.Failed || act.Status == pipeline.Errored || act.Status == pipeline.Cancelled || act.Status == pipeline.Skipped:
		text += plain(colon(act.Reason))
	}
	if act.Status == pipeline.Pending && !act.Until.IsZero() {
		text = "tried again at " + act.Until.UTC().Format("15:04:05 UTC")
	}
	if act.Attempt > 1 {
		text += fmt.Sprintf(" (attempt %d)", act.Attempt)
	}
	return text
}

func actionTime(act pipeline.ActionState) string {
	if act.StartedAt.IsZero() || act.EndedAt.IsZero() {
		return ""
	}
	return human.Duration(act.EndedAt.Sub(act.StartedAt))
}

func artifacts(st pipeline.StageState) string {
	var made []string
	for _, act := range st.Actions {
		for _, art := range act.Artifacts {
			made = append(made, fmt.Sprintf("%s (`sha256:%s`)", art.Name, art.Digest[:min(12, len(art.Digest))]))
		}
	}
	return strings.Join(made, ", ")
}

func statusWords(s pipeline.Status) string {
	switch s {
	case pipeline.Pending:
		return "not started"
	case pipeline.InProgress:
		return "running"
	case pipeline.Waiting:
		return "waiting for approval"
	case pipeline.Errored:
		return "could not be run"
	case pipeline.TimedOut:
		return "timed out"
	case pipeline.Stopping, pipeline.Cancelling:
		return "stopping"
	default:
		return string(s)
	}
}
