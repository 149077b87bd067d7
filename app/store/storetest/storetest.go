// Package storetest is the conformance suite of the store port: every database
// passes the same tests.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

var t0 = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// Run runs the suite; open returns an empty store.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for name, test := range map[string]func(*testing.T, store.Store){
		"deliveries":         deliveries,
		"executions":         executions,
		"find":               find,
		"jobs":               jobs,
		"checks":             checks,
		"rollback":           rollback,
		"views do not write": viewsDoNotWrite,
		"lock handed over":   lockHandedOver,
		"cancel":             cancel,
		"refused":            refusedLeavesAll,
		"numbers":            numbers,
		"transitions":        transitions,
		"sessions":           sessions,
		"access tokens":      accessTokens,
		"repositories":       repositories,
		"stage locks":        stageLocks,
		"only newest waits":  onlyTheNewestWaits,
		"locks":              locks,
		"shut inside":        holdsWhoOnlyWaited,
		"rolled back":        rolledBack,
		"back over an edit":  rolledBackAcrossAnEdit,
		"nothing to go to":   nothingToGoBackTo,
		"lane and all":       laneAndAll,
		"time is over":       timeIsOver,
		"shown anew":         shownAnew,
		"schedules":          schedules,
		"audit log":          auditLog,
		"plans":              plans,
		"events":             events,
		"deployments":        deployments,
		"reviews":            reviews,
		"runners":            runners,
		"secrets":            secrets,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func update(t *testing.T, s store.Store, do func(ctx context.Context, tx store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx store.Tx) error { return do(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func deliveries(t *testing.T, s store.Store) {
	d := store.Delivery{GUID: "g1", Digest: "d1", Event: "push", Repository: "42", Body: []byte("{}"), ReceivedAt: t0}
	receive := func(d store.Delivery, want bool) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx store.Tx) error {
			fresh, err := tx.Receive(ctx, d)
			if fresh != want {
				t.Errorf("delivery %s/%s fresh: %v", d.GUID, d.Digest, fresh)
			}
			return err
		})
	}
	receive(d, true)
	receive(d, false)
	receive(store.Delivery{GUID: "g2", Digest: "d1"}, false) // the same body under another GUID
	receive(store.Delivery{GUID: "g1", Digest: "d2"}, false) // another body under the same GUID
	receive(store.Delivery{GUID: "g3", Digest: "d3", Event: "push", Repository: "42", Body: []byte("3"), ReceivedAt: t0}, true)
	receive(store.Delivery{GUID: "g4", Digest: "d4", Repository: "7", Body: []byte("4")}, true)
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		first, err := tx.NextDelivery(ctx, "42")
		if err != nil {
			return err
		}
		want := d
		want.ID, want.State = first.ID, store.Received
		if diff := cmp.Diff(want, first); diff != "" {
			t.Errorf("first delivery:\n%s", diff)
		}
		first.State, first.Attempts, first.Message = store.Abandoned, 3, "gave up"
		if err := tx.SaveDelivery(ctx, first); err != nil {
			return err
		}
		second, err := tx.NextDelivery(ctx, "42")
		if second.GUID != "g3" {
			t.Errorf("second delivery is %q", second.GUID)
		}
		if known, err := tx.Delivered(ctx, "g1"); known || err != nil {
			t.Errorf("an abandoned delivery counts as delivered: %v, %v", known, err)
		}
		return err
	})
	receive(d, true) // abandoned, sent again
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		again, err := tx.NextDelivery(ctx, "42")
		if again.GUID != "g1" || again.Attempts != 0 {
			t.Errorf("redelivered: %+v", again)
		}
		if _, err := tx.NextDelivery(ctx, "nowhere"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("nothing received: %v", err)
		}
		return err
	})
}

