// Package store is the port to the durable state: what was received, what runs,
// who is where. It holds the types, the work that a transaction may leave
// behind, and Apply, which carries an event through executions and locks in one
// transaction. The databases stand in packages beside it; they import it, it
// imports none of them.
package store

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"

	"github.com/stagegate/stagegate/internal/pipeline"
)

var (
	// ErrNotFound is returned where the thing asked for does not exist.
	ErrNotFound = errors.New("not found")
	// ErrConflict is returned when somebody else changed the thing meanwhile.
	ErrConflict = errors.New("conflict")
)

// Store is a database. Update runs one transaction at a time in an order all
// of them agree on; View reads a consistent state beside it.
type Store interface {
	Update(ctx context.Context, do func(Tx) error) error
	View(ctx context.Context, do func(Tx) error) error
	// Queue makes the work queue that carries out what Enqueue left. It may be
	// called once.
	Queue(config *river.Config) (Queue, error)
	Close() error
}

// Queue carries out work until it is stopped.
type Queue interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

// Tx is one transaction. Its parts stand for the tables.
type Tx interface {
	Inbox
	Executions
	Locks
	Transitions
	Jobs
	Runners
	Checks
	Schedules
	People
	AccessTokens
	AuditLog
	Deployments
	Secrets
	ReviewRequests
	// Enqueue leaves work to be done after the commit, at least once, and not
	// before the time; the zero time means at once.
	Enqueue(ctx context.Context, work river.JobArgs, at time.Time) error
}

// Delivery is one webhook delivery as it came.
type Delivery struct {
	ID         int64
	GUID       string // unsigned, so only a hint
	Digest     string // SHA-256 of the body, hex
	Event      string
	Repository string // key of order: the repository's id, or empty
	Body       []byte
	ReceivedAt time.Time
	State      DeliveryState
	Attempts   int
	NotBefore  time.Time // of the next attempt
	Message    string    // how it ended
}

// DeliveryState is where a delivery stands.
type DeliveryState string

const (
	// Received waits to be processed.
	Received DeliveryState = "received"
	// Processed has been acted upon.
	Processed DeliveryState = "processed"
	// Abandoned could not be processed; sent again, it is tried again.
	Abandoned DeliveryState = "abandoned"
)

// Inbox keeps deliveries.
type Inbox interface {
	// Receive stores a delivery and tells whether there is something to do. A
	// body or GUID seen before is a duplicate, unless it had been abandoned.
	Receive(ctx context.Context, d Delivery) (fresh bool, err error)
	// NextDelivery is the oldest received delivery of the repository.
	NextDelivery(ctx context.Context, repository string) (Delivery, error)
	SaveDelivery(ctx context.Context, d Delivery) error
	// Events are the newest deliveries of the repository that can start a pipeline: of
	// pushes, pull requests and merge groups. The newest comes first.
	Events(ctx context.Context, repository string, limit int) ([]Delivery, error)
	// Delivered tells whether a delivery of the GUID was received.
	Delivered(ctx context.Context, guid string) (bool, error)
}

// Execution is a pipeline's execution with what the app keeps beside it.
type Execution struct {
	pipeline.Execution
	Installation int64
	Delivery     int64  // what started it
	Token        string // opens its page; unguessable
	Version      int    // counts changes, from 1
	Reported     int    // the version GitHub was last told of in full
}

// Filter picks executions. Zero fields do not filter.
type Filter struct {
	RepositoryID int64
	Repository   string // owner/name, in any case; of two that had the name, the one that had it last
	Installation int64
	Delivery     int64
	Pipeline     string
	Number       int
	Lane         string
	Commit       string // or how its SHA begins
	Status       pipeline.Status
	Active       bool    // not ended
	Repositories []int64 // of one of these; nil: of any
	SucceededIn  string  // a stage
	Before       string  // id: only older ones
	After        string  // id: only newer ones
	Limit        int     // zero: 1000
}

// Executions keeps executions.
type Executions interface {
	// CreateExecution stores a new execution and sets its ID, Number and
	// Version. One delivery starts a pipeline once: a second time is ErrConflict.
	CreateExecution(ctx context.Context, x *Execution) error
	Execution(ctx context.Context, id string) (Execution, error)
	ExecutionByToken(ctx context.Context, token string) (Execution, error)
	// Find lists executions, newest first.
	Find(ctx context.Context, f Filter) ([]Execution, error)
	// Pipelines lists the newest execution of every pipeline, by name of the
	// repository and of the pipeline.
	Pipelines(ctx context.Context) ([]Execution, error)
	// Repositories lists those that have had an execution, by name.
	Repositories(ctx context.Context) ([]Repository, error)
	// SaveExecution stores a change and adds one to Version; ErrConflict when
	// the stored version is not x's.
	SaveExecution(ctx context.Context, x *Execution) error
	// SavePass notes that the execution has succeeded in a stage; twice is once.
	SavePass(ctx context.Context, id, stage string) error
	// Reported notes the version GitHub knows.
	Reported(ctx context.Context, id string, version int) error
}

