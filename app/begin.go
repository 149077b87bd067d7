package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
	schema "github.com/stagegate/stagegate/pipelines-schema"
)

// begin stores an execution that no delivery started and begins it, or ends it
// with the mistakes of its file or for a newer commit. It is not fresh where its
// key has started the pipeline before: nothing happens then.
func (a *App) begin(ctx context.Context, x *store.Execution, mistakes []pipeline.Problem, newer string) (fresh bool, err error) {
	x.Token = newToken()
	err = a.update(ctx, func(tx store.Tx) error {
		if err := hasRoom(ctx, tx, x.Execution); err != nil {
			return err
		}
		if err := tx.CreateExecution(ctx, x); err != nil {
			return err
		}
		return store.Apply(ctx, tx, x.ID, a.firstEvent(mistakes, "", newer))
	})
	if errors.Is(err, store.ErrConflict) {
		return false, nil
	}
	var no refusal
	if errors.As(err, &no) {
		return false, no
	}
	if err != nil {
		return false, fmt.Errorf("start pipeline %s: %w", x.Definition.Name, err)
	}
	a.log.Info("execution started", "trigger", x.Trigger, "repository", x.Repository, "pipeline", x.Definition.Name, "number", x.Number, "commit", x.Revision.Commit)
	return true, nil
}

// hasRoom refuses a person's start where too many executions wait already. What
// nobody waits for an answer to is started, and turned away by the lock.
func hasRoom(ctx context.Context, tx store.Tx, x pipeline.Execution) error {
	if x.Trigger != pipeline.Manual || x.Definition.Mode != pipeline.Queueing {
		return nil
	}
	first := x.Definition.Stages[0].Name
	lock, err := tx.Lock(ctx, pipeline.LockKey{Repository: x.RepositoryID, Pipeline: x.Definition.Name, Lane: x.Lane, Stage: first}, "")
	if err != nil || len(lock.Waiters)+lock.Others < pipeline.MostWaiting {
		return err
	}
	return refused(codeConflict, "the queue of %s on %s is full: %d executions wait for stage %s; stop some, or start it when there are fewer",
		x.Definition.Name, x.Lane, pipeline.MostWaiting, first)
}

// firstEvent begins an execution: it starts, unless its file has
// mistakes, its own filter skips it, or its lane knows a newer commit.
func (a *App) firstEvent(mistakes []pipeline.Problem, skip, newer string) pipeline.Event {
	switch {
	case len(mistakes) > 0:
		return pipeline.Invalid{At: a.now(), Reason: "the pipeline could not start", Problems: mistakes}
	case skip != "":
		return pipeline.Skip{At: a.now(), Reason: skip}
	case newer != "":
		return pipeline.Outrun{At: a.now(), By: newer}
	}
	return pipeline.Started{At: a.now()}
}

// pipelines reads all pipeline files at a commit.
func (a *App) pipelines(ctx context.Context, repo github.Repository, sha string) ([]candidate, error) {
	files, err := a.github.PipelineFiles(ctx, repo, sha)
	if err != nil {
		return nil, fmt.Errorf("read the pipeline files at %s: %w", sha, err)
	}
	var all []candidate
	for _, f := range files {
		def, diagnostics := schema.Parse(f.Path, f.Data)
		if f.TooLarge {
			diagnostics = []schema.Diagnostic{{File: f.Path, Line: 1, Column: 1, Message: "the file is larger than 1 MB"}}
		}
		c := candidate{definition: def}
		for _, d := range diagnostics {
			c.problems = append(c.problems, pipeline.Problem(d))
		}
		c.problems = append(c.problems, a.walls(repo, f, def)...)
		all = append(all, c)
	}
	for i := range all {
		all[i].followed = followed(all, all[i].definition.Name)
	}
	return all, nil
}
