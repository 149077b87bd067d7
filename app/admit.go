package app

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/limit"
)

// admit tells for whom a token of the API speaks: the operator, or a person who made it.
func (a *App) admit(ctx context.Context, token string) (api.Visitor, error) {
	if a.isAdmin(token) {
		return a.visitor(theOperator, 0, "api", api.Scopes()), nil
	}
	t, err := a.accessToken(ctx, token)
	if errors.Is(err, store.ErrNotFound) {
		return api.Visitor{}, &api.Refusal{Code: api.Unauthorized, Message: "the token is missing, wrong, expired or revoked: send one that is good as Authorization: Bearer TOKEN"}
	}
	if err != nil {
		return api.Visitor{}, err
	}
	if wait := a.limits.tokens.Take(strconv.FormatInt(t.Person.ID, 10)); wait > 0 {
		return api.Visitor{}, api.TooSoon(wait)
	}
	var scopes []api.Scope
	for _, s := range t.Scopes {
		scopes = append(scopes, api.Scope(s))
	}
	return a.visitor(t.Person.Login, t.Person.ID, "api", scopes), nil
}

func (a *App) visitor(login string, id int64, door string, scopes []api.Scope) api.Visitor {
	v := visitor{App: a, login: login, id: id, door: door}
	return api.Visitor{Executions: v, Operations: v, Runners: v, Secrets: v, Scopes: scopes}
}

// isAdmin compares digests, so that neither content nor length of the token shows in
// the time it takes.
func (a *App) isAdmin(token string) bool {
	given, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(a.admin.Reveal()))
	return subtle.ConstantTimeCompare(given[:], want[:]) == 1 && a.admin.Reveal() != ""
}

// tokenPrefix begins the tokens that people make, so that scanners find those that were
// committed.
const tokenPrefix = "sgp_"

// accessToken finds a token that a person made and that is good, and notes its use. Any
// other is store.ErrNotFound. It is looked up by its digest, which tells nothing of it.
func (a *App) accessToken(ctx context.Context, text string) (store.AccessToken, error) {
	if !strings.HasPrefix(text, tokenPrefix) || len(text) > 100 {
		return store.AccessToken{}, store.ErrNotFound
	}
	var t store.AccessToken
	err := a.store.View(ctx, func(tx store.Tx) (err error) {
		t, err = tx.AccessToken(ctx, secretDigest(text))
		return err
	})
	now := a.now()
	switch {
	case err != nil:
		return t, err
	case !t.RevokedAt.IsZero() || !now.Before(t.ExpiresAt):
		return t, store.ErrNotFound
	case now.Sub(t.UsedAt) < touchAfter:
		return t, nil
	}
	err = a.store.Update(ctx, func(tx store.Tx) error {
		if t, err = tx.AccessToken(ctx, t.Digest); err != nil {
			return err
		}
		if !t.RevokedAt.IsZero() {
			return store.ErrNotFound // in this very moment
		}
		t.UsedAt = now
		return tx.SaveAccessToken(ctx, t)
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("note the use of a token: %w", err)
	}
	return t, err
}

// limits say how often one may ask.
type limits struct {
	failed *limit.Limiter // tokens that speak for nobody, by client
	tokens *limit.Limiter // requests of a person, whichever of their tokens they show
}

// mostClients is how many are told apart.
const mostClients = 10_000

func (a *App) newLimits() limits {
	return limits{
		failed: limit.New(time.Second, 30, mostClients, a.now),
		tokens: limit.New(100*time.Millisecond, 200, mostClients, a.now),
	}
}

// failed counts a token that speaks for nobody.
func (a *App) failed(r *http.Request) time.Duration {
	return a.limits.failed.Take(a.clients().Of(r))
}

func (a *App) clients() limit.Clients { return limit.Clients{Proxies: a.settings.Proxies()} }
