package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner/redact"
)

// task is one job under its lease. Its contexts are nested: the process, the
// lease, the work.
type task struct {
	r     *Runner
	lease Lease
	job   pipeline.Job
	log   *jobLog

	leased context.Context // ends when the lease is lost (cause ErrLeaseLost) or the process stops
	work   context.Context // ends also when the job is cancelled (cause errCancelled)

	container Container // the last one seen; nil before it is made
	space     workspace // that container's
	private   string    // the folder of its secrets; empty: none, or the engine has it
	unsure    bool      // one may have been made of which the engine did not tell
	calm      func()    // the job is no longer on its way to its start
	started   bool      // it may have been started: never start another
	away      bool      // the engine was since we last saw the container, or we were
	unseen    bool      // it ended meanwhile
	over      bool      // it has ended, and nothing runs in it any more
	looks     int       // how often it was found not to run after a start
	rereads   int       // how often the log was read again
	why       verdict   // why it was stopped, once it was
	notes     []Chunk   // what was said before the start; a log read again begins with it
	processor string    // of the image; empty: an earlier process saw it
	secrets   []pipeline.Value
	hashed    []pipeline.Value // what job.Hashed came to
	result    pipeline.Result
	reporting atomic.Bool // the result is being told, which ends the lease
}

// maxAttempts bounds how often a job is taken up again after the engine was
// away: one that fails at the same step each time must come to an end.
const maxAttempts = 20

// maxRereads bounds how often a log that breaks is read from its start again.
const maxRereads = 3

// maxLooks is how often an engine that did not answer a start is asked whether
// the container runs by now, in about 20 s, before it counts as never started:
// the start may still be under way in there, and then another would be the second.
const maxLooks = 8

var errStarting = fmt.Errorf("%w: the container may be about to start", ErrUnavailable)

// errBroken is a log that ended before its container did, or that could not be
// written whole.
var errBroken = errors.New("log is not complete")

// verdict is an end of a job other than success.
type verdict struct {
	status pipeline.Status
	reason string
}

func (v verdict) Error() string { return v.reason }

func failed(format string, args ...any) verdict {
	return verdict{pipeline.Failed, fmt.Sprintf(format, args...)}
}

func errored(format string, args ...any) verdict {
	return verdict{pipeline.Errored, fmt.Sprintf(format, args...)}
}

// carryOut takes one lease from its start, or from where an earlier process
// left it, to its end. A crash between any two steps is safe: the container
// stays until the result was told, and the result can be made again from it.
func (r *Runner) carryOut(ctx context.Context, l Lease, adopt bool) {
	leased, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	work, cancel := context.WithCancelCause(leased)
	defer cancel(nil)
	t := &task{r: r, lease: l, job: l.Job, leased: leased, work: work, space: nowhere{}, calm: r.behind.calm.hurry()}
	defer t.calm()

	var keeper sync.WaitGroup
	keeper.Go(func() { t.keep(leased, lose, cancel) })
	err := t.run(adopt)
	if err == nil {
		err = t.finish(ctx)
	}
	lose(nil)
	keeper.Wait()
	switch {
	case err == nil:
	case errors.Is(err, ErrLeaseLost):
		r.Log.Warn("job given up: its lease is lost", "job", l.Job.ID)
	default:
		r.Log.Info("job left running", "job", l.Job.ID, "why", err)
		return
	}
	if err == nil && t.unsure && t.container == nil {
		t.seek(ctx)
	}
	r.behind.run(func() { t.clear(ctx) })
}

// seek looks for a container of which the engine did not tell, as soon as it
// answers.
func (t *task) seek(ctx context.Context) {
	all, err := t.r.survey(ctx)
	if err != nil { // the next start removes it
		return
	}
	if found := t.pick(all); found != nil {
		t.container = found.Container
	}
}

