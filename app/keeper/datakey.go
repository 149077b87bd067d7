package keeper

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
)

const keySize = 32

// ErrOther is returned for what was sealed under another data key, for another
// place, or was changed since.
var ErrOther = errors.New("it was sealed under another key, for another place, or has been changed")

// DataKey seals values, with AES-256-GCM. No encoding and no log shows it.
type DataKey struct{ raw [keySize]byte }

// NewDataKey makes a key of chance.
func NewDataKey() DataKey {
	var k DataKey
	_, _ = rand.Read(k.raw[:]) // never fails
	return k
}

// Seal encrypts a value for a place: it can only be opened there.
func (k DataKey) Seal(value, place []byte) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, value, place), nil // #nosec G407 -- the cipher draws the nonce
}

// Open is the inverse of Seal; ErrOther when the place or the key is not the one.
func (k DataKey) Open(sealed, place []byte) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	value, err := aead.Open(nil, nil, sealed, place)
	if err != nil {
		return nil, ErrOther
	}
	return value, nil
}

func (k DataKey) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.raw[:])
	if err == nil {
		var aead cipher.AEAD
		if aead, err = cipher.NewGCMWithRandomNonce(block); err == nil {
			return aead, nil
		}
	}
	return nil, fmt.Errorf("make the cipher: %w", err)
}

// String, GoString and Format show nothing of the key.
func (DataKey) String() string { return "[data key]" }

// GoString is String.
func (k DataKey) GoString() string { return k.String() }

// Format is String, for every verb.
func (k DataKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }
