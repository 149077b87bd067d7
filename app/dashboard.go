package app

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/app/web"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// dashboard is what the pages show to somebody who is signed in. It implements
// web.Dashboard.
type dashboard struct{ visitor }

var _ web.Dashboard = dashboard{}

// mostWaiting is how many executions that go on are looked through for approvals.
const mostWaiting = 200

func (d dashboard) Overview(ctx context.Context) (web.Overview, error) {
	only, unasked, err := d.readable(ctx, d.person())
	if err != nil {
		return web.Overview{}, d.toWeb(err)
	}
	found := web.Overview{Unasked: unasked}
	var open []gate
	err = d.store.View(ctx, func(tx store.Tx) error {
		newest, err := tx.Pipelines(ctx)
		if err != nil {
			return err
		}
		for _, x := range newest {
			if within(only, x.RepositoryID) {
				found.Newest = append(found.Newest, x.Execution)
			}
		}
		running, err := tx.Find(ctx, store.Filter{Repositories: only, Active: true, Limit: mostWaiting})
		open = shownGates(gates(running))
		return err
	})
	if err != nil {
		return web.Overview{}, err
	}
	mine := d.minesOf(ctx, open)
	for i, g := range open {
		st := g.x.Stages[g.stage]
		found.Waiting = append(found.Waiting, web.Waiting{Execution: g.x.Execution, Stage: st.Name, Action: st.Actions[g.action].Name, Mine: mine[i]})
	}
	slices.SortStableFunc(found.Waiting, func(a, b web.Waiting) int { return rank(a.Mine) - rank(b.Mine) })
	return found, nil
}

func rank(first bool) int {
	if first {
		return 0
	}
	return 1
}

// mostAsked is about how many approvals, the newest, a page asks GitHub.
const mostAsked = 40

// minesOf tells which approvals the person may give, as it was within the last minute.
// What could not be found out is not theirs; whoever tries is told why.
func (d dashboard) minesOf(ctx context.Context, open []gate) []bool {
	mine := make([]bool, len(open))
	open = open[:min(len(open), mostAsked)]
	asks, asking := errgroup.WithContext(ctx)
	asks.SetLimit(asksAtOnce)
	for i, g := range open {
		key := mineOf{d.id, g.job().String()}
		if known, ok := recall(d.rights, d.rights.approvals, key, d.now()); ok {
			mine[i] = known
			continue
		}
		asks.Go(func() error {
			err := d.mayDecide(asking, g, d.as(""))
			var no refusal
			if mine[i] = err == nil; err == nil || errors.As(err, &no) {
				remember(d.rights, d.rights.approvals, key, mine[i], d.now())
			}
			return nil
		})
	}
	_ = asks.Wait() // none returns an error
	return mine
}

// mineOf is whether an approval is for a person.
type mineOf struct {
	person int64
	job    string
}

func (d dashboard) List(ctx context.Context, repository, pipelineName, before string, limit int) ([]pipeline.Execution, error) {
	found, err := d.Find(ctx, api.Filter{Repository: repository, Pipeline: pipelineName, Before: before, Limit: limit})
	if err != nil {
		return nil, d.toWeb(err)
	}
	if len(found) == 0 && before == "" {
		return nil, web.ErrNotFound
	}
	var list []pipeline.Execution
	for _, x := range found {
		list = append(list, x.Execution)
	}
	return list, nil
}

func (d dashboard) Execution(ctx context.Context, repositoryName, pipelineName string, number int) (web.Shown, error) {
	var found []store.Execution
	err := d.store.View(ctx, func(tx store.Tx) (err error) {
		found, err = tx.Find(ctx, store.Filter{Repository: repositoryName, Pipeline: pipelineName, Number: number, Limit: 1})
		return err
	})
	if err == nil && len(found) == 0 {
		err = web.ErrNotFound
	}
	if err != nil {
		return web.Shown{}, err
	}
	x, err := d.seen(ctx, found[0].ID)
	if err != nil {
		return web.Shown{}, d.toWeb(err)
	}
	p, err := d.rightLately(ctx, d.person(), repository(x))
	shown := web.Shown{Execution: x.Execution, MayWrite: p >= github.Write}
	open := gates([]store.Execution{x})
	for i, mine := range d.minesOf(ctx, open) {
		if st := x.Stages[open[i].stage]; mine {
			shown.Mine = append(shown.Mine, st.Name+"/"+st.Actions[open[i].action].Name)
		}
	}
	return shown, d.toWeb(err)
}

// toWeb puts an error into the words of the pages.
func (d dashboard) toWeb(err error) error {
	var no *api.Refusal
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return web.ErrNotFound
	case errors.As(d.toAPI(err), &no) && no.Code == api.NotFound:
		return web.ErrNotFound
	case errors.As(d.toAPI(err), &no) && no.Code == api.Unavailable:
		return web.ErrUnavailable
	}
	return err
}
