package app

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/stagegate/stagegate/internal/human"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// stageTitle is the one line of a check run: how the stage ended and why, or what it
// waits for.
func stageTitle(x pipeline.Execution, i int) string {
	st := x.Stages[i]
	switch st.Status {
	case pipeline.Succeeded:
		return "Succeeded in " + human.Duration(st.EndedAt.Sub(st.StartedAt))
	case pipeline.Failed, pipeline.TimedOut:
		return cut(cmp.Or(failure(x, i), statusWords(st.Status)), 200)
	case pipeline.Cancelled, pipeline.Stopped, pipeline.Skipped, pipeline.Superseded:
		return sentence(cmp.Or(st.Reason, x.Reason, "cancelled"))
	case pipeline.Stopping, pipeline.Cancelling:
		return "Stopping: " + stopping(x, st)
	case pipeline.Waiting:
		// Who is inside may change without a word to this execution.
		return "Waiting for " + explain.Waits(x, i, explain.Around{})[0].Text
	case pipeline.InProgress:
		return progressTitle(x, i)
	default: // it has not been reached
	}
	switch {
	case sourceFailed(x) && i == 0:
		return sentence(x.Reason)
	case x.Status == pipeline.Failed:
		return "Not reached: " + x.Reason
	case x.Status.Ended():
		return sentence(cmp.Or(x.Reason, "not reached"))
	case x.AwaitsWord() && i == 0:
		return "Waiting for " + explain.Word(x, i).Text
	case i == 0:
		return "Fetching the source"
	}
	return "Waits for stage " + x.Stages[i-1].Name
}

func stopping(x pipeline.Execution, st pipeline.StageState) string {
	return explain.Stop(st.Reason, x.Abandoned || st.Status == pipeline.Cancelling)
}

// failure says why a stage has failed: the rule that did it, else the actions. The
// command of a rule decides nothing by itself.
func failure(x pipeline.Execution, i int) string {
	st := x.Stages[i]
	if st.Barred != pipeline.RoleWork {
		return sentence(st.Reason)
	}
	var bad []string
	for j, act := range st.Actions {
		role := x.Definition.Stages[i].Actions[j].Role
		if act.Status.Bad() && role != pipeline.RoleEntry && role != pipeline.RoleSuccess {
			bad = append(bad, act.Name+": "+cmp.Or(act.Reason, statusWords(act.Status)))
		}
	}
	return cmp.Or(strings.Join(bad, "; "), sentence(st.Reason))
}

func progressTitle(x pipeline.Execution, i int) string {
	st := x.Stages[i]
	if w, held := explain.Held(x, i, explain.Around{}); held {
		return "Waiting for " + w.Text
	}
	var waiting []string
	for _, j := range waitingApprovals(x, i) {
		waiting = append(waiting, st.Actions[j].Name+explain.Progress(st.Actions[j], x.Definition.Stages[i].Actions[j].Approval))
	}
	if len(waiting) > 0 {
		return "Waiting for approval: " + strings.Join(waiting, ", ")
	}
	var running []string
	done := 0
	for _, act := range st.Actions {
		switch {
		case act.Status.Ended():
			done++
		case act.Status == pipeline.InProgress:
			running = append(running, act.Name)
		}
	}
	title := fmt.Sprintf("%d of %s done", done, count(len(st.Actions), "action"))
	if len(running) > 0 {
		title += ", running: " + strings.Join(running, ", ")
	} else if w, ok := explain.ForRunner(x, i); ok {
		title += ", waiting for " + w.Text
	}
	return title
}
