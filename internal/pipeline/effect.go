package pipeline

import "time"

// Effect is what an execution wants done. The store keeps effects in the same
// transaction as the new state; loops carry them out at least once.
type Effect interface{ effect() }

type (
	// FetchSource wants the tree of the commit; SourceFetched or SourceFailed answers.
	FetchSource struct{}

	// TellLock sends an event to the lock of a stage; its answers come back as
	// Entered, MadeWay, Granted, Cleared, Shut and Opened.
	TellLock struct {
		Key   LockKey
		Event LockEvent
	}

	// StartJob hands a job to the runners; JobStarted and JobFinished answer.
	StartJob struct{ Job Job }

	// StopJob cancels a job; JobFinished answers.
	StopJob struct{ Job JobID }

	// AwaitExpiry wants ApprovalExpired at a time.
	AwaitExpiry struct {
		At  time.Time
		Job JobID
	}

	// Describe wants to know what an approval would let in; Described answers.
	Describe struct{ Job JobID }

	// StartFollowers starts the pipelines that wait for the success of a stage, or,
	// where Stage is empty, of the execution.
	StartFollowers struct {
		Stage   string
		Attempt int // of the stage
	}

	// AwaitDue wants Due at a time.
	AwaitDue struct {
		At      time.Time
		Stage   string
		Attempt int
	}

	// Compare wants to know whether the execution's commit is a descendant of the one
	// that is deployed; Compared answers.
	Compare struct{ Stage, Deployed string }

	// AskTrust wants to know whether the environment of a stage trusts the execution
	// now; Trusted answers.
	AskTrust struct{ Stage, Environment string }

	// RollBack deploys again what last succeeded in a stage, in an execution of its
	// own. It gets the locks of this one, which are left where there is nothing to go
	// back to. RolledBack answers.
	RollBack struct {
		Stage string
		Locks []LockKey
	}

	// Passed remembers that a stage has succeeded: a rollback can go back to it.
	Passed struct{ Stage string }

	// Report tells GitHub what changed.
	Report struct{}
)

func (FetchSource) effect()    {}
func (TellLock) effect()       {}
func (StartJob) effect()       {}
func (StopJob) effect()        {}
func (AwaitExpiry) effect()    {}
func (Describe) effect()       {}
func (AwaitDue) effect()       {}
func (StartFollowers) effect() {}
func (Compare) effect()        {}
func (AskTrust) effect()       {}
func (RollBack) effect()       {}
func (Passed) effect()         {}
func (Report) effect()         {}
