package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

const (
	// textInterval is how often only the text of a check run may change.
	// Changes of status are told at once.
	textInterval = time.Second
	// renewAfter is a day before GitHub calls an incomplete run stale.
	renewAfter = store.StaleAfter - 24*time.Hour
	// reportPatience is how long GitHub may deny that a commit or a run exists
	// before it is no longer told of it.
	reportPatience = 10 * time.Minute
)

// lastTold remembers when a check run's text was last changed, to join quick
// changes into one request. It is a courtesy, and lost at a restart.
type lastTold struct {
	mu sync.Mutex
	at map[int64]time.Time
}

func (l *lastTold) set(run int64, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at == nil {
		l.at = map[int64]time.Time{}
	}
	l.at[run] = at
}

// forget drops a run whose text may change at any time: a completed one.
func (l *lastTold) forget(run int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.at, run)
}

func (l *lastTold) get(run int64) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at[run]
}

// report compares what GitHub was last told of an execution with what it is
// now, and tells the difference.
func (a *App) report(ctx context.Context, w store.Report) error {
	defer a.reports.lock(w.Execution)()
	x, err := a.execution(ctx, w.Execution)
	if err != nil || x.Reported >= w.Version {
		return err
	}
	again, askErr := a.askReviewers(ctx, x)
	wait, err := a.tellAll(ctx, x)
	if err == nil {
		err = a.tellDeployments(ctx, x)
	}
	if err == nil {
		err = askErr
	}
	if errors.Is(err, github.ErrSuspended) { // what happens meanwhile is told when it no longer is
		return later{a.now().Add(suspensionWait)}
	}
	if err != nil {
		return err
	}
	if wait = earlier(wait, again); !wait.IsZero() {
		return later{wait}
	}
	if err := a.announce(ctx, x); err != nil {
		return fmt.Errorf("announce approvals of execution %s: %w", x.ID, err)
	}
	if err := a.renewStatus(ctx, x); err != nil {
		return fmt.Errorf("renew the status that shows execution %s: %w", x.ID, err)
	}
	return a.store.Update(ctx, func(tx store.Tx) error { return tx.Reported(ctx, x.ID, x.Version) })
}

// earlier is the earlier of two times that may be zero, which are none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// suspensionWait is how often a suspended installation is asked whether it may be told.
const suspensionWait = 10 * time.Minute

