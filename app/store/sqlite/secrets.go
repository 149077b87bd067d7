package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stagegate/stagegate/app/store"
)

const secretColumns = `kind, name, organization_id, repository_id, environment, terms, owner, actor, set_at, used_at, key, sealed` // #nosec G101 -- names of columns

func (t *transaction) Secrets(ctx context.Context) ([]store.Secret, error) {
	return t.secrets(ctx, `SELECT `+secretColumns+` FROM secrets ORDER BY kind DESC, owner COLLATE NOCASE, environment, name`)
}

func (t *transaction) SecretsCalled(ctx context.Context, kind store.SecretKind, name string) ([]store.Secret, error) {
	return t.secrets(ctx, `SELECT `+secretColumns+` FROM secrets WHERE kind = ? AND name = ?
		ORDER BY owner COLLATE NOCASE, environment`, kind, name)
}

func (t *transaction) secrets(ctx context.Context, query string, args ...any) ([]store.Secret, error) {
	rows, err := t.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list secrets: %w", err)
	}
	defer rows.Close()
	var all []store.Secret
	for rows.Next() {
		var (
			s           store.Secret
			terms       []byte
			setAt, used int64
		)
		err := rows.Scan(&s.Kind, &s.Name, &s.Organization, &s.Repository, &s.Environment, &terms,
			&s.Owner, &s.Actor, &setAt, &used, &s.Key, &s.Sealed)
		if err == nil {
			err = json.Unmarshal(terms, &s.SecretTerms)
		}
		if err != nil {
			return nil, fmt.Errorf("list secrets: %w", err)
		}
		s.SetAt, s.UsedAt = moment(setAt), moment(used)
		all = append(all, s)
	}
	return all, rows.Err()
}

func (t *transaction) SaveSecret(ctx context.Context, s store.Secret) error {
	terms, err := json.Marshal(s.SecretTerms)
	if err != nil {
		return fmt.Errorf("encode the terms of secret %s: %w", s.Name, err)
	}
	const upsert = `INSERT INTO secrets (` + secretColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET terms = excluded.terms, owner = excluded.owner, actor = excluded.actor,
			set_at = excluded.set_at, used_at = excluded.used_at, key = excluded.key, sealed = excluded.sealed`
	_, err = t.tx.ExecContext(ctx, upsert, s.Kind, s.Name, s.Organization, s.Repository, s.Environment, string(terms),
		s.Owner, s.Actor, millis(s.SetAt), millis(s.UsedAt), s.Key, s.Sealed)
	if err != nil {
		return fmt.Errorf("save secret %s: %w", s.Name, err)
	}
	return nil
}

const ofPlace = ` WHERE kind = ? AND name = ? AND organization_id = ? AND repository_id = ? AND environment = ?`

func (t *transaction) SecretUsed(ctx context.Context, p store.SecretPlace, at time.Time) error {
	_, err := t.tx.ExecContext(ctx, `UPDATE secrets SET used_at = ?`+ofPlace, millis(at), p.Kind, p.Name, p.Organization, p.Repository, p.Environment)
	if err != nil {
		return fmt.Errorf("note the use of secret %s: %w", p.Name, err)
	}
	return nil
}

func (t *transaction) DeleteSecret(ctx context.Context, p store.SecretPlace) error {
	res, err := t.tx.ExecContext(ctx, `DELETE FROM secrets`+ofPlace, p.Kind, p.Name, p.Organization, p.Repository, p.Environment)
	if err != nil {
		return fmt.Errorf("delete secret %s: %w", p.Name, err)
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return store.ErrNotFound
}

func (t *transaction) SecretKeys(ctx context.Context) ([]store.SecretKey, error) {
	rows, err := t.tx.QueryContext(ctx, `SELECT id, keeper, wrapped, made_at FROM secret_keys ORDER BY id DESC`)
	if err != nil {
		return nil, fmt.Errorf("list the keys of secrets: %w", err)
	}
	defer rows.Close()
	var all []store.SecretKey
	for rows.Next() {
		var (
			k      store.SecretKey
			madeAt int64
		)
		if err := rows.Scan(&k.ID, &k.Keeper, &k.Wrapped, &madeAt); err != nil {
			return nil, fmt.Errorf("list the keys of secrets: %w", err)
		}
		k.MadeAt = moment(madeAt)
		all = append(all, k)
	}
	return all, rows.Err()
}

func (t *transaction) AddSecretKey(ctx context.Context, k *store.SecretKey) error {
	const insert = `INSERT INTO secret_keys (keeper, wrapped, made_at) VALUES (?, ?, ?) RETURNING id`
	if err := t.tx.QueryRowContext(ctx, insert, k.Keeper, k.Wrapped, millis(k.MadeAt)).Scan(&k.ID); err != nil {
		return fmt.Errorf("store a key of secrets: %w", err)
	}
	return nil
}

func (t *transaction) DeleteSecretKey(ctx context.Context, id int64) error {
	if _, err := t.tx.ExecContext(ctx, `DELETE FROM secret_keys WHERE id = ?`, id); err != nil {
		return fmt.Errorf("delete key %d of secrets: %w", id, err)
	}
	return nil
}
