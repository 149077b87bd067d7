package store

import (
	"time"

	"github.com/riverqueue/river"
)

// The work of starting executions that no delivery of GitHub starts.

// StartScheduled starts a pipeline whose time has come.
type StartScheduled struct {
	RepositoryID int64     `json:"repository_id"`
	Pipeline     string    `json:"pipeline"`
	Time         time.Time `json:"time"`  // that was due
	Since        time.Time `json:"since"` // when it was asked for
}

// Kind names the work in the queue.
func (StartScheduled) Kind() string { return "start_scheduled" }

// InsertOpts chooses the queue.
func (StartScheduled) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueStart, MaxAttempts: forever}
}

// KeepSchedules brings the schedules of a repository into line with its files.
type KeepSchedules struct {
	Installation int64     `json:"installation"`
	Repository   string    `json:"repository"` // owner/name
	RepositoryID int64     `json:"repository_id"`
	Since        time.Time `json:"since"` // when it was asked for
}

// Kind names the work in the queue.
func (KeepSchedules) Kind() string { return "keep_schedules" }

// InsertOpts chooses the queue.
func (KeepSchedules) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueStart, MaxAttempts: forever}
}

// StartFollowers starts the pipelines that wait for the success of an execution,
// or of one of its stages.
type StartFollowers struct {
	Execution string `json:"execution"`
	Stage     string `json:"stage"`   // empty: the execution
	Attempt   int    `json:"attempt"` // of the stage
}

// Kind names the work in the queue.
func (StartFollowers) Kind() string { return "start_followers" }

// InsertOpts chooses the queue.
func (StartFollowers) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueStart, MaxAttempts: forever}
}
