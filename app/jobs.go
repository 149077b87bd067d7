package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// leaseTime is how long a runner may be silent before its job counts as lost.
// It renews three times as often.
const leaseTime = time.Minute

// jobs is the runners' work, in the process. It implements runner.Jobs.
type jobs struct{ *App }

var _ runner.Jobs = jobs{}

func (a jobs) Lease(ctx context.Context, name, token string) (runner.Lease, error) {
	for {
		changed := a.changed.wait()
		lease, err := a.take(ctx, name, token)
		if !errors.Is(err, store.ErrNotFound) {
			return lease, err
		}
		select {
		case <-ctx.Done():
			return runner.Lease{}, ctx.Err()
		case <-changed:
		}
	}
}

// take leases the oldest queued job, or returns store.ErrNotFound. A lease that the
// runner already has under the token is given again: it never got the answer.
func (a jobs) take(ctx context.Context, name, token string) (runner.Lease, error) {
	allowed := false
	look := func(tx store.Tx) error {
		if err := known(ctx, tx, name); err != nil {
			return err
		}
		j, err := free(ctx, tx, name, token)
		allowed = a.notAllowed(j.Job) == ""
		return err
	}
	if err := a.store.View(ctx, look); err != nil {
		return runner.Lease{}, err
	}
	if !allowed {
		return runner.Lease{}, a.turnAway(ctx, name, token)
	}
	var lease runner.Lease
	err := a.store.Update(ctx, func(tx store.Tx) error {
		if err := known(ctx, tx, name); err != nil {
			return err
		}
		j, err := free(ctx, tx, name, token)
		if err != nil {
			return err
		}
		if a.notAllowed(j.Job) != "" { // another one than a moment ago
			return store.ErrNotFound
		}
		j.State, j.Runner, j.Token, j.Expires = store.JobLeased, name, token, a.now().Add(leaseTime)
		lease = runner.Lease{Job: j.Job, Token: j.Token, Expires: j.Expires}
		return tx.SaveJob(ctx, j)
	})
	return lease, err
}

// known refuses a runner of another machine that was removed while it waited for a job.
// This process's own has no slash in its name.
func known(ctx context.Context, tx store.Tx, name string) error {
	name, _, elsewhere := strings.Cut(name, "/")
	if !elsewhere {
		return nil
	}
	all, err := tx.Runners(ctx)
	if err == nil && !slices.ContainsFunc(all, func(r store.Runner) bool { return r.Name == name }) {
		err = runner.ErrLeaseLost
	}
	return err
}

// free is the job that a runner gets under a token.
func free(ctx context.Context, tx store.Tx, name, token string) (store.Job, error) {
	j, err := tx.JobByToken(ctx, token)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return tx.NextJob(ctx)
	case err == nil && j.Runner != name:
		return store.Job{}, runner.ErrLeaseLost
	}
	return j, err
}