// sample is an execution of two stages: build, then production with an
// approval before its job.
func sample(commit string, delivery int64) store.Execution {
	return store.Execution{Installation: 5, Delivery: delivery, Token: fmt.Sprintf("token-%d", delivery), Execution: pipeline.Execution{
		Repository: "octo/shop", RepositoryID: 42, Lane: "refs/heads/main", Trigger: pipeline.Push,
		Revision: pipeline.Revision{Commit: commit, Ref: "refs/heads/main", Branch: "main"},
		Definition: pipeline.Definition{Name: "release", Stages: []pipeline.Stage{
			{Name: "build", Actions: []pipeline.Action{{Name: "compile", Image: "go", Run: "make", Inputs: []string{"source"}}}},
			{Name: "production", Actions: []pipeline.Action{
				{Name: "sign-off", Approval: &pipeline.Approval{Expires: time.Hour}},
				{Name: "deploy", Image: "go", Run: "deploy", Needs: []string{"sign-off"}, Inputs: []string{"source"}},
			}},
		}},
	}}
}

func create(t *testing.T, s store.Store, x store.Execution) store.Execution {
	t.Helper()
	update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.CreateExecution(ctx, &x) })
	return x
}

func get(t *testing.T, s store.Store, id string) store.Execution {
	t.Helper()
	var x store.Execution
	err := s.View(t.Context(), func(tx store.Tx) error {
		var err error
		x, err = tx.Execution(t.Context(), id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func jobs(t *testing.T, s store.Store) {
	job := func(n int) pipeline.Job {
		return pipeline.Job{ID: pipeline.JobID{Execution: "1", Stage: "build", Action: "compile", Attempt: n}, Image: "go", Run: "make"}
	}
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.NextJob(ctx); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("no job: %v", err)
		}
		for _, n := range []int{2, 1, 2} { // 2 comes twice
			if err := tx.InsertJob(ctx, job(n)); err != nil {
				return err
			}
		}
		next, err := tx.NextJob(ctx)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(store.Job{Job: job(2), State: store.JobQueued}, next); diff != "" {
			t.Errorf("the oldest job:\n%s", diff)
		}
		next.State, next.Runner, next.Token, next.Expires = store.JobLeased, "r1", "secret", t0
		if err := tx.SaveJob(ctx, next); err != nil {
			return err
		}
		if again, err := tx.NextJob(ctx); err != nil || again.ID.Attempt != 1 {
			t.Errorf("the next job: %v, %v", again.ID, err)
		}
		if leased, err := tx.JobByToken(ctx, "secret"); err != nil || !cmp.Equal(leased, next) {
			t.Errorf("by token: %v, %v", leased, err)
		}
		if _, err := tx.JobByToken(ctx, ""); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("by no token: %v", err)
		}
		for runner, want := range map[string]int{"r1": 1, "": 1, "r2": 0} {
			if leased, err := tx.LeasedJobs(ctx, runner); err != nil || len(leased) != want {
				t.Errorf("leases of %q: %d, %v", runner, len(leased), err)
			}
		}
		next.Made = []pipeline.Artifact{{Name: "shop", Digest: "d", Size: 3}}
		if err := tx.SaveJob(ctx, next); err != nil {
			return err
		}
		if again, err := tx.Job(ctx, next.ID.String()); err != nil || !cmp.Equal(again, next) {
			t.Errorf("with an artifact: %v, %v", again, err)
		}
		next.State, next.Token = store.JobDone, ""
		return tx.SaveJob(ctx, next)
	})
}

