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
)

// byReview is the door of GitHub's reviews.
const byReview = "review"

// review takes a review of a pull request for an answer to what waits at its head: one
// that approves is an approval, where just one waits. One that asks for changes, or was
// dismissed, takes a vote back that a review of the same person gave, and rejects
// nothing. Who has no vote is told nothing, since most reviews are only about the code,
// and anybody can write one.
func (a *App) review(ctx context.Context, e github.Review) (plan, error) {
	switch {
	case e.Bot:
		return ignore("%s: a review by the bot %s", e.Repo, e.User), nil
	case e.Action == "submitted" && e.State != "approved" && e.State != "changes_requested":
		return ignore("%s: a review that decides nothing", e.Repo), nil
	}
	d, known, err := a.discussed(ctx, e.Repo, e.Number)
	switch {
	case err != nil:
		return plan{}, err
	case !known:
		return ignore("%s: a review where nothing ever ran", e.Repo), nil
	}
	repo, pr, lane := d.repo, d.pull, d.lane
	open := gates(underWay(lane))
	if g, late := decidedBy(e, underWay(lane)); late {
		v := reviewed{Review: e, repo: repo}
		return a.onReview(v, nil, refused(codeConflict, "it was dismissed, but %s was decided with it; `/stop` stops what runs", g.name())), nil
	}
	if pr.Merged || len(open) == 0 {
		return ignore("%s: a review of pull request %d, on which nothing waits", repo, e.Number), nil
	}
	v := reviewed{Review: e, by: caller{login: e.User, door: byReview, review: e.ID}, repo: repo, pull: pr, open: shownGates(open)}
	if e.Action == "submitted" && e.State == "approved" {
		return a.approving(ctx, v)
	}
	return a.takenBack(ctx, v)
}

// decidedBy finds the approval that a review has helped to give, if it was dismissed too
// late.
func decidedBy(e github.Review, running []store.Execution) (gate, bool) {
	for _, x := range running {
		for i, st := range x.Stages {
			for j, act := range st.Actions {
				vote, ok := act.VoteOf(e.User)
				if e.Action == "dismissed" && ok && vote.Review == e.ID && act.Status == pipeline.Succeeded {
					return gate{x, i, j}, true
				}
			}
		}
	}
	return gate{}, false
}

// reviewed is a review with what it can be about.
type reviewed struct {
	github.Review

	by   caller
	repo github.Repository
	pull github.PullRequestInfo
	open []gate
}

// approving gives the vote of an approving review.
func (a *App) approving(ctx context.Context, v reviewed) (plan, error) {
	may, err := a.votes(ctx, v)
	var no refusal
	if err != nil && !errors.As(err, &no) {
		return plan{}, err
	}
	if len(may) == 0 {
		return a.onReview(v, nil, no), nil
	}
	asked, err := a.approves(ctx, v, may)
	if err != nil && !errors.As(err, &no) {
		return plan{}, err
	}
	return a.onReview(v, asked, no), nil
}

// votes are the gates about which the reviewer has a vote, given or not; with none,
// why not.
func (a *App) votes(ctx context.Context, v reviewed) (may []gate, why error) {
	for _, g := range v.open {
		who, err := a.votersOf(ctx, g)
		if err == nil {
			_, err = who.meets(ctx, v.by)
		}
		var no refusal
		switch {
		case errors.As(err, &no):
			why = about(g.x, no)
		case err != nil:
			return nil, err
		default:
			may = append(may, g)
		}
	}
	return may, why
}

// approves is the vote of a review, which counts for the one gate that waits for an
// approval of the reviewed commit.
func (a *App) approves(ctx context.Context, v reviewed, may []gate) (operation, error) {
	at := slices.DeleteFunc(slices.Clone(may), func(g gate) bool { return g.x.Revision.Commit != v.Commit })
	switch {
	case v.Commit == "" || v.Commit != v.pull.Head:
		return nil, refused(codeConflict, "it is of %s, and the head is %s, so it approves nothing; review that, or comment `/approve`", cmpCommit(v.Commit), shortSHA(v.pull.Head))
	case len(at) == 0:
		return nil, refused(codeConflict, "%s waits for an approval of another commit than %s", may[0].name(), shortSHA(v.Commit))
	case len(at) > 1:
		return nil, refused(codeAmbiguous, "several approvals wait, and it gives none; comment `/approve` with one of these: %s", quoted(at))
	}
	g := at[0]
	asked, err := a.decide(ctx, v.by, g, response{approved: true})
	var no refusal
	if errors.As(err, &no) && no.code == codeInvalid {
		no.message += fmt.Sprintf("; comment `/approve %s%s`", g.name(), blanks(g.approval(), g.x.Stages[g.stage].Actions[g.action]))
		return nil, no
	}
	if err != nil {
		return nil, err
	}
	return asked, a.shownBefore(ctx, g, v.SubmittedAt)
}

func cmpCommit(sha string) string {
	if sha == "" {
		return "a commit that is gone"
	}
	return shortSHA(sha)
}

// takenBack takes back what an earlier review of the same person gave. Who asks for
// changes, has a vote and gave none by a review is told how to reject.
func (a *App) takenBack(ctx context.Context, v reviewed) (plan, error) {
	reason, only := "changes were requested", int64(0)
	if v.Action == "dismissed" {
		reason, only = "its review was dismissed", v.ID
	}
	var back operation
	for _, g := range v.open {
		vote, ok := g.x.Stages[g.stage].Actions[g.action].VoteOf(v.User)
		if ok && vote.Approved && vote.Door == byReview && (only == 0 || vote.Review == only) {
			back = append(back, addressed{g.x, pipeline.Withdrawn{At: a.now(), Job: g.job(), Actor: v.User, Door: byReview, Review: only, Reason: reason}})
		}
	}
	if len(back) > 0 || v.Action == "dismissed" {
		return a.onReview(v, back, refusal{}), nil
	}
	may, err := a.votes(ctx, v)
	var no refusal
	switch {
	case err != nil && !errors.As(err, &no):
		return plan{}, err
	case len(may) == 0:
		return ignore("%s: changes requested by %s, who has no vote", v.repo, v.User), nil
	}
	return a.onReview(v, nil, refused(codeConflict, "changes that are requested reject no approval; comment `/reject %s` for that", may[0].name())), nil
}

// onReview plans what a review leads to, and a comment where it is refused. Who is not
// asked is noted in the audit log alone.
func (a *App) onReview(v reviewed, asked operation, no refusal) plan {
	return plan{
		message: fmt.Sprintf("%s: review %d of pull request %d by %s: %s", v.repo, v.ID, v.Number, v.User, strings.ReplaceAll(v.State, "_", " ")),
		commit: func(ctx context.Context, tx store.Tx) error {
			no := no
			for _, one := range asked {
				if no.code != "" {
					break
				}
				if _, err := one.apply(ctx, tx); err != nil && !errors.As(err, &no) {
					return err
				}
			}
			if no.code == "" {
				return nil
			}
			if no.code == codeForbidden {
				return a.deny(ctx, tx, wish{by: v.by, repository: v.repo.ID, asked: "approve by a review"}, no)
			}
			return tx.Enqueue(ctx, store.Reply{
				Installation: v.repo.Installation, Repository: v.repo.String(), RepositoryID: v.repo.ID, Number: v.Number, Review: v.ID,
				Text: fmt.Sprintf("About the review by %s: %s.", plain(v.User), harmless(no.Error())),
			}, time.Time{})
		},
	}
}
