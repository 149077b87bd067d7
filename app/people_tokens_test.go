package app_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/runner"
)

// as is the API for a person, by a token of theirs that may do everything.
func (c *counter) as(login string) api.Client {
	c.t.Helper()
	c.n++
	text, now := fmt.Sprintf("sgp_%s-%d", login, c.n), time.Now()
	if c.now != nil {
		now = c.now()
	}
	sum := sha256.Sum256([]byte(text))
	one := store.AccessToken{
		Digest: hex.EncodeToString(sum[:]), Person: store.Person{ID: c.github.UserID(login), Login: login}, Name: text,
		Scopes: []string{"read", "approve", "run", "admin"}, CreatedAt: now, ExpiresAt: now.Add(time.Hour), UsedAt: now,
	}
	err := c.store.Update(c.t.Context(), func(tx store.Tx) error {
		signedIn := store.Session{Digest: text, SignIn: text, CreatedAt: now, UsedAt: now, Person: one.Person}
		if err := tx.CreateSession(c.t.Context(), signedIn); err != nil {
			return err
		}
		return tx.CreateAccessToken(c.t.Context(), &one)
	})
	if err != nil {
		c.t.Fatal(err)
	}
	client := c.api
	client.Token = text
	return client
}

// TestSecretsOfAnEarlierRepository asks that who administers a repository sees nothing of
// the secrets of one that had its name before.
func TestSecretsOfAnEarlierRepository(t *testing.T) {
	c := newCounter(t)
	c.set(api.SetSecret{SecretPlace: api.SecretPlace{Environment: "vault-7"}}, "value")
	c.set(api.SetSecret{SecretPlace: api.SecretPlace{Registry: "ghcr.io"}, Username: "old-bot"}, "password")
	c.github.RemoveRepository("octo/shop")
	c.github.AddRepository("octo/shop").SetPermission("carol", "admin")
	carol := c.as("carol")
	place := api.SecretPlace{Repository: "octo/shop"}
	if all, err := carol.Secrets(t.Context(), place); err != nil || len(all.Items) != 0 {
		t.Errorf("carol is shown %+v, %v", all, err)
	}
	if _, err := carol.RemoveSecret(t.Context(), api.SecretPlace{Name: "TOKEN", Repository: "octo/shop"}); err == nil || strings.Contains(err.Error(), "vault-7") {
		t.Errorf("carol removes, and is told: %v", err)
	}
	if _, err := carol.SetSecret(t.Context(), api.SetSecret{SecretPlace: api.SecretPlace{Name: "TOKEN", Repository: "octo/shop", Environment: "own"}}, []byte("hers")); err != nil {
		t.Fatal(err)
	}
	if all, err := carol.Secrets(t.Context(), place); err != nil || len(all.Items) != 1 || all.Items[0].Environment != "own" {
		t.Errorf("of her own she is shown %+v, %v", all, err)
	}
	if _, err := carol.RemoveSecret(t.Context(), api.SecretPlace{Name: "TOKEN", Repository: "octo/shop"}); err == nil || !strings.Contains(err.Error(), "environment own") {
		t.Errorf("where hers is she is told: %v", err)
	}
	if all, err := c.api.Secrets(t.Context(), place); err != nil || len(all.Items) != 3 {
		t.Errorf("the operator is shown %+v, %v", all, err)
	}
}

// TestManyTokensOfOnePerson asks that somebody with many tokens may ask no more often
// than with one.
func TestManyTokensOfOnePerson(t *testing.T) {
	c := newCounter(t)
	noon := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	c.now = func() time.Time { return noon }
	c.open()
	asked := func(login string) (refusedAfter int) {
		for range 6 {
			client := c.as(login)
			for range 50 {
				if _, err := client.Transitions(t.Context(), "", ""); err != nil {
					return refusedAfter
				}
				refusedAfter++
			}
		}
		return refusedAfter
	}
	if n := asked("mallory"); n != 200 {
		t.Errorf("mallory is refused after %d requests", n)
	}
	if n := asked("bob"); n != 200 {
		t.Errorf("bob, whose own they are, after %d", n)
	}
}

