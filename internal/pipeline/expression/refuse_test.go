package expression

import (
	"errors"
	"strings"
	"testing"
)

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		text   string
		offset int
		want   string
		hint   string // a part of it
	}{
		{"a ${{ source.commit", 2, "the expression is not closed", "}}"},
		{"${{", 0, "the expression is not closed", ""},
		{"${{ a } }", 0, "the expression is not closed", ""},
		{"${{ a and the rest", 0, "the expression is not closed", ""},
		{"${{ a ${{ b }}", 0, "the expression is not closed", ""},
		{"${{ a }} ${{ b", 9, "the expression is not closed", ""},
		{"${{}}", 0, "the expression is empty", "source.commit"},
		{"ab${{ \n }}", 2, "the expression is empty", ""},
		{"${{ a } }}", 6, "} does not belong in an expression", "}}"},
		{"${{ a. }}", 6, `a name is missing after the dot of "a."`, ""},
		{"${{ a..b }}", 6, `a name is missing after the dot of "a."`, ""},
		{"${{ a.1 }}", 6, `a name is missing after the dot of "a."`, ""},
		{"${{ a.-b }}", 6, `a name is missing after the dot of "a."`, ""},
		{"${{ a.* }}", 6, `a name is missing after the dot of "a."`, "no lists"},
		{"${{ .a }}", 4, `"." does not belong in an expression`, ""},
		{"${{ a . b }}", 6, `"." does not belong in an expression`, ""},
		{"${{ a b }}", 6, "a second value begins here", "&&"},
		{"${{ a 'b' }}", 6, "a second value begins here", ""},
		{"${{ (a b) }}", 7, "a second value begins here", ""},
		{"${{ a(b) }}", 4, "there is no function a()", "there are contains"},
		{"${{ a.b(c) }}", 4, "there is no function a.b()", ""},
		{"${{ (a)(b) }}", 7, "a second value begins here", ""},
		{"${{ 'x }}", 4, "the text is not closed", "end it with '"},
		{"${{ 'it's' }}", 8, "the text ends before this", "''"},
		{`${{ "x" }}`, 4, `a text does not stand between "`, "'main'"},
		{"${{ a == “b” }}", 9, "a text does not stand between “ and ”", "'main'"},
		{"${{ `x` }}", 4, "a text does not stand between `", "'main'"},
		{"${{ -a }}", 4, "there is no arithmetic in expressions", ""},
		{"${{ a -1 }}", 6, "there is no arithmetic in expressions", ""},
		{"${{ a + b }}", 6, "there is no arithmetic in expressions", "format("},
		{"${{ a / b }}", 6, "there is no arithmetic in expressions", ""},
		{"${{ a * b }}", 6, "* has no meaning in expressions: there are no lists and no arithmetic", ""},
		{"${{ 1.25.3 }}", 4, "1.25.3 is not a number", "'"},
		{"${{ 0x1F }}", 4, "0x1F is not a number", ""},
		{"${{ 1e999 }}", 4, "1e999 is not a number", ""},
		{"${{ 5a }}", 4, "5a is not a number", ""},
		{"${{ 1. }}", 4, "1. is not a number", ""},
		{"${{ a = b }}", 6, "= is not an operator", "=="},
		{"${{ a === b }}", 6, "=== is not an operator", "=="},
		{"${{ a !== b }}", 6, "!== is not an operator", "!="},
		{"${{ a => b }}", 6, "=> is not an operator", ">="},
		{"${{ a =~ b }}", 6, "there are no regular expressions", "contains"},
		{"${{ a & b }}", 6, "& is not an operator", "&&"},
		{"${{ a | b }}", 6, "| is not an operator", "||"},
		{"${{ a and b }}", 6, "and is not an operator", "&&"},
		{"${{ a OR b }}", 6, "OR is not an operator", "||"},
		{"${{ not a }}", 4, "not is not an operator", "!"},
		{"${{ not(a) }}", 4, "there is no function not()", "write !"},
		{"${{ a is b }}", 6, "is is not an operator", "=="},
		{"${{ a ? b : c }}", 6, "? is not an operator", "&&"},
		{"${{ a['b'] }}", 5, "there is no indexing with [ ]", "dots"},
		{"${{ $a }}", 4, "names are written without $", ""},
		{"${{ == a }}", 4, "a value is missing before ==", ""},
		{"${{ a == }}", 6, "a value is missing after ==", ""},
		{"${{ a && || b }}", 6, "a value is missing after &&", ""},
		{"${{ ! }}", 4, "a value is missing after !", ""},
		{"${{ () }}", 4, "a value is missing after (", ""},
		{"${{ (a }}", 4, "the parenthesis is not closed", ")"},
		{"${{ contains(a, b }}", 12, "the parenthesis is not closed", ")"},
		{"${{ a) }}", 5, "this ) closes nothing", ""},
		{"${{ a, b }}", 5, "a comma stands between the arguments of a function only", ""},
		{"${{ contains(a,) }}", 14, "a value is missing after ,", ""},
		{"${{ !a == b }}", 4, "! comes before ==, so this compares what is negated", "!(a == b)"},
		{"${{ a == b == c }}", 11, "comparisons do not follow on one another", "&&"},
		{"${{ a < b < c }}", 10, "comparisons do not follow on one another", "&&"},
		{"${{ True }}", 4, "nothing is called True", "did you mean true?"},
		{"${{ success }}", 4, "nothing is called success", "success()"},
		{"${{ contains == a }}", 4, "nothing is called contains", "contains(text, part)"},
		{"${{ contain(a, b) }}", 4, "there is no function contain()", "did you mean contains?"},
		{"${{ StartsWith(a, b) }}", 4, "there is no function StartsWith()", "did you mean startsWith?"},
		{"${{ starts_with(a, b) }}", 4, "there is no function starts_with()", "did you mean startsWith?"},
		{"${{ canceled() }}", 4, "there is no function canceled()", "did you mean cancelled?"},
		{"${{ toJSON(a) }}", 4, "there is no function toJSON()", "no lists"},
		{"${{ join(a) }}", 4, "there is no function join()", "format("},
		{"${{ hashFiles('**') }}", 4, "there is no function hashFiles()", "write hash('**')"},
		{"${{ contains(a) }}", 4, "contains() takes 2 arguments, not 1", "contains(text, part)"},
		{"${{ a || success(b) }}", 9, "success() takes no arguments, not 1", "success()"},
		{"${{ hash() }}", 4, "hash() takes one argument, not 0", "hash('**/go.sum')"},
		{"${{ hash(a.b) }}", 9, "a pattern is written out", "'docs/**'"},
		{"${{ changed('') }}", 12, "the pattern is empty", "'**'"},
		{`${{ changed("a") }}`, 12, `a text does not stand between "`, ""},
		{"${{ format() }}", 4, "format() takes 1 to 50 arguments, not 0", ""},
		{"${{ format(a, b) }}", 11, "the first argument of format() is written out", ""},
		{"${{ format('{0}') }}", 11, "format() has no argument for {0}", "{0}"},
		{"${{ format('{', a) }}", 11, "a { in format() is followed by a number and }", "{{"},
		{"${{ format('}', a) }}", 11, "a { in format() is followed by a number and }", "}}"},
		{"${{ format('{0}', a, b) }}", 21, "format() does not use this argument: there is no {1} in its text", ""},
		{"${{ é }}", 4, `"é" does not belong in an expression`, ""},
		{"${{ \xff }}", 4, `"\xff" does not belong in an expression`, ""},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			_, err := Parse(test.text)
			checkRefusal(t, err, test.offset, test.want, test.hint)
		})
	}
}

