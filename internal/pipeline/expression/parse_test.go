package expression

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	tests := []struct {
		text string
		want []Reference
	}{
		{"", nil},
		{"no expression: $ { { }} ${ {{ $HOME ${x}", nil},
		{"${{ source.commit }}", []Reference{{Name{"source", "commit"}, 4}}},
		{"${{source.commit}}", []Reference{{Name{"source", "commit"}, 3}}},
		{"${{\n\t build.compile.go-version \r\n}}", []Reference{{Name{"build", "compile", "go-version"}, 6}}},
		{"é${{ a }}}${{ b_1.c--2 }} $${{ d }}", []Reference{{Name{"a"}, 6}, {Name{"b_1", "c--2"}, 15}, {Name{"d"}, 32}}},
		{"${{ _a._b }}", []Reference{{Name{"_a", "_b"}, 4}}},
		{"${{ true.false }}", []Reference{{Name{"true", "false"}, 4}}},
		{"${{ a == b && contains(c, 'd') }}${{ e }}", []Reference{{Name{"a"}, 4}, {Name{"b"}, 9}, {Name{"c"}, 23}, {Name{"e"}, 37}}},
		{"${{ '}}${{ x' }}${{ a }}", []Reference{{Name{"a"}, 20}}},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			got, err := Parse(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.Names()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestShape reads conditions: what binds how.
func TestShape(t *testing.T) {
	tests := []struct{ text, want string }{
		{"a", "a"},
		{" ${{ a }}\n", "a"},
		{"a.sign-off-1", "a.sign-off-1"},
		{"'it''s'", "'it''s'"},
		{"''", "''"},
		{"''''", "''''"},
		{"'é}}'", "'é}}'"},
		{"5 == -1.50", "(== 5 -1.5)"},
		{"+1e3 == 007", "(== 1000 7)"},
		{"-0", "0"},
		{"true && false || null", "(|| (&& true false) null)"},
		{"a || b && c || d", "(|| a (&& b c) d)"},
		{"(a || b) && c", "(&& (|| a b) c)"},
		{"(a || b) || c", "(|| (|| a b) c)"},
		{"a == b && c != d", "(&& (== a b) (!= c d))"},
		{"a<b||c>=d", "(|| (< a b) (>= c d))"},
		{"a == !b", "(== a (! b))"},
		{"!!a && !(b == c)", "(&& (! (! a)) (! (== b c)))"},
		{"(!a) == b", "(== (! a) b)"},
		{"(a == b) == true", "(== (== a b) true)"},
		{"success ( )", "(success)"},
		{"contains(a, b && c)", "(contains a (&& b c))"},
		{"contains.a == success.b", "(== contains.a success.b)"},
		{"format('{{{0}}}', a)", "(format '{{{0}}}' a)"},
		{"((((a))))", "a"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			c, err := ParseCondition(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := dump(c.root); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestCalls(t *testing.T) {
	template, err := Parse("x${{ contains(a, format('{0}', hash('**'))) }}${{ success() }}")
	if err != nil {
		t.Fatal(err)
	}
	want := []Call{{"contains", "", 5, true}, {"format", "", 17, false}, {"hash", "**", 31, false}, {"success", "", 50, true}}
	if diff := cmp.Diff(want, template.Calls()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	c, err := ParseCondition("!changed('a') && b.c")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Call{{"changed", "a", 1, false}}, c.Calls()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]Reference{{Name{"b", "c"}, 17}}, c.Names()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestHostileText reads texts that cost much if read carelessly.
func TestHostileText(t *testing.T) {
	const size = 1 << 20
	for _, part := range []string{
		"(", "!", "${{", "'", "''", "${{'", "a.", "a ", "1", " ", "contains(", "${{ a }}", "${{ 'a' && b }}", "a&&", "{0}", "-", "${{ (", "${{ format('{0}',",
	} {
		text := strings.Repeat(part, size/len(part))
		for _, whole := range []string{text, "${{ " + text, "${{ '" + text, "${{ " + text + " }}"} {
			_, templateErr := Parse(whole)
			_, conditionErr := ParseCondition(whole)
			if conditionErr == nil {
				t.Errorf("a condition of a million times %q is read", part)
			}
			checkError(t, whole, templateErr)
			checkError(t, whole, conditionErr)
		}
	}
}

func TestDepth(t *testing.T) {
	for _, part := range [][2]string{{"(", ")"}, {"!", ""}, {"contains('',", ")"}} {
		for depth, ok := range map[int]bool{deepest: true, deepest + 1: false} {
			text := strings.Repeat(part[0], depth) + "''" + strings.Repeat(part[1], depth)
			if _, err := ParseCondition(text); (err == nil) != ok {
				t.Errorf("%d times %s: %v", depth, part[0], err)
			}
		}
	}
}

func TestLength(t *testing.T) {
	fits := "'" + strings.Repeat("a", longestExpression-2) + "'"
	if _, err := ParseCondition(fits); err != nil {
		t.Error(err)
	}
	if _, err := ParseCondition(fits + " "); err != nil {
		t.Error(err)
	}
	if _, err := ParseCondition("a==" + fits); err == nil {
		t.Error("an expression that is too long is read")
	}
}

// TestPrinted writes trees and reads them back.
func TestPrinted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := drawNode(t, 5)
		written := source(tree, weakest)
		if len(written) > longestExpression {
			return
		}
		c, err := ParseCondition(written)
		if err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if got, want := dump(c.root), dump(tree); got != want {
			t.Fatalf("%s\nis read as %s\nnot as     %s", written, got, want)
		}
		first, firstErr := c.Evaluate(testScope)
		again, againErr := c.Evaluate(testScope)
		if first != again || (firstErr == nil) != (againErr == nil) {
			t.Fatalf("%s: %v, %v and then %v, %v", written, first, firstErr, again, againErr)
		}
		checkError(t, written, firstErr)
	})
}

// TestImmutable gives names away that callers may keep and change.
func TestImmutable(t *testing.T) {
	template, err := Parse("${{ a.b }}")
	if err != nil {
		t.Fatal(err)
	}
	template.Names()[0].Name[0] = "x"
	spoil := Scope{Lookup: func(n Name) (string, error) {
		joined := n.String()
		n[0] = "y"
		return joined, nil
	}}
	for range 2 {
		if got, err := template.Expand(spoil); err != nil || got != "a.b" {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

func TestFind(t *testing.T) {
	tests := []struct {
		text   string
		offset int
		ok     bool
	}{
		{"", 0, false},
		{"${ {{ }}", 0, false},
		{"${{", 0, true},
		{"é ${{ a }} ${{ b }}", 3, true},
	}
	for _, test := range tests {
		if offset, ok := Find(test.text); offset != test.offset || ok != test.ok {
			t.Errorf("Find(%q) = %d, %v", test.text, offset, ok)
		}
	}
}

type reporter interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkError asks that an error is one to show: an *Error at a place of the
// text. Only what is missing at its end stands right behind it.
func checkError(t reporter, text string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var e *Error
	if !errors.As(err, &e) || e.Message == "" || e.Offset < 0 || e.Offset > len(text) || len(e.Error()) > 600 {
		t.Fatalf("error %#v in a text of %d bytes", err, len(text))
	}
}
