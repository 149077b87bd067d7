package expression

import (
	"math"
	"strconv"
	"strings"
)

type kind int

const (
	null kind = iota
	boolean
	number
	text
)

// value is what an expression comes to. Only the field of its kind is set.
type value struct {
	kind   kind
	truth  bool
	number float64 // finite, never -0
	text   string
}

func ofText(s string) value { return value{kind: text, text: s} }
func ofTruth(b bool) value  { return value{kind: boolean, truth: b} }

// String is the text that stands in place of an expression.
func (v value) String() string {
	switch v.kind {
	case boolean:
		return strconv.FormatBool(v.truth)
	case number:
		if size := math.Abs(v.number); size != 0 && (size < 1e-6 || size >= 1e21) {
			return strconv.FormatFloat(v.number, 'e', -1, 64)
		}
		return strconv.FormatFloat(v.number, 'f', -1, 64)
	case text:
		return v.text
	case null:
	}
	return ""
}

// truthy tells whether a value counts as true. Of texts all but the empty one
// do.
func (v value) truthy() bool {
	switch v.kind {
	case boolean:
		return v.truth
	case number:
		return v.number != 0
	case text:
		return v.text != ""
	case null:
	}
	return false
}

// deceives tells whether a value counts as true and says false.
func (v value) deceives() bool {
	return v.kind == text && (v.text == "0" || strings.EqualFold(v.text, "false"))
}

// equal compares. A text beside another kind is taken for that kind if it is
// written like a value of it; values of two kinds are not equal otherwise.
func equal(a, b value) bool {
	if a.kind == b.kind {
		return a == b
	}
	if b.kind == text {
		a, b = b, a
	}
	switch {
	case a.kind != text:
		return false
	case b.kind == number:
		n, ok := parseNumber(a.text)
		return ok && n == b.number
	}
	return a.text == b.String()
}

// asNumber is a number, or a text that is written like one.
func (v value) asNumber() (float64, bool) {
	if v.kind == text {
		return parseNumber(v.text)
	}
	return v.number, v.kind == number
}

// parseNumber reads a decimal number: a sign, digits, a fraction and an
// exponent, all but the digits as one likes.
func parseNumber(s string) (float64, bool) {
	rest := strings.TrimLeft(s, "+-")
	if len(s)-len(rest) > 1 {
		return 0, false
	}
	rest, ok := digits(rest)
	if after, found := strings.CutPrefix(rest, "."); ok && found {
		rest, ok = digits(after)
	}
	if ok && rest != "" && (rest[0] == 'e' || rest[0] == 'E') {
		rest = rest[1:]
		if rest != "" && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		rest, ok = digits(rest)
	}
	if !ok || rest != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n + 0, err == nil // -0 + 0 is 0
}

// digits cuts the digits off that a text starts with; ok if there are any.
func digits(s string) (rest string, ok bool) {
	rest = strings.TrimLeft(s, "0123456789")
	return rest, len(rest) < len(s)
}
