package store

import (
	"context"
	"fmt"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Disable closes the way into a stage, or says anew by whom, until when and why.
// Who is inside stays there; who has only waited for approvals there begins nothing.
func Disable(ctx context.Context, tx Tx, t pipeline.Transition, door string) error {
	if err := tx.SaveTransition(ctx, t); err != nil {
		return err
	}
	if err := tx.Audit(ctx, AuditEntry{At: t.At, Repository: t.Repository, Kind: string(pipeline.KindDisabled), Actor: t.Actor, Door: door, Event: t}); err != nil {
		return fmt.Errorf("audit a transition: %w", err)
	}
	return showAnew(ctx, tx, t)
}

// Enable opens the way into a stage again and lets in who waits there, unless
// another transition still keeps them out. Actor and door are empty where its time is
// over.
func Enable(ctx context.Context, tx Tx, t pipeline.Transition, at time.Time, actor, door string) error {
	if err := tx.DeleteTransition(ctx, t); err != nil {
		return err
	}
	if err := tx.Audit(ctx, AuditEntry{At: at, Repository: t.Repository, Kind: string(pipeline.KindEnabled), Actor: actor, Door: door, Event: t}); err != nil {
		return fmt.Errorf("audit a transition: %w", err)
	}
	if err := open(ctx, tx, t, at); err != nil {
		return err
	}
	return showAnew(ctx, tx, t)
}

// open tells the locks of a stage that nothing keeps them closed any more.
func open(ctx context.Context, tx Tx, t pipeline.Transition, at time.Time) error {
	keys, err := tx.StageLocks(ctx, t.Repository, t.Pipeline, t.Stage)
	if err != nil {
		return fmt.Errorf("list the locks of stage %s: %w", t.Stage, err)
	}
	d := drain{tx: tx, at: at}
	for _, key := range keys {
		lock, err := d.lock(ctx, key, pipeline.Open{})
		if err != nil {
			return fmt.Errorf("read the lock of %s on %s: %w", key.Stage, key.Lane, err)
		}
		if lock.Closed {
			continue
		}
		if err := d.tellLock(ctx, key, pipeline.Open{}); err != nil {
			return fmt.Errorf("open the lock of %s on %s: %w", key.Stage, key.Lane, err)
		}
	}
	return d.empty(ctx, pipeline.KindEnabled)
}

// showAnew has the executions that the transition is in front of reported again:
// GitHub shows it with their stages.
func showAnew(ctx context.Context, tx Tx, t pipeline.Transition) error {
	const page = 200
	f := Filter{RepositoryID: t.Repository, Pipeline: t.Pipeline, Lane: t.Lane, Active: true, Limit: page}
	for {
		active, err := tx.Find(ctx, f)
		if err != nil {
			return fmt.Errorf("list the executions of %s: %w", t.Pipeline, err)
		}
		for _, x := range active {
			if i := x.StageIndex(t.Stage); i < 0 || x.Stages[i].Status.Ended() {
				continue
			}
			if err := report(ctx, tx, x); err != nil {
				return err
			}
		}
		if len(active) < page {
			return nil
		}
		f.Before = active[page-1].ID
	}
}

// report has an execution reported that is as it was.
func report(ctx context.Context, tx Tx, x Execution) error {
	if err := tx.SaveExecution(ctx, &x); err != nil {
		return fmt.Errorf("save execution %s: %w", x.ID, err)
	}
	return tx.Enqueue(ctx, Report{Execution: x.ID, Version: x.Version}, time.Time{})
}
