// Package redact hides secrets in text. Every place where a value stands, as it
// is or in a form that programs print it in, becomes ***.
//
// What it finds is exact: a value that was reversed, compressed or printed letter
// by letter is not found. Of base64 and hex it also finds parts of a value, since
// lines are wrapped anywhere.
package redact

import (
	"bytes"
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
	values   []string // as variants has them
	patterns []string // sorted, no two the same, none shorter than MinLength
	find     *automaton
	encoded  *encodings
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
	var all Masker
	if m != nil {
		all = Masker{values: slices.Clone(m.values), patterns: slices.Clone(m.patterns)}
	}
	for _, v := range values {
		all.values = append(all.values, variants(v)...)
		all.patterns = append(all.patterns, forms(v)...)
	}
	slices.Sort(all.patterns)
	all.patterns = slices.Compact(all.patterns)
	if len(all.patterns) == 0 {
		return nil
	}
	all.find, all.encoded = newAutomaton(all.patterns), newEncodings(all.values)
	return &all
}

// spans adds the parts of a text to hide to those known before, which stand at its
// beginning, and tells how much of its end may be the beginning of one.
func (m *Masker) spans(w within, known []span) (all []span, open int) {
	all, open = m.find.spans(w.text, known)
	more, held := m.encoded.spans(w)
	return merge(all, more), max(open, held)
}

// Bytes returns a text with everything hidden: the same slice when there was
// nothing to hide, else a new one.
func (m *Masker) Bytes(line []byte) []byte {
	if m == nil {
		return line
	}
	spans, _ := m.spans(within{text: line, ended: true}, nil)
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
	spans, _ := m.spans(within{text: []byte(text), ended: true}, nil)
	return len(spans) > 0
}

// Longest is the most bytes a Stream holds back.
func (m *Masker) Longest() int {
	if m == nil {
		return 0
	}
	return max(m.find.longest, fragment+maxBlank)
}

// Stream hides values in text that comes in pieces, wherever it is cut. Its
// zero value is ready. The Masker may be another one in each call.
type Stream struct {
	held    []byte // could be the beginning of a secret
	covered int    // how many bytes of it belong to a mask that was put out
	inside  bool   // something of the line it stands in was put out
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
		if spans, open = m.spans(within{text: text, inside: s.inside, ended: end}, spans); !end {
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
	s.inside = !end && startsInside(text[:done], s.inside)
	s.held = text[:copy(text, text[done:])]
	return dst
}

// startsInside tells whether what follows a text stands behind more than blanks of
// its line.
func startsInside(text []byte, inside bool) bool {
	if n := bytes.LastIndexByte(text, '\n'); n >= 0 {
		text, inside = text[n+1:], false
	}
	return inside || len(bytes.TrimLeft(text, blank)) > 0
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