// clear removes the container and what it worked on: at once where nobody works
// there any more, since the engine takes its time.
func (t *task) clear(ctx context.Context) {
	defer t.forgetPrivate()
	if t.r.Keep {
		return
	}
	var both sync.WaitGroup
	defer both.Wait()
	if t.over {
		both.Go(func() { t.r.behind.calm.wait(ctx); t.space.remove() })
	} else {
		defer t.space.remove()
	}
	if t.container != nil {
		t.r.remove(ctx, t.container)
	}
}

// run brings the job to its result. Its errors are ErrLeaseLost, and that of
// the process's context when that ends first.
func (t *task) run(adopt bool) error {
	defer func() { t.closeLog() }()
	var found *Found
	var err error
	if adopt {
		t.away = true
		found, err = t.find()
	}
	if err == nil {
		err = t.attempt(found)
	}
	var wait backoff
	for wait.tries < maxAttempts && t.again(err) {
		t.r.Log.Warn("lost sight of the container, looking again", "job", t.job.ID, "err", err)
		if err = wait.sleep(t.leased); err != nil {
			break
		}
		if found, err = t.find(); err == nil {
			err = t.attempt(found)
		}
	}
	if err = t.judge(err); err != nil {
		return err
	}
	t.conclude()
	return nil
}

// again tells whether an attempt ended in a way that a look at what the engine
// has now can mend.
func (t *task) again(err error) bool {
	if t.leased.Err() != nil || (t.work.Err() != nil && !t.started) {
		return false
	}
	if errors.Is(err, errBroken) {
		t.rereads++
		return true
	}
	t.away = errors.Is(err, ErrUnavailable)
	return t.away || errors.Is(err, ErrNotStarted)
}

// find looks for the job's container until the engine answers, or has not for
// too long. None is no error.
func (t *task) find() (*Found, error) {
	lost := errored("Docker Engine was lost")
	ctx, stop := context.WithTimeoutCause(t.leased, t.r.EngineLoss, lost)
	defer stop()
	var wait backoff
	for {
		all, err := t.r.Engine.Containers(ctx, t.r.ID)
		if err == nil {
			return t.pick(all), nil
		}
		if wait.first() {
			t.r.Log.Warn("container engine does not answer, trying again", "job", t.job.ID, "err", err)
		}
		if err := wait.sleep(ctx); err != nil {
			return nil, err
		}
	}
}

func (t *task) pick(all []Found) *Found {
	for _, f := range all {
		if f.Labels[LabelJob] == t.job.ID.String() {
			return &f
		}
	}
	return nil
}

// attempt goes on from what the engine has of the job.
func (t *task) attempt(found *Found) error {
	if found != nil {
		t.container, t.space, t.private = found.Container, t.r.spaceOf(*found), t.r.privateOf(*found)
	}
	switch {
	case found == nil && t.started:
		return errRemoved
	case found == nil:
		return t.begin()
	case found.State.Phase == Created && t.started && t.looks < maxLooks:
		t.looks++
		return errStarting
	case found.State.Phase == Created:
		t.r.remove(t.leased, found.Container)
		t.space.remove()
		t.forgetPrivate()
		t.started, t.looks = false, 0
		return t.begin()
	default:
		return t.takeOver(found)
	}
}

// judge turns what ended the job into its result. What is left are the errors
// of run.
func (t *task) judge(err error) error {
	var v verdict
	var refusal *Refusal
	switch {
	case err == nil:
		return nil
	case t.leased.Err() != nil:
		return context.Cause(t.leased)
	case errors.Is(err, ErrLeaseLost):
		return err
	case errors.As(err, &v):
	case errors.As(err, &refusal):
		v = errored("%s", refusal.Reason)
	case t.work.Err() != nil:
		v = errStopped
	case t.started && errors.Is(err, ErrGone):
		v = errRemoved
	default:
		t.r.Log.Error("job could not be run", "job", t.job.ID, "err", err)
		v = unable(err)
	}
	t.result.Status, t.result.Reason = v.status, v.reason
	t.result.Artifacts, t.result.Outputs = nil, nil
	return nil
}

