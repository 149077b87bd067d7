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
	d, known, err := a.discussed(ctx, e.Repo, e.Number)
	switch {
	case err != nil:
		return plan{}, err
	case !known:
		return ignore("%s: a command where nothing ever ran", e.Repo), nil
	}
	return a.obey(ctx, found, spoken{
		by: caller{login: e.User, door: "comment"}, comment: e, repo: d.repo, pull: d.pull, lane: d.lane, running: underWay(d.lane),
	})
}

// ordered is a part of what a command asks for.
type ordered struct {
	line string
	change
}

// unheard is a command that was refused.
type unheard struct {
	line string
	no   refusal
}

// obey decides each command by asking GitHub, then plans what they change and
// one answer to the person.
func (a *App) obey(ctx context.Context, found []command, s spoken) (plan, error) {
	var (
		changes []ordered
		early   []unheard
	)
	for _, c := range found {
		s.command = c
		more, err := c.verb.do(a, ctx, s)
		var no refusal
		if errors.As(err, &no) {
			early = append(early, unheard{c.line, no})
			continue
		}
		if err != nil {
			return plan{}, err
		}
		for _, one := range more {
			changes = append(changes, ordered{c.line, one})
		}
	}
	return plan{
		message: fmt.Sprintf("%s: %s by %s on pull request %d, %d refused", s.repo, count(len(found), "command"), s.comment.User, s.pull.Number, len(early)),
		commit: func(ctx context.Context, tx store.Tx) error {
			told, late, err := applyAll(ctx, tx, changes)
			if err != nil {
				return err
			}
			all := slices.Concat(early, late)
			for _, u := range all {
				if err := a.deny(ctx, tx, wish{by: s.by, repository: s.repo.ID, asked: u.line}, u.no); err != nil {
					return err
				}
			}
			return tx.Enqueue(ctx, answer(s, told, all), time.Time{})
		},
	}, nil
}

// applyAll applies what commands ask for. One that is refused leaves the others.
func applyAll(ctx context.Context, tx store.Tx, changes []ordered) (told []string, unmet []unheard, err error) {
	for _, c := range changes {
		var no refusal
		tells, err := c.apply(ctx, tx)
		switch {
		case errors.As(err, &no):
			unmet = append(unmet, unheard{c.line, no})
		case err != nil:
			return nil, nil, err
		case tells != "":
			told = append(told, tells)
		}
	}
	return told, unmet, nil
}

// answer is the reply to a comment: a thumb, and what there is to tell.
func answer(s spoken, told []string, unmet []unheard) store.Reply {
	r := store.Reply{
		Installation: s.repo.Installation, Repository: s.repo.String(), RepositoryID: s.repo.ID,
		Number: s.pull.Number, Comment: s.comment.ID, Reaction: "+1",
	}
	if len(unmet) > 0 {
		r.Reaction = "-1"
		text := "Refused.\n"
		for _, u := range unmet {
			text += "\n- " + shown(u.line) + ": " + harmless(u.no.Error())
		}
		told = append(told, text)
	}
	r.Text = strings.Join(told, "\n\n")
	return r
}

// reply answers a comment.
func (a *App) reply(ctx context.Context, w store.Reply) error {
	owner, name, _ := strings.Cut(w.Repository, "/")
	repo := github.Repository{Installation: w.Installation, ID: w.RepositoryID, Owner: owner, Name: name}
	marker := fmt.Sprintf("<!-- stagegate:reply:%d -->", w.Comment)
	if w.Review != 0 {
		marker = fmt.Sprintf("<!-- stagegate:review:%d -->", w.Review)
	} else if err := a.github.React(ctx, repo, w.Comment, w.Reaction); err != nil && !errors.Is(err, github.ErrNotFound) {
		return fmt.Errorf("react to comment %d: %w", w.Comment, err)
	}
	if w.Text == "" {
		return nil
	}
	if _, found, err := a.github.FindComment(ctx, repo, w.Number, marker); err != nil || found {
		return err
	}
	if _, err := a.github.CreateComment(ctx, repo, w.Number, w.Text+"\n\n"+marker); err != nil {
		return fmt.Errorf("reply on pull request %d: %w", w.Number, err)
	}
	return nil
}
