package expression

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		text   string
		offset int
		want   string
	}{
		{"a ${{ source.commit", 2, "the expression is not closed"},
		{"${{", 0, "the expression is not closed"},
		{"${{ a } }", 0, "the expression is not closed"},
		{"${{ a ${{ b }}", 0, "the expression is not closed"},
		{"${{ a }} ${{ b", 9, "the expression is not closed"},
		{"${{}}", 0, "the expression is empty"},
		{"ab${{ \n }}", 2, "the expression is empty"},
		{"${{ a. }}", 6, `a name is missing after the dot of "a."`},
		{"${{ a..b }}", 6, `a name is missing after the dot of "a."`},
		{"${{ a.1 }}", 6, `a name is missing after the dot of "a."`},
		{"${{ a.-b }}", 6, `a name is missing after the dot of "a."`},
		{"${{ .a }}", 4, `"." does not belong in an expression`},
		{"${{ a . b }}", 6, `"." does not belong in an expression`},
		{"${{ a b }}", 6, "an expression is one name now, and here a second one begins"},
		{"${{ a == b }}", 6, "the operator == is not supported yet"},
		{"${{ a==b }}", 5, "the operator == is not supported yet"},
		{"${{ a != b }}", 6, "the operator != is not supported yet"},
		{"${{ a < b }}", 6, "the operator < is not supported yet"},
		{"${{ a >= b }}", 6, "the operator >= is not supported yet"},
		{"${{ a && b }}", 6, "the operator && is not supported yet"},
		{"${{ a || b }}", 6, "the operator || is not supported yet"},
		{"${{ !a }}", 4, "the operator ! is not supported yet"},
		{"${{ 'x' }}", 4, "the literal 'x' is not supported yet"},
		{"${{ 'it''s' }}", 4, "the literal 'it''s' is not supported yet"},
		{"${{ 'x }}", 4, "the literal '… is not supported yet"},
		{`${{ "x" }}`, 4, `" does not belong in an expression`},
		{"${{ 5 }}", 4, "the literal 5 is not supported yet"},
		{"${{ -1.5 }}", 4, "the literal -1.5 is not supported yet"},
		{"${{ -a }}", 4, `"-" does not belong in an expression`},
		{"${{ true }}", 4, "the literal true is not supported yet"},
		{"${{ null }}", 4, "the literal null is not supported yet"},
		{"${{ success() }}", 4, "the call success() is not supported yet"},
		{"${{ hash('**') }}", 4, "the call hash() is not supported yet"},
		{"${{ (a) }}", 4, "grouping with ( ) is not supported yet"},
		{"${{ a['b'] }}", 5, "indexing with [ ] is not supported yet"},
		{"${{ a.* }}", 6, `a name is missing after the dot of "a."`},
		{"${{ é }}", 4, `"é" does not belong in an expression`},
		{"${{ \xff }}", 4, `"\xff" does not belong in an expression`},
		{"${{ '" + strings.Repeat("é", 50) + "' }}", 4, "the literal '" + strings.Repeat("é", 19) + "… is not supported yet"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			_, err := Parse(test.text)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v", err)
			}
			if e.Offset != test.offset || e.Message != test.want {
				t.Errorf("got  %d %s\nwant %d %s", e.Offset, e.Message, test.offset, test.want)
			}
			if e.Hint != "" && !strings.Contains(err.Error(), e.Hint) {
				t.Errorf("%q leaves out the hint %q", err, e.Hint)
			}
		})
	}
}

func TestExpand(t *testing.T) {
	values := map[string]string{"a.b": "1", "c": "${{ a.b }}", "empty": ""}
	missing := errors.New("no such name")
	lookup := func(n Name) (string, error) {
		v, ok := values[n.String()]
		if !ok {
			return "", missing
		}
		return v, nil
	}
	tests := []struct {
		text, want string
		err        error
	}{
		{"", "", nil},
		{"plain }} text", "plain }} text", nil},
		{"${{ a.b }}", "1", nil},
		{"<${{ a.b }}-${{a.b}}${{ empty }}>", "<1-1>", nil},
		{"${{ c }}", "${{ a.b }}", nil}, // what a value holds is not read again
		{"${{ a.b }}${{ d }}", "", missing},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			template, err := Parse(test.text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := template.Expand(lookup)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %q, %v; want %q, %v", got, err, test.want, test.err)
			}
		})
	}
}

// TestImmutable gives names away that callers may keep and change.
func TestImmutable(t *testing.T) {
	template, err := Parse("${{ a.b }}")
	if err != nil {
		t.Fatal(err)
	}
	template.Names()[0].Name[0] = "x"
	spoil := func(n Name) (string, error) {
		joined := n.String()
		n[0] = "y"
		return joined, nil
	}
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

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "plain", "${{ source.commit }}", "a${{b.c-d}}e${{ f }}", "${{ }}", "${{ a", "${{ 'it''s }}' }}", "${{ a == 'b' }}",
		"${{ f('x', -1.5) }}", "${{ a[0] }}", "${{ !(a && b) || c }}", "${{ ${{ }} }}", "é${{ é }}", "${{ a..b }}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		template, err := Parse(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Message == "" || e.Offset < 0 || e.Offset >= len(text) {
				t.Fatalf("error %#v in a text of %d bytes", err, len(text))
			}
			return
		}
		offset, ok := Find(text)
		if ok != (len(template.Names()) > 0) {
			t.Fatalf("Find says %d, %v of %v", offset, ok, template.Names())
		}
		for _, ref := range template.Names() {
			if !strings.HasPrefix(text[ref.Offset:], ref.Name.String()) {
				t.Errorf("%s does not stand at %d", ref.Name, ref.Offset)
			}
		}
		same, err := template.Expand(func(n Name) (string, error) { return "${{" + n.String() + "}}", nil })
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(same)
		if err != nil || len(again.Names()) != len(template.Names()) {
			t.Errorf("%q became %q: %v", text, same, err)
		}
	})
}