// TestTokensMadeAndRevoked asks that nobody fills the database by making tokens and
// revoking them, since anybody with an account at GitHub can sign in.
func TestTokensMadeAndRevoked(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	form := b.signIn("mallory", "/tokens").filled(t, "/tokens", "name", "x", "days", "1")
	for range 50 {
		if got := b.do("POST", "/tokens", form); got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	if got := b.do("POST", "/tokens", form); got.status != http.StatusConflict {
		t.Errorf("one more: %d", got.status)
	}
	w.revokeAll("mallory", "")
	if got := b.do("POST", "/tokens", form); got.status != http.StatusTooManyRequests || tokenText.MatchString(got.body) {
		t.Errorf("in place of one that was revoked: %d", got.status)
	}
	w.stop()
	w.shift = 25 * time.Hour
	w.start()
	if w.token("mallory", "1") == "" {
		t.Error("there is none the next day")
	}
}

// TestWhatTheKMSSays asks that the words of a KMS, which name hosts and accounts, are told
// to the operator alone.
func TestWhatTheKMSSays(t *testing.T) {
	const words = "role vault-admin at 10.4.7.1 may not"
	works := true
	vault := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !works {
			http.Error(w, `{"errors":["`+words+`"]}`, http.StatusForbidden)
			return
		}
		fmt.Fprint(w, `{"data":{"ciphertext":"vault:v1:x"}}`)
	}))
	defer vault.Close()
	t.Setenv("VAULT_ADDR", vault.URL)
	t.Setenv("VAULT_TOKEN", "t")
	c := newCounter(t)
	c.settings.SecretsKeyURL = "hashivault://stagegate"
	c.open()
	c.set(api.SetSecret{}, "value")
	works = false
	c.open()
	_, err := c.app.Files().Secrets(t.Context(), c.lease(asks{}))
	if err == nil || !strings.Contains(err.Error(), "the log of the server says why") || strings.Contains(err.Error(), words) || strings.Contains(err.Error(), vault.URL) {
		t.Errorf("the job is told: %v", err)
	}
	if !strings.Contains(c.log.String(), words) {
		t.Errorf("the log says: %s", c.log.String())
	}
	c.shop.SetPermission("carol", "admin")
	other := api.SetSecret{SecretPlace: api.SecretPlace{Name: "OTHER", Repository: "octo/shop"}}
	if _, err := c.as("carol").SetSecret(t.Context(), other, []byte("value")); err == nil || strings.Contains(err.Error(), words) {
		t.Errorf("carol is told: %v", err)
	}
	if _, err := c.api.SetSecret(t.Context(), other, []byte("value")); err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("the operator is told: %v", err)
	}
}

// TestARunnerThatIsRemovedWhileItWaits asks that no job goes to a runner whose request
// was let in before it was removed.
func TestARunnerThatIsRemovedWhileItWaits(t *testing.T) {
	c := newCounter(t)
	if _, err := c.api.AddRunner(t.Context(), "tower"); err != nil {
		t.Fatal(err)
	}
	type answer struct {
		lease runner.Lease
		err   error
	}
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	waiting, answered := &whoWaits{Context: ctx, waits: make(chan struct{})}, make(chan answer, 1)
	go func() {
		l, err := c.app.Jobs().Lease(waiting, "tower/machine", "waited")
		answered <- answer{l, err}
	}()
	<-waiting.waits
	if _, err := c.api.RemoveRunner(t.Context(), "tower"); err != nil {
		t.Fatal(err)
	}
	if got := <-answered; !errors.Is(got.err, runner.ErrLeaseLost) {
		t.Errorf("who waited is answered %v", got.err)
	}
	c.queue()
	if l, err := c.app.Jobs().Lease(ctx, "tower/machine", "late"); !errors.Is(err, runner.ErrLeaseLost) {
		t.Errorf("it gets %v, %v", l.Job.ID, err)
	}
	if _, err := c.app.Jobs().Lease(ctx, "here", "own"); err != nil {
		t.Errorf("this process's own runner: %v", err)
	}
}

// whoWaits is a context that tells when somebody begins to wait for its end.
type whoWaits struct {
	context.Context
	once  sync.Once
	waits chan struct{}
}

func (w *whoWaits) Done() <-chan struct{} {
	w.once.Do(func() { close(w.waits) })
	return w.Context.Done()
}

// queue stores an execution with a job that waits for a runner.
func (c *counter) queue() {
	c.t.Helper()
	token := c.lease(asks{})
	err := c.store.Update(c.t.Context(), func(tx store.Tx) error {
		j, err := tx.JobByToken(c.t.Context(), token)
		if err != nil {
			return err
		}
		j.State, j.Token, j.Runner = store.JobQueued, "", ""
		return tx.SaveJob(c.t.Context(), j)
	})
	if err != nil {
		c.t.Fatal(err)
	}
}
