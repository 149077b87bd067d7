package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
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
	press := a.pressed
	if e.Identifier == okButton {
		press = a.pressedOk
	}
	if e.Bot || e.Identifier != "approve" && e.Identifier != "reject" && e.Identifier != okButton {
		return ignore("%s: button %q pressed by %s", e.Repo, e.Identifier, e.Sender), nil
	}
	events, err := press(ctx, e, row, x)
	var no refusal
	if err != nil && !errors.As(err, &no) {
		return plan{}, err
	}
	return a.onCheckRun(row, x, e.Sender, e.Identifier, events, no), nil
}

// pressed checks that the button is that of the one approval which waits now,
// and that the person may decide.
func (a *App) pressed(ctx context.Context, e github.CheckRunAction, row store.CheckRun, x store.Execution) (operation, error) {
	i := x.StageIndex(row.Stage)
	if i < 0 || row.Conclusion != "action_required" {
		return nil, refused(codeConflict, "nothing waits for an approval here")
	}
	var open []gate
	for _, g := range gates([]store.Execution{x}) {
		act := g.x.Stages[g.stage].Actions[g.action]
		if g.stage == i && strings.TrimSpace(row.Waiting) == fmt.Sprintf("%s/%d", act.Name, act.Attempt) {
			open = append(open, g)
		}
	}
	if len(open) != 1 {
		return nil, refused(codeConflict, "nothing waits for an approval here any more")
	}
	return a.decide(ctx, caller{login: e.Sender, door: "button"}, open[0], response{approved: e.Identifier == "approve"})
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
	events, err := a.retry(ctx, caller{login: e.Sender, door: "button"}, x, row.Stage, false)
	var no refusal
	if err != nil && !errors.As(err, &no) {
		return plan{}, err
	}
	return a.onCheckRun(row, x, e.Sender, "re-run", events, no), nil
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
			name := x.Definition.Name + suffix(x.Execution)
			if seen[name] {
				continue
			}
			seen[name] = true
			runs, err := tx.CheckRuns(ctx, x.ID)
			if err != nil {
				return err
			}
			for _, st := range x.Stages {
				if repeatable(st) {
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
		events, err := a.retry(ctx, caller{login: e.Sender, door: "button"}, x, rows[i].Stage, false)
		var no refusal
		if err != nil && !errors.As(err, &no) {
			return plan{}, err
		}
		commits = append(commits, a.onCheckRun(rows[i], x, e.Sender, "re-run", events, no).commit)
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

// onCheckRun plans an operation that a person asked for at a check run. A
// refusal is written into the run's text.
func (a *App) onCheckRun(row store.CheckRun, x store.Execution, login, what string, events operation, no refusal) plan {
	return plan{
		message: fmt.Sprintf("%s: %s of %s by %s", x.Repository, what, row.Name, login),
		commit: func(ctx context.Context, tx store.Tx) error {
			no := no
			for _, ev := range events {
				if _, err := ev.apply(ctx, tx); err != nil && !errors.As(err, &no) {
					return err
				}
			}
			if no.code == "" {
				return nil
			}
			w := wish{by: caller{login: login, door: "button"}, repository: x.RepositoryID, execution: x.ID, asked: what + " " + row.Name}
			if err := a.deny(ctx, tx, w, no); err != nil {
				return err
			}
			return noteRefusal(ctx, tx, row, x, fmt.Sprintf("**%s by %s refused:** %s", sentence(what), plain(login), no))
		},
	}
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