// tellAll brings every check run of the execution up to date. It returns when
// to come again, where a run's text must wait.
func (a *App) tellAll(ctx context.Context, x store.Execution) (time.Time, error) {
	var (
		runs   []store.CheckRun
		newest bool
		closed map[string]pipeline.Transition
		asked  []store.ReviewRequest
	)
	err := a.store.View(ctx, func(tx store.Tx) error {
		var err error
		if runs, err = tx.CheckRuns(ctx, x.ID); err != nil {
			return err
		}
		if asked, err = tx.ReviewRequests(ctx, x.ID); err != nil {
			return err
		}
		if closed, err = a.closed(ctx, tx, x.Execution); err != nil {
			return err
		}
		newest, err = isNewest(ctx, tx, x)
		return err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("read check runs of execution %s: %w", x.ID, err)
	}
	var again time.Time
	for _, want := range a.checkRuns(x, closed) {
		want.reviews(x, asked)
		wait, err := a.tell(ctx, x, want, latest(runs, want.stage), newest)
		if err != nil && !a.hopeless(x, err) {
			return time.Time{}, fmt.Errorf("tell GitHub of %s: %w", want.run.Name, err)
		}
		if err != nil {
			a.log.Error("check run given up", "execution", x.ID, "name", want.run.Name, "error", err)
		}
		again = earlier(again, wait)
	}
	return again, nil
}

// hopeless tells whether GitHub has denied for long enough that what we write
// about exists.
func (a *App) hopeless(x store.Execution, err error) bool {
	denied := errors.Is(err, github.ErrNotFound) || errors.Is(err, github.ErrRefused)
	return denied && a.now().Sub(x.CreatedAt) > reportPatience
}

// isNewest tells whether no newer execution writes runs of the same names on
// the same commit.
func isNewest(ctx context.Context, tx store.Tx, x store.Execution) (bool, error) {
	newer, err := tx.Find(ctx, store.Filter{RepositoryID: x.RepositoryID, Pipeline: x.Definition.Name, Commit: x.Revision.Commit, After: x.ID})
	same := func(o store.Execution) bool { return suffix(o.Execution) == suffix(x.Execution) }
	return !slices.ContainsFunc(newer, same), err
}

// latest is the newest run of a stage, or the zero run.
func latest(runs []store.CheckRun, stage string) store.CheckRun {
	var last store.CheckRun
	for _, r := range runs {
		if r.Stage == stage {
			last = r
		}
	}
	return last
}

// tell brings one check run up to date. A completed run is final: what follows
// it is a new run of the same name.
func (a *App) tell(ctx context.Context, x store.Execution, want wanted, last store.CheckRun, newest bool) (time.Time, error) {
	done := last.Status == completed
	switch {
	case last.ID == 0:
		return time.Time{}, a.open(ctx, x, want, last, newest)
	case last.GitHub == 0:
		return time.Time{}, a.adopt(ctx, x, want, last)
	case done && (want.run.Status != completed || want.run.Conclusion != last.Conclusion || want.attempt != last.Attempt || want.waiting != last.Waiting):
		return time.Time{}, a.open(ctx, x, want, last, newest)
	case !done && want.run.Status != completed && a.now().Sub(last.OpenedAt) > renewAfter:
		return time.Time{}, a.renew(ctx, x, want, last, newest)
	}
	want.note(last.Note)
	if want.digest() == last.Digest {
		return time.Time{}, nil
	}
	if want.run.Status == last.Status && want.run.Status != completed && want.waiting == last.Waiting {
		if next := a.told.get(last.ID).Add(textInterval); a.now().Before(next) {
			return next, nil
		}
	}
	return time.Time{}, a.amend(ctx, x, want, last)
}

// amend changes a run that GitHub has. What is sent of annotations is added to
// those it has, so only the others are sent.
func (a *App) amend(ctx context.Context, x store.Execution, want wanted, row store.CheckRun) error {
	run := want.run
	run.ExternalID, run.Annotations = row.ExternalID, run.Annotations[min(row.Annotations, len(run.Annotations)):]
	at, err := a.github.UpdateCheckRun(ctx, repository(x), row.GitHub, run)
	if err != nil {
		return err
	}
	return a.remember(ctx, want, row, at)
}

// open makes a new run of the stage. Its row is stored before GitHub is asked,
// so that after a crash the run is found and not made twice.
func (a *App) open(ctx context.Context, x store.Execution, want wanted, last store.CheckRun, newest bool) error {
	if !newest {
		return nil
	}
	row := store.CheckRun{Execution: x.ID, Stage: want.stage, Attempt: want.attempt, N: last.N + 1, Name: want.run.Name}
	row.ExternalID = fmt.Sprintf("%s/%s/%d/%d", x.ID, row.Stage, row.Attempt, row.N)
	if err := a.store.Update(ctx, func(tx store.Tx) error { return tx.SaveCheckRun(ctx, &row) }); err != nil {
		return err
	}
	return a.create(ctx, x, want, row)
}

// adopt finishes what a crash or a lost answer interrupted.
func (a *App) adopt(ctx context.Context, x store.Execution, want wanted, row store.CheckRun) error {
	ref, found, err := a.github.FindCheckRun(ctx, repository(x), x.Revision.Commit, row.ExternalID, row.Name)
	if err != nil {
		return fmt.Errorf("look for check run %s: %w", row.ExternalID, err)
	}
	if !found {
		return a.create(ctx, x, want, row)
	}
	row.GitHub, row.OpenedAt = ref.ID, a.now()
	row.Status, row.Conclusion, row.Annotations = ref.Status, ref.Conclusion, ref.Annotations
	if row.Status == completed && (want.run.Status != completed || want.run.Conclusion != row.Conclusion) {
		return a.open(ctx, x, want, row, true)
	}
	return a.amend(ctx, x, want, row)
}

func (a *App) create(ctx context.Context, x store.Execution, want wanted, row store.CheckRun) error {
	want.run.ExternalID = row.ExternalID
	ref, err := a.github.CreateCheckRun(ctx, repository(x), want.run)
	if err != nil {
		return err
	}
	row.GitHub, row.OpenedAt = ref.ID, a.now()
	return a.remember(ctx, want, row, ref.AcceptedAt)
}

// renew ends a run that GitHub would soon call stale and opens its successor.
func (a *App) renew(ctx context.Context, x store.Execution, want wanted, last store.CheckRun, newest bool) error {
	end := want
	end.run.Status, end.run.Conclusion, end.run.CompletedAt = completed, "cancelled", a.now()
	end.run.Title = "Goes on in a newer run of this name"
	if err := a.amend(ctx, x, end, last); err != nil {
		return err
	}
	return a.open(ctx, x, want, last, newest)
}

// remember stores what GitHub now knows, and since when it shows which
// approvals as waiting.
func (a *App) remember(ctx context.Context, told wanted, row store.CheckRun, at time.Time) error {
	if row.Waiting != told.waiting || row.AcceptedAt.IsZero() {
		row.Waiting, row.AcceptedAt = told.waiting, at
	}
	row.Status, row.Conclusion, row.Digest = told.run.Status, told.run.Conclusion, told.digest()
	row.Annotations = max(row.Annotations, len(told.run.Annotations))
	if row.Status == completed {
		a.told.forget(row.ID)
	} else {
		a.told.set(row.ID, a.now())
	}
	return a.store.Update(ctx, func(tx store.Tx) error {
		// While GitHub was asked, a person may have been answered.
		runs, err := tx.CheckRuns(ctx, row.Execution)
		if err != nil {
			return err
		}
		for _, r := range runs {
			if r.ID == row.ID {
				row.Note = r.Note
			}
		}
		return tx.SaveCheckRun(ctx, &row)
	})
}

// renewChecks leaves a report for every execution that is still under way, so
// that its runs are renewed in time.
func (a *App) renewChecks(ctx context.Context, _ store.RenewChecks) error {
	return a.store.Update(ctx, func(tx store.Tx) error {
		active, err := tx.Find(ctx, store.Filter{Active: true})
		if err != nil {
			return err
		}
		for _, x := range active {
			if a.now().Sub(x.CreatedAt) < renewAfter {
				continue
			}
			if err := tx.Enqueue(ctx, store.Report{Execution: x.ID, Version: x.Reported + 1}, time.Time{}); err != nil {
				return err
			}
		}
		return nil
	})
}

// digest sums up everything GitHub is told.
func (w wanted) digest() string {
	w.run.ExternalID = ""
	text, err := json.Marshal(w.run)
	if err != nil {
		return "" // a struct of texts and times always encodes
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
