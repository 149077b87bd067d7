package web

import "github.com/stagegate/stagegate/internal/pipeline"

// badge is a status as people see it: a word, a symbol and a colour, so that
// nobody has to tell colours apart.
type badge struct {
	Word   string
	Symbol string
	Class  string // good, bad, busy, ask or idle
}

var badges = map[pipeline.Status]badge{
	pipeline.Pending:    {"not started", "·", "idle"},
	pipeline.Waiting:    {"waiting", "…", "ask"},
	pipeline.Queued:     {"queued", "○", "busy"},
	pipeline.InProgress: {"running", "●", "busy"},
	pipeline.Cancelling: {"stopping", "●", "busy"},
	pipeline.Succeeded:  {"succeeded", "✓", "good"},
	pipeline.Failed:     {"failed", "✗", "bad"},
	pipeline.Errored:    {"could not be run", "!", "bad"},
	pipeline.TimedOut:   {"timed out", "!", "bad"},
	pipeline.Rejected:   {"rejected", "✗", "bad"},
	pipeline.Expired:    {"expired", "!", "bad"},
	pipeline.Stopping:   {"stopping", "●", "busy"},
	pipeline.Stopped:    {"stopped", "■", "idle"},
	pipeline.Cancelled:  {"cancelled", "–", "idle"},
	pipeline.Skipped:    {"skipped", "↷", "idle"},
	pipeline.Superseded: {"superseded", "»", "idle"},
}

var forApproval = badge{"waiting for approval", "?", "ask"}

func badgeOf(s pipeline.Status) badge {
	if b, ok := badges[s]; ok {
		return b
	}
	return badge{plain(string(s)), "·", "idle"}
}

// executionBadge says waiting when people are all it waits for.
func executionBadge(x pipeline.Execution) badge {
	switch x.Status {
	case pipeline.Pending:
		return badge{"fetching the source", "●", "busy"}
	case pipeline.InProgress:
		for _, st := range x.Stages {
			if !st.Status.Ended() && st.Status != pipeline.Pending {
				return stageBadge(x, st)
			}
		}
	default:
	}
	return badgeOf(x.Status)
}

func stageBadge(x pipeline.Execution, st pipeline.StageState) badge {
	switch {
	case st.Status == pipeline.Pending && x.Status.Ended():
		return badge{"not reached", "·", "idle"}
	case st.Status == pipeline.InProgress && asks(st) > 0 && !works(st):
		return forApproval
	}
	return badgeOf(st.Status)
}

func actionBadge(x pipeline.Execution, a pipeline.ActionState) badge {
	switch {
	case a.Status == pipeline.Pending && x.Status.Ended():
		return badge{"not reached", "·", "idle"}
	case a.Status == pipeline.Waiting:
		return forApproval
	case a.Status == pipeline.Succeeded && a.Decision != nil:
		return badge{"approved", "✓", "good"}
	}
	return badgeOf(a.Status)
}

// asks counts the approvals of a stage that wait for an answer.
func asks(st pipeline.StageState) int {
	n := 0
	for _, a := range st.Actions {
		if a.Status == pipeline.Waiting {
			n++
		}
	}
	return n
}

// works tells whether a job of the stage is under way.
func works(st pipeline.StageState) bool {
	for _, a := range st.Actions {
		switch a.Status {
		case pipeline.Queued, pipeline.InProgress, pipeline.Cancelling:
			return true
		default:
		}
	}
	return false
}
