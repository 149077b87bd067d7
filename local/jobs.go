package local

import (
	"context"
	"sync"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// leaseTime is how long a lease lasts. Nobody else could take it, so it matters
// only that it is renewed seldom.
const leaseTime = time.Hour

// jobs hands the execution's jobs to the runner of the same process. It
// implements runner.Jobs.
type jobs struct {
	apply func(pipeline.Event) error
	runs  func() // is called when a job's container runs
	queue chan pipeline.Job

	mu     sync.Mutex
	leases map[string]*lease
	voided map[pipeline.JobID]bool // told to stop before they were leased
}

var _ runner.Jobs = (*jobs)(nil)

// lease is a job a runner has.
type lease struct {
	job      pipeline.Job
	runner   string
	cancel   chan struct{} // closed when the job is to stop
	finished chan struct{}
}

func newJobs(most int) *jobs {
	return &jobs{
		queue:  make(chan pipeline.Job, most),
		leases: map[string]*lease{},
		voided: map[pipeline.JobID]bool{},
	}
}

// add queues a job. There is room for all of the pipeline's.
func (j *jobs) add(job pipeline.Job) { j.queue <- job }

// stop tells a job to stop; false when no runner has it.
func (j *jobs) stop(id pipeline.JobID) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range j.leases {
		if l.job.ID == id {
			close(l.cancel)
			return true
		}
	}
	j.voided[id] = true
	return false
}

func (j *jobs) Lease(ctx context.Context, name, token string) (runner.Lease, error) {
	for {
		select {
		case <-ctx.Done():
			return runner.Lease{}, ctx.Err()
		case job := <-j.queue:
			if l, ok := j.take(job, name, token); ok {
				return l, nil
			}
		}
	}
}

func (j *jobs) take(job pipeline.Job, name, token string) (runner.Lease, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.voided[job.ID] {
		return runner.Lease{}, false
	}
	j.leases[token] = &lease{job: job, runner: name, cancel: make(chan struct{}), finished: make(chan struct{})}
	return runner.Lease{Job: job, Token: token, Expires: time.Now().Add(leaseTime)}, true
}

// Held is none: what an earlier run left behind is of no use to this one.
func (j *jobs) Held(context.Context, string) ([]runner.Lease, error) { return nil, nil }

func (j *jobs) Renew(ctx context.Context, token string) (runner.Order, error) {
	l, err := j.held(token)
	if err != nil {
		return runner.Order{}, err
	}
	timer := time.NewTimer(leaseTime / 3)
	defer timer.Stop()
	order := runner.Order{}
	select {
	case <-ctx.Done():
		return runner.Order{}, ctx.Err()
	case <-l.finished:
		return runner.Order{}, runner.ErrLeaseLost
	case <-l.cancel:
		order.Cancel = true
	case <-timer.C:
	}
	order.Expires = time.Now().Add(leaseTime)
	return order, nil
}

func (j *jobs) Started(_ context.Context, token string, at time.Time, image string) error {
	l, err := j.held(token)
	if err != nil {
		return err
	}
	j.runs()
	return j.apply(pipeline.JobStarted{At: at, Job: l.job.ID, Runner: l.runner, Image: image})
}

func (j *jobs) Finish(_ context.Context, token string, r pipeline.Result) error {
	j.mu.Lock()
	l := j.leases[token]
	delete(j.leases, token)
	j.mu.Unlock()
	if l == nil {
		return runner.ErrLeaseLost
	}
	close(l.finished)
	return j.apply(pipeline.JobFinished{At: time.Now(), Job: l.job.ID, Result: r})
}

// held returns the lease of a token; runner.ErrLeaseLost when there is none.
func (j *jobs) held(token string) (*lease, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if l := j.leases[token]; l != nil {
		return l, nil
	}
	return nil, runner.ErrLeaseLost
}
