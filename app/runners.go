package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner/remote"
)

// runnerToken begins the token of a runner of another machine, so that one that has
// leaked is known for what it is.
const runnerToken = "sgr_"

// runners answers the runners of other machines.
func (a *App) runners() remote.Config {
	return remote.Config{Runner: a.runnerOf, Jobs: a.Jobs(), Files: a.Files(), Log: a.log}
}

// runnerOf names the runner that a token is of, and notes that it was seen.
func (a *App) runnerOf(ctx context.Context, token string) (string, error) {
	var r store.Runner
	err := a.store.View(ctx, func(tx store.Tx) error {
		var err error
		r, err = tx.RunnerByDigest(ctx, tokenDigest(token))
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if now := a.now(); err == nil && now.Sub(r.SeenAt) > time.Minute {
		err = a.store.Update(ctx, func(tx store.Tx) error { return tx.SeenRunner(ctx, r.Name, now) })
	}
	return r.Name, err
}

// tokenDigest is what is kept of a token: it has 256 bits of chance, which nobody finds
// from their digest.
func tokenDigest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

var runnerPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$`)

// addRunner makes a runner of another machine and returns its token, which is not kept.
func (a *App) addRunner(ctx context.Context, by caller, name string) (store.Runner, string, error) {
	if !runnerPattern.MatchString(name) {
		return store.Runner{}, "", refused(codeInvalid, "%s is no name for a runner: write letters, digits, - and _, 50 at most", shown(name))
	}
	token := runnerToken + newToken()
	r := store.Runner{Name: name, Digest: tokenDigest(token), MadeAt: a.now(), MadeBy: by.login}
	err := a.store.Update(ctx, func(tx store.Tx) error {
		if err := tx.InsertRunner(ctx, r); err != nil {
			return err
		}
		return a.noteRunner(ctx, tx, by, "runner-added", name)
	})
	if errors.Is(err, store.ErrConflict) {
		err = refused(codeConflict, "there is a runner %s already: choose another name, or remove that one", name)
	}
	return r, token, err
}

// removeRunner makes a runner's token worthless, and those of its jobs: what they did
// is unknown, as with a runner that was lost.
func (a *App) removeRunner(ctx context.Context, by caller, name string) (store.Runner, error) {
	var gone store.Runner
	err := a.update(ctx, func(tx store.Tx) error {
		var err error
		if gone, err = tx.DeleteRunner(ctx, name); err != nil {
			return err
		}
		leased, err := tx.LeasedJobs(ctx, "")
		if err != nil {
			return err
		}
		for _, j := range leased {
			if !strings.HasPrefix(j.Runner, name+"/") {
				continue
			}
			end := pipeline.Result{Status: pipeline.Errored, Reason: "the runner " + name + " was removed", FinishedAt: a.now()}
			if err := endJob(ctx, tx, j, a.now(), end); err != nil {
				return err
			}
		}
		return a.noteRunner(ctx, tx, by, "runner-removed", name)
	})
	if errors.Is(err, store.ErrNotFound) {
		err = refused(codeNotFound, "there is no runner %s", shown(name))
	}
	return gone, err
}

func (a *App) noteRunner(ctx context.Context, tx store.Tx, by caller, kind, name string) error {
	err := tx.Audit(ctx, store.AuditEntry{At: a.now(), Kind: kind, Actor: by.login, Door: by.door, Event: map[string]string{"runner": name}})
	if err != nil {
		return fmt.Errorf("note %s of %s: %w", kind, name, err)
	}
	return nil
}
