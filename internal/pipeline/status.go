package pipeline

// Status is where an execution, a stage or an action stands. Which of them a
// thing can have is told by the table in table.go.
type Status string

const (
	// Pending has not been reached yet. For an execution: its source is being fetched.
	Pending Status = "pending"
	// Waiting is a stage in front of its lock, or an approval nobody has answered.
	Waiting Status = "waiting"
	// Queued is an action whose job no runner has started.
	Queued Status = "queued"
	// InProgress is under way.
	InProgress Status = "in_progress"
	// Cancelling has been told to stop and is not dead yet; a stage keeps its lock.
	Cancelling Status = "cancelling"
	// Stopping finishes what runs and begins nothing.
	Stopping Status = "stopping"
	// Stopped was told to stop, and may go on by a retry.
	Stopped Status = "stopped"
	// Succeeded ended well; an approval was given.
	Succeeded Status = "succeeded"
	// Failed is an action whose script ended with an exit code other than zero, and whatever contains it.
	Failed Status = "failed"
	// Errored is an action that could not be run: no image, no engine, an unknown output.
	Errored Status = "errored"
	// TimedOut ran longer than it may.
	TimedOut Status = "timed_out"
	// Rejected is an approval a person refused.
	Rejected Status = "rejected"
	// Expired is an approval nobody answered in time.
	Expired Status = "expired"
	// Cancelled was stopped, or will never be reached.
	Cancelled Status = "cancelled"
	// Skipped was left out because its author's own filter or condition says so.
	Skipped Status = "skipped"
	// Superseded made way for a newer execution of its lane.
	Superseded Status = "superseded"
)

// Ended tells whether the status is final (a retry makes a new attempt).
func (s Status) Ended() bool {
	switch s {
	case Succeeded, Failed, Errored, TimedOut, Rejected, Expired, Cancelled, Stopped, Skipped, Superseded:
		return true
	case unstarted, Pending, Waiting, Queued, InProgress, Stopping, Cancelling:
		return false
	}
	return false
}

// Bad tells whether an action with the status makes its stage fail.
func (s Status) Bad() bool {
	switch s {
	case Failed, Errored, TimedOut, Rejected, Expired:
		return true
	case unstarted, Pending, Waiting, Queued, InProgress, Stopping, Cancelling, Succeeded, Cancelled, Stopped, Skipped, Superseded:
		return false
	}
	return false
}
