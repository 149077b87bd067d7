package store

import (
	"context"
	"time"
)

// Person is somebody who has signed in. The id is GitHub's and stays with them; the
// login is the one they had when they signed in last.
type Person struct {
	ID    int64
	Login string
}

// Session is a browser that a person is signed in with. Of its secret only the digest
// is kept.
type Session struct {
	Digest    string
	Person    Person
	SignIn    string // digest of what began the sign-in, which is good for one session
	CreatedAt time.Time
	UsedAt    time.Time
	EndedAt   time.Time // when the person signed out; zero: they did not
}

// AccessToken speaks for a person who made it. Of its text only the digest is kept.
type AccessToken struct {
	ID        int64
	Digest    string
	Person    Person
	Name      string
	Scopes    []string
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // zero: never
	RevokedAt time.Time // zero: it was not
}

// People keeps who has signed in, and with what.
type People interface {
	// CreateSession stores a session and the person's present login. A sign-in that
	// has made a session is ErrConflict.
	CreateSession(ctx context.Context, s Session) error
	Session(ctx context.Context, digest string) (Session, error)
	// SaveSession stores when it was used and ended.
	SaveSession(ctx context.Context, s Session) error
	// DropSessions removes those that were made before a time.
	DropSessions(ctx context.Context, before time.Time) error
}

// AccessTokens keeps the tokens that people have made.
type AccessTokens interface {
	// CreateAccessToken stores a token of a person who has signed in, and sets its ID.
	CreateAccessToken(ctx context.Context, t *AccessToken) error
	AccessToken(ctx context.Context, digest string) (AccessToken, error)
	// AccessTokensOf lists those of a person, newest first.
	AccessTokensOf(ctx context.Context, person int64) ([]AccessToken, error)
	// SaveAccessToken stores when it was used and revoked.
	SaveAccessToken(ctx context.Context, t AccessToken) error
}

// Repository is a repository of which there has been an execution, as the newest one
// names it.
type Repository struct {
	ID           int64
	Name         string // owner/name
	Installation int64
}
