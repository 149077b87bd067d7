// Package remote is how a runner on another machine gets its work: runner.Jobs and
// runner.Files over HTTP. Handler answers, in the process that has them; Client asks,
// and is them to a runner.
//
// Two kinds of token open it, as Authorization: Bearer TOKEN. A runner's own opens the
// leases and nothing else. The token of a lease opens what is that job's: its inputs,
// artifacts, secrets and log; it ends with the job.
package remote

import (
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// Prefix is where Handler stands.
const Prefix = "/runner/v1"

// The paths below Prefix.
const (
	pathLease    = "/lease"  // POST: wait for a job
	pathLeases   = "/leases" // GET: those the runner has
	pathRenew    = "/job/renew"
	pathStarted  = "/job/started"
	pathResult   = "/job/result"
	pathSecrets  = "/job/secrets"
	pathLogin    = "/job/login" // GET: that of a registry
	pathLog      = "/job/log"
	pathInput    = "/job/inputs/"    // and its name
	pathArtifact = "/job/artifacts/" // and its name
)

// patience is how long a request for a job waits for one before it is answered with
// none. It is below what proxies allow a silent request.
const patience = 25 * time.Second

// Limits of what a runner sends, in bytes.
const (
	mostWords    = 16 << 10 // of a request without content
	mostResult   = 32 << 20 // of a job's end: outputs, annotations, summary
	mostLog      = 1 << 20  // of one piece of a log
	mostArtifact = 11 << 30 // of an artifact's tar
	mostAnswer   = 64 << 20 // of an answer that is no file
	mostRefusal  = 64 << 10 // of one that says why not
)

// wanted is the wish for a job.
type wanted struct {
	Runner string `json:"runner"` // its id
	Token  string `json:"token"`  // of the lease to be
}

// lease is a runner.Lease. Two machines seldom agree about the time, so what is left
// of it is told, not its end.
type lease struct {
	Job   pipeline.Job `json:"job"`
	Token string       `json:"token"`
	Left  int64        `json:"left_ms"`
}

func leaseOf(l runner.Lease, now time.Time) lease {
	return lease{l.Job, l.Token, l.Expires.Sub(now).Milliseconds()}
}

func (l lease) lease(now time.Time) runner.Lease {
	return runner.Lease{Job: l.Job, Token: l.Token, Expires: now.Add(time.Duration(l.Left) * time.Millisecond)}
}

// order is a runner.Order.
type order struct {
	Left   int64 `json:"left_ms"`
	Cancel bool  `json:"cancel"`
}

// secret is a secret's value, which need not be text.
type secret struct {
	Name  string `json:"name"`
	Value []byte `json:"value"`
}

// login is a runner.Login.
type login struct {
	Username string `json:"username"`
	Password []byte `json:"password"`
}

// started tells that a job's container runs.
type started struct {
	At    time.Time `json:"at"`
	Image string    `json:"image"`
}

// code tells why something was not done.
type code string

const (
	unauthorized code = "unauthorized" // 401: the token opens nothing
	lost         code = "lease_lost"   // 410: the lease is no longer this runner's
	refused      code = "refused"      // 422: the message is for the author of the pipeline
	invalid      code = "invalid"      // 400
	notFound     code = "not_found"    // 404
	internal     code = "internal"     // 500
)

// refusal is every answer that is not 2xx.
type refusal struct {
	Code    code   `json:"code"`
	Message string `json:"message"`
}
