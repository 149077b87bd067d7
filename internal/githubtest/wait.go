package githubtest

import (
	"context"
	"fmt"
	"strings"
)

// Change is something that a person who looks at GitHub sees change. One of
// the pointers is set.
type Change struct {
	Repository string    // owner/name
	CheckRun   *CheckRun // made or updated
	Comment    *Comment  // made or edited
}

// watcher is a queue without end before a channel, so that a slow reader holds
// nobody up.
type watcher struct {
	queue []Change
}

// Watch returns the changes from now on, in order. Nothing is lost, and nobody
// waits for the reader. The channel is closed when ctx ends or with Close.
func (g *GitHub) Watch(ctx context.Context) <-chan Change {
	w, out := &watcher{}, make(chan Change)
	g.mu.Lock()
	g.watchers[w] = true
	g.mu.Unlock()
	g.joined.Go(func() {
		defer close(out)
		defer g.unwatch(w)
		for {
			c, ok := g.next(ctx, w)
			if !ok {
				return
			}
			select {
			case out <- c:
			case <-ctx.Done():
				return
			case <-g.ctx.Done():
				return
			}
		}
	})
	return out
}

func (g *GitHub) unwatch(w *watcher) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.watchers, w)
}

// next waits for a watcher's next change.
func (g *GitHub) next(ctx context.Context, w *watcher) (c Change, ok bool) {
	err := g.await(ctx, func() bool {
		if len(w.queue) == 0 {
			return false
		}
		c, w.queue = w.queue[0], w.queue[1:]
		return true
	})
	return c, err == nil
}

// show tells the watchers of a change. g.mu is held.
func (g *GitHub) show(c Change) {
	for w := range g.watchers {
		w.queue = append(w.queue, c)
	}
	g.notify()
}

// notify wakes everybody who waits. g.mu is held.
func (g *GitHub) notify() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// await waits until a condition holds, which is asked with g.mu held, after
// every change.
func (g *GitHub) await(ctx context.Context, condition func() bool) error {
	for {
		g.mu.Lock()
		if condition() {
			g.mu.Unlock()
			return nil
		}
		changed := g.changed
		g.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-g.ctx.Done():
			return fmt.Errorf("wait: GitHub was closed")
		}
	}
}

// Wait waits until a condition holds. It is asked now and after everything
// that happens here, and may call every method that only reads.
func (g *GitHub) Wait(ctx context.Context, condition func() bool) error {
	for {
		g.mu.Lock()
		changed := g.changed
		g.mu.Unlock()
		if condition() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-g.ctx.Done():
			return fmt.Errorf("wait: GitHub was closed")
		}
	}
}

// WaitCheckRun waits for a check run of a name on a commit that meets a
// condition, and returns the newest of them. A nil condition is met by any. The
// error names the runs that are there instead.
func (r *Repository) WaitCheckRun(ctx context.Context, sha, name string, condition func(CheckRun) bool) (CheckRun, error) {
	var found CheckRun
	err := r.g.Wait(ctx, func() bool {
		met := false
		for _, run := range r.CheckRuns(sha) {
			if run.Name == name && (condition == nil || condition(run)) {
				found, met = run, true
			}
		}
		return met
	})
	if err != nil {
		return CheckRun{}, fmt.Errorf("wait for check run %q on %s: %w; there %s", name, sha, err, r.summary(sha))
	}
	return found, nil
}

// summary is the check runs of a commit in one line.
func (r *Repository) summary(sha string) string {
	var runs []string
	for _, run := range r.CheckRuns(sha) {
		runs = append(runs, fmt.Sprintf("%q %s %s (%s)", run.Name, run.Status, run.Conclusion, run.Title))
	}
	if len(runs) == 0 {
		return "is none"
	}
	return "are " + strings.Join(runs, ", ")
}

// WaitComment waits for a comment on an issue or pull request that meets a
// condition, and returns the newest of them.
func (r *Repository) WaitComment(ctx context.Context, number int, condition func(Comment) bool) (Comment, error) {
	var found Comment
	err := r.g.Wait(ctx, func() bool {
		met := false
		for _, c := range r.Comments(number) {
			if condition == nil || condition(c) {
				found, met = c, true
			}
		}
		return met
	})
	if err != nil {
		return Comment{}, fmt.Errorf("wait for a comment on #%d: %w", number, err)
	}
	return found, nil
}
