package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Derived stands for the delivery behind an execution that none has started: the
// same words always give the same number, so that what they stand for starts a
// pipeline once. It is negative, as no delivery's is.
func Derived(words ...string) int64 {
	h := sha256.New()
	for _, w := range words {
		fmt.Fprintf(h, "%d:%s", len(w), w)
	}
	return -int64(binary.BigEndian.Uint64(h.Sum(nil))>>1) - 1
}

// rollBack starts the execution that deploys again what last succeeded in a stage, and
// gives it those locks of the one that failed which it will take: the file may have
// been edited in between. The others are left, as all are where nothing has succeeded.
func (d *drain) rollBack(ctx context.Context, x Execution, e pipeline.RollBack) error {
	target, found, err := d.lastPass(ctx, x, e.Stage)
	if err != nil {
		return err
	}
	if !found {
		d.send(x.ID, pipeline.RolledBack{At: d.at, Stage: e.Stage, Why: "nothing has succeeded in it before"})
		return d.tellLocks(ctx, e.Locks, pipeline.Leave{Execution: x.ID})
	}
	how := pipeline.Rollback{Stage: e.Stage, Automatic: true, For: x.Number}
	back := Execution{
		Execution: target.RollBackTo(how, nil), Installation: x.Installation, Token: rand.Text(),
		Delivery: Derived("rollback", x.ID, e.Stage, fmt.Sprint(x.Stages[x.StageIndex(e.Stage)].Attempt)),
	}
	if err := d.tx.CreateExecution(ctx, &back); err != nil {
		return fmt.Errorf("create the rollback: %w", err)
	}
	d.send(x.ID, pipeline.RolledBack{At: d.at, Stage: e.Stage, By: back.Number, To: target.Number})
	d.send(back.ID, pipeline.Started{At: d.at})
	kept := back.TakesOver()
	for _, key := range e.Locks {
		var word pipeline.LockEvent = pipeline.Leave{Execution: x.ID}
		if slices.Contains(kept, key) {
			word = pipeline.HandOver{Execution: x.ID, To: pipeline.Claim{
				Execution: back.ID, Number: back.Number, Pipeline: back.Definition.Name, Stage: e.Stage, Mode: pipeline.Queueing, First: true,
			}}
		}
		if err := d.tellLock(ctx, key, word); err != nil {
			return err
		}
	}
	return nil
}

func (d *drain) tellLocks(ctx context.Context, keys []pipeline.LockKey, e pipeline.LockEvent) error {
	for _, key := range keys {
		if err := d.tellLock(ctx, key, e); err != nil {
			return err
		}
	}
	return nil
}

// lastPass is the execution that last succeeded in a stage on the lane of x; of a
// rollback, the one that it went back to.
func (d *drain) lastPass(ctx context.Context, x Execution, stage string) (Execution, bool, error) {
	found, err := d.tx.Find(ctx, Filter{
		RepositoryID: x.RepositoryID, Pipeline: x.Definition.Name, Lane: x.Lane, SucceededIn: stage, Before: x.ID, Limit: 1,
	})
	if err != nil || len(found) == 0 {
		return Execution{}, false, err
	}
	target := found[0]
	if target.Rollback != nil {
		if target, err = d.tx.Execution(ctx, target.Rollback.Target); err != nil {
			return Execution{}, false, fmt.Errorf("read the target of a rollback: %w", err)
		}
	}
	return target, target.StageIndex(stage) >= 0, nil
}