func TestConditionRefuses(t *testing.T) {
	tests := []struct {
		text   string
		offset int
		want   string
		hint   string
	}{
		{"", 0, "the condition is empty", "source.branch == 'main'"},
		{" \n", 2, "the condition is empty", ""},
		{"${{ }}", 0, "the expression is empty", ""},
		{"${{ a }} == 'b'", 9, "a condition is one expression, and this stands after it", "${{"},
		{"a == ${{ b }}", 5, "${{ stands around the whole condition or nowhere", "leave out"},
		{"!${{ b }}", 1, "${{ stands around the whole condition or nowhere", ""},
		{"a }}", 2, "}} ends nothing here", ""},
		{"a.", 2, `a name is missing after the dot of "a."`, ""},
		{"a ==", 2, "a value is missing after ==", ""},
		{"'a", 0, "the text is not closed", ""},
		{"(a", 0, "the parenthesis is not closed", ""},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			c, err := ParseCondition(test.text)
			checkRefusal(t, err, test.offset, test.want, test.hint)
			if holds, err := c.Evaluate(testScope); holds || err != nil {
				t.Errorf("it evaluates to %v, %v", holds, err)
			}
		})
	}
}

func checkRefusal(t *testing.T, err error, offset int, message, hint string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v", err)
	}
	if e.Offset != offset || e.Message != message {
		t.Errorf("got  %d %s\nwant %d %s", e.Offset, e.Message, offset, message)
	}
	if !strings.Contains(e.Hint, hint) || !strings.Contains(err.Error(), e.Hint) {
		t.Errorf("hint %q of %q, want %q", e.Hint, err, hint)
	}
}
