package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Apply carries an event through an execution, and whatever follows from it
// through locks and other executions, within the transaction. Nothing changes
// a status but this. An error that wraps pipeline.ErrRefused leaves the
// transaction usable and everything as it was.
func Apply(ctx context.Context, tx Tx, execution string, e pipeline.Event) error {
	d := drain{tx: tx, at: e.When()}
	if err := d.apply(ctx, addressed{execution, e}); err != nil {
		return err
	}
	return d.empty(ctx, e.Kind())
}

// addressed is an event on its way to an execution.
type addressed struct {
	execution string
	event     pipeline.Event
}

// drain holds what is still to be carried on in one transaction.
type drain struct {
	tx     Tx
	at     time.Time
	events []addressed
}

// empty applies the events that followed from something, and those that follow
// from them.
func (d *drain) empty(ctx context.Context, from pipeline.Kind) error {
	for len(d.events) > 0 {
		next := d.events[0]
		d.events = d.events[1:]
		err := d.apply(ctx, next)
		if errors.Is(err, pipeline.ErrRefused) {
			// No person caused this event, so nobody is to be told that it
			// was refused: it is a mistake of ours.
			return fmt.Errorf("apply %s that followed from %s: %s", next.event.Kind(), from, err.Error())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *drain) send(execution string, e pipeline.Event) {
	d.events = append(d.events, addressed{execution, e})
}

func (d *drain) apply(ctx context.Context, a addressed) error {
	x, err := d.tx.Execution(ctx, a.execution)
	if err != nil {
		return fmt.Errorf("read execution %s: %w", a.execution, err)
	}
	next, effects, err := x.Apply(a.event)
	if err != nil || len(effects) == 0 {
		return err
	}
	x.Execution = next
	if err := d.tx.SaveExecution(ctx, &x); err != nil {
		return fmt.Errorf("save execution %s: %w", x.ID, err)
	}
	if err := d.tx.Audit(ctx, entryOf(x, a.event)); err != nil {
		return fmt.Errorf("audit %s of execution %s: %w", a.event.Kind(), x.ID, err)
	}
	for _, effect := range effects {
		if err := d.carry(ctx, x, effect); err != nil {
			return fmt.Errorf("carry out %T of execution %s: %w", effect, x.ID, err)
		}
	}
	return nil
}

func (d *drain) carry(ctx context.Context, x Execution, effect pipeline.Effect) error {
	switch e := effect.(type) {
	case pipeline.FetchSource:
		return d.tx.Enqueue(ctx, FetchSource{Execution: x.ID}, time.Time{})
	case pipeline.TellLock:
		return d.tellLock(ctx, e.Key, e.Event)
	case pipeline.StartJob:
		return d.tx.InsertJob(ctx, e.Job)
	case pipeline.StopJob:
		return d.stopJob(ctx, e.Job)
	case pipeline.AwaitExpiry:
		return d.tx.Enqueue(ctx, Expire{Job: e.Job.String()}, e.At)
	case pipeline.Describe:
		return d.tx.Enqueue(ctx, Describe{Job: e.Job.String(), At: d.at}, time.Time{})
	case pipeline.AwaitDue:
		return d.tx.Enqueue(ctx, Due{Execution: x.ID, Stage: e.Stage, Attempt: e.Attempt}, e.At)
	case pipeline.Compare:
		return d.tx.Enqueue(ctx, Compare{Execution: x.ID, Stage: e.Stage, Deployed: e.Deployed, At: d.at}, time.Time{})
	case pipeline.AskTrust:
		return d.tx.Enqueue(ctx, AskTrust{Execution: x.ID, Stage: e.Stage, Environment: e.Environment, At: d.at}, time.Time{})
	case pipeline.RollBack:
		return d.rollBack(ctx, x, e)
	case pipeline.Passed:
		return d.tx.SavePass(ctx, x.ID, e.Stage)
	case pipeline.StartFollowers:
		return d.tx.Enqueue(ctx, StartFollowers{Execution: x.ID, Stage: e.Stage, Attempt: e.Attempt}, time.Time{})
	case pipeline.Report:
		return d.tx.Enqueue(ctx, Report{Execution: x.ID, Version: x.Version}, time.Time{})
	}
	return fmt.Errorf("unknown effect %T", effect)
}

func (d *drain) tellLock(ctx context.Context, key pipeline.LockKey, e pipeline.LockEvent) error {
	was, err := d.lock(ctx, key, e)
	if err != nil {
		return err
	}
	lock, answers := was.Apply(e)
	for _, a := range answers {
		d.send(a.Execution, a.Event(d.at, key))
	}
	if err := d.tx.SaveLock(ctx, key, was, lock); err != nil || !lock.Calls() {
		return err
	}
	return d.tellLock(ctx, key, pipeline.Open{})
}

// lock reads a lock, and whether a transition keeps it closed now.
func (d *drain) lock(ctx context.Context, key pipeline.LockKey, e pipeline.LockEvent) (pipeline.Lock, error) {
	lock, err := d.tx.Lock(ctx, key, pipeline.About(e))
	if err != nil || key.Shared() {
		return lock, err
	}
	disabled, err := d.tx.Transitions(ctx, key.Repository)
	_, lock.Closed = pipeline.Closing(disabled, key, d.at)
	return lock, err
}

// stopJob ends a job no runner has at once, and marks one that is running.
func (d *drain) stopJob(ctx context.Context, id pipeline.JobID) error {
	j, err := d.tx.Job(ctx, id.String())
	if err != nil {
		return err
	}
	switch j.State {
	case JobQueued:
		j.State = JobDone
		d.send(id.Execution, pipeline.JobFinished{At: d.at, Job: id, Result: pipeline.Result{Status: pipeline.Cancelled, FinishedAt: d.at}})
	case JobLeased:
		j.Cancel = true
	case JobDone:
		return nil
	}
	return d.tx.SaveJob(ctx, j)
}
