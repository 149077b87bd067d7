package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
)

// The kinds of what the audit log has of secrets.
const (
	kindSecretSet      = "secret-set"
	kindSecretRemoved  = "secret-removed"
	kindSecretsRotated = "secrets-rotated"
)

// owner is a repository or an organization that has secrets.
type owner struct {
	organization int64
	repository   github.Repository
	name         string
}

// ownerOf asks GitHub for what a place names, and refuses whoever may not change
// secrets there. What is set in a repository reaches jobs of whoever may push, so it
// takes an administrator; what is set in an organization is the operator's.
func (v visitor) ownerOf(ctx context.Context, p api.SecretPlace, doing string) (o owner, err error) {
	if p.Organization == "" {
		if o.repository, err = v.enter(ctx, p.Repository); err == nil {
			err = v.administers(ctx, p.Repository, doing)
		}
		o.name = o.repository.String()
		return o, err
	}
	if !v.isOperator() {
		return o, v.denied(ctx, wish{by: v.as(""), asked: doing}, refused(codeForbidden, "%s may not %s of an organization: the operator may", v.as(""), doing))
	}
	o.organization, o.name, err = v.github.Organization(ctx, p.Organization)
	if errors.Is(err, github.ErrNotFound) {
		err = refused(codeNotFound, "the App is not installed on an organization %q", p.Organization)
	}
	return o, err
}

// place is where a value of the owner is kept.
func (o owner) place(p api.SecretPlace) store.SecretPlace {
	at := store.SecretPlace{Kind: store.ForActions, Name: p.Name, Organization: o.organization, Environment: p.Environment}
	if o.organization == 0 {
		at.Repository = o.repository.ID
	}
	if p.Registry != "" {
		at.Kind, at.Name = store.ForRegistry, p.Registry
	}
	return at
}

// setSecret keeps a value for jobs, in place of the one there was.
func (v visitor) setSecret(ctx context.Context, p api.SetSecret, value []byte) (store.Secret, error) {
	p.Registry = registryHost(p.Registry)
	if err := checkSecret(p, value); err != nil {
		return store.Secret{}, err
	}
	o, err := v.ownerOf(ctx, p.SecretPlace, "set secrets")
	if err != nil {
		return store.Secret{}, err
	}
	s := store.Secret{
		SecretPlace: o.place(p.SecretPlace), Owner: o.name, Actor: v.login, SetAt: v.now(),
		SecretTerms: store.SecretTerms{Username: p.Username, Pipelines: p.Pipelines, Stages: p.Stages},
	}
	if s.Repositories, err = v.repositoriesOf(ctx, o, p.Repositories); err != nil {
		return s, err
	}
	key, err := v.sealing(ctx)
	if err != nil {
		return s, v.keyRefused(err)
	}
	return s, v.update(ctx, func(tx store.Tx) error {
		if err := key.stored(ctx, tx); err != nil {
			return err
		}
		if err := key.seal(ctx, tx, s, value); err != nil {
			return err
		}
		return auditSecret(ctx, tx, kindSecretSet, v.as(""), s.SetAt, s)
	})
}

// repositoriesOf finds the repositories that an organization's value is for.
func (a *App) repositoriesOf(ctx context.Context, o owner, names []string) ([]store.SecretRepository, error) {
	var found []store.SecretRepository
	for _, name := range names {
		if !strings.Contains(name, "/") {
			name = o.name + "/" + name
		}
		repo, err := a.repositoryCalled(ctx, name)
		switch {
		case err != nil:
			return nil, err
		case repo.OwnerID != o.organization:
			return nil, refused(codeInvalid, "%s is not a repository of %s", name, o.name)
		}
		found = append(found, store.SecretRepository{ID: repo.ID, Name: repo.String()})
	}
	return found, nil
}

// auditSecret writes down who changed a secret, and never its value.
func auditSecret(ctx context.Context, tx store.Tx, kind string, by caller, at time.Time, s store.Secret) error {
	return tx.Audit(ctx, store.AuditEntry{
		At: at, Repository: s.Repository, Kind: kind, Actor: by.login, Door: by.door, Event: secretOf(s, true),
	})
}

// keyRefused tells whoever asked that there is no key to use, and why.
func (v visitor) keyRefused(err error) error {
	v.log.Error("the key of secrets cannot be used", "error", err)
	if !v.isOperator() {
		err = toldOfKey(err)
	}
	return refused(codeConflict, "secrets cannot be kept: %v", err)
}

// removeSecret forgets a value, and returns what it was.
func (v visitor) removeSecret(ctx context.Context, p api.SecretPlace) (was store.Secret, err error) {
	p.Registry = registryHost(p.Registry)
	if err := checkPlace(p); err != nil {
		return was, err
	}
	o, err := v.ownerOf(ctx, p, "remove secrets")
	var no refusal
	gone := errors.As(err, &no) && no.code == codeNotFound && v.isOperator()
	if err != nil && !gone {
		return was, err
	}
	return was, v.update(ctx, func(tx store.Tx) error {
		if was, err = storedSecret(ctx, tx, o, p, v.isOperator()); err != nil {
			return err
		}
		if err := tx.DeleteSecret(ctx, was.SecretPlace); err != nil {
			return err
		}
		return auditSecret(ctx, tx, kindSecretRemoved, v.as(""), v.now(), was)
	})
}

// storedSecret finds the secret of a place: by GitHub's number or else, if it may, by
// the name that its owner had when it was set.
func storedSecret(ctx context.Context, tx store.Tx, o owner, p api.SecretPlace, byName bool) (store.Secret, error) {
	at := o.place(p)
	all, err := tx.SecretsCalled(ctx, at.Kind, at.Name)
	if err != nil {
		return store.Secret{}, err
	}
	called := p.Organization + p.Repository // one of them
	for _, found := range []func(store.Secret) bool{
		func(s store.Secret) bool { return s.SecretPlace == at && (at.Organization != 0 || at.Repository != 0) },
		func(s store.Secret) bool {
			return byName && strings.EqualFold(s.Owner, called) && s.Environment == p.Environment
		},
	} {
		if i := slices.IndexFunc(all, found); i >= 0 {
			return all[i], nil
		}
	}
	var elsewhere []string
	for _, s := range all {
		if byName && strings.EqualFold(s.Owner, called) || s.Organization == at.Organization && s.Repository == at.Repository {
			elsewhere = append(elsewhere, placeWords(s.SecretPlace, s.Owner))
		}
	}
	if len(elsewhere) > 0 {
		return store.Secret{}, refused(codeNotFound, "there is no such secret there; %s is kept for %s", at.Name, strings.Join(elsewhere, ", "))
	}
	return store.Secret{}, refused(codeNotFound, "no %s is kept for %s", secretWords(at), placeWords(at, called))
}

// secretWords calls a secret by its kind and name.
func secretWords(p store.SecretPlace) string {
	if p.Kind == store.ForRegistry {
		return "login of registry " + p.Name
	}
	return "secret " + p.Name
}

// placeWords calls the place of a secret by its owner's name.
func placeWords(p store.SecretPlace, owner string) string {
	switch {
	case p.Organization != 0:
		return "organization " + owner
	case p.Environment != "":
		return "environment " + p.Environment + " of " + owner
	}
	return owner
}
