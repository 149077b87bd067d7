package app

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/app/web"
)

// What a token can be.
const (
	mostTokenDays = 365
	mostTokenName = 100
	mostTokens    = 50 // of one person, that are good, and that are made in a day
)

// tokens are those of one person. It implements web.Tokens.
type tokens struct{ visitor }

var _ web.Tokens = tokens{}

func (t tokens) Tokens(ctx context.Context) ([]web.Token, error) {
	all, err := t.own(ctx)
	var list []web.Token
	for _, one := range all {
		list = append(list, web.Token{
			ID: one.ID, Name: one.Name, Scopes: one.Scopes, MadeAt: one.CreatedAt, ExpiresAt: one.ExpiresAt, UsedAt: one.UsedAt, RevokedAt: one.RevokedAt,
		})
	}
	return list, err
}

func (t tokens) own(ctx context.Context) ([]store.AccessToken, error) {
	var all []store.AccessToken
	err := t.store.View(ctx, func(tx store.Tx) (err error) {
		all, err = tx.AccessTokensOf(ctx, t.id)
		return err
	})
	return all, err
}

// scopesOf are the scopes of a token that is to have some beside read.
func scopesOf(more []string) ([]string, error) {
	scopes := []string{string(api.Read)}
	for _, s := range more {
		if !slices.Contains(api.Scopes(), api.Scope(s)) {
			return nil, &web.Refusal{Status: http.StatusUnprocessableEntity, Message: "there is no scope " + shown(s)}
		}
		if !slices.Contains(scopes, s) {
			scopes = append(scopes, s)
		}
	}
	return scopes, nil
}

// Make makes a token, whose text is told this once.
func (t tokens) Make(ctx context.Context, name string, more []string, days int) (string, error) {
	scopes, err := scopesOf(more)
	name = strings.TrimSpace(name)
	no := func(why string) (string, error) {
		return "", &web.Refusal{Status: http.StatusUnprocessableEntity, Message: why}
	}
	switch n := utf8.RuneCountInString(name); {
	case err != nil:
		return "", err
	case n == 0 || n > mostTokenName:
		return no(fmt.Sprintf("give the token a name of 1 to %d characters, so that you know it again", mostTokenName))
	case days < 1 || days > mostTokenDays:
		return no(fmt.Sprintf("a token is good for 1 to %d days", mostTokenDays))
	}
	text, now := tokenPrefix+newToken(), t.now()
	one := store.AccessToken{
		Digest: secretDigest(text), Person: t.person(), Name: name, Scopes: scopes, CreatedAt: now, ExpiresAt: now.Add(time.Duration(days) * 24 * time.Hour),
	}
	err = t.update(ctx, func(tx store.Tx) error {
		all, err := tx.AccessTokensOf(ctx, t.id)
		if err != nil {
			return err
		}
		if err := mayMakeOne(all, now); err != nil {
			return err
		}
		if err := tx.CreateAccessToken(ctx, &one); err != nil {
			return fmt.Errorf("make a token: %w", err)
		}
		return tx.Audit(ctx, t.about("token-made", one, now))
	})
	return text, err
}

// mayMakeOne refuses whoever has many tokens, or has made many of late.
func mayMakeOne(all []store.AccessToken, now time.Time) error {
	good, late := 0, 0
	for _, o := range all {
		if o.RevokedAt.IsZero() && now.Before(o.ExpiresAt) {
			good++
		}
		if o.CreatedAt.After(now.Add(-24 * time.Hour)) {
			late++
		}
	}
	switch {
	case good >= mostTokens:
		return &web.Refusal{Status: http.StatusConflict, Message: fmt.Sprintf("you have %d tokens already: revoke one that is not used", mostTokens)}
	case late >= mostTokens: // those that were revoked are kept too
		return &web.Refusal{Status: http.StatusTooManyRequests, Message: fmt.Sprintf("you have made %d tokens within a day: make the next one tomorrow", mostTokens)}
	}
	return nil
}

// Revoke ends a token of the person; another's is as one that does not exist.
func (t tokens) Revoke(ctx context.Context, id int64) error {
	now := t.now()
	return t.update(ctx, func(tx store.Tx) error {
		all, err := tx.AccessTokensOf(ctx, t.id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(o store.AccessToken) bool { return o.ID == id })
		if i < 0 {
			return web.ErrNotFound
		}
		one := all[i]
		if !one.RevokedAt.IsZero() {
			return nil
		}
		one.RevokedAt = now
		if err := tx.SaveAccessToken(ctx, one); err != nil {
			return fmt.Errorf("revoke a token: %w", err)
		}
		return tx.Audit(ctx, t.about("token-revoked", one, now))
	})
}

// madeToken is what the audit log keeps of a token: never its text.
type madeToken struct {
	Person    int64     `json:"person"`
	Token     int64     `json:"token"`
	Name      string    `json:"name"`
	Scopes    []string  `json:"scopes"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (t tokens) about(kind string, one store.AccessToken, at time.Time) store.AuditEntry {
	return store.AuditEntry{
		At: at, Kind: kind, Actor: t.login, Door: t.door,
		Event: madeToken{t.id, one.ID, one.Name, one.Scopes, one.ExpiresAt.UTC()},
	}
}
