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

// tellDeployments brings GitHub's deployments up to date with what the stages of an
// execution do in their environments: one for each attempt of a stage that has begun to
// run jobs.
func (a *App) tellDeployments(ctx context.Context, x store.Execution) error {
	var rows []store.Deployment
	err := a.store.View(ctx, func(tx store.Tx) (err error) {
		rows, err = tx.Deployments(ctx, x.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the deployments of execution %s: %w", x.ID, err)
	}
	for i, st := range x.Stages {
		def := x.Definition.Stages[i]
		if def.Environment == "" || x.Rollback != nil && st.Name != x.Rollback.Stage {
			continue
		}
		mine := slices.DeleteFunc(slices.Clone(rows), func(d store.Deployment) bool { return d.Stage != st.Name })
		begun := slices.ContainsFunc(mine, func(d store.Deployment) bool { return d.Attempt == st.Attempt })
		if st.Claimed && !begun {
			mine = append(mine, store.Deployment{
				RepositoryID: x.RepositoryID, Environment: def.Environment, Execution: x.ID, Stage: st.Name, Attempt: st.Attempt,
			})
		}
		for _, d := range mine {
			if err := a.tellDeployment(ctx, x, i, d); err != nil {
				return fmt.Errorf("tell GitHub of the deployment of %s: %w", st.Name, err)
			}
		}
	}
	return nil
}

// tellDeployment brings one deployment up to date. Its row is stored before GitHub is
// asked for it, so that after a crash it is found and not made twice.
func (a *App) tellDeployment(ctx context.Context, x store.Execution, stage int, d store.Deployment) error {
	if d.State == store.DeploymentRefused {
		return nil
	}
	if d.GitHub == 0 {
		if err := a.makeDeployment(ctx, x, &d); err != nil {
			return a.noDeployment(ctx, x, d, err)
		}
	}
	want, ended := a.deploymentStatus(x, stage, d.Attempt)
	if d.State != want.State || d.URL != want.EnvironmentURL {
		if d.State == "inactive" && want.State == "success" {
			return nil
		}
		if err := a.github.SetDeploymentStatus(ctx, repository(x), d.GitHub, want); err != nil {
			return a.noDeployment(ctx, x, d, err)
		}
		d.State, d.URL, d.EndedAt = want.State, want.EnvironmentURL, ended
		if err := a.store.Update(ctx, func(tx store.Tx) error { return tx.SaveDeployment(ctx, &d) }); err != nil {
			return err
		}
	}
	if d.State == "success" {
		return a.retire(ctx, x, d)
	}
	return nil
}

// makeDeployment makes the deployment, or finds the one that a crash left.
func (a *App) makeDeployment(ctx context.Context, x store.Execution, d *store.Deployment) error {
	want := github.Deployment{
		SHA: x.Revision.Commit, Environment: d.Environment, Key: fmt.Sprintf("%s/%s/%d", d.Execution, d.Stage, d.Attempt),
		Description: fmt.Sprintf("%s %d / %s", x.Definition.Name, x.Number, d.Stage),
		Transient:   x.Revision.PullRequest != 0, Production: isProduction(d.Environment),
	}
	fresh := d.ID == 0
	if fresh {
		if err := a.store.Update(ctx, func(tx store.Tx) error { return tx.SaveDeployment(ctx, d) }); err != nil {
			return err
		}
	}
	var found bool
	var err error
	if !fresh {
		d.GitHub, found, err = a.github.FindDeployment(ctx, repository(x), want)
	}
	if err == nil && !found {
		d.GitHub, err = a.github.CreateDeployment(ctx, repository(x), want)
	}
	if err != nil {
		return err
	}
	return a.store.Update(ctx, func(tx store.Tx) error { return tx.SaveDeployment(ctx, d) })
}

// isProduction tells by its name whether an environment is one that users see.
func isProduction(environment string) bool {
	name := strings.ToLower(environment)
	return name == "prod" || strings.HasPrefix(name, "prod-") || strings.HasPrefix(name, "production")
}

// noDeployment gives a deployment up that GitHub does not take: the pipeline goes on
// without it. What may pass is tried again.
func (a *App) noDeployment(ctx context.Context, x store.Execution, d store.Deployment, err error) error {
	if !errors.Is(err, github.ErrForbidden) && !errors.Is(err, github.ErrRefused) && !errors.Is(err, github.ErrNotFound) {
		return err
	}
	a.log.Error("deployment given up: check that the App may write deployments",
		"repository", x.Repository, "execution", x.ID, "environment", d.Environment, "error", err)
	d.State = store.DeploymentRefused
	return a.store.Update(ctx, func(tx store.Tx) error { return tx.SaveDeployment(ctx, &d) })
}

// deploymentStatus is how an attempt of a stage stands, in the words of deployments.
func (a *App) deploymentStatus(x store.Execution, stage, attempt int) (s github.DeploymentStatus, ended time.Time) {
	st := x.Stages[stage]
	status, actions, ended := st.Status, st.Actions, st.EndedAt
	if attempt != st.Attempt {
		status = pipeline.Cancelled // where it is forgotten
		for _, past := range st.Past {
			if past.Attempt == attempt {
				status, actions, ended = past.Status, past.Actions, past.EndedAt
			}
		}
	}
	s = github.DeploymentStatus{LogURL: a.pageURL(x, st.Name), Description: statusWords(status)}
	switch status {
	case pipeline.Succeeded:
		s.State = "success"
	case pipeline.Failed, pipeline.TimedOut, pipeline.Skipped: // on-failure passes over what has failed
		s.State = "failure"
		if couldNotRun(actions) {
			s.State = "error"
		}
	case pipeline.Cancelled, pipeline.Stopped, pipeline.Superseded:
		s.State = "error"
	default:
		s.State, s.Description, ended = "in_progress", "", time.Time{}
	}
	if s.State != "success" || attempt != st.Attempt {
		return s, ended
	}
	address, err := x.Address(stage)
	if err != nil {
		a.log.Warn("the environment has no address", "execution", x.ID, "stage", st.Name, "error", err)
		return s, ended
	}
	s.EnvironmentURL = address
	return s, ended
}

// couldNotRun tells whether nothing has failed by itself: what went wrong could not be run.
func couldNotRun(actions []pipeline.ActionState) bool {
	errored := false
	for _, act := range actions {
		switch act.Status {
		case pipeline.Errored:
			errored = true
		case pipeline.Failed, pipeline.TimedOut, pipeline.Rejected, pipeline.Expired:
			return false
		default:
		}
	}
	return errored
}

// retire makes those deployments of an environment inactive that are not the latest any
// more, whichever order GitHub is told of them in.
func (a *App) retire(ctx context.Context, x store.Execution, d store.Deployment) error {
	var live []store.Deployment
	err := a.store.View(ctx, func(tx store.Tx) (err error) {
		live, err = tx.LiveDeployments(ctx, d.RepositoryID, d.Environment)
		return err
	})
	if err != nil || len(live) < 2 {
		return err
	}
	for _, older := range live[1:] {
		s := github.DeploymentStatus{State: "inactive", Description: "replaced by a later deployment"}
		err := a.github.SetDeploymentStatus(ctx, repository(x), older.GitHub, s)
		if err != nil && !errors.Is(err, github.ErrNotFound) { // somebody has deleted it
			return err
		}
		older.State = s.State
		if err := a.store.Update(ctx, func(tx store.Tx) error { return tx.SaveDeployment(ctx, &older) }); err != nil {
			return err
		}
	}
	return nil
}
