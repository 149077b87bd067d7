package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// button decides an approval by a button of its check run.
func (a *App) button(ctx context.Context, e github.CheckRunAction) (plan, error) {
	row, x, err := a.checkRun(ctx, e.ID)
	if errors.Is(err, store.ErrNotFound) {
		return ignore("%s: check run %d is not ours", e.Repo, e.ID), nil
	}
	if err != nil {
		return plan{}, err
	}
	if e.Bot || e.Identifier != "approve" && e.Identifier != "reject" {
		return ignore("%s: button %q pressed by %s", e.Repo, e.Identifier, e.Sender), nil
	}
	event, err := a.pressed(ctx, e, row, x)
	var no refusal
	if err != nil && !errors.As(err, &no) {
		return plan{}, err
	}
	return a.onCheckRun(row, x, e.Sender, e.Identifier, event, no), nil
}

// pressed checks that the button is that of the one approval which waits now,
// and that the person may decide.
func (a *App) pressed(ctx context.Context, e github.CheckRunAction, row store.CheckRun, x store.Execution) (pipeline.Event, error) {
	i := x.StageIndex(row.Stage)
	if i < 0 || row.Conclusion != "action_required" {
		return nil, refused("nothing waits for an approval here")
	}
	var open []gate
	for _, g := range gates([]store.Execution{x}) {
		act := g.x.Stages[g.stage].Actions[g.action]
		if g.stage == i && strings.TrimSpace(row.Waiting) == fmt.Sprintf("%s/%d", act.Name, act.Attempt) {
			open = append(open, g)
		}
	}
	if len(open) != 1 {
		return nil, refused("nothing waits for an approval here any more")
	}
	if err := a.mayDecide(ctx, open[0], e.Sender); err != nil {
		return nil, err
	}
	if err := a.current(ctx, open[0]); err != nil {
		return nil, err
	}
	return pipeline.Decided{At: a.now(), Job: open[0].job(), Actor: e.Sender, Door: "button", Approved: e.Identifier == "approve"}, nil
}

// rerunCheck retries the failed actions of the stage whose run somebody asked
// for again.
func (a *App) rerunCheck(ctx context.Context, e github.CheckRunRerequested) (plan, error) {
	row, x, err := a.checkRun(ctx, e.ID)
	if errors.Is(err, store.ErrNotFound) {
		return ignore("%s: check run %d is not ours", e.Repo, e.ID), nil
	}
	if err != nil {
		return plan{}, err
	}
	event, err := a.retry(ctx, x, row.Stage, e.Sender)
	var no refusal
	if err != nil && !errors.As(err, &no) {
		return plan{}, err
	}
	return a.onCheckRun(row, x, e.Sender, "re-run", event, no), nil
}

