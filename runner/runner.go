package runner

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Runner needs. ID, Jobs, Files and Engine must be set.
type Config struct {
	ID     string        // see LoadID
	Slots  int           // jobs at once; default 1
	Grace  time.Duration // between TERM and KILL; default 10s
	Jobs   Jobs
	Files  Files
	Engine Engine
	Limits Limits
	// Refused lists which options of its isolation a job of a repository may not
	// have; nil: it may have none. See pipeline.Isolation.
	Refused func(repository string, options []string) []string
	Log     *slog.Logger // default: nowhere
	// TempDir holds the spool files of artifacts; empty is the system's.
	TempDir string
	// WorkDir holds the folders of jobs that run on an engine which sees this
	// machine's files. It must be this runner's alone; what an earlier process
	// left in it is removed. Empty: workspaces are volumes of the engine.
	WorkDir string
	// Keep leaves containers and workspaces of ended jobs to be looked at. The
	// next Run with the same id removes them.
	Keep bool
	// EngineLoss is how long an engine may not answer before the jobs that
	// run on it are given up; default 3m.
	EngineLoss time.Duration
}

// Limits bound every job. A zero takes the default.
type Limits struct {
	Memory   int64         // bytes, swap included; default 4 GiB
	CPUs     float64       // default 2; no more than the engine has
	PIDs     int64         // default 2048
	Timeout  time.Duration // default of a job, and its ceiling; default 1h
	LogLimit int64         // bytes of a stored log; default 64 MiB, at least 256 KiB
	Artifact int64         // bytes of one artifact; default 10 GiB
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Memory:   cmp.Or(l.Memory, 4<<30),
		CPUs:     cmp.Or(l.CPUs, 2),
		PIDs:     cmp.Or(l.PIDs, 2048),
		Timeout:  cmp.Or(l.Timeout, time.Hour),
		LogLimit: max(cmp.Or(l.LogLimit, 64<<20), minLogLimit),
		Artifact: cmp.Or(l.Artifact, 10<<30),
	}
}

// Runner carries out jobs in containers.
type Runner struct {
	Config

	blind  atomic.Bool // the engine was seen not to see WorkDir
	behind behind
}

// New returns a runner that has not begun.
func New(c Config) *Runner {
	c.Slots = max(c.Slots, 1)
	c.Grace = cmp.Or(c.Grace, 10*time.Second)
	c.EngineLoss = cmp.Or(c.EngineLoss, 3*time.Minute)
	c.Limits = c.Limits.withDefaults()
	if c.Refused == nil {
		c.Refused = func(_ string, options []string) []string { return options }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	r := &Runner{Config: c, behind: behind{slots: make(chan struct{}, c.Slots)}}
	r.blind.Store(c.WorkDir == "" || os.Geteuid() != 0)
	return r
}

// Run first goes on with what an earlier process of the same id left behind,
// then leases jobs, until ctx ends. It then returns soon and leaves running
// containers alone: the next Run with the same id adopts them, so a new
// version of the program costs nobody a build. Its error is always the
// context's.
func (r *Runner) Run(ctx context.Context) error {
	held, err := r.held(ctx)
	if err != nil {
		return err
	}
	left := r.leftFolders() // before a job makes another
	var all sync.WaitGroup
	surveyed := make(chan struct{})
	all.Go(func() {
		if r.removeOrphans(ctx, held, left) == nil {
			close(surveyed)
		}
	})
	for i := range max(r.Slots, len(held)) {
		all.Go(func() {
			if i < len(held) {
				r.carryOut(ctx, held[i], true)
			}
			if i >= r.Slots {
				return
			}
			select {
			case <-surveyed:
				r.work(ctx)
			case <-ctx.Done():
			}
		})
	}
	all.Wait()
	r.behind.all.Wait()
	return context.Cause(ctx)
}

// held asks for the leases of an earlier process until it is told.
func (r *Runner) held(ctx context.Context) ([]Lease, error) {
	var wait backoff
	for {
		held, err := r.Jobs.Held(ctx, r.ID)
		if err == nil {
			return held, nil
		}
		if wait.first() {
			r.Log.Warn("cannot list held leases, trying again", "err", err)
		}
		if err := wait.sleep(ctx); err != nil {
			return nil, err
		}
	}
}

// survey lists this runner's containers as soon as the engine answers.
func (r *Runner) survey(ctx context.Context) ([]Found, error) {
	var wait backoff
	for {
		try, stop := context.WithTimeout(ctx, r.EngineLoss)
		found, err := r.Engine.Containers(try, r.ID)
		stop()
		if err == nil {
			if !wait.first() {
				r.Log.Info("container engine answers")
			}
			return found, nil
		}
		if wait.first() {
			r.Log.Warn("container engine does not answer, trying again", "err", err)
		}
		if err := wait.sleep(ctx); err != nil {
			return nil, err
		}
	}
}

// removeOrphans removes the containers no lease speaks for: their jobs were
// given to somebody else meanwhile, or told before the process died. Of the
// folders that were left it removes those of no container.
func (r *Runner) removeOrphans(ctx context.Context, held []Lease, left []string) error {
	found, err := r.survey(ctx)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, l := range held {
		wanted[l.Job.ID.String()] = true
	}
	folders := map[string]bool{}
	for _, f := range found {
		job := f.Labels[LabelJob]
		if wanted[job] {
			folders[f.Labels[labelWorkspace]], folders[f.Labels[labelPrivate]] = true, true
			continue
		}
		r.Log.Info("remove orphaned container", "job", job)
		r.remove(ctx, f.Container)
	}
	r.sweepFolders(left, folders)
	return nil
}

// Sweep removes every container of a runner that will not start again, such as
// one whose data folder is to be deleted.
func Sweep(ctx context.Context, engine Engine, runner string) error {
	found, err := engine.Containers(ctx, runner)
	if err != nil {
		return fmt.Errorf("list containers of runner %s: %w", runner, err)
	}
	for _, f := range found {
		err = errors.Join(err, f.Container.Remove(ctx))
	}
	return err
}

// work is one slot: job after job.
func (r *Runner) work(ctx context.Context) {
	var wait backoff
	token := newToken()
	for ctx.Err() == nil {
		lease, err := r.Jobs.Lease(ctx, r.ID, token)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			if wait.first() {
				r.Log.Warn("cannot lease a job, trying again", "err", err)
			}
			_ = wait.sleep(ctx)
			continue
		}
		wait, token = backoff{}, newToken()
		r.carryOut(ctx, lease, false)
	}
}

// newToken draws 256 bits nobody can guess, fit for a URL.
func newToken() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails; it ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// remove makes a container go away, and for as long as the engine does not
// answer waits for it: a container whose lease was lost must not go on running
// because the engine was away when it was to be killed. When ctx ends there is
// one more try, bounded; what then remains is an orphan of the next start.
func (r *Runner) remove(ctx context.Context, c Container) {
	var wait backoff
	for {
		try, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		err := c.Remove(try)
		cancel()
		switch {
		case err == nil:
			return
		case !away(err) && wait.tries >= 5, ctx.Err() != nil:
			r.Log.Warn("cannot remove container, the next start will", "err", err)
			return
		case wait.first():
			r.Log.Warn("cannot remove container, trying again", "err", err)
		}
		_ = wait.sleep(ctx)
	}
}

// away tells an engine that does not answer, or not in time, from one that
// refuses.
func away(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
}
