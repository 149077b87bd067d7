package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/app/web"
)

// How long a session lasts: without use, and at most.
const (
	sessionIdle = 24 * time.Hour
	sessionLife = 7 * 24 * time.Hour
)

// touchAfter is how old the note of the last use may be before it is renewed, so that
// reading pages does not write each time.
const touchAfter = 5 * time.Minute

// people is who signs in to the dashboard. It implements web.SignIn.
type people struct{ *App }

var _ web.SignIn = people{}

// newSignIn is how people sign in; nil where the settings do not say.
func (a *App) newSignIn() (*github.SignIn, error) {
	if a.settings.GitHubClientID == "" {
		return nil, nil //nolint:nilnil // nobody signs in
	}
	return a.github.NewSignIn(github.SignInConfig{
		ClientID: a.settings.GitHubClientID, ClientSecret: a.settings.GitHubClientSecret.Reveal(),
		Callback: a.settings.PublicURL + web.CallbackPath,
	})
}

// webSignIn is how people sign in to the dashboard; nil where nobody does.
func (a *App) webSignIn() web.SignIn {
	if a.signIn == nil {
		return nil
	}
	return people{a}
}

func (p people) AuthorizeURL(state, verifier string) string {
	return p.signIn.AuthorizeURL(state, verifier)
}

// Enter begins a session for whoever a code is of.
func (p people) Enter(ctx context.Context, code, verifier, state string) (string, error) {
	who, err := p.signIn.Identify(ctx, code, verifier)
	if errors.Is(err, github.ErrCode) {
		return "", web.ErrStale
	}
	if err != nil {
		p.log.Error("nobody could be signed in", "error", err)
		return "", web.ErrUnavailable
	}
	secret, now := newToken(), p.now()
	s := store.Session{
		Digest: secretDigest(secret), SignIn: secretDigest(state), CreatedAt: now, UsedAt: now,
		Person: store.Person{ID: who.ID, Login: who.Login},
	}
	err = p.update(ctx, func(tx store.Tx) error {
		if err := tx.DropSessions(ctx, now.Add(-sessionLife)); err != nil {
			return fmt.Errorf("drop old sessions: %w", err)
		}
		if err := tx.CreateSession(ctx, s); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{At: now, Kind: "signed-in", Actor: who.Login, Door: doorDashboard, Event: identity{who.ID}})
	})
	if errors.Is(err, store.ErrConflict) {
		return "", web.ErrStale
	}
	return secret, err
}

// identity is what the audit log keeps of a person beside the login, which can change.
type identity struct {
	ID int64 `json:"id"`
}

// doorDashboard is the door of whoever signed in to the dashboard.
const doorDashboard = "dashboard"

// secretDigest is what is kept of a secret that nobody can guess.
func secretDigest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// session finds a session that lasts, and notes its use.
func (p people) session(ctx context.Context, secret string) (store.Session, error) {
	var s store.Session
	err := p.store.View(ctx, func(tx store.Tx) error {
		var err error
		s, err = tx.Session(ctx, secretDigest(secret))
		return err
	})
	now := p.now()
	switch {
	case errors.Is(err, store.ErrNotFound):
		return s, web.ErrNotFound
	case err != nil:
		return s, fmt.Errorf("find a session: %w", err)
	case !s.EndedAt.IsZero(), now.Sub(s.UsedAt) >= sessionIdle, now.Sub(s.CreatedAt) >= sessionLife:
		return s, web.ErrNotFound
	case now.Sub(s.UsedAt) < touchAfter:
		return s, nil
	}
	s.UsedAt = now
	return s, p.store.Update(ctx, func(tx store.Tx) error {
		present, err := tx.Session(ctx, s.Digest)
		if err != nil || !present.EndedAt.IsZero() {
			return err
		}
		return tx.SaveSession(ctx, s)
	})
}

func (p people) Visitor(ctx context.Context, secret string) (web.Visitor, error) {
	s, err := p.session(ctx, secret)
	if err != nil {
		return web.Visitor{}, err
	}
	v := visitor{App: p.App, login: s.Person.Login, id: s.Person.ID, door: doorDashboard}
	return web.Visitor{Login: v.login, Dashboard: dashboard{v}, Tokens: tokens{v}, Secrets: secretPages{v}}, nil
}

// Leave ends a session; one that does not last has ended already.
func (p people) Leave(ctx context.Context, secret string) error {
	s, err := p.session(ctx, secret)
	if errors.Is(err, web.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	s.EndedAt = p.now()
	return p.update(ctx, func(tx store.Tx) error {
		if err := tx.SaveSession(ctx, s); err != nil {
			return fmt.Errorf("end a session: %w", err)
		}
		return tx.Audit(ctx, store.AuditEntry{At: s.EndedAt, Kind: "signed-out", Actor: s.Person.Login, Door: doorDashboard, Event: identity{s.Person.ID}})
	})
}
