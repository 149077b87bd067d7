package app

import (
	"context"
	"errors"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/web"
)

// secretPages is what the pages of secrets show and carry out, as the API does. It
// implements web.Secrets.
type secretPages struct{ visitor }

var _ web.Secrets = secretPages{}

// Administers tells it as it was within the last minute; the page itself asks anew.
func (s secretPages) Administers(ctx context.Context, name string) bool {
	repo, err := s.knownRepository(ctx, name)
	if err != nil {
		return false
	}
	p, err := s.rightLately(ctx, s.person(), repo)
	return err == nil && p >= github.Admin
}

func (s secretPages) Listed(ctx context.Context, name string) ([]web.Secret, error) {
	all, err := s.Secrets(ctx, api.SecretPlace{Repository: name})
	var shown []web.Secret
	for _, one := range all {
		shown = append(shown, web.Secret{
			Name: one.Name, Registry: one.Registry, Environment: one.Environment, Username: one.Username,
			Pipelines: one.Pipelines, Stages: one.Stages, SetBy: one.SetBy, SetAt: one.SetAt, UsedAt: one.UsedAt,
		})
	}
	return shown, secretInWords(err)
}

func (s secretPages) Keep(ctx context.Context, name string, of web.Secret, value []byte) error {
	_, err := s.SetSecret(ctx, api.SetSecret{
		SecretPlace: secretPlace(name, of), Username: of.Username, Pipelines: of.Pipelines, Stages: of.Stages,
	}, value)
	return secretInWords(err)
}

func (s secretPages) Forget(ctx context.Context, name string, of web.Secret) error {
	_, err := s.RemoveSecret(ctx, secretPlace(name, of))
	return secretInWords(err)
}

func secretPlace(name string, of web.Secret) api.SecretPlace {
	return api.SecretPlace{Name: of.Name, Registry: of.Registry, Repository: name, Environment: of.Environment}
}

// secretInWords puts an error of the API into one for the page, which does not exist for
// those who may not have it.
func secretInWords(err error) error {
	var no *api.Refusal
	if errors.As(err, &no) && (no.Code == api.Forbidden || no.Code == api.NotFound) {
		return web.ErrNotFound
	}
	return inWords(err)
}
