package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// claim is one leased job that asks for what is kept for it. Everything is decided
// anew each time it asks.
type claim struct {
	job         store.Job
	x           store.Execution
	environment string // of the job's stage; empty: none that it may enter
	owner       int64  // GitHub's id of the repository's owner; zero: not asked yet
	rows        []store.SecretKey
}

// claim finds what a lease is about.
func (f files) claim(ctx context.Context, tx store.Tx, token string) (claim, error) {
	var c claim
	var err error
	if c.job, err = held(ctx, tx, token); err != nil {
		return c, err
	}
	if c.x, err = tx.Execution(ctx, c.job.ID.Execution); err != nil {
		return c, fmt.Errorf("read execution %s: %w", c.job.ID.Execution, err)
	}
	if i := c.x.Definition.StageIndex(c.job.ID.Stage); i >= 0 && c.x.TrustedIn(i) {
		c.environment = c.x.Definition.Stages[i].Environment
	}
	c.rows, err = tx.SecretKeys(ctx)
	return c, err
}

// Secrets gives the job of a lease the values that its action names. Where one may
// not be given, none is.
func (f files) Secrets(ctx context.Context, token string) ([]pipeline.Value, error) {
	j, err := f.leased(ctx, token)
	if err != nil || len(j.Secrets) == 0 {
		return nil, err
	}
	var (
		values []pipeline.Value
		given  []store.SecretPlace
	)
	for _, use := range j.Secrets {
		s, value, err := f.handOut(ctx, token, store.ForActions, use.Name)
		switch {
		case err != nil:
			return nil, err
		case !use.File && bytes.IndexByte(value, 0) >= 0:
			return nil, &runner.Refusal{Reason: fmt.Sprintf("secret %s holds a zero byte, which no variable of the environment can: name it as %s: file", use.Name, use.Name)}
		}
		values = append(values, pipeline.Value{Name: use.Name, Value: string(value)})
		given = append(given, s.SecretPlace)
	}
	if err := f.noteUse(ctx, token, given); err != nil {
		return nil, err
	}
	return values, nil
}

// Login gives the job of a lease the login of a registry that it pulls from.
func (f files) Login(ctx context.Context, token, host string) (runner.Login, error) {
	j, err := f.leased(ctx, token)
	if err != nil {
		return runner.Login{}, err
	}
	if host != pipeline.ImageHost(j.Image) {
		return runner.Login{}, fmt.Errorf("job %s pulls nothing from %s", j.ID, host)
	}
	s, value, err := f.handOut(ctx, token, store.ForRegistry, strings.ToLower(host))
	if errors.Is(err, errNotGiven) { // an image may be public
		return runner.Login{}, nil
	} else if err != nil {
		return runner.Login{}, err
	}
	if err := f.noteUse(ctx, token, []store.SecretPlace{s.SecretPlace}); err != nil {
		return runner.Login{}, err
	}
	return runner.Login{Username: s.Username, Password: string(value)}, nil
}

