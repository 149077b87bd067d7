package runner

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// ErrLeaseLost is what every call under a lease answers when the lease is no
// longer this runner's. The runner then kills the container and reports
// nothing.
var ErrLeaseLost = errors.New("lease lost")

// Lease is the right to carry out one job until Expires, unless it is renewed.
type Lease struct {
	Job     pipeline.Job
	Token   string // unguessable; names the lease in every call
	Expires time.Time
}

// Login opens a registry of private images. The zero Login is none.
type Login struct {
	Username string
	Password string
}

// Order is what a renewal brings back.
type Order struct {
	Expires time.Time
	Cancel  bool // stop the container: TERM, the grace period, KILL
}

// Jobs is where a runner gets its work. The app implements it in the process;
// later runners speak it over HTTP.
type Jobs interface {
	// Lease waits until there is a job and gives it to the runner, under a token that
	// the runner has drawn. Whoever never got the answer asks again with the same
	// token and gets the same lease. It returns the context's error when that ends first.
	Lease(ctx context.Context, runner, token string) (Lease, error)
	// Held lists the leases the runner still has, for adoption after a crash.
	Held(ctx context.Context, runner string) ([]Lease, error)
	// Renew prolongs the lease. It blocks until an order is there (a cancel)
	// or it is time for the next renewal, so a cancel arrives at once.
	Renew(ctx context.Context, token string) (Order, error)
	// Started tells that the container runs now.
	Started(ctx context.Context, token string, at time.Time, image string) error
	// Finish ends the lease with the job's result.
	Finish(ctx context.Context, token string, r pipeline.Result) error
}

// Files are what a job reads and writes. The same token opens them, and only
// those of its own job.
type Files interface {
	// Input opens the canonical tar of one of the job's inputs by its name.
	Input(ctx context.Context, token, name string) (io.ReadCloser, error)
	// Output stores the canonical tar of one of the job's artifacts.
	Output(ctx context.Context, token, name string, tar io.Reader) (pipeline.Artifact, error)
	// Secrets returns the values of the secrets that the job names, in its
	// order. One that does not exist is a *Refusal.
	Secrets(ctx context.Context, token string) ([]pipeline.Value, error)
	// Login returns what the job's repository signs in with at a registry of
	// images, named by its host (docker.io is Docker Hub); zero where there is
	// nothing. Only the host of an image that the job runs is asked for.
	Login(ctx context.Context, token, host string) (Login, error)
	// Log opens the job's log for writing from an offset in bytes. What stood there
	// and beyond, of an earlier writer of the same job, is replaced.
	Log(ctx context.Context, token string, from int64) (io.WriteCloser, error)
}
