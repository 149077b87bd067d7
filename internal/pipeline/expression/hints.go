package expression

import (
	"strings"
	"unicode/utf8"
)

// missing refuses what stands where a value should.
func (p *parser) missing() {
	if p.prev.kind == operatorToken {
		p.fail(p.prev.at, "", "a value is missing after %s", p.prev.text)
		return
	}
	p.fail(p.tok.at, "", "a value is missing before %s", p.tok.text)
}

// stray refuses a token after a value that cannot go on with it.
func (p *parser) stray() {
	t, at := p.tok, p.tok.at
	switch {
	case t.is(")"):
		p.fail(at, "", "this ) closes nothing")
	case t.is(","):
		p.fail(at, "", "a comma stands between the arguments of a function only")
	case t.kind == nameToken && wordOperator(t.text) != "":
		p.fail(at, "write "+wordOperator(t.text), "%s is not an operator", t.text)
	case p.prev.kind == nameToken && strings.EqualFold(p.prev.text, "not"):
		p.fail(p.prev.at, "write !", "%s is not an operator", p.prev.text)
	case t.kind == numberToken && strings.IndexByte("+-", t.text[0]) >= 0:
		p.fail(at, "", "there is no arithmetic in expressions")
	case p.prev.kind == textToken && p.prev.end() == at:
		p.fail(at, "a quote in a text is written ''", "the text ends before this")
	default:
		p.fail(at, "write an operator such as == or && between them", "a second value begins here")
	}
}

// wordOperator is the operator that other languages write as a word.
func wordOperator(word string) string {
	switch strings.ToLower(word) {
	case "and":
		return "&&"
	case "or":
		return "||"
	case "is", "eq":
		return "=="
	case "ne", "not":
		return "!="
	case "in", "like", "matches":
		return "contains(text, part)"
	}
	return ""
}

// misnamed is the hint for a word that is surely not meant as a name.
func misnamed(word string) string {
	for _, literal := range []string{"true", "false", "null"} {
		if strings.EqualFold(word, literal) {
			return "did you mean " + literal + "?"
		}
	}
	if f := find(word); f != nil {
		return "write " + f.name + "(" + f.arguments + ")"
	}
	return ""
}

// functionHint is what to write instead of a function that does not exist.
func functionHint(name string) string {
	switch strings.ToLower(name) {
	case "hashfiles":
		return "write hash('**')"
	case "tojson", "fromjson":
		return "there are no objects and no lists: every value is a text"
	case "join":
		return "there are no lists: write format('{0},{1}', a, b)"
	case "canceled":
		return "did you mean cancelled?"
	case "not":
		return "write !"
	case "eq":
		return "write a == b"
	case "ne":
		return "write a != b"
	case "succeeded":
		return "write success()"
	case "failed":
		return "write failure()"
	case "succeededorfailed":
		return "write always()"
	case "and", "or":
		return "write a " + wordOperator(name) + " b"
	}
	if near := nearest(name); near != "" {
		return "did you mean " + near + "?"
	}
	var all []string
	for _, f := range functions {
		all = append(all, f.name)
	}
	return "there are " + strings.Join(all[:len(all)-1], ", ") + " and " + all[len(all)-1]
}

// foreign refuses what no token begins with, by what it means elsewhere.
func foreign(rest string, at int) *Error {
	for _, f := range foreigners {
		if strings.HasPrefix(rest, f.text) {
			return &Error{Offset: at, Message: f.message, Hint: f.hint}
		}
	}
	_, size := utf8.DecodeRuneInString(rest)
	return &Error{Offset: at, Message: quote(rest[:size]) + " does not belong in an expression"}
}

// foreigners are tried in this order.
var foreigners = []struct{ text, message, hint string }{
	{"===", "=== is not an operator", "write =="},
	{"!==", "!== is not an operator", "write !="},
	{"=~", "there are no regular expressions", "use contains, startsWith or endsWith"},
	{"=>", "=> is not an operator", "write >="},
	{"=<", "=< is not an operator", "write <="},
	{"=", "= is not an operator", "write == to compare"},
	{"&", "& is not an operator", "write &&"},
	{"|", "| is not an operator", "write ||"},
	{`"`, `a text does not stand between "`, "write it between ', such as 'main'"},
	{"`", "a text does not stand between `", "write it between ', such as 'main'"},
	{"‘", "a text does not stand between ‘ and ’", "write it between ', such as 'main'"},
	{"’", "a text does not stand between ‘ and ’", "write it between ', such as 'main'"},
	{"“", "a text does not stand between “ and ”", "write it between ', such as 'main'"},
	{"”", "a text does not stand between “ and ”", "write it between ', such as 'main'"},
	{"[", "there is no indexing with [ ]", "write a name with dots, such as source.commit"},
	{"]", "there is no indexing with [ ]", "write a name with dots, such as source.commit"},
	{"*", "* has no meaning in expressions: there are no lists and no arithmetic", ""},
	{"+", "there is no arithmetic in expressions", "texts are joined by writing ${{ a }}${{ b }} or format('{0}{1}', a, b)"},
	{"-", "there is no arithmetic in expressions", ""},
	{"/", "there is no arithmetic in expressions", ""},
	{"%", "there is no arithmetic in expressions", ""},
	{"?", "? is not an operator", "write condition && 'this' || 'that'"},
	{"~", "there are no regular expressions", "use contains, startsWith or endsWith"},
	{opening, "${{ stands around the whole condition or nowhere", "leave out ${{ and }}"},
	{"$", "names are written without $", "write variables.NAME"},
	{closing, "}} ends nothing here", "leave it out"},
	{"}", "} does not belong in an expression", "an expression ends with }}"},
}

// nearest finds the function a word was probably meant to be, or "".
func nearest(word string) string {
	const furthest = 2
	best, distance := "", furthest+1
	if len(word) > 2*len("startsWith") {
		return ""
	}
	folded := fold(word)
	for _, f := range functions {
		if d := edits(folded, fold(f.name)); d < distance && d < len(word)-1 {
			best, distance = f.name, d
		}
	}
	return best
}

func fold(word string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(word))
}

// edits counts the letters to insert, drop or replace to make b of a.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
