package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
)

// What of an encoded value is enough to know it by.
const (
	fragment   = 12 // characters of it, anywhere
	leastText  = 4  // base64 of it, where a line breaks it off
	leastHex   = 6  // hex of it there
	leastBytes = 8  // what a fragment is told from others by
)

// encodings finds values in base64 and in hex, whatever stands around them and
// wherever lines are wrapped: every fragment of an encoded value is hidden, and
// at the edges of a line also a shorter beginning or end of one.
type encodings struct {
	fragments map[[fragment]byte]struct{}
	seen      []uint64 // what the first bytes of fragments come to: most text is none
	shift     uint
	heads     map[string]struct{} // shorter than a fragment: how values begin
	tails     map[string]struct{} // and how they end
}

// newEncodings returns nil where there is nothing to find.
func newEncodings(values []string) *encodings {
	e := &encodings{
		fragments: map[[fragment]byte]struct{}{}, heads: map[string]struct{}{}, tails: map[string]struct{}{},
	}
	for _, v := range values {
		for _, text := range base64Of(v) {
			e.add(text, leastText)
		}
		for _, text := range hexOf(v) {
			e.add(text, leastHex)
		}
	}
	if len(e.heads) == 0 {
		return nil
	}
	bits := uint(10)
	for 1<<bits < 16*len(e.fragments) {
		bits++
	}
	e.seen, e.shift = make([]uint64, 1<<bits/64), 64-bits
	for f := range e.fragments {
		at := e.place(f[:])
		e.seen[at/64] |= 1 << (at % 64)
	}
	return e
}

func (e *encodings) add(text string, least int) {
	for i := 0; i+fragment <= len(text); i++ {
		e.fragments[[fragment]byte([]byte(text[i:i+fragment]))] = struct{}{}
	}
	for n := least; n < min(fragment, len(text)); n++ {
		e.heads[text[:n]] = struct{}{}
		e.tails[text[len(text)-n:]] = struct{}{}
	}
}

// place is where seen has a fragment.
func (e *encodings) place(text []byte) uint64 {
	return binary.LittleEndian.Uint64(text[:leastBytes]) * 0x9e3779b97f4a7c15 >> e.shift
}

// within is a part of a text and where it stands in it.
type within struct {
	text   []byte
	inside bool // a line has begun before it
	ended  bool // it ends with its last line
}

// spans lists the parts of the text to hide, in order and apart, and how much of
// its end may be the beginning of one.
func (e *encodings) spans(w within) (all []span, open int) {
	if e == nil {
		return nil, 0
	}
	for at := 0; at <= len(w.text); {
		end, ended := len(w.text), w.ended
		if n := bytes.IndexByte(w.text[at:], '\n'); n >= 0 {
			end, ended = at+n, true
		}
		line := w.text[at:end]
		if at > 0 || !w.inside {
			all = e.tail(all, line, at)
		}
		all = e.inner(all, line, at)
		if ended {
			all = e.head(all, line, at)
		}
		at = end + 1
	}
	if !w.ended {
		open = trailing(w.text)
	}
	return all, open
}

// trailing is how much of the text's end may go on as an encoded value, or is
// blank before a line's end.
func trailing(text []byte) int {
	rest := withoutBlank(text)
	n := 0
	for n < min(len(rest), fragment-1) && encoding[rest[len(rest)-1-n]] {
		n++
	}
	if n == 0 {
		return 0
	}
	return n + len(text) - len(rest)
}

const (
	blank    = " \t\r"
	maxBlank = 4 // so much of it at the end of a line does not count
)

// withoutBlank is a text without the blank at its end, unless that is long.
func withoutBlank(text []byte) []byte {
	rest := bytes.TrimRight(text, blank)
	if len(text)-len(rest) > maxBlank {
		return text
	}
	return rest
}

func (e *encodings) inner(all []span, line []byte, at int) []span {
	for i := 0; i+fragment <= len(line); {
		if n := lastOther(line[i : i+fragment]); n >= 0 {
			i += n + 1
			continue
		}
		if p := e.place(line[i:]); e.seen[p/64]&(1<<(p%64)) != 0 {
			if _, found := e.fragments[[fragment]byte(line[i:i+fragment])]; found {
				all = join(all, span{at + i, at + i + fragment})
			}
		}
		i++
	}
	return all
}

// lastOther is the last place of a character that no encoding has; -1: none. The
// last one tells most.
func lastOther(text []byte) int {
	for i := len(text) - 1; i >= 0; i-- {
		if !encoding[text[i]] {
			return i
		}
	}
	return -1
}

// tail hides the end of a value that the line begins with.
func (e *encodings) tail(all []span, line []byte, at int) []span {
	rest := bytes.TrimLeft(line, blank)
	start := at + len(line) - len(rest)
	for n := min(len(rest), fragment-1); n >= leastText; n-- {
		if _, found := e.tails[string(rest[:n])]; found {
			return join(all, span{start, start + n})
		}
	}
	return all
}

// head hides the beginning of a value that the line ends with.
func (e *encodings) head(all []span, line []byte, at int) []span {
	rest := withoutBlank(line)
	for n := min(len(rest), fragment-1); n >= leastText; n-- {
		if _, found := e.heads[string(rest[len(rest)-n:])]; found {
			return join(all, span{at + len(rest) - n, at + len(rest)})
		}
	}
	return all
}

// encoding tells the characters of base64 in both alphabets, and so of hex.
var encoding = func() (is [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_") {
		is[c] = true
	}
	return is
}()

// base64Of is a value in both alphabets. Three bytes become four characters, so
// it looks different behind none, one or two others; the characters that it
// shares with its neighbours are left out, but for the last one of a text that
// ends with it.
func base64Of(value string) []string {
	var all []string
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before, shared := range []int{0, 2, 3} {
			text := append(make([]byte, before), value...)
			last := enc.EncodeToString(text)[shared:]
			all = append(all, last)
			if len(text)%3 != 0 {
				all = append(all, last[:len(last)-1])
			}
		}
	}
	return all
}

func hexOf(value string) []string {
	lower := hex.EncodeToString([]byte(value))
	return []string{lower, strings.ToUpper(lower)}
}

// short are the encoded forms that have no fragment.
func short(value string) []string {
	return slices.DeleteFunc(append(base64Of(value), hexOf(value)...), func(s string) bool { return len(s) >= fragment })
}
