package pipeline

import "sync"

// Verdict is what an event does to the thing it is about.
type Verdict string

const (
	// Move changes the state.
	Move Verdict = "move"
	// Ignore changes nothing: the event is a duplicate, or came too late.
	Ignore Verdict = "ignore"
	// Refuse changes nothing and tells the sender why.
	Refuse Verdict = "refuse"
)

// Subject is what an event is about.
type Subject string

// The subjects, with the statuses each can have.
const (
	OfExecution Subject = "execution"
	OfStage     Subject = "stage"
	OfAction    Subject = "action"
)

// unstarted is the status of an execution before its first event.
const unstarted Status = ""

// Statuses lists the statuses a subject can have, in the order of its life.
func Statuses(of Subject) []Status {
	switch of {
	case OfExecution:
		return []Status{unstarted, Pending, InProgress, Stopping, Cancelling, Succeeded, Failed, Cancelled, Stopped, Skipped, Superseded}
	case OfStage:
		return []Status{Pending, Waiting, InProgress, Stopping, Cancelling, Succeeded, Failed, TimedOut, Cancelled, Stopped, Skipped, Superseded}
	case OfAction:
		return []Status{Pending, Queued, Waiting, InProgress, Cancelling, Succeeded, Failed, Errored, TimedOut, Rejected, Expired, Cancelled, Skipped}
	}
	return nil
}

// Row is one line of the table: an event, what it is about, the statuses in
// which it moves and in which it is ignored. In every other status it is
// refused.
type Row struct {
	Event  Kind
	Of     Subject
	Moves  []Status
	Ignore []Status
}

// Table says for every (status, event) pair whether the event moves, is
// ignored or is refused. Apply, its tests and docs/states.md are made from it.
//
// The statuses stand in the order of Statuses.
func Table() []Row {
	return []Row{
		{KindStarted, OfExecution, s(unstarted), s(Pending, InProgress, Stopping, Cancelling, Succeeded, Failed, Cancelled, Stopped, Skipped, Superseded)},
		{KindInvalid, OfExecution, s(unstarted), s(Failed)},
		{KindOutrun, OfExecution, s(unstarted), s(Superseded)},
		{KindSkip, OfExecution, s(unstarted), s(Skipped)},
		{KindSourceFetched, OfExecution, s(Pending), s(InProgress, Stopping, Cancelling, Succeeded, Failed, Cancelled, Stopped, Skipped, Superseded)},
		{KindSourceFailed, OfExecution, s(Pending), s(InProgress, Stopping, Cancelling, Succeeded, Failed, Cancelled, Stopped, Skipped, Superseded)},
		{KindAdmitted, OfExecution, s(Pending), s(InProgress, Stopping, Cancelling, Succeeded, Failed, Cancelled, Stopped, Skipped, Superseded)},
		{KindCancel, OfExecution, s(Pending, InProgress, Stopping), s(Cancelling)},
		{KindStop, OfExecution, s(Pending, InProgress, Stopping), nil},

		{KindEntered, OfStage, s(Waiting), s(InProgress, Stopping, Cancelling, Succeeded, Failed, TimedOut, Cancelled, Stopped, Skipped, Superseded)},
		{KindTurnedAway, OfStage, s(Waiting), s(InProgress, Stopping, Cancelling, Succeeded, Failed, TimedOut, Cancelled, Stopped, Skipped, Superseded)},
		{KindGranted, OfStage, s(InProgress), s(Waiting, Stopping, Cancelling, Succeeded, Failed, TimedOut, Cancelled, Stopped, Skipped, Superseded)},
		{KindCleared, OfStage, s(InProgress), s(Waiting, Stopping, Cancelling, Succeeded, Failed, TimedOut, Cancelled, Stopped, Skipped, Superseded)},
		{KindShut, OfStage, s(InProgress), s(Waiting, Stopping, Cancelling, Succeeded, Failed, TimedOut, Cancelled, Stopped, Skipped, Superseded)},
		{KindOpened, OfStage, s(InProgress), s(Waiting, Stopping, Cancelling, Succeeded, Failed, TimedOut, Cancelled, Stopped, Skipped, Superseded)},
		{KindDue, OfStage, s(Waiting, InProgress), s(Pending, Stopping, Cancelling, Succeeded, Failed, TimedOut, Cancelled, Stopped, Skipped, Superseded)},
		{KindCompared, OfStage, s(InProgress), s(Pending, Waiting, Stopping, Cancelling, Succeeded, Failed, TimedOut, Cancelled, Stopped, Skipped, Superseded)},
		{KindTrusted, OfStage, s(InProgress), s(Pending, Waiting, Stopping, Cancelling, Succeeded, Failed, TimedOut, Cancelled, Stopped, Skipped, Superseded)},
		{KindOverride, OfStage, s(Waiting, InProgress, Failed), nil},
		{KindRolledBack, OfStage, s(Failed, TimedOut), s(Pending, Waiting, InProgress, Stopping, Cancelling, Succeeded, Cancelled, Stopped, Skipped, Superseded)},
		{KindSuperseded, OfStage, s(Waiting, InProgress), s(Stopping, Cancelling, Succeeded, Failed, TimedOut, Cancelled, Stopped, Skipped, Superseded)},
		{KindRetry, OfStage, s(Failed, TimedOut, Stopped), nil},

		{KindJobStarted, OfAction, s(Queued), s(InProgress, Cancelling, Succeeded, Failed, Errored, TimedOut, Cancelled)},
		{KindJobFinished, OfAction, s(Queued, InProgress, Cancelling), s(Succeeded, Failed, Errored, TimedOut, Cancelled)},
		{KindDecided, OfAction, s(Waiting), nil},
		{KindDescribed, OfAction, s(Waiting), s(Succeeded, Rejected, Expired, Cancelled)},
		{KindWithdrawn, OfAction, s(Waiting), nil},
		{KindExpired, OfAction, s(Waiting), s(Succeeded, Rejected, Expired, Cancelled)},
	}
}

func s(statuses ...Status) []Status { return statuses }

// verdict reads the table. A pair that is not in it is refused.
func verdict(k Kind, in Status) Verdict {
	if v, ok := verdicts()[pair{k, in}]; ok {
		return v
	}
	return Refuse
}

type pair struct {
	event  Kind
	status Status
}

var verdicts = sync.OnceValue(func() map[pair]Verdict {
	all := map[pair]Verdict{}
	for _, row := range Table() {
		for _, status := range row.Moves {
			all[pair{row.Event, status}] = Move
		}
		for _, status := range row.Ignore {
			all[pair{row.Event, status}] = Ignore
		}
	}
	return all
})
