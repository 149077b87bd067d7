// Package keeper guards the keys under which values are encrypted at rest. It opens
// the key that the operator names by URL (a file, a KMS, Vault), which wraps data
// keys, and seals values with a data key. It knows no table and no secret of
// Stagegate's, and is the only importer of gocloud.dev/secrets.
package keeper

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gocloud.dev/secrets"
	_ "gocloud.dev/secrets/awskms"        // awskms:
	_ "gocloud.dev/secrets/azurekeyvault" // azurekeyvault:
	_ "gocloud.dev/secrets/gcpkms"        // gcpkms:
	_ "gocloud.dev/secrets/hashivault"    // hashivault:
	"gocloud.dev/secrets/localsecrets"
)

// Schemes are the kinds of URL that Open takes.
var Schemes = []string{"file", "awskms", "azurekeyvault", "gcpkms", "hashivault"}

// patience is how long a KMS may take for one answer.
const patience = 20 * time.Second

// Keeper wraps data keys with a key that stands elsewhere.
type Keeper struct {
	keeper *secrets.Keeper
	name   string
}

// Failure is a key that could not be used. What was said of it names accounts, roles and
// hosts, which are for the operator alone to read.
type Failure struct {
	Key  string
	Said error
}

func (f *Failure) Error() string { return fmt.Sprintf("use the key %s: %v", f.Key, f.Said) }

func (f *Failure) Unwrap() error { return f.Said }

// Open opens the key that a URL names. A file must be there: Make makes one.
func Open(ctx context.Context, address string) (*Keeper, error) {
	u, err := url.Parse(address)
	if err != nil || !slices.Contains(Schemes, u.Scheme) {
		return nil, fmt.Errorf("the URL of a key begins with one of %s", strings.Join(Schemes, ":, ")+":")
	}
	if u.Scheme == "file" {
		return OpenFile(filepath.FromSlash(u.Path))
	}
	k, err := secrets.OpenKeeper(ctx, address)
	if err != nil {
		return nil, &Failure{u.Redacted(), err}
	}
	return &Keeper{k, u.Redacted()}, nil
}

// OpenFile opens a file that holds a key of 32 bytes in base64. The keeper's name is a
// digest of the key, so that another key in the same file is not taken for it.
func OpenFile(path string) (*Keeper, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	key, err := localsecrets.Base64KeyStd(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("the file %s is not a key: it is to hold 32 bytes in base64, as head -c 32 /dev/urandom | base64 writes them", path)
	}
	sum := sha256.Sum256(append([]byte("stagegate key of secrets\x00"), key[:]...))
	return &Keeper{localsecrets.NewKeeper(key), "file:" + hex.EncodeToString(sum[:8])}, nil
}

// Make makes a file with a new key, whole or not at all. One that is there already
// stays.
func Make(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	defer os.Remove(f.Name())
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Link(f.Name(), path) // which does not replace
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make a key: %w", err)
	}
	return nil
}

// Name tells keys apart: what was wrapped by the keeper of one name, one of the same
// name opens. There is nothing secret in it.
func (k *Keeper) Name() string { return k.name }

// Wrap encrypts a data key.
func (k *Keeper) Wrap(ctx context.Context, key DataKey) ([]byte, error) {
	return k.ask(ctx, key.raw[:], k.keeper.Encrypt)
}

// Unwrap is the inverse of Wrap.
func (k *Keeper) Unwrap(ctx context.Context, wrapped []byte) (DataKey, error) {
	raw, err := k.ask(ctx, wrapped, k.keeper.Decrypt)
	if err != nil {
		return DataKey{}, err
	}
	if len(raw) != keySize {
		return DataKey{}, fmt.Errorf("the key %s opens something that is no data key", k.name)
	}
	return DataKey{raw: [keySize]byte(raw)}, nil
}

// ask has a text encrypted or decrypted. A client that does not expect what its
// server answered must not take the process down, and what it panicked with may
// hold a key.
func (k *Keeper) ask(ctx context.Context, text []byte, do func(context.Context, []byte) ([]byte, error)) (answer []byte, err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("the key %s gave an answer that was not expected", k.name)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if answer, err = do(ctx, text); err != nil {
		return nil, &Failure{k.name, err}
	}
	return answer, nil
}

// Close gives back what the keeper holds.
func (k *Keeper) Close() error { return k.keeper.Close() }
