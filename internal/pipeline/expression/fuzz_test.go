package expression

import (
	"errors"
	"strings"
	"testing"
)

var seeds = []string{
	"", "plain", "source.commit", "a.b-c == 'x' && !(d < 5) || null", "'it''s }}'", "a. ", "a == b == c", "!a == b", "'", "(((a)))",
	"f('x', -1.5)", "a[0]", "é", "a..b", "format('{0}{{}}{1}', a.b, c)", "contains('ab', 'b') == true", "1e999", "-0 == 0", "+1.5e-7",
	"success() || failure() && always() || cancelled()", "changed('docs/**')", "hash('**')", "variables.DEPLOY && c", "format('{0}{0}', c)",
	"source.branch == 'main' && 'a' || 'b'", "a = b", "a and b", `"x"`, "${{ a }}", "a\n==\tb", "'0'", "'1' == 1", "toJSON(a)", "\xff",
}

// FuzzParse asks that a text is read or refused at a place in it, the same each
// time, and that what was read stands where it is said to.
func FuzzParse(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
		f.Add("${{ " + seed + " }}")
		f.Add("a${{ c }}b${{" + seed + "}}")
	}
	f.Fuzz(func(t *testing.T, text string) {
		template, err := Parse(text)
		_, again := Parse(text)
		if (err == nil) != (again == nil) || (err != nil && err.Error() != again.Error()) {
			t.Fatalf("%v and then %v", err, again)
		}
		checkError(t, text, err)
		if err != nil {
			return
		}
		if _, ok := Find(text); ok != (len(template.parts) > 0) {
			t.Fatalf("Find says %v of %d expressions", ok, len(template.parts))
		}
		for _, ref := range template.Names() {
			if !strings.HasPrefix(text[ref.Offset:], ref.Name.String()) {
				t.Errorf("%s does not stand at %d", ref.Name, ref.Offset)
			}
		}
		for _, c := range template.Calls() {
			if !strings.HasPrefix(text[c.Offset:], c.Function) || find(c.Function) == nil {
				t.Errorf("%s() does not stand at %d", c.Function, c.Offset)
			}
		}
		for _, p := range template.parts {
			roundTrip(t, p.root)
		}
		_, err = template.Expand(testScope)
		checkError(t, text, err)
	})
}

// roundTrip writes what was read and reads it again.
func roundTrip(t *testing.T, n node) {
	written := source(n, weakest)
	again, err := ParseCondition(written)
	if err != nil && len(written) > longestExpression/2 {
		return // what is written anew may be longer than an expression may be
	}
	if err != nil || dump(again.root) != dump(n) {
		t.Errorf("%s is read again as %v, %v", written, again, err)
	}
}

// FuzzCondition asks that a condition means the same with ${{ }} around it, that
// it evaluates the same each time, and that what it looks up is never read as
// an expression.
func FuzzCondition(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed, "x")
		f.Add(seed, "${{ a.b }}")
		f.Add(seed, "false")
	}
	f.Fuzz(func(t *testing.T, text, looked string) {
		c, err := ParseCondition(text)
		checkError(t, text, err)
		if err != nil {
			return
		}
		roundTrip(t, c.root)
		scope := testScope
		scope.Lookup = func(Name) (string, error) { return looked, nil }
		holds, err := c.Evaluate(scope)
		checkEvaluation(t, text, err)
		again, errAgain := c.Evaluate(scope)
		if holds != again || (err == nil) != (errAgain == nil) || (holds && err != nil) {
			t.Fatalf("%v, %v and then %v, %v", holds, err, again, errAgain)
		}
		if _, braced := Find(text); braced || len(text) > longestExpression-len(opening) {
			return
		}
		template, err := Parse(opening + text + closing)
		if err != nil {
			t.Fatalf("in braces: %v", err)
		}
		if out, err := template.Expand(scope); err == nil && len(c.Calls()) == 0 && text == c.bareName() && out != looked {
			t.Errorf("%s is %q, not %q", text, out, looked)
		}
	})
}

// bareName is the name a condition consists of, or no text that is read.
func (c Condition) bareName() string {
	if r, ok := c.root.(reference); ok {
		return r.name.String()
	}
	return "\x00"
}

func checkEvaluation(t *testing.T, text string, err error) {
	var e *Error
	if err != nil && (!errors.As(err, &e) || e.Offset < 0 || e.Offset >= len(text)) {
		t.Fatalf("error %#v in a text of %d bytes", err, len(text))
	}
}
