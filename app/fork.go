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
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// okButton is the identifier of the button that lets a fork's commit run.
const okButton = "ok-to-test"

// wordMark stands in a check run for the word that it shows as missing.
func wordMark(x pipeline.Execution) string {
	return fmt.Sprintf("%s/%d", okButton, x.Stages[0].Attempt)
}

// admission is the word that stands for the commit of a fork's pull request on its base
// branch; nil: there is none. Another head, or another base, needs a word of its own.
func (a *App) admission(ctx context.Context, x pipeline.Execution) (*pipeline.OkToTest, error) {
	var found []store.Execution
	err := a.store.View(ctx, func(tx store.Tx) (err error) {
		found, err = tx.Find(ctx, store.Filter{RepositoryID: x.RepositoryID, Lane: x.Lane, Commit: x.Revision.Commit})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for a word about %s: %w", x.Revision.Commit, err)
	}
	for _, o := range found {
		if o.Admission != nil && o.Revision.Fork && o.Revision.Base == x.Revision.Base {
			return o.Admission, nil
		}
	}
	return nil, nil
}

// fork makes an execution one of a fork's commit: by the files at the head of the base
// branch, and with the word that stands for the commit, if there is one. It returns the
// commit of the files.
func (a *App) fork(ctx context.Context, repo github.Repository, x *pipeline.Execution) (string, error) {
	head, err := a.github.Head(ctx, repo, branchLane(x.Revision.Base))
	if err != nil {
		return "", fmt.Errorf("read the head of %s: %w", x.Revision.Base, err)
	}
	x.DefinedAt, x.Revision.Fork = head, true
	x.Admission, err = a.admission(ctx, *x)
	return head, err
}

// waitsAlready tells whether what a fork's pull request would start waits for a word
// because of the same event already.
func waitsAlready(ctx context.Context, tx store.Tx, x store.Execution) (bool, error) {
	if !x.Unadmitted() {
		return false, nil
	}
	found, err := tx.Find(ctx, store.Filter{RepositoryID: x.RepositoryID, Lane: x.Lane, Pipeline: x.Definition.Name, Commit: x.Revision.Commit, Active: true})
	return slices.ContainsFunc(found, func(o store.Execution) bool {
		return o.AwaitsWord() && o.Activity == x.Activity && o.Revision.Base == x.Revision.Base && o.DefinedAt == x.DefinedAt
	}), err
}

// sayOkToTest lets the head of a fork's pull request run: that which the comment could
// have been about. The beginning of a SHA is no proof of that, all of it is.
func (a *App) sayOkToTest(ctx context.Context, s spoken) (operation, error) {
	if len(s.args) > 1 || len(s.args) == 1 && !shaPattern.MatchString(s.args[0]) {
		return nil, s.mistold(", with at least 7 digits of the SHA")
	}
	waiting, err := a.mayTest(ctx, s.by, s.repo, s.pull, s.running)
	if err != nil {
		return nil, err
	}
	head := s.pull.Head
	if len(s.args) == 1 && !strings.HasPrefix(head, s.args[0]) {
		return nil, refused(codeConflict, "the head of the pull request is %s, not %s: look at it, then say `/ok-to-test %s`", shortSHA(head), s.args[0], head)
	}
	if len(s.args) == 0 || s.args[0] != head {
		shown, err := a.wordShown(ctx, waiting, s.comment.CreatedAt)
		if err != nil {
			return nil, err
		}
		if !shown {
			return nil, refused(codeConflict, "commit %s was not yet shown as waiting when this was written; look at it, then say `/ok-to-test %s`", shortSHA(head), head)
		}
	}
	return a.admitted(s.by, waiting), nil
}

// mayTest returns what waits for a word about the head of a pull request, or refuses.
func (a *App) mayTest(ctx context.Context, by caller, repo github.Repository, pull github.PullRequestInfo, running []store.Execution) ([]store.Execution, error) {
	if !pull.Fork {
		return nil, refused(codeConflict, "this pull request is from the repository itself, so it needs no such word")
	}
	may, err := a.mayWrite(ctx, repo, by)
	switch {
	case err != nil:
		return nil, err
	case !may:
		return nil, refused(codeForbidden, "%s may not let a fork's commit run: that takes write access", by)
	}
	var waiting []store.Execution
	elsewhere := ""
	for _, x := range running {
		switch {
		case !x.AwaitsWord() || x.Revision.Commit != pull.Head:
		case x.Revision.Base != pull.Base:
			elsewhere = x.Revision.Base
		default:
			waiting = append(waiting, x)
		}
	}
	switch {
	case len(waiting) > 0:
		return waiting, nil
	case elsewhere != "":
		return nil, refused(codeConflict, "the pull request went into %s when it was asked about, and goes into %s now: close and reopen it, then say this again", elsewhere, pull.Base)
	}
	return nil, refused(codeConflict, "nothing of commit %s waits for this word", shortSHA(pull.Head))
}

// wordShown tells whether GitHub showed before a moment that one of the executions, which
// are of one commit, waits for a word.
func (a *App) wordShown(ctx context.Context, waiting []store.Execution, moment time.Time) (bool, error) {
	for _, x := range waiting {
		shown, err := a.shownAt(ctx, x, x.Stages[0].Name, wordMark(x.Execution), moment)
		if err != nil || shown {
			return shown, err
		}
	}
	return false, nil
}

func (a *App) admitted(by caller, waiting []store.Execution) operation {
	var all operation
	for _, x := range waiting {
		all = append(all, addressed{x, pipeline.Admitted{At: a.now(), Actor: by.login, Door: by.door}})
	}
	return all
}

// pressedOk lets a fork's commit run by the button of a check run that is about it.
func (a *App) pressedOk(ctx context.Context, e github.CheckRunAction, row store.CheckRun, x store.Execution) (operation, error) {
	if !x.AwaitsWord() || strings.TrimSpace(row.Waiting) != wordMark(x.Execution) {
		return nil, refused(codeConflict, "nothing waits for this word here any more")
	}
	repo := repository(x)
	pull, err := a.github.PullRequest(ctx, repo, x.Revision.PullRequest)
	switch {
	case errors.Is(err, github.ErrNotFound):
		return nil, refused(codeConflict, "the pull request is gone")
	case err != nil:
		return nil, fmt.Errorf("read pull request %d: %w", x.Revision.PullRequest, err)
	case pull.Head != x.Revision.Commit:
		return nil, refused(codeConflict, "the head has moved on to %s since", shortSHA(pull.Head))
	}
	lane, err := a.laneExecutions(ctx, repo, pull)
	if err != nil {
		return nil, err
	}
	by := caller{login: e.Sender, door: "button"}
	waiting, err := a.mayTest(ctx, by, repo, pull, underWay(lane))
	return a.admitted(by, waiting), err
}

// awaitsWord gives the run of the first stage its button.
func (w *wanted) awaitsWord(x pipeline.Execution) {
	w.waiting = wordMark(x)
	w.run.Actions = []github.Button{{Label: "OK to test", Description: "I have looked at this commit: it may run", Identifier: okButton}}
}

// ofFork says in Markdown, at the stages of a fork's commit, who let it run, and at the
// first what it waits for.
func ofFork(x pipeline.Execution, i int) string {
	if text := explain.Admission(x); text != "" {
		return "This execution " + plain(text) + ".\n\n"
	}
	if !x.AwaitsWord() || i > 0 {
		return ""
	}
	return fmt.Sprintf("**Nothing of this commit has run.** It comes from a fork, so somebody with write access has to look at it first, then "+
		"comment `/ok-to-test` or press the button of this check run. The word is about commit `%s` and its pull request into %s alone.\n\n"+
		"What runs then are the pipelines of %s at `%s`, with the scripts of the commit, without secrets and environments.\n\n",
		x.Revision.Commit, plain(x.Revision.Base), plain(x.Revision.Base), shortSHA(x.DefinedAt))
}
