package expression

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var errMissing = errors.New("nothing is called so")

// known are the names of testScope; docs/expressions.md shows the same.
var known = map[string]string{
	"source.branch": "main", "source.commit": "1f0c2e5", "source.message": "Fix it's build", "source.pull_request": "", "source.fork": "false",
	"execution.number": "41", "execution.trigger": "push",
	"variables.DEPLOY": "false", "variables.REGION": "eu-west-1",
	"build.compile.version": "1.20", "build.compile.changed": "true",
	"a.b": "1", "c": "${{ a.b }}", "build.sign-off.x-1": "x",
}

var testScope = Scope{
	Lookup: func(n Name) (string, error) {
		v, ok := known[n.String()]
		if !ok {
			return "", errMissing
		}
		return v, nil
	},
	Status:  &Status{},
	Changed: func(pattern string) (bool, error) { return pattern == "docs/**", nil },
}

func TestExpand(t *testing.T) {
	tests := []struct {
		text, want string
		err        error
	}{
		{"", "", nil},
		{"plain }} text", "plain }} text", nil},
		{"${{ a.b }}", "1", nil},
		{"<${{ a.b }}-${{a.b}}${{ source.pull_request }}>", "<1-1>", nil},
		{"${{ c }}", "${{ a.b }}", nil}, // what a value holds is not read again
		{"${{ '${{' }} ${{ 'it''s }}' }}", "${{ it's }}", nil},
		{"${{ true }} ${{ null }} ${{ 1.50 }} ${{ -0 }}", "true  1.5 0", nil},
		{"${{ 1e21 }} ${{ 0.00000001 }} ${{ 1e20 }}", "1e+21 1e-08 100000000000000000000", nil},
		{"${{ hash('**/go.sum') }}", "", ErrUnknown},
		{"${{ a.b }}${{ d }}", "", errMissing},
		{"${{ true || d }}", "true", nil}, // what decides nothing is not looked up
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			template, err := Parse(test.text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := template.Expand(testScope)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %q, %v; want %q, %v", got, err, test.want, test.err)
			}
		})
	}
}

// TestPieces leaves digests open, and takes no looked-up text for one.
func TestPieces(t *testing.T) {
	for text, want := range map[string][]Piece{
		"":                                  {{}},
		"plain ${{ a.b }}":                  {{Text: "plain 1"}},
		"${{ c }}${{ hash('x') }}":          {{Text: "${{ a.b }}"}, {Hash: "x"}, {}},
		"a${{ hash('x') }}b${{hash('y')}}c": {{Text: "a"}, {Hash: "x"}, {Text: "b"}, {Hash: "y"}, {Text: "c"}},
		"${{ (hash('it''s')) }}${{ a.b }}":  {{}, {Hash: "it's"}, {Text: "1"}},
	} {
		template, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := template.Pieces(testScope)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", text, err, diff)
		}
	}
	long := Scope{Lookup: func(Name) (string, error) { return strings.Repeat("x", mostBytes/3), nil }}
	for text, want := range map[string]string{
		"${{ hash('x') == '' }}":               "hash() is known only where an action runs",
		"${{ d }}${{ hash('x') }}":             errMissing.Error(),
		"${{ hash('x') }}${{ d }}":             errMissing.Error(),
		"${{ a.a }}${{ hash('x') }}${{ a.a }}": "the texts of the expressions are longer than 1048576 bytes together",
	} {
		template, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		scope := testScope
		if strings.Contains(text, "a.a") {
			scope = long
		}
		if got, err := template.Pieces(scope); err == nil || err.Error() != want {
			t.Errorf("%s: %v, %v; want %s", text, got, err, want)
		}
	}
}

// TestPreview keeps what is not known yet as it is written.
func TestPreview(t *testing.T) {
	scope := Scope{Lookup: func(name Name) (string, error) {
		switch name.String() {
		case "known":
			return "1", nil
		case "wrong":
			return "", errMissing
		}
		return "", fmt.Errorf("look up: %w", ErrUnknown)
	}}
	for text, want := range map[string]string{
		"${{ known }}-${{  later.x }}-${{ known }}": "1-${{  later.x }}-1",
		"${{ format('{0}', later.x) }}":             "${{ format('{0}', later.x) }}",
		"${{ known || later.x }}":                   "1",
	} {
		template, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := template.Preview(scope); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
	template, err := Parse("${{ later.x }}${{ wrong }}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := template.Preview(scope); !errors.Is(err, errMissing) {
		t.Errorf("got %v", err)
	}
}

// TestOrder compares with less, the same and more.
func TestOrder(t *testing.T) {
	for operator, want := range map[string]string{
		"<": "true false false", "<=": "true true false", ">": "false false true", ">=": "false true true",
		"==": "false true false", "!=": "true false true",
	} {
		template, err := Parse("${{ 1 " + operator + " 2 }} ${{ '2' " + operator + " 2.0 }} ${{ 10 " + operator + " '9' }}")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := template.Expand(Scope{}); got != want || err != nil {
			t.Errorf("%s: %s, %v; want %s", operator, got, err, want)
		}
	}
}

func TestEvaluateRefuses(t *testing.T) {
	tests := []struct {
		text   string
		offset int
		want   string
	}{
		{"true && no.such == 'a'", 8, "nothing is called so"},
		{"source.branch < 5", 0, "< compares numbers, and source.branch is none"},
		{"5 >= source.branch", 5, ">= compares numbers, and source.branch is none"},
		{"1 < ''", 4, "< compares numbers, and the right side is none"},
		{"success() < 1", 0, "< compares numbers, and success() is none"},
		{"variables.DEPLOY", 0, "variables.DEPLOY is the text 'false', which would count as true"},
		{"variables.DEPLOY && true", 0, "variables.DEPLOY is the text 'false', which would count as true"},
		{"true && !variables.DEPLOY", 9, "variables.DEPLOY is the text 'false', which would count as true"},
		{"false || 'FALSE'", 0, "this is the text 'FALSE', which would count as true"},
		{"'0'", 0, "this is the text '0', which would count as true"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			c, err := ParseCondition(test.text)
			if err != nil {
				t.Fatal(err)
			}
			holds, err := c.Evaluate(testScope)
			if holds {
				t.Error("it holds")
			}
			checkRefusal(t, err, test.offset, test.want, "")
		})
	}
}

