package app

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/blob"
	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// visitor is what the API answers with and carries out for one who asks. It
// implements api.Executions, api.Operations and api.Secrets.
type visitor struct {
	*App
	login string // GitHub's, or theOperator
	id    int64  // GitHub's of the person; the operator has none
	door  string // which they came in by
}

func (v visitor) isOperator() bool { return v.login == theOperator }

func (v visitor) person() store.Person { return store.Person{ID: v.id, Login: v.login} }

// as is the visitor with what they say.
func (v visitor) as(says string) caller { return caller{login: v.login, door: v.door, says: says} }

var (
	_ api.Executions = visitor{}
	_ api.Operations = visitor{}
	_ api.Runners    = visitor{}
	_ api.Secrets    = visitor{}
)

func (v visitor) Find(ctx context.Context, f api.Filter) ([]api.Found, error) {
	return v.list(ctx, func(tx store.Tx, only []int64) ([]store.Execution, error) {
		return tx.Find(ctx, store.Filter{
			Repositories: only, Repository: f.Repository, Pipeline: f.Pipeline, Number: f.Number, Lane: f.Lane,
			Commit: f.Commit, Status: f.Status, SucceededIn: f.Succeeded, Before: f.Before, Limit: f.Limit,
		})
	})
}

func (v visitor) Pipelines(ctx context.Context) ([]api.Found, error) {
	return v.list(ctx, func(tx store.Tx, only []int64) ([]store.Execution, error) {
		all, err := tx.Pipelines(ctx)
		return slices.DeleteFunc(all, func(x store.Execution) bool { return !within(only, x.RepositoryID) }), err
	})
}

// only lists the repositories that the visitor may see, or is nil for all.
func (v visitor) only(ctx context.Context) ([]int64, error) {
	if v.isOperator() {
		return nil, nil
	}
	ids, _, err := v.readable(ctx, v.person())
	return ids, err
}

// within tells whether a repository is one of those that only lists.
func within(only []int64, id int64) bool { return only == nil || slices.Contains(only, id) }

func (v visitor) list(ctx context.Context, find func(store.Tx, []int64) ([]store.Execution, error)) ([]api.Found, error) {
	only, err := v.only(ctx)
	if err != nil {
		return nil, v.toAPI(err)
	}
	var list []api.Found
	err = v.store.View(ctx, func(tx store.Tx) error {
		found, err := find(tx, only)
		for _, x := range found {
			list = append(list, v.found(x))
		}
		return err
	})
	return list, err
}

func (v visitor) Execution(ctx context.Context, id string) (api.Found, error) {
	x, err := v.seen(ctx, id)
	if err != nil {
		return api.Found{}, v.toAPI(noExecution(id, err))
	}
	found := v.found(x)
	err = v.store.View(ctx, func(tx store.Tx) error {
		if found.Jobs, err = jobsOf(ctx, tx, x.Execution); err != nil {
			return err
		}
		found.Around, err = v.around(ctx, tx, x.Execution)
		return err
	})
	return found, err
}

// seen is an execution that the visitor may see; another is store.ErrNotFound, as one
// that does not exist.
func (v visitor) seen(ctx context.Context, id string) (store.Execution, error) {
	x, err := v.execution(ctx, id)
	if err != nil || v.isOperator() {
		return x, err
	}
	p, err := v.rightLately(ctx, v.person(), repository(x))
	if err == nil && p < github.Read {
		err = store.ErrNotFound
	}
	return x, err
}

// mayEnter asks GitHub now whether the visitor may see a repository; if not, it is
// store.ErrNotFound.
func (v visitor) mayEnter(ctx context.Context, repo github.Repository) error {
	if v.isOperator() {
		return nil
	}
	p, err := v.rightNow(ctx, v.person(), repo)
	if err == nil && p < github.Read {
		err = store.ErrNotFound
	}
	return err
}

// enter finds a repository that the App is installed on and that the visitor may see;
// any other is refused in the same words.
func (v visitor) enter(ctx context.Context, name string) (github.Repository, error) {
	repo, err := v.repositoryCalled(ctx, name)
	if err == nil {
		err = v.mayEnter(ctx, repo)
	}
	if errors.Is(err, store.ErrNotFound) {
		err = notInstalled(name)
	}
	return repo, err
}

// administers refuses whoever is no administrator of a repository.
func (v visitor) administers(ctx context.Context, name, doing string) error {
	if v.isOperator() {
		return nil
	}
	repo, err := v.enter(ctx, name)
	if err != nil {
		return err
	}
	p, err := v.rightNow(ctx, v.person(), repo)
	if err == nil && p < github.Admin {
		err = v.denied(ctx, wish{by: v.as(""), repository: repo.ID, asked: doing},
			refused(codeForbidden, "%s may not %s: that takes an administrator of %s", v.as(""), doing, repo))
	}
	return err
}

// derived is a key of what the visitor starts: people have keys of their own.
func (v visitor) derived(words ...string) int64 {
	if !v.isOperator() {
		words = append(words, strconv.FormatInt(v.id, 10))
	}
	return store.Derived(words...)
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
	if _, err := v.seen(ctx, id.Execution); err != nil {
		return nil, v.toAPI(noExecution(id.Execution, err))
	}
	r, err := v.openLog(ctx, id)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, nil //nolint:nilnil // the port says so: a log that does not exist yet
	}
	return r, err
}

// Artifact opens what an execution has, which the visitor was shown before: who does
// not know a digest has no name for it.
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
		return v.decide(ctx, v.as(said.Comment), g, response{said.Approved, valuesOf(said.Values)})
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
	x, err := v.execution(ctx, id)
	if err == nil {
		err = v.mayEnter(ctx, repository(x))
	}
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
