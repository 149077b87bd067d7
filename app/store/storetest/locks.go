package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// Tell gives an event to a stored lock, as Apply does.
func Tell(ctx context.Context, tx store.Tx, key pipeline.LockKey, e pipeline.LockEvent) ([]pipeline.Answer, error) {
	was, err := tx.Lock(ctx, key, pipeline.About(e))
	if err != nil {
		return nil, err
	}
	lock, answers := was.Apply(e)
	if err := tx.SaveLock(ctx, key, was, lock); err != nil || !lock.Calls() {
		return answers, err
	}
	more, err := Tell(ctx, tx, key, pipeline.Open{})
	return append(answers, more...), err
}

// locks holds stored locks, of which an event sees a part, to whole ones.
func locks(t *testing.T, s store.Store) {
	for seed := range uint64(40) {
		chance := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // the same events each time
		key := pipeline.LockKey{Repository: 42, Pipeline: fmt.Sprint("p", seed), Lane: "l", Stage: "s"}
		whole := pipeline.Lock{}
		update(t, s, func(ctx context.Context, tx store.Tx) error {
			for step := range 120 {
				e := lockEvent(chance)
				var want []pipeline.Answer
				whole, want = whole.Apply(e)
				got, err := Tell(ctx, tx, key, e)
				if err != nil {
					return err
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d, step %d, %#v:\n%s", seed, step, e, diff)
				}
				stored, err := tx.Lock(ctx, key, "")
				if err != nil {
					return err
				}
				if n := len(stored.Waiters) + stored.Others; n != len(whole.Waiters) || stored.Holder != whole.Holder {
					t.Fatalf("seed %d, step %d, %#v: %d wait behind %+v, want %d behind %+v", seed, step, e, n, stored.Holder, len(whole.Waiters), whole.Holder)
				}
				if k := len(whole.Waiters) - 1; k > 0 {
					if ahead, err := tx.Ahead(ctx, key, whole.Waiters[k].Execution); err != nil || ahead != k {
						t.Fatalf("seed %d, step %d: %d are ahead of the last, want %d; %v", seed, step, ahead, k, err)
					}
				}
			}
			return nil
		})
	}
}

func lockEvent(chance *rand.Rand) pipeline.LockEvent {
	n := 1 + chance.IntN(30)
	modes := []pipeline.Mode{pipeline.Queueing, pipeline.Queueing, pipeline.Queueing, pipeline.Superseding, pipeline.Parallel}
	c := pipeline.Claim{Execution: fmt.Sprint(n), Number: n, Pipeline: "p", Stage: "s", Mode: modes[n%len(modes)], First: n == 30}
	switch chance.IntN(12) {
	case 0, 1:
		return pipeline.Open{}
	case 2:
		return pipeline.Begin{Claim: c}
	case 3, 4, 5:
		return pipeline.Leave{Execution: c.Execution}
	case 6:
		return pipeline.Deploy{Deployment: pipeline.Deployment{Pipeline: "p", Commit: fmt.Sprint(n)}}
	}
	return pipeline.Enter{Claim: c, Most: 12}
}
