package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// TestFullQueue refuses a person's start where as many wait as may, and turns away
// what nobody is there to be told of.
func TestFullQueue(t *testing.T) {
	a, _ := bench(t)
	x := func(trigger pipeline.Trigger, delivery int64) store.Execution {
		return store.Execution{Delivery: delivery, Execution: pipeline.Execution{
			RepositoryID: 42, Repository: "octo/shop", Lane: "refs/heads/main", Trigger: trigger,
			Definition: pipeline.Definition{Name: "ci", Mode: pipeline.Queueing, Stages: []pipeline.Stage{
				{Name: "build", Actions: []pipeline.Action{{Name: "a", Image: "i", Inputs: []string{"source"}}}},
			}},
		}}
	}
	key := pipeline.LockKey{Repository: 42, Pipeline: "ci", Lane: "refs/heads/main", Stage: "build"}
	full := pipeline.Lock{Holder: pipeline.Claim{Execution: "h", Mode: pipeline.Queueing}}
	for n := range pipeline.MostWaiting - 1 {
		full.Waiters = append(full.Waiters, pipeline.Claim{Execution: fmt.Sprint("w", n), Mode: pipeline.Queueing})
	}
	if err := a.store.Update(t.Context(), func(tx store.Tx) error { return tx.SaveLock(t.Context(), key, pipeline.Lock{}, full) }); err != nil {
		t.Fatal(err)
	}
	last := x(pipeline.Manual, -1)
	if fresh, err := a.begin(t.Context(), &last, nil, ""); err != nil || !fresh {
		t.Fatalf("the last that has room: %v, %v", fresh, err)
	}
	more := x(pipeline.Manual, -2)
	_, err := a.begin(t.Context(), &more, nil, "")
	var no refusal
	if !errors.As(err, &no) || no.code != codeConflict || !strings.HasPrefix(no.message, "the queue of ci on refs/heads/main is full: 1000 executions wait for stage build") {
		t.Fatalf("one too many: %v", err)
	}
	pushed := x(pipeline.Push, 3)
	if _, err := a.begin(t.Context(), &pushed, nil, ""); err != nil {
		t.Fatal(err)
	}
	err = a.store.View(t.Context(), func(tx store.Tx) error {
		all, err := tx.Find(t.Context(), store.Filter{RepositoryID: 42})
		if len(all) != 2 || all[0].Status != pipeline.Failed || all[0].Reason != "the queue is full" {
			t.Errorf("%d executions, the newest %s: %s", len(all), all[0].Status, all[0].Reason)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