// noteUse notes that the job was given secrets, if it still is the job's lease.
func (f files) noteUse(ctx context.Context, token string, given []store.SecretPlace) error {
	return f.store.Update(ctx, func(tx store.Tx) error {
		if _, err := held(ctx, tx, token); err != nil {
			return err
		}
		for _, p := range given {
			if err := tx.SecretUsed(ctx, p, f.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// errNotGiven is why a job is not given something. What it wraps says it in words.
var errNotGiven = errors.New("not given")

// notGiven is a refusal to the runner that is errNotGiven.
type notGiven struct{ *runner.Refusal }

func (notGiven) Is(target error) bool { return target == errNotGiven }

func (n notGiven) Unwrap() error { return n.Refusal }

func notGivenBecause(format string, args ...any) error {
	return notGiven{&runner.Refusal{Reason: fmt.Sprintf(format, args...)}}
}

// handOut finds and opens what the job of a lease may be given under a name.
func (f files) handOut(ctx context.Context, token string, kind store.SecretKind, name string) (store.Secret, []byte, error) {
	var (
		c     claim
		found []store.Secret
	)
	err := f.store.View(ctx, func(tx store.Tx) error {
		var err error
		if c, err = f.claim(ctx, tx, token); err != nil {
			return err
		}
		found, err = tx.SecretsCalled(ctx, kind, name)
		return err
	})
	if err != nil {
		return store.Secret{}, nil, err
	}
	if c.x.Revision.Fork {
		return store.Secret{}, nil, notGivenBecause("%s is not given to a pull request from a fork", secretWords(store.SecretPlace{Kind: kind, Name: name}))
	}
	if c.asksOrganization(found) {
		if c.owner, err = f.ownerNow(ctx, c.x); err != nil {
			return store.Secret{}, nil, err
		}
	}
	s, err := c.choose(kind, name, found)
	if err != nil {
		return s, nil, err
	}
	value, err := f.unsealed(ctx, c.rows, s)
	if err != nil {
		f.log.Error("a secret cannot be opened", "secret", s.Name, "of", s.Owner, "job", c.job.ID.String(), "error", err)
		return s, nil, &runner.Refusal{Reason: fmt.Sprintf("%s of %s cannot be opened: %v", secretWords(s.SecretPlace), placeWords(s.SecretPlace, s.Owner), toldOfKey(err))}
	}
	return s, value, nil
}

// asksOrganization tells whether something of an organization may be meant, so that
// it must be known which one the repository is in.
func (c claim) asksOrganization(found []store.Secret) bool {
	organization := false
	for _, s := range found {
		if c.ofRepository(s) {
			return false
		}
		organization = organization || s.Organization != 0
	}
	return organization
}

// ofRepository tells whether a secret is of the claim's repository, or of the
// environment that the job is in.
func (c claim) ofRepository(s store.Secret) bool {
	return s.Organization == 0 && s.Repository == c.x.RepositoryID && (s.Environment == "" || s.Environment == c.environment)
}

// ownerNow asks GitHub who owns the repository of an execution now: it may have been
// handed over, or another may have taken its name.
func (a *App) ownerNow(ctx context.Context, x store.Execution) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	repo, _, err := a.github.Find(ctx, repository(x))
	switch {
	case err == nil && repo.ID == x.RepositoryID:
		return repo.OwnerID, nil
	case err == nil, errors.Is(err, github.ErrNotFound):
		return 0, notGivenBecause("secrets of an organization are not given: GitHub knows %s as another repository now", x.Repository)
	}
	a.log.Warn("GitHub could not be asked who owns a repository", "repository", x.Repository, "error", err)
	return 0, &runner.Refusal{Reason: "secrets of an organization are not given: GitHub could not be asked which one " + x.Repository + " is in; run it again"}
}

// choose picks the most specific of the secrets of a name. One that is not for the
// job hides those behind it: else a value nobody meant would take its place.
func (c claim) choose(kind store.SecretKind, name string, all []store.Secret) (store.Secret, error) {
	called := secretWords(store.SecretPlace{Kind: kind, Name: name})
	for _, meant := range []func(store.Secret) bool{
		func(s store.Secret) bool { return c.ofRepository(s) && s.Environment != "" },
		func(s store.Secret) bool { return c.ofRepository(s) && s.Environment == "" },
		func(s store.Secret) bool { return s.Organization != 0 && s.Organization == c.owner },
	} {
		if i := slices.IndexFunc(all, meant); i >= 0 {
			return all[i], c.allowed(called, all[i])
		}
	}
	for _, s := range all {
		if s.Organization == 0 && s.Repository == c.x.RepositoryID {
			return store.Secret{}, notGivenBecause("%s of %s is only for stages with environment: %s, on a ref that it trusts; for others set it with %s",
				called, c.x.Repository, s.Environment, c.command(kind, name, false))
		}
	}
	how := c.command(kind, name, false)
	if c.environment != "" {
		how += ", or with --environment " + c.environment
	}
	return store.Secret{}, notGivenBecause("there is no %s for %s: set it with %s", called, c.x.Repository, how)
}

// allowed refuses a secret whose terms are not for the job.
func (c claim) allowed(called string, s store.Secret) error {
	where := placeWords(s.SecretPlace, s.Owner)
	switch {
	case len(s.Repositories) > 0 && !slices.ContainsFunc(s.Repositories, func(r store.SecretRepository) bool { return r.ID == c.x.RepositoryID }):
		return notGivenBecause("%s of %s is not for %s: set one for it with %s", called, where, c.x.Repository, c.command(s.Kind, s.Name, false))
	case len(s.Pipelines) > 0 && !slices.Contains(s.Pipelines, c.x.Definition.Name):
		return notGivenBecause("%s of %s is for pipelines %s, and this is %s: %s --pipeline %s lets it have it",
			called, where, strings.Join(s.Pipelines, ", "), c.x.Definition.Name, c.command(s.Kind, s.Name, true), strings.Join(append(slices.Clone(s.Pipelines), c.x.Definition.Name), ","))
	case len(s.Stages) > 0 && !slices.Contains(s.Stages, c.job.ID.Stage):
		return notGivenBecause("%s of %s is for stages %s, and this is %s: %s --stage %s lets it have it",
			called, where, strings.Join(s.Stages, ", "), c.job.ID.Stage, c.command(s.Kind, s.Name, true), strings.Join(append(slices.Clone(s.Stages), c.job.ID.Stage), ","))
	}
	return nil
}

// command is what sets a secret for the claim's repository.
func (c claim) command(kind store.SecretKind, name string, environment bool) string {
	text := "stagegate secret set " + name
	if kind == store.ForRegistry {
		text = "stagegate secret set --registry " + name + " --username NAME"
	}
	text += " --repo " + c.x.Repository
	if environment && c.environment != "" {
		text += " --environment " + c.environment
	}
	return text
}
