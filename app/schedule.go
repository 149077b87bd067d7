package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/cron"
)

// scheduleInterval is how late a schedule may start, and a freeze may end.
const scheduleInterval = 5 * time.Second

// keepTime hands on what is scheduled, and opens what is closed, when its time comes.
func (a *App) keepTime(ctx context.Context) error {
	return every(ctx, scheduleInterval, func() {
		a.complain(ctx, "hand on what is scheduled", a.handOnDue(ctx))
		a.complain(ctx, "open what was closed until now", a.thaw(ctx))
	})
}

// handOnDue leaves the start of every pipeline whose time has come. However many
// of its times were missed, it starts once.
func (a *App) handOnDue(ctx context.Context) error {
	now := a.now()
	read := func(due *[]store.Schedule) func(store.Tx) error {
		return func(tx store.Tx) (err error) { *due, err = tx.DueSchedules(ctx, now); return err }
	}
	var due []store.Schedule
	if err := a.store.View(ctx, read(&due)); err != nil || len(due) == 0 {
		return err
	}
	return a.store.Update(ctx, func(tx store.Tx) error {
		if err := read(&due)(tx); err != nil {
			return err
		}
		for _, s := range due {
			if err := a.handOn(ctx, tx, s, now); err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *App) handOn(ctx context.Context, tx store.Tx, s store.Schedule, now time.Time) error {
	next, err := nextTime(s.Times, now)
	if err != nil {
		a.log.Error("schedule dropped", "repository", s.Repository, "pipeline", s.Pipeline, "error", err)
		return tx.DropSchedule(ctx, s.RepositoryID, s.Pipeline)
	}
	s.Last, s.Next = s.Next, next
	if err := tx.SaveSchedule(ctx, s); err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.StartScheduled{RepositoryID: s.RepositoryID, Pipeline: s.Pipeline, Time: s.Last, Since: now}, time.Time{})
}

// nextTime is the first of the times after now.
func nextTime(times []pipeline.Schedule, now time.Time) (time.Time, error) {
	var first time.Time
	for _, t := range times {
		s, err := cron.Parse(t.Cron, t.Timezone)
		if err != nil {
			return first, err
		}
		if next := s.Next(now); !next.IsZero() && (first.IsZero() || next.Before(first)) {
			first = next
		}
	}
	if first.IsZero() {
		return first, errors.New("none of its times comes within five years")
	}
	return first, nil
}

// startScheduled starts a pipeline whose time has come, of the newest commit of
// the default branch. Where a later time has come meanwhile, that one starts it.
func (a *App) startScheduled(ctx context.Context, w store.StartScheduled) error {
	defer a.schedules.lock(strconv.FormatInt(w.RepositoryID, 10))()
	var s store.Schedule
	err := a.store.View(ctx, func(tx store.Tx) (err error) {
		s, err = tx.Schedule(ctx, w.RepositoryID, w.Pipeline)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && !s.Last.Equal(w.Time) {
		return nil
	} else if err != nil {
		return err
	}
	err = a.startNow(ctx, s)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, github.ErrSuspended):
		a.log.Warn("schedule passed over", "repository", s.Repository, "pipeline", s.Pipeline, "error", err)
		return nil
	case errors.Is(err, errNoSchedule), errors.Is(err, github.ErrGone):
	case errors.Is(err, github.ErrNotFound) && a.now().Sub(w.Since) >= missingPatience:
	default:
		return err
	}
	a.log.Warn("schedule dropped", "repository", s.Repository, "pipeline", s.Pipeline, "reason", err)
	return a.store.Update(ctx, func(tx store.Tx) error { return tx.DropSchedule(ctx, s.RepositoryID, s.Pipeline) })
}

// errNoSchedule tells that the files name no time for the pipeline any more.
var errNoSchedule = errors.New("the default branch has no such schedule")

func (a *App) startNow(ctx context.Context, s store.Schedule) error {
	repo, r, all, err := a.defaultBranch(ctx, repository(store.Execution{
		Installation: s.Installation, Execution: pipeline.Execution{Repository: s.Repository, RepositoryID: s.RepositoryID},
	}))
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(c candidate) bool { return c.definition.Name == s.Pipeline })
	if i < 0 || len(all[i].definition.On.Schedules) == 0 {
		return errNoSchedule
	}
	x := onDefaultBranch(repo, r, all[i])
	if err := a.trustOne(ctx, repo, &x.Execution); err != nil {
		return err
	}
	x.Trigger = pipeline.OnSchedule
	x.Delivery = store.Derived("schedule", strconv.FormatInt(s.RepositoryID, 10), s.Pipeline, s.Last.UTC().Format(time.RFC3339))
	_, err = a.begin(ctx, &x, all[i].problems, "")
	return err
}

// defaultBranch finds the newest commit of a repository's default branch, and the
// pipelines of its files, one of each name.
func (a *App) defaultBranch(ctx context.Context, known github.Repository) (github.Repository, pipeline.Revision, []candidate, error) {
	repo, _, err := a.github.Find(ctx, known)
	if err == nil && repo.ID != known.ID {
		err = fmt.Errorf("%w: another repository is called %s now", github.ErrNotFound, known)
	}
	if err != nil {
		return repo, pipeline.Revision{}, nil, fmt.Errorf("find %s: %w", known, err)
	}
	r, err := a.revision(ctx, repo, api.Start{})
	var no refusal
	if errors.As(err, &no) { // it has no commit, or GitHub cannot see it yet
		err = fmt.Errorf("%w: %s", github.ErrNotFound, no.message)
	}
	if err != nil {
		return repo, r, nil, err
	}
	all, err := a.pipelines(ctx, repo, r.Commit)
	return repo, r, unique(all), err
}

// onDefaultBranch is an execution of a commit of the default branch that nobody
// asked for.
func onDefaultBranch(repo github.Repository, r pipeline.Revision, c candidate) store.Execution {
	return store.Execution{Installation: repo.Installation, Execution: pipeline.Execution{
		Repository: repo.String(), RepositoryID: repo.ID, Lane: r.Ref, Revision: r,
		Definition: c.definition, Followed: c.followed,
	}}
}

// withSchedules adds to the plan of a push to the default branch that its
// schedules are kept, where there are any or were.
func (a *App) withSchedules(ctx context.Context, repo github.Repository, all []candidate, p plan) (plan, error) {
	var kept []store.Schedule
	err := a.store.View(ctx, func(tx store.Tx) (err error) {
		kept, err = tx.Schedules(ctx, repo.ID)
		return err
	})
	scheduled := func(c candidate) bool { return len(c.definition.On.Schedules) > 0 }
	if err != nil || len(kept) == 0 && !slices.ContainsFunc(all, scheduled) {
		return p, err
	}
	start := p.commit
	p.commit = func(ctx context.Context, tx store.Tx) error {
		if start != nil {
			if err := start(ctx, tx); err != nil {
				return err
			}
		}
		return tx.Enqueue(ctx, store.KeepSchedules{
			Installation: repo.Installation, Repository: repo.String(), RepositoryID: repo.ID, Since: a.now(),
		}, time.Time{})
	}
	return p, nil
}

// keepSchedules brings the schedules of a repository into line with the files at
// the head of its default branch: pushes may be processed late.
func (a *App) keepSchedules(ctx context.Context, w store.KeepSchedules) error {
	defer a.schedules.lock(strconv.FormatInt(w.RepositoryID, 10))()
	repo, _, all, err := a.defaultBranch(ctx, repository(store.Execution{
		Installation: w.Installation, Execution: pipeline.Execution{Repository: w.Repository, RepositoryID: w.RepositoryID},
	}))
	if errors.Is(err, github.ErrNotFound) && a.now().Sub(w.Since) >= missingPatience {
		return nil // its next time drops each schedule
	} else if err != nil {
		return err
	}
	return a.store.Update(ctx, func(tx store.Tx) error {
		before, err := tx.Schedules(ctx, w.RepositoryID)
		if err != nil {
			return err
		}
		for _, c := range all {
			i := slices.IndexFunc(before, func(s store.Schedule) bool { return s.Pipeline == c.definition.Name })
			s := store.Schedule{Pipeline: c.definition.Name}
			if i >= 0 {
				s = before[i]
				before = slices.Delete(before, i, i+1)
			}
			s.RepositoryID, s.Repository, s.Installation = repo.ID, repo.String(), repo.Installation
			if err := a.keepSchedule(ctx, tx, s, c.definition.On.Schedules); err != nil {
				return err
			}
		}
		for _, s := range before {
			if err := a.keepSchedule(ctx, tx, s, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// keepSchedule gives a schedule the times that its file names now. One that stays
// as it is keeps what is due.
func (a *App) keepSchedule(ctx context.Context, tx store.Tx, s store.Schedule, times []pipeline.Schedule) error {
	same := slices.Equal(s.Times, times)
	switch {
	case len(times) == 0 && len(s.Times) == 0:
		return nil
	case len(times) == 0:
		a.log.Info("schedule dropped", "repository", s.Repository, "pipeline", s.Pipeline, "reason", errNoSchedule)
		return tx.DropSchedule(ctx, s.RepositoryID, s.Pipeline)
	case !same:
		var err error
		if s.Next, err = nextTime(times, a.now()); err != nil {
			a.log.Error("schedule not kept", "repository", s.Repository, "pipeline", s.Pipeline, "error", err)
			return tx.DropSchedule(ctx, s.RepositoryID, s.Pipeline)
		}
		s.Times = times
		a.log.Info("schedule kept", "repository", s.Repository, "pipeline", s.Pipeline, "next", s.Next.UTC())
	}
	return tx.SaveSchedule(ctx, s)
}
