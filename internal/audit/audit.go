// Package audit chains the rows of the audit log: the hash of each is over that of the
// row before it and over everything that the row says. So a row that was changed,
// removed, inserted or moved shows, to whoever has the log alone; and a log that was cut
// at its end, or made anew, to whoever has kept its head elsewhere. It reads and writes
// nothing but what it is given.
package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// Row is one row of the log.
type Row struct {
	Number     int64     `json:"number"` // from 1, without gaps
	At         time.Time `json:"at"`     // in UTC, with milliseconds
	Repository int64     `json:"repository"`
	Execution  string    `json:"execution"`
	Kind       string    `json:"kind"`
	Actor      string    `json:"actor"`
	Door       string    `json:"door"`
	Event      string    `json:"event"` // the JSON as it is stored: the hash is over its bytes
	Hash       string    `json:"hash"`  // hexadecimal SHA-256
}

// Begin is the hash that the first row follows: there is none before it.
var Begin = hex.EncodeToString(make([]byte, sha256.Size))

// form begins what is hashed, so that another form of it, one day, is another hash.
const form = "stagegate audit 1\n"

// Follow is the hash of a row that stands behind the one with the hash before.
func (r Row) Follow(before string) string {
	h := sha256.New()
	number := func(n int64) { _ = binary.Write(h, binary.BigEndian, n) } // a hash takes all
	text := func(s string) {
		number(int64(len(s)))
		h.Write([]byte(s))
	}
	text(form)
	text(before)
	number(r.Number)
	number(milliseconds(r.At))
	number(r.Repository)
	for _, s := range []string{r.Execution, r.Kind, r.Actor, r.Door, r.Event} {
		text(s)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// kept is a time as the store keeps it.
func kept(t time.Time) time.Time {
	if ms := milliseconds(t); ms != 0 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

// milliseconds since 1970; the zero time is zero, as the store keeps it.
func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
