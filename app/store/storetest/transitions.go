package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// into is a disabled transition of the sample's pipeline.
func into(stage, lane string) pipeline.Transition {
	return pipeline.Transition{Repository: 42, Pipeline: "release", Stage: stage, Lane: lane, Actor: "ann", Reason: "stock-taking", At: t0}
}

func transitions(t *testing.T, s store.Store) {
	list := func(repository int64, want ...pipeline.Transition) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx store.Tx) error {
			got, err := tx.Transitions(ctx, repository)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("transitions of %d:\n%s", repository, diff)
			}
			return err
		})
	}
	save := func(all ...pipeline.Transition) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx store.Tx) error {
			for _, tr := range all {
				if err := tx.SaveTransition(ctx, tr); err != nil {
					return err
				}
			}
			return nil
		})
	}
	list(0)
	everywhere, lane, elsewhere := into("production", ""), into("production", "pull/7"), into("build", "")
	elsewhere.Repository = 43
	save(lane, everywhere, elsewhere)
	list(42, everywhere, lane)
	list(0, everywhere, lane, elsewhere)
	everywhere.Actor, everywhere.Reason, everywhere.At, everywhere.Until = "bob", "again", t0.Add(time.Minute), t0.Add(time.Hour)
	save(everywhere)
	list(42, everywhere, lane)
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		if err := tx.DeleteTransition(ctx, into("nowhere", "")); err != nil {
			return err
		}
		return tx.DeleteTransition(ctx, everywhere)
	})
	list(0, lane, elsewhere)
}

func stageLocks(t *testing.T, s store.Store) {
	on := func(lane string, delivery int64) store.Execution {
		x := sample("c", delivery)
		x.Lane = lane
		return create(t, s, x)
	}
	key := func(lane string) pipeline.LockKey {
		return pipeline.LockKey{Repository: 42, Pipeline: "release", Lane: lane, Stage: "build"}
	}
	left := on("pull/1", 1)
	started(t, s, left)
	apply(t, s, left.ID, pipeline.JobFinished{At: t0, Job: job(left, "build", "compile"), Result: pipeline.Result{Status: pipeline.Failed}})
	started(t, s, on("pull/7", 2))
	disable(t, s, into("build", ""))
	started(t, s, on("pull/3", 3))
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		got, err := tx.StageLocks(ctx, 42, "release", "build")
		if diff := cmp.Diff([]pipeline.LockKey{key("pull/3"), key("pull/7")}, got); diff != "" {
			t.Errorf("locks of build:\n%s", diff)
		}
		return err
	})
}

func disable(t *testing.T, s store.Store, tr pipeline.Transition) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx store.Tx) error { return store.Disable(ctx, tx, tr, "api") })
}

func enable(t *testing.T, s store.Store, tr pipeline.Transition) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx store.Tx) error { return store.Enable(ctx, tx, tr, t0, "bob", "api") })
}

// atProduction creates an execution and leads it to the way into its second stage.
func atProduction(t *testing.T, s store.Store, lane string, delivery int64) store.Execution {
	t.Helper()
	x := sample("c", delivery)
	x.Lane = lane
	x = create(t, s, x)
	started(t, s, x)
	apply(t, s, x.ID, pipeline.JobFinished{At: t0, Job: job(x, "build", "compile"), Result: pipeline.Result{Status: pipeline.Succeeded}})
	return x
}

func onlyTheNewestWaits(t *testing.T, s store.Store) {
	inside := atProduction(t, s, "refs/heads/main", 1)
	apply(t, s, inside.ID, pipeline.Decided{Meets: []string{"1"}, At: t0, Job: job(inside, "production", "sign-off"), Approved: true, Actor: "bob"})
	disable(t, s, into("production", ""))
	want(t, s, inside, "in_progress succeeded in_progress")
	older, newer := atProduction(t, s, "refs/heads/main", 2), atProduction(t, s, "refs/heads/main", 3)
	apply(t, s, inside.ID, pipeline.JobFinished{At: t0, Job: job(inside, "production", "deploy"), Result: pipeline.Result{Status: pipeline.Succeeded}})
	want(t, s, inside, "succeeded succeeded succeeded")
	want(t, s, older, "superseded succeeded superseded")
	want(t, s, newer, "in_progress succeeded waiting")
	enable(t, s, into("production", ""))
	want(t, s, newer, "in_progress succeeded in_progress")
}

// holdsWhoOnlyWaited keeps an execution from its first job that was let in before.
func holdsWhoOnlyWaited(t *testing.T, s store.Store) {
	x := atProduction(t, s, "refs/heads/main", 1)
	disable(t, s, into("production", ""))
	apply(t, s, x.ID, pipeline.Decided{Meets: []string{"1"}, At: t0, Job: job(x, "production", "sign-off"), Approved: true, Actor: "bob"})
	handedOut := func() bool {
		err := s.View(t.Context(), func(tx store.Tx) error {
			_, err := tx.Job(t.Context(), job(x, "production", "deploy").String())
			return err
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	if want(t, s, x, "in_progress succeeded in_progress"); handedOut() {
		t.Error("a job was handed out in a stage whose way in is closed")
	}
	enable(t, s, into("production", ""))
	if !handedOut() {
		t.Error("no job was handed out when the way was open again")
	}
}

func laneAndAll(t *testing.T, s store.Store) {
	disable(t, s, into("production", "pull/7"))
	main, pull := atProduction(t, s, "refs/heads/main", 1), atProduction(t, s, "pull/7", 2)
	want(t, s, main, "in_progress succeeded in_progress")
	want(t, s, pull, "in_progress succeeded waiting")
	disable(t, s, into("production", ""))
	enable(t, s, into("production", "pull/7"))
	want(t, s, pull, "in_progress succeeded waiting") // that of all lanes still stands
	enable(t, s, into("production", ""))
	want(t, s, pull, "in_progress succeeded in_progress")
}

// timeIsOver lets an execution past a transition whose time is over, although
// nobody has enabled it.
func timeIsOver(t *testing.T, s store.Store) {
	tr := into("build", "")
	tr.Until = t0.Add(time.Second)
	disable(t, s, tr)
	first := create(t, s, sample("c1", 1))
	started(t, s, first)
	want(t, s, first, "in_progress waiting pending")
	second := create(t, s, sample("c2", 2))
	apply(t, s, second.ID, pipeline.Started{At: tr.Until}, pipeline.SourceFetched{At: tr.Until, Source: pipeline.Artifact{Name: "source", Digest: "s"}})
	want(t, s, first, "superseded superseded pending")
	want(t, s, second, "in_progress in_progress pending")
}

func shownAnew(t *testing.T, s store.Store) {
	before, behind, other := create(t, s, sample("c1", 1)), atProduction(t, s, "pull/7", 2), atProduction(t, s, "pull/8", 3)
	started(t, s, before)
	version := func(x store.Execution) int { return get(t, s, x.ID).Version }
	was := []int{version(before), version(behind), version(other)}
	disable(t, s, into("build", ""))
	enable(t, s, into("production", "pull/7"))
	got := []int{version(before), version(behind), version(other)}
	if diff := cmp.Diff([]int{was[0] + 1, was[1] + 1, was[2]}, got); diff != "" {
		t.Errorf("versions:\n%s", diff)
	}
}
