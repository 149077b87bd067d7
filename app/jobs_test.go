package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/app/store/sqlite"
	"github.com/stagegate/stagegate/config"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// bench is an App without a GitHub, on a real store, whose clock is set by hand.
func bench(t *testing.T) (*App, *time.Time) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "s.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	a, err := New(Config{Settings: config.Settings{Data: t.TempDir(), GitHubURL: "https://api.github.com"}, Store: s, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return a, &now
}

// running makes an execution with one job handed out.
func running(t *testing.T, a *App) store.Execution {
	t.Helper()
	x := store.Execution{Token: "t", Execution: pipeline.Execution{RepositoryID: 42, Definition: pipeline.Definition{
		Name: "ci", Stages: []pipeline.Stage{{Name: "build", Actions: []pipeline.Action{{Name: "a", Image: "i", Inputs: []string{"source"}}}}},
	}}}
	err := a.update(t.Context(), func(tx store.Tx) error {
		if err := tx.CreateExecution(t.Context(), &x); err != nil {
			return err
		}
		for _, e := range []pipeline.Event{pipeline.Started{At: a.now()}, pipeline.SourceFetched{At: a.now(), Source: pipeline.Artifact{Name: "source", Digest: "d"}}} {
			if err := store.Apply(t.Context(), tx, x.ID, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func lease(t *testing.T, a *App) runner.Lease {
	t.Helper()
	l, err := a.Jobs().Lease(t.Context(), "r1", newToken())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLostRunner(t *testing.T) {
	a, now := bench(t)
	x := running(t, a)
	l := lease(t, a)
	leased, err := a.leased(t.Context(), l.Token)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.lose(t.Context(), leased); err != nil { // it is still within its lease
		t.Fatal(err)
	}
	if got, err := a.execution(t.Context(), x.ID); err != nil || got.Status != pipeline.InProgress {
		t.Fatalf("%s, %v: a runner that renews was lost", got.Status, err)
	}
	*now = now.Add(leaseTime + time.Second)
	if err := a.lose(t.Context(), leased); err != nil {
		t.Fatal(err)
	}
	got, err := a.execution(t.Context(), x.ID)
	if err != nil || got.Stages[0].Actions[0].Status != pipeline.Errored {
		t.Errorf("%s, %v: the job of a lost runner should be errored", got.Stages[0].Actions[0].Status, err)
	}
	if err := a.Jobs().Finish(t.Context(), l.Token, pipeline.Result{Status: pipeline.Succeeded}); !errors.Is(err, runner.ErrLeaseLost) {
		t.Errorf("a result under an old lease: %v", err)
	}
}

func TestCancelArrivesAtOnce(t *testing.T) {
	a, _ := bench(t)
	x := running(t, a)
	l := lease(t, a)
	orders := make(chan runner.Order, 1)
	failed := make(chan error, 1)
	go func() {
		order, err := a.Jobs().Renew(t.Context(), l.Token)
		orders <- order
		failed <- err
	}()
	if err := a.apply(t.Context(), x.ID, pipeline.Cancel{At: a.now(), Reason: "stop"}); err != nil {
		t.Fatal(err)
	}
	select {
	case order := <-orders:
		if err := <-failed; err != nil || !order.Cancel {
			t.Errorf("order %+v, %v", order, err)
		}
	case <-time.After(leaseTime / 6): // a renewal by itself comes after a third
		t.Error("the cancel did not arrive")
	}
}

func TestATokenOpensItsOwnJobOnly(t *testing.T) {
	a, _ := bench(t)
	running(t, a)
	l := lease(t, a)
	ctx := context.WithoutCancel(t.Context())
	if _, err := a.Files().Input(ctx, "another", "source"); !errors.Is(err, runner.ErrLeaseLost) {
		t.Errorf("input by a wrong token: %v", err)
	}
	if _, err := a.Files().Input(ctx, l.Token, "secret"); err == nil {
		t.Error("an input the job does not have was opened")
	}
	if _, err := a.Files().Output(ctx, l.Token, "other", nil); err == nil {
		t.Error("an artifact the job does not make was stored")
	}
}

func TestNextAttempt(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name     string
		attempts int
		err      error
		wait     time.Duration
		again    bool
	}{
		{"first", 1, github.ErrUnavailable, time.Second, true},
		{"fourth", 4, fmt.Errorf("read: %w", github.ErrUnavailable), 8 * time.Second, true},
		{"long outage", 30, github.ErrUnavailable, 5 * time.Minute, true},
		{"too long", 60, github.ErrUnavailable, 5 * time.Minute, false},
		{"limited", 1, &github.RateLimited{Until: now.Add(time.Minute)}, time.Minute, true},
		{"limited for ever so long", 500, &github.RateLimited{Until: now.Add(time.Minute)}, time.Minute, true},
		{"not there yet", 3, github.ErrNotFound, 4 * time.Second, true},
		{"not there", 7, github.ErrNotFound, time.Minute, false},
		{"uninstalled", 1, github.ErrGone, 0, false},
		{"too many files", 1, github.ErrTooLarge, 0, false},
		{"unreadable", 1, errUnreadable, 0, false},
	} {
		wait, again := nextAttempt(tc.attempts, tc.err, now)
		if again != tc.again || again && wait != tc.wait {
			t.Errorf("%s: %s, %v; want %s, %v", tc.name, wait, again, tc.wait, tc.again)
		}
	}
}
