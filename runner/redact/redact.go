// Package redact hides secrets in text. Every place where a value stands, as it
// is or in a form that programs print it in, becomes ***.
//
// What it finds is exact: a value that was reversed, compressed, put into hex or
// printed letter by letter is not found.
package redact

import (
	"slices"
	"strings"
)

// Mask is what stands in place of a secret.
const Mask = "***"

// MinLength is the fewest bytes of a value that is masked. A shorter one would
// tear holes into every text and be guessed from them.
const MinLength = 4

// Masker hides a set of values. It does not change, so any goroutine may use
// it; the nil Masker hides nothing.
type Masker struct {
	patterns []string // sorted, no two the same, none shorter than MinLength
	find     *automaton
}

// New returns what hides the values that are long enough; nil if none is.
func New(values ...string) *Masker {
	var none *Masker
	return none.With(values...)
}

// Maskable tells whether a value is long enough to be hidden. The space around
// a value does not count, and is not hidden.
func Maskable(value string) bool { return len(strings.TrimSpace(value)) >= MinLength }

// With returns what hides these values too.
func (m *Masker) With(values ...string) *Masker {
	var patterns []string
	if m != nil {
		patterns = slices.Clone(m.patterns)
	}
	for _, v := range values {
		patterns = append(patterns, forms(v)...)
	}
	slices.Sort(patterns)
	patterns = slices.Compact(patterns)
	if len(patterns) == 0 {
		return nil
	}
	return &Masker{patterns: patterns, find: newAutomaton(patterns)}
}

// Bytes returns one line with everything hidden: the same slice when there was
// nothing to hide, else a new one.
func (m *Masker) Bytes(line []byte) []byte {
	if m == nil {
		return line
	}
	spans, _ := m.find.spans(line, nil)
	if len(spans) == 0 {
		return line
	}
	return cover(make([]byte, 0, len(line)), line, spans)
}

// String does the same with a text of any number of lines.
func (m *Masker) String(text string) string {
	if m == nil {
		return text
	}
	return string(m.Bytes([]byte(text)))
}

// Finds tells whether there is anything to hide in the text.
func (m *Masker) Finds(text string) bool {
	if m == nil {
		return false
	}
	spans, _ := m.find.spans([]byte(text), nil)
	return len(spans) > 0
}

// Longest is the most bytes a Stream holds back.
func (m *Masker) Longest() int {
	if m == nil {
		return 0
	}
	return m.find.longest
}

// Stream hides values in text that comes in pieces, wherever it is cut. Its
// zero value is ready. The Masker may be another one in each call.
type Stream struct {
	held    []byte // could be the beginning of a secret
	covered int    // how many bytes of it belong to a mask that was put out
}

// Next appends to dst what is certain once data has come.
func (s *Stream) Next(dst []byte, m *Masker, data []byte) []byte {
	return s.put(dst, m, data, false)
}

// End appends the rest. The stream is then as new.
func (s *Stream) End(dst []byte, m *Masker) []byte {
	return s.put(dst, m, nil, true)
}

func (s *Stream) put(dst []byte, m *Masker, data []byte, end bool) []byte {
	text := append(s.held, data...)
	spans := []span{{-1, s.covered}}
	done := len(text)
	if m != nil {
		var open int
		if spans, open = m.find.spans(text, spans); !end {
			done -= open
		}
	}
	s.covered = 0
	for i, p := range spans {
		if p.start >= done { // it will be found again
			spans = spans[:i]
			break
		}
		if p.stop > done {
			s.covered = p.stop - done
			spans[i].stop = done
		}
	}
	dst = cover(dst, text[:done], spans)
	s.held = text[:copy(text, text[done:])]
	return dst
}

// cover appends the text with the spans, which are in order and apart, masked.
// A span that begins before the text has its mask already.
func cover(dst, text []byte, spans []span) []byte {
	at := 0
	for _, p := range spans {
		if p.start >= 0 {
			dst = append(dst, text[at:p.start]...)
			dst = append(dst, Mask...)
		}
		at = p.stop
	}
	return append(dst, text[at:]...)
}