// conclude writes the last words of the log and completes the result.
func (t *task) conclude() {
	if t.result.FinishedAt.IsZero() {
		t.result.FinishedAt = time.Now()
	}
	t.result.Reason = t.hide(t.result.Reason)
	if t.result.Reason != "" {
		if t.log == nil {
			_ = t.openLog() // the reason stands in the result too
		}
		t.say("%s: %s", t.result.Status, t.result.Reason)
	}
	t.closeLog()
	if t.log != nil {
		t.result.LogTail = t.log.Tail()
		t.result.Annotations = t.place(t.log.Annotations())
	}
}

// finish tells the result until it is taken or the lease is lost. When the
// process stops it is tried once more; the next start then makes the same
// result from the same container.
func (t *task) finish(ctx context.Context) error {
	t.reporting.Store(true)
	var wait backoff
	for {
		try, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		err := t.r.Jobs.Finish(try, t.lease.Token, t.result)
		cancel()
		if err == nil || errors.Is(err, ErrLeaseLost) {
			return err
		}
		if wait.first() {
			t.r.Log.Warn("cannot report result, trying again", "job", t.job.ID, "err", err)
		}
		if err := wait.sleep(t.leased); err != nil {
			return err
		}
	}
}

// openLog begins the job's log anew, in place of the one there was. The secrets
// come first, because no line may be written that could hold one.
func (t *task) openLog() error {
	t.closeLog()
	if err := t.getSecrets(); err != nil {
		return err
	}
	var wait backoff
	for {
		w, err := t.r.Files.Log(t.leased, t.lease.Token, 0)
		if err == nil {
			t.log = newJobLog(w, t.r.Limits.LogLimit, t.masker())
			for _, s := range t.secrets {
				if !redact.Maskable(s.Value) {
					t.log.Say(fmt.Sprintf("secret %s is shorter than %d bytes and is not masked", s.Name, redact.MinLength))
				}
			}
			for _, n := range t.notes {
				t.log.add(n)
			}
			return nil
		}
		if errors.Is(err, ErrLeaseLost) || wait.tries >= 5 {
			return fmt.Errorf("open log: %w", err)
		}
		if err := wait.sleep(t.leased); err != nil {
			return err
		}
	}
}

// getSecrets asks for the values of the job's secrets, once.
func (t *task) getSecrets() error {
	if len(t.job.Secrets) == 0 || t.secrets != nil {
		return nil
	}
	values, err := t.r.Files.Secrets(t.leased, t.lease.Token)
	if err != nil {
		return fmt.Errorf("get secrets: %w", err)
	}
	if len(values) != len(t.job.Secrets) {
		return fmt.Errorf("get secrets: got %d, the job names %d", len(values), len(t.job.Secrets))
	}
	t.secrets = values
	return nil
}

// masker hides the job's secrets.
func (t *task) masker() *redact.Masker {
	values := make([]string, len(t.secrets))
	for i, s := range t.secrets {
		values[i] = s.Value
	}
	return redact.New(values...)
}

// hide returns a text without the job's secrets.
func (t *task) hide(text string) string {
	if t.log == nil {
		return t.masker().String(text)
	}
	return t.log.Masker().String(text)
}

// closeLog completes the log. A log that cannot be stored does not change what
// the job did: the operator is told, and the result stands.
func (t *task) closeLog() {
	if t.log == nil {
		return
	}
	if err := t.log.Close(); err != nil {
		t.r.Log.Error("cannot store log", "job", t.job.ID, "err", err)
	}
}

// note says what should outlive a log that has to be read again.
func (t *task) note(text string) {
	t.notes = append(t.notes, Chunk{Stream: Stagegate, Time: time.Now(), Data: []byte(text + "\n")})
	t.log.Say(text)
}

// say adds a line of Stagegate itself to the job's log.
func (t *task) say(format string, args ...any) {
	if t.log != nil {
		t.log.Say(fmt.Sprintf(format, args...))
	}
}
