package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// deploying creates an execution that rolls back where its deployment fails, and leads
// it to that.
func deploying(t *testing.T, s store.Store, commit string, delivery int64) store.Execution {
	t.Helper()
	x := sample(commit, delivery)
	x.Trust = []pipeline.Trust{{Environment: "live", Trusted: true}}
	live := &x.Definition.Stages[1]
	live.Environment, live.OnFailure.Rollback = "live", true
	x = create(t, s, x)
	started(t, s, x)
	built := pipeline.Result{Status: pipeline.Succeeded, Artifacts: []pipeline.Artifact{{Name: "shop", Digest: commit}}}
	apply(t, s, x.ID, pipeline.JobFinished{At: t0, Job: job(x, "build", "compile"), Result: built})
	apply(t, s, x.ID, pipeline.Decided{Meets: []string{"1"}, At: t0, Job: job(x, "production", "sign-off"), Approved: true, Actor: "bob"})
	return x
}

func deployed(t *testing.T, s store.Store, x store.Execution, how pipeline.Status) {
	t.Helper()
	apply(t, s, x.ID, pipeline.JobFinished{At: t0, Job: job(x, "production", "deploy"), Result: pipeline.Result{Status: how}})
}

// rolledBack deploys again what succeeded last, before those who wait.
func rolledBack(t *testing.T, s store.Store) {
	good := deploying(t, s, "c1", 1)
	deployed(t, s, good, pipeline.Succeeded)
	bad := deploying(t, s, "c2", 2)
	apply(t, s, bad.ID, pipeline.Compared{At: t0, Stage: "production", Deployed: "c1", Descendant: true})
	waits := atProduction(t, s, "refs/heads/main", 3)
	want(t, s, waits, "in_progress succeeded waiting")
	deployed(t, s, bad, pipeline.Failed)
	want(t, s, bad, "failed succeeded failed")
	want(t, s, waits, "in_progress succeeded waiting")

	found := newest(t, s)
	expected := &pipeline.Rollback{Target: good.ID, Number: 1, Stage: "production", Automatic: true, For: 2}
	if diff := cmp.Diff(expected, found.Rollback); diff != "" {
		t.Fatalf("rollback:\n%s", diff)
	}
	if failed := get(t, s, bad.ID); failed.Stages[1].RolledBack != found.Number {
		t.Errorf("the stage that failed names execution %d", failed.Stages[1].RolledBack)
	}
	want(t, s, found, "in_progress skipped in_progress")
	if found.Revision.Commit != "c1" || found.Artifacts()[1].Digest != "c1" || found.Trigger != pipeline.OnRollback {
		t.Errorf("it goes back to %s with %v", found.Revision.Commit, found.Artifacts())
	}
	deployed(t, s, found, pipeline.Succeeded)
	want(t, s, found, "succeeded skipped succeeded")
	want(t, s, waits, "in_progress succeeded in_progress")
	environment := pipeline.LockKey{Repository: 42, Stage: "live"}
	err := s.View(t.Context(), func(tx store.Tx) error {
		lock, err := tx.Lock(t.Context(), environment, "")
		there := []pipeline.Deployment{{Pipeline: "release", Commit: "c1", Number: found.Number}}
		if diff := cmp.Diff(there, lock.Deployed); diff != "" {
			t.Errorf("deployed:\n%s", diff)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// rolledBackAcrossAnEdit leaves the lock that what is gone back to did not have: its file
// named another environment.
func rolledBackAcrossAnEdit(t *testing.T, s store.Store) {
	old := sample("c1", 1)
	old = create(t, s, old)
	started(t, s, old)
	apply(t, s, old.ID, pipeline.JobFinished{At: t0, Job: job(old, "build", "compile"), Result: pipeline.Result{Status: pipeline.Succeeded}})
	apply(t, s, old.ID, pipeline.Decided{Meets: []string{"1"}, At: t0, Job: job(old, "production", "sign-off"), Approved: true, Actor: "bob"})
	deployed(t, s, old, pipeline.Succeeded)
	bad := deploying(t, s, "c2", 2)
	deployed(t, s, bad, pipeline.Failed)
	back := newest(t, s)
	want(t, s, back, "in_progress skipped in_progress")
	if holder := holderOf(t, s, pipeline.LockKey{Repository: 42, Stage: "live"}); holder != "" {
		t.Errorf("execution %s holds the environment", holder)
	}
	if holder := holderOf(t, s, back.LockKey(1)); holder != back.ID {
		t.Errorf("execution %s holds the stage, not %s", holder, back.ID)
	}
	deployed(t, s, back, pipeline.Succeeded)
	if holder := holderOf(t, s, back.LockKey(1)); holder != "" {
		t.Errorf("execution %s holds the stage at the end", holder)
	}
}

func holderOf(t *testing.T, s store.Store, key pipeline.LockKey) string {
	t.Helper()
	var lock pipeline.Lock
	err := s.View(t.Context(), func(tx store.Tx) error {
		var err error
		lock, err = tx.Lock(t.Context(), key, "")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return lock.Holder.Execution
}

// nothingToGoBackTo leaves the locks to those who wait.
func nothingToGoBackTo(t *testing.T, s store.Store) {
	bad := deploying(t, s, "c1", 1)
	deployed(t, s, bad, pipeline.Failed)
	want(t, s, bad, "failed succeeded failed")
	if st := get(t, s, bad.ID).Stages[1]; st.Reason != "it was not rolled back: nothing has succeeded in it before" {
		t.Errorf("the reason is %q", st.Reason)
	}
	if x := newest(t, s); x.ID != bad.ID {
		t.Errorf("execution %d was started", x.Number)
	}
	next := deploying(t, s, "c2", 2)
	deployed(t, s, next, pipeline.Succeeded)
	want(t, s, next, "succeeded succeeded succeeded")
}

func newest(t *testing.T, s store.Store) store.Execution {
	t.Helper()
	var found []store.Execution
	err := s.View(t.Context(), func(tx store.Tx) error {
		var err error
		found, err = tx.Find(t.Context(), store.Filter{RepositoryID: 42, Limit: 1})
		return err
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("found %d, %v", len(found), err)
	}
	return found[0]
}
