package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/store"
)

func sessions(t *testing.T, s store.Store) {
	one := store.Session{Digest: "d1", Person: store.Person{ID: 7, Login: "ann"}, SignIn: "s1", CreatedAt: t0, UsedAt: t0}
	save := func(x store.Session) error {
		return s.Update(t.Context(), func(tx store.Tx) error { return tx.CreateSession(t.Context(), x) })
	}
	if err := save(one); err != nil {
		t.Fatal(err)
	}
	again := one
	again.Digest = "d2"
	if err := save(again); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a second session of a sign-in: %v", err)
	}
	again.SignIn, again.Person.Login, again.CreatedAt = "s2", "anna", t0.Add(time.Hour)
	if err := save(again); err != nil {
		t.Fatal(err)
	}
	one.Person.Login, one.UsedAt, one.EndedAt = "anna", t0.Add(time.Minute), t0.Add(time.Hour)
	update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.SaveSession(ctx, one) })
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		got, err := tx.Session(ctx, "d1")
		if diff := cmp.Diff(one, got); diff != "" {
			t.Errorf("session:\n%s", diff)
		}
		return err
	})
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		if err := tx.DropSessions(ctx, again.CreatedAt); err != nil {
			return err
		}
		if _, err := tx.Session(ctx, "d1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an old one: %v", err)
		}
		_, err := tx.Session(ctx, "d2")
		return err
	})
}

func accessTokens(t *testing.T, s store.Store) {
	ann := store.Person{ID: 7, Login: "ann"}
	one := store.AccessToken{Digest: "d1", Person: ann, Name: "laptop", Scopes: []string{"read", "approve"}, CreatedAt: t0, ExpiresAt: t0.Add(time.Hour)}
	two := one
	two.Digest = "d2"
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		if err := tx.CreateSession(ctx, store.Session{Digest: "d", Person: ann, SignIn: "s", CreatedAt: t0, UsedAt: t0}); err != nil {
			return err
		}
		return errors.Join(tx.CreateAccessToken(ctx, &one), tx.CreateAccessToken(ctx, &two))
	})
	err := s.Update(t.Context(), func(tx store.Tx) error { twin := one; return tx.CreateAccessToken(t.Context(), &twin) })
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("the same token twice: %v", err)
	}
	one.UsedAt, one.RevokedAt = t0.Add(time.Minute), t0.Add(time.Hour)
	update(t, s, func(ctx context.Context, tx store.Tx) error { return tx.SaveAccessToken(ctx, one) })
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		all, err := tx.AccessTokensOf(ctx, 7)
		if diff := cmp.Diff([]store.AccessToken{two, one}, all); diff != "" {
			t.Errorf("tokens:\n%s", diff)
		}
		others, err2 := tx.AccessTokensOf(ctx, 8)
		got, err3 := tx.AccessToken(ctx, "d1")
		if _, err := tx.AccessToken(ctx, "d3"); len(others) > 0 || got.ID != one.ID || !errors.Is(err, store.ErrNotFound) {
			t.Errorf("others: %v, one: %v, none: %v", others, got, err)
		}
		return errors.Join(err, err2, err3)
	})
}

func repositories(t *testing.T, s store.Store) {
	first, second := sample("c1", 1), sample("c2", 2)
	second.Repository, second.Installation = "octo/renamed", 9
	third := sample("c3", 3)
	third.RepositoryID, third.Repository = 43, "octo/other"
	for _, x := range []store.Execution{first, second, third} {
		create(t, s, x)
	}
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		got, err := tx.Repositories(ctx)
		want := []store.Repository{{ID: 43, Name: "octo/other", Installation: third.Installation}, {ID: 42, Name: "octo/renamed", Installation: 9}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("repositories:\n%s", diff)
		}
		for _, c := range []struct {
			only []int64
			want int
		}{{nil, 3}, {[]int64{}, 0}, {[]int64{43}, 1}, {[]int64{42, 43}, 3}, {[]int64{44}, 0}} {
			if found, err := tx.Find(ctx, store.Filter{Repositories: c.only}); err != nil || len(found) != c.want {
				t.Errorf("only %v: %d, %v", c.only, len(found), err)
			}
		}
		return err
	})
}
