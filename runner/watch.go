package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

const (
	// endGrace is how much longer than its output a container may live: its
	// network is taken down in between. One that lives on has lost its
	// attachment.
	endGrace = 10 * time.Second
	// logGrace is how long nothing may come of the output after the end of the
	// container, and its end neither. As long as something comes it is waited
	// for: a million lines take a busy engine a while.
	logGrace = 10 * time.Second
)

// start runs the container and follows it to its end.
func (t *task) start() error {
	session, end := context.WithCancel(t.leased)
	defer end()
	if t.work.Err() != nil {
		return context.Cause(t.work)
	}
	t.started = true
	hung := time.AfterFunc(t.r.EngineLoss, end)
	out, at, err := t.container.Start(session)
	if !hung.Stop() {
		if err == nil {
			_ = out.Close()
		}
		err = errHung
	}
	t.calm()
	if err != nil {
		t.started = !errors.Is(err, ErrNotStarted)
		return fmt.Errorf("start container: %w", err)
	}
	return t.follow(run{session: session, end: end, out: out, at: at})
}

// takeOver follows a container that was started before: by an earlier process,
// or by this one before it lost sight of it. The log is read again from its
// first line.
func (t *task) takeOver(found *Found) error {
	session, end := context.WithCancel(t.leased)
	defer end()
	if err := t.openLog(); err != nil {
		return err
	}
	if !t.started {
		t.note("Stagegate was restarted and has taken over this container")
	}
	t.started = true
	t.calm()
	t.unseen = t.unseen || t.away && found.State.Phase == Ended
	t.away = false
	t.result.Image = found.Labels[labelImage]
	hung := time.AfterFunc(t.r.EngineLoss, end)
	out, err := found.Container.Logs(session)
	if !hung.Stop() {
		if err == nil {
			_ = out.Close()
		}
		err = errHung
	}
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	return t.follow(run{session, end, out, found.State.StartedAt, true, found.State.Phase == Ended})
}

// run is one connection to a container that was started.
type run struct {
	session context.Context // bounds it
	end     context.CancelFunc
	out     Output
	at      time.Time // of the start
	read    bool      // the output is the engine's log, not an attachment
	ended   bool      // known to have ended before
}

// follow copies the output until the container has ended, stopping it where it
// must, then makes the result.
func (t *task) follow(r run) error {
	t.result.StartedAt = r.at
	out := &counted{Output: r.out}
	w := watch{task: t, out: out, copied: make(chan error, 1), ended: make(chan ending, 1)}
	var both sync.WaitGroup
	both.Go(func() { w.copied <- t.log.Copy(out) })
	hung := make(chan error, 1)
	w.hung = hung
	both.Go(func() { hung <- t.listen(r.session) })
	both.Go(func() {
		state, err := t.container.Wait(r.session)
		w.ended <- ending{state, err}
	})
	t.reportStart(r.at)
	state, err := w.run(r.at, r.ended)
	r.end()
	_ = r.out.Close() // only so that the copying ends
	both.Wait()
	if err != nil {
		return err
	}
	// An engine that follows a log to the container's end may lose the last
	// line or more (20.10 does); of an ended one it reads everything. That
	// reading is owed however often the log broke before.
	followed := r.read && !r.ended
	if followed || t.log.Err() != nil && t.rereads < maxRereads {
		return errBroken
	}
	return t.complete(state)
}

// errHung is an engine that accepts a call and never answers.
var errHung = fmt.Errorf("%w: it hangs", ErrUnavailable)

// listen asks the engine for something now and then, because the connections
// to one that hangs stay open and say nothing. It returns when no answer has
// come for as long as an answer may take, or when session ends.
func (t *task) listen(session context.Context) error {
	pause := t.r.EngineLoss / 6
	for sleep(session, pause) == nil {
		ask, stop := context.WithTimeout(session, pause)
		_, err := t.r.Engine.Containers(ask, t.r.ID)
		late := ask.Err() != nil
		stop()
		if err != nil && late && session.Err() == nil {
			return errHung
		}
	}
	return context.Cause(session)
}

// heard does something that needs the engine for as long as it takes, unless
// the engine is seen to hang meanwhile: then it ends with errHung.
func (t *task) heard(ctx context.Context, do func(context.Context) error) error {
	ctx, end := context.WithCancelCause(ctx)
	var listening sync.WaitGroup
	listening.Go(func() {
		if err := t.listen(ctx); errors.Is(err, errHung) {
			end(errHung)
		}
	})
	err := do(ctx)
	end(nil)
	listening.Wait()
	if err != nil && errors.Is(context.Cause(ctx), errHung) {
		return errHung
	}
	return err
}

