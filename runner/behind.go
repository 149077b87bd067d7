package runner

import (
	"context"
	"sync"
	"time"
)

// behind does what nobody waits for: the removal of what ended jobs leave.
type behind struct {
	slots chan struct{} // bounds how much is under way
	all   sync.WaitGroup
	calm  calm
}

// run does something in the background, once there is room for it.
func (b *behind) run(do func()) {
	b.slots <- struct{}{}
	b.all.Go(func() {
		defer func() { <-b.slots }()
		do()
	})
}

const (
	// calmPause is waited for the job that mostly follows on the end of another.
	calmPause = 20 * time.Millisecond
	// calmLimit is the longest wait for calm: a pull may take many minutes.
	calmLimit = 5 * time.Second
)

// calm is when no job is on its way to its start. To remove a large folder takes
// the disk and a processor from it.
type calm struct {
	mu      sync.Mutex
	hurried int           // jobs on their way
	came    chan struct{} // closed when there are none; nil: nobody waits
}

// hurry is a job on its way, until the function it returns is called, once or
// more often.
func (c *calm) hurry() (started func()) {
	c.mu.Lock()
	c.hurried++
	c.mu.Unlock()
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.hurried--; c.hurried == 0 && c.came != nil {
			close(c.came)
			c.came = nil
		}
	})
}

// wait returns when no job is on its way, or for too long. When ctx ends there
// is no time to wait.
func (c *calm) wait(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, calmLimit)
	defer stop()
	if sleep(ctx, calmPause) != nil {
		return
	}
	c.mu.Lock()
	if c.hurried == 0 {
		c.mu.Unlock()
		return
	}
	if c.came == nil {
		c.came = make(chan struct{})
	}
	came := c.came
	c.mu.Unlock()
	select {
	case <-came:
	case <-ctx.Done():
	}
}
