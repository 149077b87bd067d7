package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// events are the deliveries that are kept: those that plan below knows.
var events = map[string]bool{
	"ping": true, "installation": true, "installation_repositories": true, "installation_target": true,
	"push": true, "pull_request": true, "merge_group": true, "issue_comment": true, "pull_request_review": true, "check_run": true, "check_suite": true,
	"deployment_review": true, "workflow_run": true,
}

// plan is what a delivery leads to. It is made by asking GitHub and carried
// out in one transaction, so a crash leaves either all of it or nothing.
type plan struct {
	message string // for the operator, in the log and beside the delivery
	dull    bool   // of no interest to anybody, such as GitHub's echo of what we did
	commit  func(ctx context.Context, tx store.Tx) error
}

// ignore is a plan to do nothing.
func ignore(format string, args ...any) plan {
	return plan{message: "ignored: " + fmt.Sprintf(format, args...)}
}

// deliver processes what was received for a repository in the order of its
// arrival. A delivery that must wait holds those behind it.
func (a *App) deliver(ctx context.Context, w store.Deliver) error {
	defer a.repositories.lock(w.Repository)()
	for {
		var d store.Delivery
		err := a.store.View(ctx, func(tx store.Tx) error {
			var err error
			d, err = tx.NextDelivery(ctx, w.Repository)
			return err
		})
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil
		case err != nil:
			return fmt.Errorf("read the inbox: %w", err)
		case a.now().Before(d.NotBefore):
			return later{d.NotBefore}
		}
		if err := a.process(ctx, d); err != nil {
			return err
		}
	}
}

// process carries one delivery out, or notes when to try it again. Its error
// is the store's, not the delivery's.
func (a *App) process(ctx context.Context, d store.Delivery) error {
	log := a.log.With("guid", d.GUID, "event", d.Event)
	p, err := a.plan(ctx, d)
	if err == nil {
		err = a.carryOut(ctx, d, p)
	}
	if err == nil {
		level := slog.LevelInfo
		if p.dull {
			level = slog.LevelDebug
		}
		log.Log(ctx, level, "delivery processed", "outcome", p.message)
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	d.Attempts++
	d.Message = err.Error()
	wait, again := nextAttempt(d.Attempts, err, a.now())
	if again {
		d.NotBefore = a.now().Add(wait)
		log.Warn("delivery waits for another attempt", "attempt", d.Attempts, "wait", wait.Round(time.Second), "error", err)
	} else {
		d.State = store.Abandoned
		log.Error("delivery abandoned", "attempts", d.Attempts, "error", err)
	}
	return a.store.Update(ctx, func(tx store.Tx) error { return tx.SaveDelivery(ctx, d) })
}

func (a *App) carryOut(ctx context.Context, d store.Delivery, p plan) error {
	return a.update(ctx, func(tx store.Tx) error {
		if p.commit != nil {
			if err := p.commit(ctx, tx); err != nil {
				return err
			}
		}
		d.State, d.Message = store.Processed, p.message
		return tx.SaveDelivery(ctx, d)
	})
}

// nextAttempt says how long to wait before a delivery is tried again. What
// GitHub says is not there may only not be visible yet, so it is asked for a
// minute and a half; what is forbidden for good is not tried again.
func nextAttempt(attempts int, err error, now time.Time) (wait time.Duration, again bool) {
	var limited *github.RateLimited
	switch {
	case errors.As(err, &limited):
		return max(limited.Until.Sub(now), time.Second), true
	case errors.Is(err, github.ErrGone), errors.Is(err, github.ErrTooLarge), errors.Is(err, errUnreadable):
		return 0, false
	case errors.Is(err, github.ErrNotFound), errors.Is(err, github.ErrRefused):
		return backoff(attempts-1, time.Minute), attempts < 7
	default:
		return backoff(attempts-1, 5*time.Minute), attempts < 60
	}
}

// errUnreadable is a delivery no later attempt can read.
var errUnreadable = errors.New("unreadable delivery")

func (a *App) plan(ctx context.Context, d store.Delivery) (plan, error) {
	event, err := github.Decode(d.Event, d.Body)
	if err != nil {
		return plan{}, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	switch e := event.(type) {
	case github.Ping:
		return plan{message: "ping"}, nil
	case github.Installation:
		return a.installation(e), nil
	case github.Push:
		return a.push(ctx, d, e)
	case github.PullRequest:
		return a.pullRequest(ctx, d, e)
	case github.MergeGroup:
		return a.mergeGroup(ctx, d, e)
	case github.Comment:
		return a.comment(ctx, e)
	case github.Review:
		return a.review(ctx, e)
	case github.CheckRunAction:
		return a.button(ctx, e)
	case github.CheckRunRerequested:
		return a.rerunCheck(ctx, e)
	case github.CheckSuiteRerequested:
		return a.rerunSuite(ctx, e)
	case github.DeploymentReview:
		return a.environmentReviewed(ctx, e)
	case github.WorkflowEnded:
		return a.workflowEnded(ctx, e)
	case github.Ignored:
		p := ignore("%s", e.Reason)
		p.dull = true
		return p, nil
	}
	return ignore("nothing to do for %T", event), nil
}

// installation ends what runs where the App is no longer welcome: nobody could
// be told of it any more.
func (a *App) installation(e github.Installation) plan {
	message := fmt.Sprintf("installation %d of %s %s", e.ID, e.Account, e.Action)
	if e.Action != "deleted" {
		return plan{message: message}
	}
	return plan{message: message, commit: func(ctx context.Context, tx store.Tx) error {
		running, err := tx.Find(ctx, store.Filter{Installation: e.ID, Active: true})
		if err != nil {
			return err
		}
		return cancelAll(ctx, tx, running, pipeline.Cancel{At: a.now(), Reason: "the App was uninstalled"})
	}}
}

func cancelAll(ctx context.Context, tx store.Tx, running []store.Execution, e pipeline.Cancel) error {
	for _, x := range running {
		if err := store.Apply(ctx, tx, x.ID, e); err != nil && !errors.Is(err, pipeline.ErrRefused) {
			return fmt.Errorf("cancel execution %s: %w", x.ID, err)
		}
	}
	return nil
}
