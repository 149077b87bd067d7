package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// SecretKind is what a kept value is for.
type SecretKind string

const (
	// ForActions is a value that actions name.
	ForActions SecretKind = "secret"
	// ForRegistry is the password of a registry of images; its name is the host.
	ForRegistry SecretKind = "registry"
)

// SecretPlace is where a value is kept. It is of an organization, or of a
// repository, or of one of its environments.
type SecretPlace struct {
	Kind         SecretKind
	Name         string
	Organization int64  // GitHub's id; zero: it is of a repository
	Repository   int64  // GitHub's id; zero: it is of an organization
	Environment  string // of the repository; empty: all of it
}

// Secret is a kept value, sealed for all that stands in Bound.
type Secret struct {
	SecretPlace
	SecretTerms
	Owner  string // as people call the organization, or owner/name, when it was set
	Actor  string // who set it
	SetAt  time.Time
	UsedAt time.Time // when a job was last given it; zero: never
	Key    int64     // of SecretKey
	Sealed []byte
}

// SecretTerms say to whom a value is given. An empty list does not restrict.
type SecretTerms struct {
	Username     string             // for a registry
	Pipelines    []string           // names
	Stages       []string           // names
	Repositories []SecretRepository // of an organization
}

// SecretRepository is a repository that an organization's value is for.
type SecretRepository struct {
	ID   int64
	Name string // owner/name, when it was set
}

// Bound is what the value is sealed with: it opens for this place and these terms
// under this key, and for no others.
func (s Secret) Bound() ([]byte, error) {
	bound, err := json.Marshal(struct {
		SecretPlace
		SecretTerms
		Key int64
	}{s.SecretPlace, s.SecretTerms, s.Key})
	if err != nil {
		return nil, fmt.Errorf("write what a secret is bound to: %w", err)
	}
	return bound, nil
}

// SecretKey is a data key, wrapped by a key that stands elsewhere.
type SecretKey struct {
	ID      int64
	Keeper  string // name of the key that wrapped it
	Wrapped []byte
	MadeAt  time.Time
}

// Secrets keeps values that only jobs are given, and never in clear.
type Secrets interface {
	// Secrets lists all, by kind, owner, environment and name.
	Secrets(ctx context.Context) ([]Secret, error)
	// SecretsCalled lists those of one kind and name, in all places.
	SecretsCalled(ctx context.Context, kind SecretKind, name string) ([]Secret, error)
	// SaveSecret takes the place of the one in its place.
	SaveSecret(ctx context.Context, s Secret) error
	// SecretUsed notes that a job was given it. One that is gone is no error.
	SecretUsed(ctx context.Context, p SecretPlace, at time.Time) error
	// DeleteSecret removes the one of a place; ErrNotFound if there is none.
	DeleteSecret(ctx context.Context, p SecretPlace) error
	// SecretKeys lists the data keys, the newest first.
	SecretKeys(ctx context.Context) ([]SecretKey, error)
	// AddSecretKey stores a data key and sets its ID, which no other ever had.
	AddSecretKey(ctx context.Context, k *SecretKey) error
	// DeleteSecretKey removes a data key: what it sealed opens no more.
	DeleteSecretKey(ctx context.Context, id int64) error
}