func (a jobs) Held(ctx context.Context, name string) ([]runner.Lease, error) {
	var held []runner.Lease
	err := a.store.View(ctx, func(tx store.Tx) error {
		leased, err := tx.LeasedJobs(ctx, name)
		for _, j := range leased {
			held = append(held, runner.Lease{Job: j.Job, Token: j.Token, Expires: j.Expires})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list leases of runner %s: %w", name, err)
	}
	return held, nil
}

func (a jobs) Renew(ctx context.Context, token string) (runner.Order, error) {
	timer := time.NewTimer(leaseTime / 3)
	defer timer.Stop()
	for {
		changed := a.changed.wait()
		j, err := a.leased(ctx, token)
		if err != nil {
			return runner.Order{}, err
		}
		if j.Cancel {
			return a.prolong(ctx, token)
		}
		select {
		case <-ctx.Done():
			return runner.Order{}, ctx.Err()
		case <-changed:
		case <-timer.C:
			return a.prolong(ctx, token)
		}
	}
}

func (a jobs) prolong(ctx context.Context, token string) (runner.Order, error) {
	var order runner.Order
	err := a.store.Update(ctx, func(tx store.Tx) error {
		j, err := held(ctx, tx, token)
		if err != nil {
			return err
		}
		j.Expires = a.now().Add(leaseTime)
		order = runner.Order{Expires: j.Expires, Cancel: j.Cancel}
		return tx.SaveJob(ctx, j)
	})
	return order, err
}

func (a jobs) Started(ctx context.Context, token string, at time.Time, image string) error {
	return a.update(ctx, func(tx store.Tx) error {
		j, err := held(ctx, tx, token)
		if err != nil {
			return err
		}
		return store.Apply(ctx, tx, j.ID.Execution, pipeline.JobStarted{At: at, Job: j.ID, Runner: j.Runner, Image: image})
	})
}

func (a jobs) Finish(ctx context.Context, token string, r pipeline.Result) error {
	j, err := a.leased(ctx, token)
	if err != nil {
		return err
	}
	if err := itsOwn(j, r.Artifacts); err != nil {
		return err
	}
	if err := a.keepLog(ctx, j.ID); err != nil {
		return fmt.Errorf("keep log of job %s: %w", j.ID, err)
	}
	if err := a.finish(ctx, token, r); err != nil {
		return err
	}
	a.dropLog(j.ID)
	a.log.Info("job finished", "job", j.ID.String(), "status", r.Status, "reason", r.Reason)
	return nil
}

// itsOwn refuses a result with artifacts that the job has not stored itself: by their
// digests it could have those of others.
func itsOwn(j store.Job, artifacts []pipeline.Artifact) error {
	for _, made := range artifacts {
		if !slices.Contains(j.Made, made) {
			return fmt.Errorf("job %s has stored no artifact %s of that digest", j.ID, made.Name)
		}
	}
	return nil
}

func (a jobs) finish(ctx context.Context, token string, r pipeline.Result) error {
	return a.update(ctx, func(tx store.Tx) error {
		j, err := held(ctx, tx, token)
		if err != nil {
			return err
		}
		return endJob(ctx, tx, j, a.now(), r)
	})
}

// endJob ends a lease and gives the result to the execution.
func endJob(ctx context.Context, tx store.Tx, j store.Job, at time.Time, r pipeline.Result) error {
	j.State, j.Token = store.JobDone, ""
	if err := tx.SaveJob(ctx, j); err != nil {
		return err
	}
	return store.Apply(ctx, tx, j.ID.Execution, pipeline.JobFinished{At: at, Job: j.ID, Result: r})
}

// leased reads the job of a lease; runner.ErrLeaseLost when there is none.
func (a *App) leased(ctx context.Context, token string) (store.Job, error) {
	var j store.Job
	err := a.store.View(ctx, func(tx store.Tx) error {
		var err error
		j, err = held(ctx, tx, token)
		return err
	})
	return j, err
}

func held(ctx context.Context, tx store.Tx, token string) (store.Job, error) {
	j, err := tx.JobByToken(ctx, token)
	if errors.Is(err, store.ErrNotFound) || err == nil && j.State != store.JobLeased {
		return store.Job{}, runner.ErrLeaseLost
	}
	return j, err
}

// reap ends the jobs whose runner has been silent for longer than its lease.
// What such a job did is unknown, so it is not run again by itself. No lease
// ends before one whole lease after the app started, since nobody could renew
// while it was down.
func (a *App) reap(ctx context.Context) error {
	started := a.now()
	return every(ctx, leaseTime/4, func() {
		if a.now().Before(started.Add(leaseTime)) {
			return
		}
		var leased []store.Job
		err := a.store.View(ctx, func(tx store.Tx) error {
			var err error
			leased, err = tx.LeasedJobs(ctx, "")
			return err
		})
		a.complain(ctx, "list leases", err)
		for _, j := range leased {
			if a.now().After(j.Expires) {
				a.complain(ctx, "end lost job "+j.ID.String(), a.lose(ctx, j))
			}
		}
	})
}

// lose ends a job whose runner was lost, unless it has been heard of since.
func (a *App) lose(ctx context.Context, lost store.Job) error {
	return a.update(ctx, func(tx store.Tx) error {
		j, err := tx.JobByToken(ctx, lost.Token)
		if errors.Is(err, store.ErrNotFound) || err == nil && a.now().Before(j.Expires) {
			return nil
		}
		if err != nil {
			return err
		}
		a.log.Warn("runner lost", "job", j.ID.String(), "runner", j.Runner, "expired", j.Expires)
		return endJob(ctx, tx, j, a.now(), pipeline.Result{
			Status: pipeline.Errored, Reason: "the runner was lost: it did not renew its lease", FinishedAt: a.now(),
		})
	})
}
