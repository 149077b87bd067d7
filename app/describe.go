package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// sampled is how many of the changed files are named.
const sampled = 10

// describe finds out what an approval would let in, for people to be shown. Where GitHub
// cannot say for long, they are shown that.
func (a *App) describe(ctx context.Context, w store.Describe) error {
	id, err := pipeline.ParseJobID(w.Job)
	if err != nil {
		return err
	}
	x, err := a.execution(ctx, id.Execution)
	if err != nil {
		return err
	}
	i, j, ok := x.Find(id)
	if !ok || x.Stages[i].Actions[j].Status != pipeline.Waiting || x.Stages[i].Actions[j].Attempt != id.Attempt {
		return nil
	}
	e := pipeline.Described{At: a.now(), Job: id}
	e.Request, e.Owned, err = a.request(ctx, gate{x, i, j})
	var no refusal
	switch {
	case errors.As(err, &no):
		e.Request.Unknown = no.message
	case err != nil && a.now().Sub(w.At) >= sourcePatience:
		a.log.Warn("what an approval would let in is not known", "job", w.Job, "error", err)
		e.Request.Unknown = "GitHub could not be asked"
	case err != nil:
		return fmt.Errorf("describe the approval %s: %w", w.Job, err)
	}
	return a.happened(ctx, x.ID, e)
}

// request is what a gate would let in, and whose it is where that is asked.
func (a *App) request(ctx context.Context, g gate) (pipeline.Request, []pipeline.Owned, error) {
	repo, err := a.located(ctx, g)
	if err != nil {
		return pipeline.Request{}, nil, err
	}
	d, err := a.differenceOf(ctx, g, repo.DefaultBranch)
	r := pipeline.Request{
		Since: d.since, Link: a.differenceURL(g, d), Commits: d.inside.Commits, Titles: d.inside.Titles, Files: len(d.inside.Files),
	}
	for _, file := range slices.Sorted(slices.Values(d.inside.Files)) {
		if len(r.Sample) < sampled {
			r.Sample = append(r.Sample, cut(file, 200))
		}
	}
	for k := range r.Titles {
		r.Titles[k] = cut(r.Titles[k], 100)
	}
	if err != nil || !g.approval().AsksOwners() {
		return r, nil, err
	}
	owned, err := a.ownersOf(ctx, g, repo, d)
	return r, owned, err
}

// differenceURL is where GitHub shows a difference, or "".
func (a *App) differenceURL(g gate, d difference) string {
	web := webAddress(a.settings.GitHubURL)
	switch n := g.x.Revision.PullRequest; {
	case web == "":
		return ""
	case n != 0:
		return fmt.Sprintf("%s/%s/pull/%d/files", web, g.x.Repository, n)
	case d.since != "":
		return fmt.Sprintf("%s/%s/compare/%s...%s", web, g.x.Repository, d.since, g.x.Revision.Commit)
	}
	return fmt.Sprintf("%s/%s/commit/%s", web, g.x.Repository, g.x.Revision.Commit)
}
