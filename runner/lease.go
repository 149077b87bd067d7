package runner

import (
	"context"
	"errors"
	"time"
)

// errCancelled ends the work of a job that was told to stop.
var errCancelled = errors.New("cancelled")

// leaseMargin is how long before its end a lease counts as lost, so that the
// container is dead when somebody else may start it; less on short leases.
const leaseMargin = 5 * time.Second

// keep renews the lease until leased ends. A lost one calls lose; an order to
// cancel calls cancel, and the lease is kept on until the container is dead.
func (t *task) keep(leased context.Context, lose, cancel context.CancelCauseFunc) {
	expires := t.lease.Expires
	if time.Until(expires) <= 0 { // held since before a long sleep: one chance to renew
		expires = time.Now().Add(time.Minute)
	}
	end := lastMoment(expires)
	var wait backoff
	for leased.Err() == nil {
		order, err := t.renew(leased, end)
		switch {
		case leased.Err() != nil:
			return
		case err == nil:
			wait = backoff{}
			expires, end = order.Expires, lastMoment(order.Expires)
			if order.Cancel {
				cancel(errCancelled)
				// The order stands, so the next renewal answers at once.
				_ = sleep(leased, max(time.Until(expires)/3, 100*time.Millisecond))
			}
		case errors.Is(err, ErrLeaseLost) && t.reporting.Load():
			return // whoever tells the result learns how that went
		case errors.Is(err, ErrLeaseLost), !time.Now().Before(end):
			t.r.Log.Warn("lease lost, killing the container", "job", t.job.ID, "err", err)
			lose(ErrLeaseLost)
			return
		default:
			if wait.first() {
				t.r.Log.Warn("cannot renew lease, trying again", "job", t.job.ID, "err", err)
			}
			t.pause(leased, &wait, end)
		}
	}
}

// lastMoment is when a lease just renewed counts as lost, should no other
// renewal succeed.
func lastMoment(expires time.Time) time.Time {
	return expires.Add(-min(leaseMargin, time.Until(expires)/4))
}

func (t *task) renew(leased context.Context, end time.Time) (Order, error) {
	ctx, stop := context.WithDeadline(leased, end)
	defer stop()
	return t.r.Jobs.Renew(ctx, t.lease.Token)
}

// pause waits for the next try, but never past the lease's end.
func (t *task) pause(leased context.Context, wait *backoff, end time.Time) {
	ctx, stop := context.WithDeadline(leased, end)
	defer stop()
	_ = wait.sleep(ctx)
}