// TestNarrowScope evaluates where less is known.
func TestNarrowScope(t *testing.T) {
	failing := errors.New("no disk")
	scope := Scope{Changed: func(string) (bool, error) { return true, failing }}
	for text, want := range map[string]string{
		"x${{ success() }}":      "success() stands in if only",
		"${{ always() }}":        "always() stands in if only",
		"${{ hash('**') }}":      "hash() is known only where an action runs",
		"${{ changed('**') }}":   "no disk",
		"${{ source.branch }}":   "no name is known here, so not source.branch",
		"${{ !(cancelled()) }} ": "cancelled() stands in if only",
	} {
		template, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := template.Expand(scope)
		if got != "" || err == nil || err.Error() != want {
			t.Errorf("%s: %q, %v; want %s", text, got, err, want)
		}
		checkError(t, text, err)
	}
}

func TestStatus(t *testing.T) {
	success, failed, cancelled := &Status{}, &Status{Failed: true}, &Status{Cancelled: true}
	tests := []struct {
		text string
		want map[*Status]bool
	}{
		{"true", map[*Status]bool{success: true, nil: true}},
		{"false", nil},
		{"no.such", map[*Status]bool{}}, // with success and nil it is an error
		{"success()", map[*Status]bool{success: true}},
		{"failure()", map[*Status]bool{failed: true}},
		{"cancelled()", map[*Status]bool{cancelled: true}},
		{"always()", map[*Status]bool{success: true, failed: true, cancelled: true}},
		{"!cancelled()", map[*Status]bool{success: true, failed: true}},
		{"${{ failure() && source.branch == 'main' }}", map[*Status]bool{failed: true}},
		{"source.branch == 'main' || success()", map[*Status]bool{success: true, failed: true, cancelled: true, nil: true}},
	}
	for _, test := range tests {
		c, err := ParseCondition(test.text)
		if err != nil {
			t.Fatal(err)
		}
		for _, status := range []*Status{success, failed, cancelled, nil} {
			scope := testScope
			scope.Status = status
			got, err := c.Evaluate(scope)
			if got != test.want[status] {
				t.Errorf("%s after %+v: %v, %v", test.text, status, got, err)
			}
		}
	}
}

// TestMuchText asks for more text than there may be.
func TestMuchText(t *testing.T) {
	double := "'0123456789'"
	for range 20 {
		double = "format('{0}{0}'," + double + ")"
	}
	long := testScope
	long.Lookup = func(Name) (string, error) { return strings.Repeat("x", mostBytes/100), nil }
	for _, text := range []string{
		"${{ " + double + " }}",
		strings.Repeat("${{ a }}", 100),
		strings.Repeat("${{ contains(a, 'y') }}", 101),
	} {
		template, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := template.Expand(long)
		if err == nil || !strings.Contains(err.Error(), "longer than") {
			t.Errorf("%.40s gives %d bytes, %v", text, len(got), err)
		}
		checkError(t, text, err)
	}
}

var example = regexp.MustCompile(`(?m)^(.+?) +=> (.+)$`)

// TestDocument evaluates the examples of docs/expressions.md, and looks for
// every function in it.
func TestDocument(t *testing.T) {
	data, err := os.ReadFile("../../../docs/expressions.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(data)
	for name, v := range known {
		if strings.HasPrefix(name, "source.") && !strings.Contains(doc, "`"+name+"`") {
			t.Errorf("the document does not show %s = %s", name, v)
		}
	}
	for _, f := range functions {
		if !strings.Contains(doc, "`"+f.name+"("+f.arguments+")`") {
			t.Errorf("the document does not explain %s(%s)", f.name, f.arguments)
		}
	}
	examples := example.FindAllStringSubmatch(doc, -1)
	if len(examples) < 30 {
		t.Errorf("there are %d examples", len(examples))
	}
	for _, e := range examples {
		if got := result(e[1]); got != e[2] {
			t.Errorf("%s => %s, not %s", e[1], got, e[2])
		}
	}
}

// result is what an expression comes to, written as a literal, or its mistake.
func result(text string) string {
	c, err := ParseCondition(text)
	if err != nil {
		return "error: " + err.Error()
	}
	e := evaluation{scope: testScope, left: mostBytes}
	v, err := e.value(c.root)
	if err != nil {
		return "error: " + err.Error()
	}
	return v.written()
}
