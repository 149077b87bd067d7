package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/app/store"
)

// secrets keeps values of one name in all their places apart.
func secrets(t *testing.T, s store.Store) {
	key := store.SecretKey{Keeper: "file:1", Wrapped: []byte("w"), MadeAt: t0}
	at := func(organization, repository int64, environment string) store.Secret {
		return store.Secret{
			SecretPlace: store.SecretPlace{Kind: store.ForActions, Name: "TOKEN", Organization: organization, Repository: repository, Environment: environment},
			SecretTerms: store.SecretTerms{Pipelines: []string{"release"}},
			Owner:       "octo", Actor: "alice", SetAt: t0, Sealed: []byte{0, 1, 0xff},
		}
	}
	all := []store.Secret{at(7, 0, ""), at(0, 42, ""), at(0, 42, "production"), at(0, 43, "production")}
	all[0].Owner, all[0].Repositories = "a", []store.SecretRepository{{ID: 42, Name: "octo/shop"}}
	all[3].Owner = "z"
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		if err := tx.AddSecretKey(ctx, &key); err != nil {
			return err
		}
		for i := range all {
			all[i].Key = key.ID
			if err := tx.SaveSecret(ctx, all[i]); err != nil {
				return err
			}
		}
		got, err := tx.SecretsCalled(ctx, store.ForActions, "TOKEN")
		if diff := cmp.Diff(all, got); diff != "" {
			t.Errorf("stored and read (-want +got)\n%s", diff)
		}
		for kind, name := range map[store.SecretKind]string{store.ForRegistry: "TOKEN", store.ForActions: "token"} {
			if others, err := tx.SecretsCalled(ctx, kind, name); err != nil || len(others) > 0 {
				t.Errorf("%s %s: %v, %v", kind, name, others, err)
			}
		}
		return err
	})
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		if err := tx.SecretUsed(ctx, all[2].SecretPlace, t0.Add(time.Hour)); err != nil {
			return err
		}
		all[1].Sealed, all[1].Actor = []byte("other"), "bob"
		if err := tx.SaveSecret(ctx, all[1]); err != nil {
			return err
		}
		if err := tx.DeleteSecret(ctx, all[3].SecretPlace); err != nil {
			return err
		}
		if err := tx.DeleteSecret(ctx, all[3].SecretPlace); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("removed twice: %v", err)
		}
		all[2].UsedAt = t0.Add(time.Hour)
		got, err := tx.Secrets(ctx)
		if diff := cmp.Diff(all[:3], got); diff != "" {
			t.Errorf("changed (-want +got)\n%s", diff)
		}
		return err
	})
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.DeleteSecretKey(t.Context(), key.ID) }); err == nil {
		t.Error("a key went while it had sealed something")
	}
	update(t, s, func(ctx context.Context, tx store.Tx) error {
		for _, one := range all[:3] {
			if err := tx.DeleteSecret(ctx, one.SecretPlace); err != nil {
				return err
			}
		}
		if err := tx.DeleteSecretKey(ctx, key.ID); err != nil {
			return err
		}
		next := store.SecretKey{Keeper: "file:2", Wrapped: []byte("v"), MadeAt: t0}
		if err := tx.AddSecretKey(ctx, &next); err != nil {
			return err
		}
		if next.ID == key.ID {
			t.Error("the number of a key came twice")
		}
		keys, err := tx.SecretKeys(ctx)
		if diff := cmp.Diff([]store.SecretKey{next}, keys); diff != "" {
			t.Errorf("keys (-want +got)\n%s", diff)
		}
		return err
	})
}
