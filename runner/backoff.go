package runner

import (
	"context"
	"time"
)

// backoff paces tries of something that should work again soon: 100 ms, then
// twice as long each time, at most 5 s. The zero value is ready.
type backoff struct {
	tries int
}

// first tells whether nothing has been tried again yet: the time to log.
func (b *backoff) first() bool { return b.tries == 0 }

// sleep waits for the next try. It returns the context's error when that ends
// first.
func (b *backoff) sleep(ctx context.Context) error {
	d := min(100*time.Millisecond<<min(b.tries, 10), 5*time.Second)
	b.tries++
	return sleep(ctx, d)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