// reportStart tells that the container runs. Only what people see hangs on it,
// so it is not repeated for long.
func (t *task) reportStart(at time.Time) {
	var wait backoff
	for {
		err := t.r.Jobs.Started(t.leased, t.lease.Token, at, t.result.Image)
		if err == nil || errors.Is(err, ErrLeaseLost) { // the keeper is told, too
			return
		}
		if wait.tries >= 3 {
			t.r.Log.Warn("cannot report start", "job", t.job.ID, "err", err)
			return
		}
		if wait.sleep(t.leased) != nil {
			return
		}
	}
}

type ending struct {
	state State
	err   error
}

// watch waits for the end of one container and of its output, and brings the
// first about when time is up or the job is cancelled.
type watch struct {
	*task
	out    *counted
	copied chan error
	ended  chan ending
	hung   <-chan error     // tells that the engine does not answer any more
	kill   <-chan time.Time // runs between TERM and KILL
}

func (w *watch) run(at time.Time, ended bool) (State, error) {
	deadline := time.NewTimer(time.Until(at.Add(w.timeout())))
	defer deadline.Stop()
	cancelled := w.work.Done()
	if ended { // nothing to stop
		deadline.Stop()
		cancelled = nil
	}
	var late <-chan time.Time
	if w.why.status != "" && !ended { // it was to stop before we lost sight of it
		w.term()
	}
	copied := w.copied
	for {
		select {
		case e := <-w.ended:
			return w.settle(e)
		case err := <-copied:
			w.copied <- err // for settle
			copied, late = nil, time.After(endGrace)
		case err := <-w.hung:
			return State{}, err
		case <-late:
			late = nil
			if w.rereads < maxRereads {
				return State{}, errBroken
			}
		case <-deadline.C:
			w.stop(w.tooLong())
		case <-cancelled:
			cancelled = nil
			if w.leased.Err() == nil {
				w.stop(errStopped)
			}
		case <-w.kill:
			w.signal("KILL")
			w.kill = time.After(max(w.r.Grace, time.Second)) // should it not come through
		case <-w.leased.Done():
			return State{}, context.Cause(w.leased)
		}
	}
}

// settle waits for the rest of the output of a container that has ended.
func (w *watch) settle(e ending) (State, error) {
	if e.err != nil {
		return State{}, fmt.Errorf("wait for container: %w", e.err)
	}
	late := time.NewTicker(logGrace)
	defer late.Stop()
	for heard := w.out.pieces.Load(); ; {
		select {
		case err := <-w.copied:
			if err == nil {
				return e.state, nil
			}
			w.r.Log.Warn("output broke off", "job", w.job.ID, "err", err)
			return w.incomplete(e)
		case <-late.C:
			now := w.out.pieces.Load()
			if now == heard {
				w.r.Log.Warn("output does not end", "job", w.job.ID)
				return w.incomplete(e)
			}
			heard = now
		case <-w.leased.Done():
			return State{}, context.Cause(w.leased)
		}
	}
}

// incomplete has the log read again, until that was in vain too often.
func (w *watch) incomplete(e ending) (State, error) {
	if w.rereads < maxRereads {
		return State{}, errBroken
	}
	w.say("the log is not complete: the engine did not give all of it")
	return e.state, nil
}

// counted counts the pieces of an Output.
type counted struct {
	Output
	pieces atomic.Int64
}

func (c *counted) Next() (Chunk, error) {
	piece, err := c.Output.Next()
	c.pieces.Add(1)
	return piece, err
}

// timeout is the job's, or the default, which is its ceiling too.
func (t *task) timeout() time.Duration {
	if t.job.Timeout <= 0 {
		return t.r.Limits.Timeout
	}
	return min(t.job.Timeout, t.r.Limits.Timeout)
}

// errStopped is the verdict over a job that was told to stop.
var errStopped = verdict{pipeline.Cancelled, "cancelled"}

func (t *task) tooLong() verdict {
	return verdict{pipeline.TimedOut, "ran longer than " + t.timeout().String()}
}

// stop begins the end: TERM now, KILL after the grace period. The first reason
// stays.
func (w *watch) stop(why verdict) {
	if w.why.status != "" {
		return
	}
	w.why = why
	w.say("stopping: %s", why.reason)
	w.term()
}

func (w *watch) term() {
	w.signal("TERM")
	w.kill = time.After(w.r.Grace)
}

// signal does its best: an engine that is away shows in the wait, and KILL is
// sent again and again.
func (w *watch) signal(name string) {
	ctx, cancel := context.WithTimeout(w.leased, 10*time.Second)
	defer cancel()
	if err := w.container.Signal(ctx, name); err != nil {
		w.r.Log.Warn("cannot signal container", "job", w.job.ID, "signal", name, "err", err)
	}
}
