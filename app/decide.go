package app

import (
	"context"
	"slices"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// response is what a person says to an approval; what they say in their own words
// stands with the caller.
type response struct {
	approved bool
	values   []pipeline.Value // of the form; names in any case
}

// decide gives a vote about the approval that waits at a gate, which decides it when
// it is the last that is needed. It is what every door calls. Who the person is, what
// the head is, and whether those who voted before still may, is asked of GitHub here;
// that nothing was pushed meanwhile is looked at again in the transaction.
func (a *App) decide(ctx context.Context, by caller, g gate, said response) (operation, error) {
	v, err := a.votersOf(ctx, g)
	if err != nil {
		return nil, err
	}
	vote := pipeline.Decided{
		At: a.now(), Job: g.job(), Actor: by.login, Door: by.door, Approved: said.approved, Comment: by.says, Values: said.values,
		Owned: v.owned, Review: by.review,
	}
	if vote.Meets, err = v.meets(ctx, by); err != nil {
		return nil, about(g.x, err)
	}
	if err := a.current(ctx, g); err != nil {
		return nil, err
	}
	if vote.Voters, err = v.again(ctx, by.login); err != nil {
		return nil, err
	}
	if err := g.fits(vote); err != nil {
		return nil, err
	}
	return operation{ballot{addressed{g.x, vote}, g}}, nil
}

// fits refuses what is filled in wrongly. The engine looks at it again.
func (g gate) fits(vote pipeline.Decided) error {
	if !vote.Approved {
		if len(vote.Values) > 0 {
			return refused(codeInvalid, "a rejection fills nothing in: leave %s out", vote.Values[0].Name)
		}
		return nil
	}
	if _, err := g.approval().Fill(vote.Values, g.x.Stages[g.stage].Actions[g.action].Filled()); err != nil {
		return refused(codeInvalid, "%s: %s", g.name(), err)
	}
	return nil
}

// ballot is a vote on its way into the execution.
type ballot struct {
	addressed

	g gate
}

// apply refuses a vote about a commit that its lane has left behind since GitHub was
// asked: what is stored by then knows the push.
func (b ballot) apply(ctx context.Context, tx store.Tx) (string, error) {
	x := b.x
	if chosen(x) {
		return b.addressed.apply(ctx, tx)
	}
	later, err := tx.Find(ctx, store.Filter{RepositoryID: x.RepositoryID, Pipeline: x.Definition.Name, Lane: x.Lane, After: x.ID, Limit: 100})
	if err != nil {
		return "", err
	}
	later = slices.DeleteFunc(later, func(n store.Execution) bool { return chosen(n) || n.Status == pipeline.Superseded })
	if len(later) > 0 && later[0].Revision.Commit != x.Revision.Commit {
		head := later[0].Revision.Commit
		return "", refused(codeConflict, "the head has moved on to %s since; %s waits for an approval of %s", shortSHA(head), b.g.name(), shortSHA(x.Revision.Commit))
	}
	return b.addressed.apply(ctx, tx)
}

// chosen tells whether a person chose the execution's commit, which need not be a head.
func chosen(x store.Execution) bool {
	return x.Rollback != nil || x.Root().Trigger == pipeline.Manual && x.Revision.PullRequest == 0
}

// mayDecide checks that the person has a vote about a gate, and has not given it yet.
func (a *App) mayDecide(ctx context.Context, g gate, by caller) error {
	if vote, ok := g.x.Stages[g.stage].Actions[g.action].VoteOf(by.login); ok {
		return refused(codeAlready, "%s has a vote already, since %s", by, vote.At.UTC().Format("15:04 UTC on 2 January 2006"))
	}
	v, err := a.votersOf(ctx, g)
	if err != nil {
		return err
	}
	_, err = v.meets(ctx, by)
	return about(g.x, err)
}