// rerunSuite retries the failed stage of every pipeline's newest execution on
// the commit.
func (a *App) rerunSuite(ctx context.Context, e github.CheckSuiteRerequested) (plan, error) {
	var (
		newest []store.Execution
		rows   []store.CheckRun
	)
	err := a.store.View(ctx, func(tx store.Tx) error {
		found, err := tx.Find(ctx, store.Filter{RepositoryID: e.Repo.ID, Commit: e.HeadSHA})
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, x := range found {
			if seen[x.Definition.Name] {
				continue
			}
			seen[x.Definition.Name] = true
			runs, err := tx.CheckRuns(ctx, x.ID)
			if err != nil {
				return err
			}
			for _, st := range x.Stages {
				if st.Status == pipeline.Failed || st.Status == pipeline.TimedOut {
					newest, rows = append(newest, x), append(rows, latest(runs, st.Name))
				}
			}
		}
		return nil
	})
	if err != nil {
		return plan{}, fmt.Errorf("read the executions of %s: %w", e.HeadSHA, err)
	}
	p := plan{message: fmt.Sprintf("%s: re-run of %s at %s by %s", e.Repo, count(len(newest), "failed stage"), e.HeadSHA, e.Sender)}
	var commits []func(context.Context, store.Tx) error
	for i, x := range newest {
		event, err := a.retry(ctx, x, rows[i].Stage, e.Sender)
		var no refusal
		if err != nil && !errors.As(err, &no) {
			return plan{}, err
		}
		commits = append(commits, a.onCheckRun(rows[i], x, e.Sender, "re-run", event, no).commit)
	}
	p.commit = func(ctx context.Context, tx store.Tx) error {
		for _, commit := range commits {
			if err := commit(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	}
	return p, nil
}

// retry makes the event that runs a failed stage again, or refuses.
func (a *App) retry(ctx context.Context, x store.Execution, stage, login string) (pipeline.Event, error) {
	may, err := a.mayWrite(ctx, repository(x), login)
	switch {
	case err != nil:
		return nil, err
	case !may:
		return nil, refused("@%s may not run it again: that takes write access", login)
	case stage == "" && len(x.Problems) > 0:
		return nil, refused("the pipeline could not start, and the same commit gives the same answer; push one that mends it")
	}
	return pipeline.Retry{At: a.now(), Actor: login, Stage: stage}, nil
}

// onCheckRun plans an event that a person caused at a check run. A refusal is
// written into the run's text.
func (a *App) onCheckRun(row store.CheckRun, x store.Execution, login, what string, event pipeline.Event, no refusal) plan {
	return plan{
		message: fmt.Sprintf("%s: %s of %s by %s", x.Repository, what, row.Name, login),
		commit: func(ctx context.Context, tx store.Tx) error {
			if event != nil {
				event, err := withLock(ctx, tx, x, event)
				if err != nil {
					return err
				}
				err = store.Apply(ctx, tx, x.ID, event)
				if !errors.Is(err, pipeline.ErrRefused) {
					return err
				}
				no = refusal(strings.TrimPrefix(err.Error(), pipeline.ErrRefused.Error()+": "))
			}
			return noteRefusal(ctx, tx, row, x, fmt.Sprintf("**%s by %s refused:** %s", sentence(what), plain(login), no))
		},
	}
}

// withLock tells a retry whether a newer execution has been in its stage.
func withLock(ctx context.Context, tx store.Tx, x store.Execution, event pipeline.Event) (pipeline.Event, error) {
	retry, ok := event.(pipeline.Retry)
	if i := x.StageIndex(retry.Stage); ok && i >= 0 {
		lock, err := tx.Lock(ctx, x.LockKey(i))
		if err != nil {
			return nil, err
		}
		retry.Overtaken = lock.Overtaken(x.Number)
		return retry, nil
	}
	return event, nil
}

// noteRefusal leaves a text in the run, where whoever pressed will look.
func noteRefusal(ctx context.Context, tx store.Tx, row store.CheckRun, x store.Execution, text string) error {
	runs, err := tx.CheckRuns(ctx, x.ID)
	if err != nil {
		return err
	}
	shown := latest(runs, row.Stage)
	shown.Note = text
	if err := tx.SaveCheckRun(ctx, &shown); err != nil {
		return err
	}
	fresh, err := tx.Execution(ctx, x.ID)
	if err != nil {
		return err
	}
	if err := tx.SaveExecution(ctx, &fresh); err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Report{Execution: x.ID, Version: fresh.Version}, time.Time{})
}

// checkRun finds what a check run of GitHub's stands for.
func (a *App) checkRun(ctx context.Context, id int64) (store.CheckRun, store.Execution, error) {
	var (
		row store.CheckRun
		x   store.Execution
	)
	err := a.store.View(ctx, func(tx store.Tx) error {
		var err error
		if row, err = tx.CheckRunByGitHub(ctx, id); err != nil {
			return err
		}
		x, err = tx.Execution(ctx, row.Execution)
		return err
	})
	if err != nil {
		return row, x, fmt.Errorf("find check run %d: %w", id, err)
	}
	return row, x, nil
}