func checks(t *testing.T, s store.Store) {
	x := create(t, s, sample("c1", 1))
	row := store.CheckRun{Execution: x.ID, Stage: "build", Attempt: 1, N: 1, Name: "release / build", ExternalID: x.ID + "/build/1/1"}
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		if err := tx.SaveCheckRun(ctx, &row); err != nil {
			return err
		}
		row.GitHub, row.Status, row.Conclusion, row.Waiting, row.Digest, row.Note, row.OpenedAt, row.AcceptedAt = 77, "completed", "success", "a/1", "d", "n", t0, t0
		row.Annotations = 3
		if err := tx.SaveCheckRun(ctx, &row); err != nil {
			return err
		}
		if got, err := tx.CheckRunByGitHub(ctx, 77); err != nil || !cmp.Equal(got, row) {
			t.Errorf("by GitHub's id: %+v, %v", got, err)
		}
		if _, err := tx.CheckRunByGitHub(ctx, 0); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("by id 0: %v", err)
		}
		all, err := tx.CheckRuns(ctx, x.ID)
		if len(all) != 1 {
			t.Errorf("%d runs", len(all))
		}
		return err
	})
	ann := store.Announcement{RepositoryID: 42, PullRequest: 7, Pipeline: "release", Execution: x.ID}
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		if _, err := tx.Announcement(ctx, 42, 7, "release"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("no announcement: %v", err)
		}
		if err := tx.SaveAnnouncement(ctx, ann); err != nil {
			return err
		}
		ann.Comment, ann.Digest = 9, "d"
		if err := tx.SaveAnnouncement(ctx, ann); err != nil {
			return err
		}
		own, err := tx.Announcements(ctx, x.ID)
		if diff := cmp.Diff([]store.Announcement{ann}, own); diff != "" {
			t.Errorf("announcements:\n%s", diff)
		}
		return err
	})
}

func rollback(t *testing.T, s store.Store) {
	stop := errors.New("stop")
	err := s.Update(t.Context(), func(tx store.Tx) error {
		x := sample("c1", 1)
		if err := tx.CreateExecution(t.Context(), &x); err != nil {
			return err
		}
		if err := tx.Enqueue(t.Context(), store.Report{Execution: x.ID}, time.Time{}); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatalf("error %v", err)
	}
	if x := create(t, s, sample("c1", 1)); x.Number != 1 {
		t.Errorf("what was rolled back left number %d", x.Number)
	}
}

func viewsDoNotWrite(t *testing.T, s store.Store) {
	x := sample("c1", 1)
	if err := s.View(t.Context(), func(tx store.Tx) error { return tx.CreateExecution(t.Context(), &x) }); err == nil {
		t.Error("a view wrote")
	}
}

func apply(t *testing.T, s store.Store, id string, events ...pipeline.Event) {
	t.Helper()
	for _, e := range events {
		update(t, s, func(ctx context.Context, tx store.Tx) error { return store.Apply(ctx, tx, id, e) })
		vouch(t, s, id)
	}
}

// vouch answers for environments: they trust whoever asks.
func vouch(t *testing.T, s store.Store, id string) {
	t.Helper()
	x := get(t, s, id)
	for i, st := range x.Stages {
		if st.Hold.For == pipeline.HoldTrust {
			there := pipeline.Trust{Environment: x.Definition.Stages[i].Environment, Trusted: true}
			update(t, s, func(ctx context.Context, tx store.Tx) error {
				return store.Apply(ctx, tx, id, pipeline.Trusted{At: t0, Stage: st.Name, Trust: there})
			})
		}
	}
}

func started(t *testing.T, s store.Store, x store.Execution) {
	t.Helper()
	apply(t, s, x.ID, pipeline.Started{At: t0}, pipeline.SourceFetched{At: t0, Source: pipeline.Artifact{Name: "source", Digest: "s"}})
}

func job(x store.Execution, stage, action string) pipeline.JobID {
	return pipeline.JobID{Execution: x.ID, Stage: stage, Action: action, Attempt: 1}
}

func status(t *testing.T, s store.Store, x store.Execution) string {
	t.Helper()
	got := get(t, s, x.ID)
	text := string(got.Status)
	for _, st := range got.Stages {
		text += " " + string(st.Status)
	}
	return text
}

func want(t *testing.T, s store.Store, x store.Execution, text string) {
	t.Helper()
	if got := status(t, s, x); got != text {
		t.Errorf("execution %d is %q, want %q", x.Number, got, text)
	}
}
