package audit

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Head is the last row of a log. Kept elsewhere, it proves later that nothing up to it
// has changed.
type Head struct {
	Number int64 // zero where it is not known
	Hash   string
}

// String is how people keep a head: NUMBER:HASH.
func (h Head) String() string { return fmt.Sprintf("%d:%s", h.Number, h.Hash) }

// ParseHead reads a head, or the hash of one alone.
func ParseHead(text string) (Head, error) {
	number, hash, numbered := strings.Cut(strings.TrimSpace(text), ":")
	if !numbered {
		number, hash = "", number
	}
	h := Head{Hash: strings.ToLower(hash)}
	if raw, err := hex.DecodeString(h.Hash); err != nil || len(raw)*2 != len(Begin) {
		return Head{}, fmt.Errorf("%q is no head: write NUMBER:HASH as an earlier run printed it, the hash with %d digits", text, len(Begin))
	}
	if numbered {
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n < 0 {
			return Head{}, fmt.Errorf("%q is no head: before the colon stands the number of a row", text)
		}
		h.Number = n
	}
	return h, nil
}

// Broken is the first row at which a log does not hold.
type Broken struct {
	Number int64
	Why    string
}

func (b Broken) Error() string {
	return fmt.Sprintf("the audit log is broken at row %d: %s", b.Number, b.Why)
}

// Verifier goes through a log from its first row. Make it with NewVerifier.
type Verifier struct {
	last Head
	kept Head // zero hash: none is asked for
	met  bool
}

// NewVerifier begins. The log must hold the head that was kept; the zero Head asks for
// none.
func NewVerifier(must Head) *Verifier {
	return &Verifier{last: Head{Hash: Begin}, kept: must, met: must.Hash == "" || must.Hash == Begin}
}

// Next takes the next row. An error is a Broken.
func (v *Verifier) Next(r Row) error {
	want := v.last.Number + 1
	switch {
	case r.Number > want:
		return Broken{want, fmt.Sprintf("it is missing; row %d follows row %d", r.Number, v.last.Number)}
	case r.Number < want:
		return Broken{r.Number, fmt.Sprintf("it stands behind row %d", v.last.Number)}
	case r.Follow(v.last.Hash) != r.Hash, !r.At.Equal(kept(r.At)):
		return Broken{want, "what it says does not give its hash: it was changed or inserted, or is not where it was"}
	case v.kept.Number == want && v.kept.Hash != r.Hash:
		return Broken{want, "its hash is not that of the head which was kept: it, or a row before it, was changed, and the rows from there on were made anew"}
	}
	v.last = Head{r.Number, r.Hash}
	v.met = v.met || v.kept.Hash == r.Hash
	return nil
}

// End is the head of a log that holds, after its last row. An error is a Broken.
func (v *Verifier) End() (Head, error) {
	switch {
	case v.met:
		return v.last, nil
	case v.kept.Number > v.last.Number:
		return Head{}, Broken{v.last.Number + 1, fmt.Sprintf("it is missing, and so is what follows up to row %d, the head which was kept", v.kept.Number)}
	}
	return Head{}, Broken{v.last.Number + 1, "no row up to here has the hash of the head which was kept: rows are missing at the end, or the log was made anew"}
}
