package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// Secrets lists those of a repository or an organization, or all for neither.
func (c Client) Secrets(ctx context.Context, of SecretPlace) (Page[Secret], error) {
	return get[Page[Secret]](ctx, c, "/secrets", values("repository", of.Repository, "organization", of.Organization))
}

// SetSecret keeps a value, byte for byte.
func (c Client) SetSecret(ctx context.Context, s SetSecret, value []byte) (Secret, error) {
	q := s.query()
	for name, list := range map[string][]string{"pipelines": s.Pipelines, "stages": s.Stages, "repositories": s.Repositories} {
		if len(list) > 0 {
			q.Set(name, strings.Join(list, ","))
		}
	}
	if s.Username != "" {
		q.Set("username", s.Username)
	}
	var kept Secret
	resp, err := c.do(ctx, http.MethodPut, "/secrets", q, value, "Content-Type", "application/octet-stream")
	if err != nil {
		return kept, err
	}
	defer resp.Body.Close()
	err = read(resp.Body, &kept)
	return kept, err
}

// RemoveSecret forgets a value, and returns what it was.
func (c Client) RemoveSecret(ctx context.Context, p SecretPlace) (Secret, error) {
	var was Secret
	resp, err := c.do(ctx, http.MethodDelete, "/secrets", p.query(), nil)
	if err != nil {
		return was, err
	}
	defer resp.Body.Close()
	err = read(resp.Body, &was)
	return was, err
}

// RotateSecrets encrypts all values anew, under a new key.
func (c Client) RotateSecrets(ctx context.Context) (Rotated, error) {
	return post[Rotated](ctx, c, "/secrets/rotate", struct{}{})
}

func (p SecretPlace) query() url.Values {
	return values("name", p.Name, "registry", p.Registry, "repository", p.Repository, "organization", p.Organization, "environment", p.Environment)
}
