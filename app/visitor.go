package app

import (
	"context"
	"errors"
	"io"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/blob"
	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// visitor is what the API answers with and carries out for one who asks. It
// implements api.Executions and api.Operations.
type visitor struct {
	*App
	login string // GitHub's, or theOperator
	door  string // which they came in by
}

// as is the visitor with what they say.
func (v visitor) as(says string) caller { return caller{v.login, v.door, says} }

var (
	_ api.Executions = visitor{}
	_ api.Operations = visitor{}
)

func (v visitor) Find(ctx context.Context, f api.Filter) ([]api.Found, error) {
	return v.list(ctx, func(tx store.Tx) ([]store.Execution, error) {
		return tx.Find(ctx, store.Filter{
			Repository: f.Repository, Pipeline: f.Pipeline, Number: f.Number, Lane: f.Lane,
			Commit: f.Commit, Status: f.Status, SucceededIn: f.Succeeded, Before: f.Before, Limit: f.Limit,
		})
	})
}

func (v visitor) Pipelines(ctx context.Context) ([]api.Found, error) {
	return v.list(ctx, func(tx store.Tx) ([]store.Execution, error) { return tx.Pipelines(ctx) })
}

func (v visitor) list(ctx context.Context, find func(store.Tx) ([]store.Execution, error)) ([]api.Found, error) {
	var list []api.Found
	err := v.store.View(ctx, func(tx store.Tx) error {
		found, err := find(tx)
		for _, x := range found {
			list = append(list, api.Found{Execution: x.Execution, URL: v.pageURL(x, "")})
		}
		return err
	})
	return list, err
}

func (v visitor) Execution(ctx context.Context, id string) (api.Found, error) {
	var found api.Found
	err := v.store.View(ctx, func(tx store.Tx) error {
		x, err := tx.Execution(ctx, id)
		if err != nil {
			return err
		}
		found = api.Found{Execution: x.Execution, URL: v.pageURL(x, "")}
		if found.Jobs, err = jobsOf(ctx, tx, x.Execution); err != nil {
			return err
		}
		found.Around, err = v.around(ctx, tx, x.Execution)
		return err
	})
	return found, v.toAPI(noExecution(id, err))
}

// jobsOf are the jobs that an execution has handed out.
func jobsOf(ctx context.Context, tx store.Tx, x pipeline.Execution) ([]pipeline.Job, error) {
	var all []pipeline.Job
	for i, st := range x.Stages {
		for j := range st.Actions {
			id := x.JobID(i, j)
			for ; id.Attempt > 0; id.Attempt-- {
				job, err := tx.Job(ctx, id.String())
				if errors.Is(err, store.ErrNotFound) {
					continue // it waits, or is an approval
				} else if err != nil {
					return nil, err
				}
				all = append(all, job.Job)
			}
		}
	}
	return all, nil
}

func (v visitor) Log(ctx context.Context, id pipeline.JobID) (io.ReadCloser, error) {
	r, err := v.openLog(ctx, id)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, nil //nolint:nilnil // the port says so: a log that does not exist yet
	}
	return r, err
}

func (v visitor) Artifact(ctx context.Context, art pipeline.Artifact) (io.ReadCloser, error) {
	r, err := v.blobs.Get(ctx, artifactKey(art.Digest))
	if errors.Is(err, blob.ErrNotFound) {
		return nil, &api.Refusal{Code: api.NotFound, Message: "the artifact " + art.Name + " is not kept any more"}
	}
	return r, err
}

func (v visitor) Decide(ctx context.Context, id string, said api.Answer) error {
	return v.operate(ctx, id, decision(said.Approved), func(x store.Execution) (operation, error) {
		g, err := chooseGate(gates([]store.Execution{x}), said.Approval, said.Commit)
		if err != nil {
			return nil, err
		}
		return v.decide(ctx, v.as(said.Comment), g, said.Approved)
	})
}

func (v visitor) Retry(ctx context.Context, id string, r api.Retry) error {
	return v.operate(ctx, id, "retry", func(x store.Execution) (operation, error) {
		return v.retry(ctx, v.as(""), x, r.Stage, r.All)
	})
}

func (v visitor) Override(ctx context.Context, id string, said api.Override) error {
	return v.operate(ctx, id, "override", func(x store.Execution) (operation, error) {
		return v.override(ctx, v.as(said.Reason), x, said.Stage)
	})
}

func (v visitor) Stop(ctx context.Context, id string, s api.Stop) error {
	return v.operate(ctx, id, "stop", func(x store.Execution) (operation, error) {
		return v.stop(ctx, v.as(s.Reason), repository(x), []store.Execution{x}, s.Abandon)
	})
}

// decision is what a person asks for who decides an approval.
func decision(approved bool) string {
	if approved {
		return "approve"
	}
	return "reject"
}

// operate carries out what is asked of an execution, all of it or nothing.
func (v visitor) operate(ctx context.Context, id, asked string, ask func(store.Execution) (operation, error)) error {
	var x store.Execution
	err := v.store.View(ctx, func(tx store.Tx) error {
		var err error
		x, err = tx.Execution(ctx, id)
		return err
	})
	if err != nil {
		return v.toAPI(noExecution(id, err))
	}
	events, err := ask(x)
	if err != nil {
		return v.toAPI(v.denied(ctx, wish{v.as(""), x.RepositoryID, x.ID, asked}, err))
	}
	return v.toAPI(v.update(ctx, func(tx store.Tx) error {
		for _, e := range events {
			if _, err := e.apply(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	}))
}

func noExecution(id string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return refused(codeNotFound, "there is no execution %s", id)
	}
	return err
}

// toAPI puts an error into the API's words. What GitHub could not be asked is the
// time's fault and may be asked again.
func (v visitor) toAPI(err error) error {
	var no refusal
	switch {
	case errors.As(err, &no):
		return &api.Refusal{Code: api.Code(no.code), Message: no.message, Alternatives: no.alternatives}
	case transient(err), errors.Is(err, github.ErrGone), errors.Is(err, github.ErrRefused):
		v.log.Warn("GitHub could not be asked", "error", err)
		return &api.Refusal{Code: api.Unavailable, Message: "GitHub could not be asked what this takes; try again later"}
	}
	return err
}
