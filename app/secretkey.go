package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/stagegate/stagegate/app/keeper"
	"github.com/stagegate/stagegate/app/store"
)

// secretKeys has the keys of secrets. A data key, which stands in the database,
// seals them; it is wrapped by a key that does not. That one is asked once for each
// data key while the process runs.
type secretKeys struct {
	mu      sync.Mutex
	present *keeper.Keeper // nil until it could be opened
	old     *keeper.Keeper // nil: there is none
	opened  map[int64]keeper.DataKey
}

// openSecretKeys opens the keys that the settings name, once. What went wrong is
// tried again at the next use.
func (a *App) openSecretKeys(ctx context.Context) (present, old *keeper.Keeper, err error) {
	k := &a.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.present != nil {
		return k.present, k.old, nil
	}
	if url := a.settings.SecretsOldKeyURL; url != "" && k.old == nil {
		if k.old, err = keeper.Open(ctx, url); err != nil {
			return nil, nil, fmt.Errorf("STAGEGATE_SECRETS_OLD_KEY_URL: %w", err)
		}
	}
	if url := a.settings.SecretsKeyURL; url != "" {
		if k.present, err = keeper.Open(ctx, url); err != nil {
			return nil, nil, fmt.Errorf("STAGEGATE_SECRETS_KEY_URL: %w", err)
		}
	} else if k.present, err = a.keptKey(ctx); err != nil {
		return nil, nil, err
	}
	return k.present, k.old, nil
}

// errLostKey is returned where the key file of the data folder is gone.
var errLostKey = errors.New("the key of secrets is lost")

// keptKey opens the key file of the data folder, which is made at the first start.
// In place of one that is gone none is made: it would open nothing.
func (a *App) keptKey(ctx context.Context) (*keeper.Keeper, error) {
	path := a.settings.SecretsKeyPath()
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := a.neverSealed(ctx, path); err != nil {
			return nil, err
		}
		if err := keeper.Make(path); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, fmt.Errorf("read the key of secrets: %w", err)
	case info.Mode().Perm()&0o077 != 0:
		a.log.Warn("the key of secrets may be read by other users of this machine", "file", path, "mode", info.Mode().Perm().String())
	}
	return keeper.OpenFile(path)
}

// neverSealed refuses to make a key file where one has been.
func (a *App) neverSealed(ctx context.Context, path string) error {
	return a.store.View(ctx, func(tx store.Tx) error {
		keys, err := tx.SecretKeys(ctx)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(keys, func(k store.SecretKey) bool { return strings.HasPrefix(k.Keeper, "file:") }) {
			return fmt.Errorf("%w: %s is not there, and secrets were sealed under it; put it back from your backup, "+
				"or, if it is gone for good, make another (head -c 32 /dev/urandom | base64 > %s) and set every secret again", errLostKey, path, path)
		}
		return nil
	})
}

// sealingKey is a data key with its row. Without an ID it is not stored yet.
type sealingKey struct {
	row store.SecretKey
	key keeper.DataKey
}

// sealing returns the data key that the present key wraps, or a new one.
func (a *App) sealing(ctx context.Context) (sealingKey, error) {
	present, _, err := a.openSecretKeys(ctx)
	if err != nil {
		return sealingKey{}, err
	}
	rows, err := a.secretKeyRows(ctx)
	if err != nil {
		return sealingKey{}, err
	}
	for _, row := range rows {
		if row.Keeper == present.Name() {
			key, err := a.unwrapped(ctx, row)
			return sealingKey{row, key}, err
		}
	}
	return a.newSealing(ctx, present)
}

func (a *App) newSealing(ctx context.Context, present *keeper.Keeper) (sealingKey, error) {
	key := keeper.NewDataKey()
	wrapped, err := present.Wrap(ctx, key)
	return sealingKey{store.SecretKey{Keeper: present.Name(), Wrapped: wrapped, MadeAt: a.now()}, key}, err
}

func (a *App) secretKeyRows(ctx context.Context) (rows []store.SecretKey, err error) {
	err = a.store.View(ctx, func(tx store.Tx) error {
		rows, err = tx.SecretKeys(ctx)
		return err
	})
	return rows, err
}

// stored makes sure that the data key is in the database: it may be new, or have been
// rotated away since it was read.
func (k *sealingKey) stored(ctx context.Context, tx store.Tx) error {
	if k.row.ID == 0 {
		return tx.AddSecretKey(ctx, &k.row)
	}
	rows, err := tx.SecretKeys(ctx)
	if err == nil && !slices.ContainsFunc(rows, func(r store.SecretKey) bool { return r.ID == k.row.ID }) {
		err = refused(codeConflict, "the key of secrets was changed at this moment: try again")
	}
	return err
}

// seal encrypts a value for its place and stores it.
func (k *sealingKey) seal(ctx context.Context, tx store.Tx, s store.Secret, value []byte) error {
	s.Key = k.row.ID
	bound, err := s.Bound()
	if err != nil {
		return err
	}
	if s.Sealed, err = k.key.Seal(value, bound); err != nil {
		return err
	}
	return tx.SaveSecret(ctx, s)
}

// unwrapped returns the data key of a row.
func (a *App) unwrapped(ctx context.Context, row store.SecretKey) (keeper.DataKey, error) {
	present, old, err := a.openSecretKeys(ctx)
	if err != nil {
		return keeper.DataKey{}, err
	}
	a.keys.mu.Lock()
	defer a.keys.mu.Unlock()
	if key, ok := a.keys.opened[row.ID]; ok {
		return key, nil
	}
	by := present
	if old != nil && row.Keeper == old.Name() {
		by = old
	}
	if by.Name() != row.Keeper {
		return keeper.DataKey{}, fmt.Errorf("it is sealed under the key %s, and STAGEGATE_SECRETS_KEY_URL is %s: "+
			"put that key back, or name it with STAGEGATE_SECRETS_OLD_KEY_URL", row.Keeper, by.Name())
	}
	key, err := by.Unwrap(ctx, row.Wrapped)
	if err != nil {
		return keeper.DataKey{}, err
	}
	if a.keys.opened == nil {
		a.keys.opened = map[int64]keeper.DataKey{}
	}
	a.keys.opened[row.ID] = key
	return key, nil
}

// unsealed decrypts a stored value.
func (a *App) unsealed(ctx context.Context, rows []store.SecretKey, s store.Secret) ([]byte, error) {
	i := slices.IndexFunc(rows, func(k store.SecretKey) bool { return k.ID == s.Key })
	if i < 0 {
		return nil, errors.New("the key that sealed it is not in the database")
	}
	key, err := a.unwrapped(ctx, rows[i])
	if err != nil {
		return nil, err
	}
	bound, err := s.Bound()
	if err != nil {
		return nil, err
	}
	value, err := key.Open(s.Sealed, bound)
	if err != nil {
		return nil, fmt.Errorf("%w: set it again", err)
	}
	return value, nil
}

// toldOfKey is what others than the operator are told of a key that cannot be used: what
// a KMS says names accounts, roles and hosts, and a check run may be public.
func toldOfKey(err error) error {
	var failed *keeper.Failure
	if errors.As(err, &failed) {
		return errors.New("the key of secrets could not be used, and the log of the server says why")
	}
	return err
}
