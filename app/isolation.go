package app

import (
	"context"
	"fmt"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
	schema "github.com/stagegate/stagegate/pipelines-schema"
	"github.com/stagegate/stagegate/runner"
)

// walls lists what a pipeline asks of the isolation of its actions that the
// operator does not allow its repository, each where it stands.
func (a *App) walls(repo github.Repository, f github.File, def pipeline.Definition) []pipeline.Problem {
	if !lowers(def) {
		return nil
	}
	var problems []pipeline.Problem
	for _, o := range schema.Options(f.Path, f.Data) {
		if len(a.settings.Allow.Refused(repo.String(), []string{o.Text})) > 0 {
			problems = append(problems, pipeline.Problem{
				File: f.Path, Line: o.Line, Column: o.Column,
				Message: fmt.Sprintf("the operator does not allow %s %s", repo, o.Text),
				Hint:    "leave it out, or let the operator add it to STAGEGATE_ALLOW",
			})
		}
	}
	return problems
}

// lowers tells whether an action asks anything of its isolation.
func lowers(def pipeline.Definition) bool {
	for _, s := range def.Stages {
		for _, a := range s.Actions {
			if !a.Isolation.IsZero() {
				return true
			}
		}
	}
	return false
}

// notAllowed says why a job may not be handed out; empty: it may. Its definition
// may be older than the operator's word, or was never asked, as that of a rollback.
func (a *App) notAllowed(j pipeline.Job) string {
	refused := a.settings.Allow.Refused(j.Repository, j.Isolation.Options())
	if len(refused) == 0 {
		return ""
	}
	return runner.NotAllowed(j.Repository, refused)
}

// turnAway ends the job that a runner would get, and is not allowed. There is
// then none for it.
func (a jobs) turnAway(ctx context.Context, name, token string) error {
	err := a.update(ctx, func(tx store.Tx) error {
		j, err := free(ctx, tx, name, token)
		if err != nil {
			return err
		}
		why := a.notAllowed(j.Job)
		if why == "" {
			return nil
		}
		return endJob(ctx, tx, j, a.now(), pipeline.Result{Status: pipeline.Errored, Reason: why, FinishedAt: a.now()})
	})
	if err == nil {
		err = store.ErrNotFound
	}
	return err
}
