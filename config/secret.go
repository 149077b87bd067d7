package config

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a value that no log, error or encoding shows. The zero value is one
// that was not set and prints as nothing.
type Secret struct{ value string }

// NewSecret makes a Secret of its plain text.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the plain text, for the one call that needs it.
func (s Secret) Reveal() string { return s.value }

func (s Secret) String() string {
	if s.value == "" {
		return ""
	}
	return redacted
}

// GoString is String: %#v shows nothing more.
func (s Secret) GoString() string { return s.String() }

// Format is String under every verb; without it %d would show the plain text.
func (s Secret) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, s.String()) // nothing to do where a Formatter cannot write
}

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String, so that JSON shows nothing more.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
