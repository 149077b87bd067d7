package store

import (
	"time"

	"github.com/riverqueue/river"
)

// Queues of work. Each has its own workers, so that a slow GitHub does not keep
// deliveries from being read.
const (
	QueueDeliver = "deliver"
	QueueReport  = "report"
	QueueSource  = "source"
	QueueStart   = "start" // see start.go
	QueueTimer   = "timer"
)

// forever is as often as River counts: work that must not be lost is tried
// until it is done, and says itself when to give up.
const forever = 32767

// Deliver processes the received deliveries of one repository in order.
type Deliver struct {
	Repository string `json:"repository"`
}

// Kind names the work in the queue.
func (Deliver) Kind() string { return "deliver" }

// InsertOpts chooses the queue.
func (Deliver) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueDeliver, MaxAttempts: forever}
}

// FetchSource fetches the tree of an execution's commit.
type FetchSource struct {
	Execution string `json:"execution"`
}

// Kind names the work in the queue.
func (FetchSource) Kind() string { return "fetch_source" }

// InsertOpts chooses the queue.
func (FetchSource) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueSource, MaxAttempts: forever}
}

// Report tells GitHub what changed in an execution up to a version.
type Report struct {
	Execution string `json:"execution"`
	Version   int    `json:"version"`
}

// Kind names the work in the queue.
func (Report) Kind() string { return "report" }

// InsertOpts chooses the queue.
func (Report) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueReport, MaxAttempts: forever}
}

// Expire ends an approval that nobody answered.
type Expire struct {
	Job string `json:"job"`
}

// Kind names the work in the queue.
func (Expire) Kind() string { return "expire" }

// InsertOpts chooses the queue.
func (Expire) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueTimer, MaxAttempts: forever}
}

// Describe finds out what an approval would let in.
type Describe struct {
	Job string    `json:"job"`
	At  time.Time `json:"at"` // when it was first to be found out
}

// Kind names the work in the queue.
func (Describe) Kind() string { return "describe" }

// InsertOpts chooses the queue.
func (Describe) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueSource, MaxAttempts: forever}
}

// Due tells a stage that a time has come which it waited for.
type Due struct {
	Execution string `json:"execution"`
	Stage     string `json:"stage"`
	Attempt   int    `json:"attempt"` // of the stage
}

// Kind names the work in the queue.
func (Due) Kind() string { return "due" }

// InsertOpts chooses the queue.
func (Due) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueTimer, MaxAttempts: forever}
}

// Compare asks GitHub whether an execution's commit contains the one that its
// environment has.
type Compare struct {
	Execution string    `json:"execution"`
	Stage     string    `json:"stage"`
	Deployed  string    `json:"deployed"` // commit
	At        time.Time `json:"at"`       // when it was first to be asked
}

// Kind names the work in the queue.
func (Compare) Kind() string { return "compare" }

// InsertOpts chooses the queue.
func (Compare) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueSource, MaxAttempts: forever}
}

// AskTrust asks whether the environment of a stage trusts an execution, by the settings
// that the default branch has now.
type AskTrust struct {
	Execution   string    `json:"execution"`
	Stage       string    `json:"stage"`
	Environment string    `json:"environment"`
	At          time.Time `json:"at"` // when it was first to be asked
}

// Kind names the work in the queue.
func (AskTrust) Kind() string { return "ask_trust" }

// InsertOpts chooses the queue.
func (AskTrust) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueSource, MaxAttempts: forever}
}

// Recover asks GitHub for deliveries that failed.
type Recover struct{}

// Kind names the work in the queue.
func (Recover) Kind() string { return "recover" }

// InsertOpts chooses the queue.
func (Recover) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueTimer, MaxAttempts: 1}
}

// RenewChecks opens anew the check runs that GitHub would soon call stale.
type RenewChecks struct{}

// Kind names the work in the queue.
func (RenewChecks) Kind() string { return "renew_checks" }

// InsertOpts chooses the queue.
func (RenewChecks) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueTimer, MaxAttempts: 1}
}

// StaleAfter is the age at which GitHub ends an incomplete check run as stale;
// runs are renewed a day before it.
const StaleAfter = 14 * 24 * time.Hour

// Reply answers a comment, by a reaction and, where Text is not empty, one comment; or
// a review, by a comment alone.
type Reply struct {
	Installation int64  `json:"installation"`
	Repository   string `json:"repository"` // owner/name
	RepositoryID int64  `json:"repository_id"`
	Number       int    `json:"number"` // of the pull request
	Comment      int64  `json:"comment"`
	Review       int64  `json:"review,omitempty"` // in place of Comment
	Reaction     string `json:"reaction"`
	Text         string `json:"text"`
}

// Status writes on a pull request where its pipelines stand.
type Status struct {
	Installation int64  `json:"installation"`
	Repository   string `json:"repository"` // owner/name
	RepositoryID int64  `json:"repository_id"`
	Number       int    `json:"number"` // of the pull request
	Asked        bool   `json:"asked"`  // by a person, who waits
}

// ShowPlan says on a pull request what it changes about pipelines.
type ShowPlan struct {
	Installation  int64  `json:"installation"`
	Repository    string `json:"repository"` // owner/name
	RepositoryID  int64  `json:"repository_id"`
	DefaultBranch string `json:"default_branch"`
	Number        int    `json:"number"` // of the pull request
	Files         int    `json:"files"`  // how many it changes; 0 where it is not said
}

// Kind names the work in the queue.
func (ShowPlan) Kind() string { return "show_plan" }

// InsertOpts chooses the queue.
func (ShowPlan) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueReport, MaxAttempts: 20}
}

// Kind names the work in the queue.
func (Status) Kind() string { return "status" }

// InsertOpts chooses the queue.
func (Status) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueReport, MaxAttempts: 100}
}

// Kind names the work in the queue.
func (Reply) Kind() string { return "reply" }

// InsertOpts chooses the queue.
func (Reply) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueReport, MaxAttempts: 100}
}
