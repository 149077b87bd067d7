package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
)

// comment carries out the commands of a new comment on a pull request.
func (a *App) comment(ctx context.Context, e github.Comment) (plan, error) {
	found := commands(e.Body)
	switch {
	case !e.IsPullRequest:
		return ignore("%s: a comment on an issue", e.Repo), nil
	case e.Bot:
		return ignore("%s: a comment by the bot %s", e.Repo, e.User), nil
	case len(found) == 0:
		return ignore("%s: a comment without a command", e.Repo), nil
	}
	repo, err := a.installed(ctx, e.Repo)
	if err != nil {
		return plan{}, err
	}
	pr, err := a.github.PullRequest(ctx, repo, e.Number)
	if err != nil {
		return plan{}, fmt.Errorf("read pull request %d: %w", e.Number, err)
	}
	running, known, err := a.concerned(ctx, repo, pr)
	if err != nil {
		return plan{}, err
	}
	if !known {
		return ignore("%s: no execution is about pull request %d", repo, e.Number), nil
	}
	return a.obey(ctx, e, repo, found, running)
}

// concerned lists the running executions a comment on the pull request can be
// about, and tells whether there ever was one.
func (a *App) concerned(ctx context.Context, repo github.Repository, pr github.PullRequestInfo) (running []store.Execution, known bool, err error) {
	err = a.store.View(ctx, func(tx store.Tx) error {
		filters := []store.Filter{{RepositoryID: repo.ID, Lane: fmt.Sprintf("pull/%d", pr.Number)}, {RepositoryID: repo.ID, Commit: pr.Head}}
		if pr.Merged && pr.Merge != "" {
			filters = append(filters, store.Filter{RepositoryID: repo.ID, Commit: pr.Merge})
		}
		seen := map[string]bool{}
		for _, f := range filters {
			found, err := tx.Find(ctx, f)
			if err != nil {
				return err
			}
			for _, x := range found {
				if seen[x.ID] || !concerns(pr, x) {
					continue
				}
				seen[x.ID], known = true, true
				if !x.Status.Ended() {
					running = append(running, x)
				}
			}
		}
		return nil
	})
	return running, known, err
}

// obey decides each command by asking GitHub, then plans what they change and
// one answer to the person.
func (a *App) obey(ctx context.Context, e github.Comment, repo github.Repository, found []command, running []store.Execution) (plan, error) {
	var (
		events   operation
		refusals []string
	)
	for _, c := range found {
		more, err := a.said(ctx, e, repo, c, running)
		var no refusal
		if errors.As(err, &no) {
			refusals = append(refusals, fmt.Sprintf("`%s`: %s", strings.ReplaceAll(c.line, "`", "'"), no))
			continue
		}
		if err != nil {
			return plan{}, err
		}
		events = append(events, more...)
	}
	reply := store.Reply{
		Installation: repo.Installation, Repository: repo.String(), RepositoryID: repo.ID, Number: e.Number, Comment: e.ID,
	}
	return plan{
		message: fmt.Sprintf("%s: %s by %s on pull request %d, %d refused", repo, count(len(found), "command"), e.User, e.Number, len(refusals)),
		commit: func(ctx context.Context, tx store.Tx) error {
			answers, reply := refusals, reply
			for _, ev := range events {
				var no refusal
				if err := ev.apply(ctx, tx); errors.As(err, &no) {
					answers = append(answers, no.Error())
				} else if err != nil {
					return err
				}
			}
			reply.Reaction = "+1"
			if len(answers) > 0 {
				reply.Reaction, reply.Text = "-1", "Refused.\n\n- "+strings.Join(answers, "\n- ")
			}
			return tx.Enqueue(ctx, reply, time.Time{})
		},
	}, nil
}

// said is the operation that one command asks for.
func (a *App) said(ctx context.Context, e github.Comment, repo github.Repository, c command, running []store.Execution) (operation, error) {
	by := caller{login: e.User, door: "comment"}
	if c.verb == "stop" {
		return a.stopBy(ctx, by, repo, c, running)
	}
	g, sha, err := choose(gates(running), c.args)
	if err != nil {
		return nil, err
	}
	decided, err := a.decide(ctx, by, g, c.verb == "approve")
	if err != nil {
		return nil, err
	}
	if sha == "" {
		if err := a.shownBefore(ctx, g, e.CreatedAt); err != nil {
			return nil, err
		}
	}
	return decided, nil
}

// stopBy stops what runs, or what runs of one pipeline.
func (a *App) stopBy(ctx context.Context, by caller, repo github.Repository, c command, running []store.Execution) (operation, error) {
	if len(c.args) > 1 {
		return nil, refused(codeInvalid, "the form is `/stop [PIPELINE]`")
	}
	meant := slices.DeleteFunc(slices.Clone(running), func(x store.Execution) bool {
		return len(c.args) == 1 && !strings.EqualFold(c.args[0], x.Definition.Name)
	})
	return a.stop(ctx, by, repo, meant)
}

// reply answers a comment.
func (a *App) reply(ctx context.Context, w store.Reply) error {
	owner, name, _ := strings.Cut(w.Repository, "/")
	repo := github.Repository{Installation: w.Installation, ID: w.RepositoryID, Owner: owner, Name: name}
	if err := a.github.React(ctx, repo, w.Comment, w.Reaction); err != nil && !errors.Is(err, github.ErrNotFound) {
		return fmt.Errorf("react to comment %d: %w", w.Comment, err)
	}
	if w.Text == "" {
		return nil
	}
	marker := fmt.Sprintf("<!-- stagegate:reply:%d -->", w.Comment)
	if _, found, err := a.github.FindComment(ctx, repo, w.Number, marker); err != nil || found {
		return err
	}
	if _, err := a.github.CreateComment(ctx, repo, w.Number, w.Text+"\n\n"+marker); err != nil {
		return fmt.Errorf("reply to comment %d: %w", w.Comment, err)
	}
	return nil
}
