package app

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/stagegate/stagegate/app/github"
)

// later is returned by a worker whose work is to be done again at a time. It
// does not count as an attempt.
type later struct{ at time.Time }

func (l later) Error() string { return "again at " + l.at.Format(time.RFC3339) }

// work makes a worker of a function. GitHub's rate limits become waiting, what
// is gone ends the work with one line, and everything else is tried again with
// backoff.
func work[T river.JobArgs](log *slog.Logger, do func(context.Context, T) error) river.Worker[T] {
	return river.WorkFunc(func(ctx context.Context, job *river.Job[T]) error {
		err := do(ctx, job.Args)
		var (
			wait    later
			limited *github.RateLimited
		)
		switch {
		case err == nil:
			return nil
		case errors.As(err, &wait):
			return river.JobSnooze(max(time.Until(wait.at), 0))
		case ctx.Err() != nil:
			return err // the process is stopping, or the work took too long
		case errors.As(err, &limited):
			log.Warn("GitHub asks us to wait", "work", job.Kind, "args", string(job.EncodedArgs), "until", limited.Until)
			return river.JobSnooze(max(time.Until(limited.Until), time.Second))
		case errors.Is(err, github.ErrGone):
			log.Error("work given up", "work", job.Kind, "args", string(job.EncodedArgs), "error", err)
			return river.JobCancel(err)
		default:
			log.Warn("work waits for another attempt", "work", job.Kind, "args", string(job.EncodedArgs), "attempt", job.Attempt, "error", err)
			return err
		}
	})
}

// patient is a worker whose work may take longer than other work. After a crash
// the queue takes it for lost that much later, but for that of a process which
// starts again on the same database.
type patient[T river.JobArgs] struct {
	river.Worker[T]

	most time.Duration
}

// Timeout is how long one attempt may take.
func (p patient[T]) Timeout(*river.Job[T]) time.Duration { return p.most }

// retryPolicy waits 1, 2, 4 … seconds, at most a minute: GitHub comes back,
// and what it was not told must reach it then.
type retryPolicy struct{ now func() time.Time }

func (p retryPolicy) NextRetry(job *rivertype.JobRow) time.Time {
	return p.now().Add(backoff(len(job.Errors), time.Minute))
}

// backoff is the wait before try n+1, n counting from 0.
func backoff(n int, most time.Duration) time.Duration {
	return min(time.Duration(math.Pow(2, float64(min(n, 20))))*time.Second, most)
}

// onlyErrors lets the queue's errors through to our log: what it
// says about its own life is of no use to an operator.
type onlyErrors struct{ slog.Handler }

func (h onlyErrors) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
