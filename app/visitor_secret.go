package app

import (
	"context"
	"strings"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/store"
)

// Secrets lists what is kept for jobs of a repository or an organization, or for all.
func (v visitor) Secrets(ctx context.Context, f api.SecretPlace) ([]api.Secret, error) {
	mayList, err := v.mayListSecrets(ctx, f)
	if err != nil {
		return nil, v.toAPI(err)
	}
	var found []api.Secret
	err = v.store.View(ctx, func(tx store.Tx) error {
		all, err := tx.Secrets(ctx)
		for _, s := range all {
			if mayList(s) {
				found = append(found, secretOf(s, false))
			}
		}
		return err
	})
	return found, err
}

// mayListSecrets lets the operator see all, by the names that their owners had, and
// others what they may set, by GitHub's number: another may have had its name before.
func (v visitor) mayListSecrets(ctx context.Context, f api.SecretPlace) (func(store.Secret) bool, error) {
	if v.isOperator() {
		return func(s store.Secret) bool {
			of := secretOf(s, true)
			return matches(f.Repository, of.Repository) && matches(f.Organization, of.Organization)
		}, nil
	}
	if f.Repository == "" && f.Organization == "" {
		return nil, refused(codeInvalid, "name a repository: the secrets of all are for the operator to see")
	}
	o, err := v.ownerOf(ctx, f, "list secrets")
	return func(s store.Secret) bool { return s.Organization == 0 && s.Repository == o.repository.ID }, err
}

// secretOf is a secret as people are shown it: all but the value. What is written
// down of it has neither who nor when, which stand beside it there.
func secretOf(s store.Secret, bare bool) api.Secret {
	of := api.Secret{
		SecretPlace: api.SecretPlace{Name: s.Name, Environment: s.Environment},
		Username:    s.Username, Pipelines: s.Pipelines, Stages: s.Stages, RepositoryID: s.Repository,
	}
	if s.Kind == store.ForRegistry {
		of.Name, of.Registry = "", s.Name
	}
	if s.Organization != 0 {
		of.Organization = s.Owner
	} else {
		of.Repository = s.Owner
	}
	for _, r := range s.Repositories {
		of.Repositories = append(of.Repositories, r.Name)
	}
	if !bare {
		of.SetBy, of.SetAt, of.UsedAt = s.Actor, s.SetAt, s.UsedAt
	}
	return of
}

// SetSecret keeps a value.
func (v visitor) SetSecret(ctx context.Context, p api.SetSecret, value []byte) (api.Secret, error) {
	s, err := v.setSecret(ctx, p, value)
	if err != nil {
		return api.Secret{}, v.toAPI(err)
	}
	return secretOf(s, false), nil
}

// RemoveSecret forgets a value.
func (v visitor) RemoveSecret(ctx context.Context, p api.SecretPlace) (api.Secret, error) {
	s, err := v.removeSecret(ctx, p)
	if err != nil {
		return api.Secret{}, v.toAPI(err)
	}
	return secretOf(s, false), nil
}

// RotateSecrets encrypts all values anew, under a new key.
func (v visitor) RotateSecrets(ctx context.Context) (int, error) {
	n, err := v.rotateSecrets(ctx)
	return n, v.toAPI(err)
}

// rotateSecrets seals every secret under a new data key, which the present key
// wraps, and forgets the data keys there were. All of it happens or nothing.
func (v visitor) rotateSecrets(ctx context.Context) (int, error) {
	if !v.isOperator() {
		const doing = "change the key of secrets"
		return 0, v.denied(ctx, wish{by: v.as(""), asked: doing}, refused(codeForbidden, "%s may not %s: the operator may", v.as(""), doing))
	}
	present, _, err := v.openSecretKeys(ctx)
	if err != nil {
		return 0, v.keyRefused(err)
	}
	rows, err := v.secretKeyRows(ctx)
	if err != nil {
		return 0, err
	}
	for _, row := range rows { // so that nobody is asked within the transaction
		_, _ = v.unwrapped(ctx, row) // what cannot be had is told of with the secret that needs it
	}
	next, err := v.newSealing(ctx, present)
	if err != nil {
		return 0, v.keyRefused(err)
	}
	n := 0
	err = v.update(ctx, func(tx store.Tx) error {
		n, err = v.reseal(ctx, tx, v.as(""), &next)
		return err
	})
	return n, err
}

// reseal opens everything and seals it under another data key.
func (a *App) reseal(ctx context.Context, tx store.Tx, by caller, next *sealingKey) (int, error) {
	rows, err := tx.SecretKeys(ctx)
	if err != nil {
		return 0, err
	}
	all, err := tx.Secrets(ctx)
	if err != nil {
		return 0, err
	}
	if err := next.stored(ctx, tx); err != nil {
		return 0, err
	}
	var broken []string
	for _, s := range all {
		value, err := a.unsealed(ctx, rows, s)
		if err != nil {
			broken = append(broken, secretWords(s.SecretPlace)+" of "+placeWords(s.SecretPlace, s.Owner)+": "+err.Error())
			continue
		}
		if err := next.seal(ctx, tx, s, value); err != nil {
			return 0, err
		}
	}
	if len(broken) > 0 {
		return 0, refused(codeConflict, "nothing was changed, because not all can be opened. %s. Set these again or remove them first", strings.Join(broken, ". "))
	}
	for _, row := range rows {
		if err := tx.DeleteSecretKey(ctx, row.ID); err != nil {
			return 0, err
		}
	}
	return len(all), tx.Audit(ctx, store.AuditEntry{
		At: a.now(), Kind: kindSecretsRotated, Actor: by.login, Door: by.door, Event: map[string]any{"Key": next.row.Keeper, "Secrets": len(all)},
	})
}
