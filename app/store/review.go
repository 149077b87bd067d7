package store

import (
	"context"
	"time"
)

// ReviewRequest is the reviewers of an environment being asked at GitHub about one
// approval that waits: by a run of a workflow, which only that approval has.
type ReviewRequest struct {
	ID           int64
	RepositoryID int64
	Execution    string
	Stage        string
	Action       string
	Attempt      int // of the action
	Environment  string
	Branch       string // or tag that the run is on
	HeadSHA      string // that the run must have
	Run          int64  // GitHub's; zero until it is known
	URL          string // of the run's page
	State        ReviewState
	Problem      string // why nobody is asked, or why an answer did not count
	AskedAt      time.Time
}

// ReviewState is where a request stands.
type ReviewState string

const (
	// ReviewWanted is to be made, or is being made.
	ReviewWanted ReviewState = ""
	// ReviewDispatched has a run, which is not known yet.
	ReviewDispatched ReviewState = "dispatched"
	// ReviewAsked waits for its reviewers.
	ReviewAsked ReviewState = "asked"
	// ReviewAnswered has had an answer: its run goes on by itself.
	ReviewAnswered ReviewState = "answered"
	// ReviewFailed could not be made.
	ReviewFailed ReviewState = "failed"
	// ReviewEnded is over: its approval does not wait any more.
	ReviewEnded ReviewState = "ended"
)

// ReviewRequests keeps whom GitHub asks.
type ReviewRequests interface {
	// ReviewRequests lists those of an execution.
	ReviewRequests(ctx context.Context, execution string) ([]ReviewRequest, error)
	// ReviewRequestByRun is that of a run, or ErrNotFound.
	ReviewRequestByRun(ctx context.Context, repositoryID, run int64) (ReviewRequest, error)
	// RecentReviewRequests lists those of an environment that were made since a moment.
	RecentReviewRequests(ctx context.Context, repositoryID int64, environment string, since time.Time) ([]ReviewRequest, error)
	// SaveReviewRequest inserts (ID zero, which it sets) or updates.
	SaveReviewRequest(ctx context.Context, r *ReviewRequest) error
}
