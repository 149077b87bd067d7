package store

import (
	"context"
	"time"
)

// Runner is a runner of another machine, which has a token.
type Runner struct {
	Name   string
	Digest string // SHA-256 of its token, hex
	MadeAt time.Time
	MadeBy string
	SeenAt time.Time // when it last asked for work, to the minute; zero: never
}

// Runners keeps runners of other machines.
type Runners interface {
	// InsertRunner stores a new one; a name that is taken is ErrConflict.
	InsertRunner(ctx context.Context, r Runner) error
	// Runners lists them by name.
	Runners(ctx context.Context) ([]Runner, error)
	RunnerByDigest(ctx context.Context, digest string) (Runner, error)
	// SeenRunner notes when it last asked for work.
	SeenRunner(ctx context.Context, name string, at time.Time) error
	// DeleteRunner removes it and returns what it was; ErrNotFound where there is none.
	DeleteRunner(ctx context.Context, name string) (Runner, error)
}
