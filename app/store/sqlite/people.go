package sqlite

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/store"
)

func (t *transaction) savePerson(ctx context.Context, p store.Person) error {
	const upsert = `INSERT INTO people (id, login) VALUES (?, ?) ON CONFLICT DO UPDATE SET login = excluded.login`
	if _, err := t.tx.ExecContext(ctx, upsert, p.ID, p.Login); err != nil {
		return fmt.Errorf("save person %d: %w", p.ID, err)
	}
	return nil
}

func (t *transaction) CreateSession(ctx context.Context, s store.Session) error {
	if err := t.savePerson(ctx, s.Person); err != nil {
		return err
	}
	const insert = `INSERT INTO sessions (digest, person, sign_in, created_at, used_at) VALUES (?, ?, ?, ?, ?)`
	_, err := t.tx.ExecContext(ctx, insert, s.Digest, s.Person.ID, s.SignIn, millis(s.CreatedAt), millis(s.UsedAt))
	return conflict(err)
}

func (t *transaction) Session(ctx context.Context, digest string) (store.Session, error) {
	const find = `SELECT s.digest, s.person, p.login, s.sign_in, s.created_at, s.used_at, s.ended_at
		FROM sessions s JOIN people p ON p.id = s.person WHERE s.digest = ?`
	var s store.Session
	var created, used, ended int64
	err := t.tx.QueryRowContext(ctx, find, digest).Scan(&s.Digest, &s.Person.ID, &s.Person.Login, &s.SignIn, &created, &used, &ended)
	if err != nil {
		return store.Session{}, missing(err)
	}
	s.CreatedAt, s.UsedAt, s.EndedAt = moment(created), moment(used), moment(ended)
	return s, nil
}

func (t *transaction) SaveSession(ctx context.Context, s store.Session) error {
	_, err := t.tx.ExecContext(ctx, `UPDATE sessions SET used_at = ?, ended_at = ? WHERE digest = ?`, millis(s.UsedAt), millis(s.EndedAt), s.Digest)
	return err
}

func (t *transaction) DropSessions(ctx context.Context, before time.Time) error {
	_, err := t.tx.ExecContext(ctx, `DELETE FROM sessions WHERE created_at < ?`, millis(before))
	return err
}

const selectGrants = `SELECT t.id, t.digest, t.person, p.login, t.name, t.scopes, t.created_at, t.expires_at, t.used_at, t.revoked_at
	FROM access_tokens t JOIN people p ON p.id = t.person `

func (t *transaction) CreateAccessToken(ctx context.Context, token *store.AccessToken) error {
	const insert = `INSERT INTO access_tokens (digest, person, name, scopes, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)`
	res, err := t.tx.ExecContext(ctx, insert, token.Digest, token.Person.ID, token.Name, strings.Join(token.Scopes, " "),
		millis(token.CreatedAt), millis(token.ExpiresAt))
	if err != nil {
		return conflict(err)
	}
	token.ID, err = res.LastInsertId()
	return err
}

func (t *transaction) AccessToken(ctx context.Context, digest string) (store.AccessToken, error) {
	return scanAccessToken(t.tx.QueryRowContext(ctx, selectGrants+`WHERE t.digest = ?`, digest))
}

func (t *transaction) AccessTokensOf(ctx context.Context, person int64) ([]store.AccessToken, error) {
	rows, err := t.tx.QueryContext(ctx, selectGrants+`WHERE t.person = ? ORDER BY t.id DESC`, person)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []store.AccessToken
	for rows.Next() {
		token, err := scanAccessToken(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, token)
	}
	return all, rows.Err()
}

func (t *transaction) SaveAccessToken(ctx context.Context, token store.AccessToken) error {
	const update = `UPDATE access_tokens SET used_at = ?, revoked_at = ? WHERE id = ?`
	_, err := t.tx.ExecContext(ctx, update, millis(token.UsedAt), millis(token.RevokedAt), token.ID)
	return err
}

func scanAccessToken(r row) (store.AccessToken, error) {
	var token store.AccessToken
	var scopes string
	var created, expires, used, revoked int64
	err := r.Scan(&token.ID, &token.Digest, &token.Person.ID, &token.Person.Login, &token.Name, &scopes, &created, &expires, &used, &revoked)
	if err != nil {
		return store.AccessToken{}, missing(err)
	}
	token.Scopes = strings.Fields(scopes)
	token.CreatedAt, token.ExpiresAt, token.UsedAt, token.RevokedAt = moment(created), moment(expires), moment(used), moment(revoked)
	return token, nil
}

func (t *transaction) Repositories(ctx context.Context) ([]store.Repository, error) {
	const newest = `SELECT repository_id, repository, installation FROM executions
		WHERE id IN (SELECT max(id) FROM executions GROUP BY repository_id) ORDER BY repository, repository_id`
	rows, err := t.tx.QueryContext(ctx, newest)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []store.Repository
	for rows.Next() {
		var r store.Repository
		if err := rows.Scan(&r.ID, &r.Name, &r.Installation); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}