// Locks keeps the locks of stages.
type Locks interface {
	// Lock returns the lock; one never used is the zero Lock. Of those that wait at it
	// it has the few whom an event of the execution, "" for none, can be about, and
	// counts the others.
	Lock(ctx context.Context, key pipeline.LockKey, execution string) (pipeline.Lock, error)
	// SaveLock stores what has become of the lock that Lock returned.
	SaveLock(ctx context.Context, key pipeline.LockKey, was, is pipeline.Lock) error
	// Ahead counts those that wait at the lock before the execution.
	Ahead(ctx context.Context, key pipeline.LockKey, execution string) (int, error)
	// StageLocks lists those locks of a stage that somebody holds or waits at, by lane.
	StageLocks(ctx context.Context, repository int64, pipeline, stage string) ([]pipeline.LockKey, error)
}

// Transitions keeps those transitions that are disabled. For each stage there is one
// of all lanes at most, and one of each lane.
type Transitions interface {
	// Transitions lists those of a repository, or all for 0, by repository,
	// pipeline, stage and lane. The time of some may be over.
	Transitions(ctx context.Context, repository int64) ([]pipeline.Transition, error)
	// SaveTransition takes the place of the one of its stage and lane.
	SaveTransition(ctx context.Context, t pipeline.Transition) error
	// DeleteTransition removes that of the stage and lane of t.
	DeleteTransition(ctx context.Context, t pipeline.Transition) error
}

// JobState is where a job stands.
type JobState string

const (
	// JobQueued waits for a runner.
	JobQueued JobState = "queued"
	// JobLeased is with a runner.
	JobLeased JobState = "leased"
	// JobDone has its result.
	JobDone JobState = "done"
)

// Job is a job with its lease.
type Job struct {
	pipeline.Job
	State   JobState
	Cancel  bool // the runner is to stop it
	Runner  string
	Token   string // of the lease
	Expires time.Time
	Made    []pipeline.Artifact // that it has stored so far
}

// Jobs keeps jobs. They are handed out in the order they came.
type Jobs interface {
	// InsertJob stores a queued job; a job that is there already stays as it is.
	InsertJob(ctx context.Context, job pipeline.Job) error
	Job(ctx context.Context, id string) (Job, error)
	JobByToken(ctx context.Context, token string) (Job, error)
	// NextJob is the oldest queued job.
	NextJob(ctx context.Context) (Job, error)
	// LeasedJobs lists the leased jobs of a runner, or of all for "".
	LeasedJobs(ctx context.Context, runner string) ([]Job, error)
	SaveJob(ctx context.Context, j Job) error
}

// CheckRun is a check run as GitHub was last told of it.
type CheckRun struct {
	ID         int64 // ours
	GitHub     int64 // GitHub's; zero until its answer is known
	Execution  string
	Stage      string // empty: the run of the whole pipeline
	Attempt    int    // of the stage
	N          int    // counts runs of the stage, from 1
	Name       string
	ExternalID string
	Status     string
	Conclusion string
	Waiting    string // the approvals it showed as waiting
	Digest     string // of everything GitHub was told
	Note       string // an answer to a person, kept in the run's text
	OpenedAt   time.Time
	AcceptedAt time.Time // when GitHub accepted the present Waiting, by its clock

	Annotations int // how many GitHub has
}

// Announcement is the comment on a pull request that announces a pipeline's
// waiting approvals, or that says where all its pipelines stand. A newer execution
// takes the comment over.
type Announcement struct {
	RepositoryID int64
	PullRequest  int    // zero notes that the execution has no pull request to announce on
	Pipeline     string // empty: all
	Execution    string
	Comment      int64 // GitHub's id; zero until known
	Digest       string
}

// Checks keeps what GitHub was told.
type Checks interface {
	CheckRuns(ctx context.Context, execution string) ([]CheckRun, error)
	CheckRunByGitHub(ctx context.Context, id int64) (CheckRun, error)
	// SaveCheckRun inserts (ID zero, which it sets) or updates.
	SaveCheckRun(ctx context.Context, c *CheckRun) error
	// Announcements lists those that are about the execution now.
	Announcements(ctx context.Context, execution string) ([]Announcement, error)
	Announcement(ctx context.Context, repositoryID int64, pullRequest int, pipeline string) (Announcement, error)
	SaveAnnouncement(ctx context.Context, a Announcement) error
	// Plan is the comment on a pull request that says what its edit of pipeline files
	// means.
	Plan(ctx context.Context, repositoryID int64, pullRequest int) (Plan, error)
	SavePlan(ctx context.Context, p Plan) error
}

// Plan is the comment on a pull request that says what it changes about pipelines.
type Plan struct {
	RepositoryID int64
	PullRequest  int
	Comment      int64  // GitHub's id
	Digest       string // of the text
}
