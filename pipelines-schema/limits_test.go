package schema

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// hostileBytes is less than a file may have, so that the tests end soon, and
// enough to show what grows with the square.
const hostileBytes = MaxBytes / 16

// hostile are files made to cost as much as they can.
func hostile() map[string]string {
	const one = "on: push\nstages: [{ name: s, actions: [{ name: a, image: alpine, run: ls, env: { A: \"%\" } }] }]\n"
	fill := func(s string) string { return strings.Repeat(s, hostileBytes/len(s)) }
	return map[string]string{
		"too large":            strings.Repeat("#", MaxBytes+1),
		"deep flow":            fill("["),
		"deep flow mapping":    fill("{a: "),
		"deep block":           fill("- "),
		"deep block mapping":   fill("? "),
		"deep indents":         deepIndents(),
		"many keys":            fill("a: b\n"),
		"many unknown keys":    manyKeys(),
		"many variables":       "variables:\n " + strings.ReplaceAll(manyKeys(), "\n", "\n "),
		"many flow values":     "on: [" + fill("a,") + "]",
		"many stages":          "on: push\nstages: [" + fill("a,") + "]",
		"many actions":         "on: push\nstages: [{ name: s, actions: [" + fill("{},") + "] }]",
		"many needs":           "on: push\nstages: [{ name: s, actions: [{ name: a, needs: [" + fill("b,") + "] }] }]",
		"many rules":           "on: push\nstages: [{ name: s, before-entry: [" + fill("{ windw: x },") + "] }]",
		"many matrix values":   strings.Replace(one, "env:", "matrix: { a: ["+fill("x,")+"] }, env:", 1),
		"long needs":           strings.Replace(one, "env:", "needs: ["+strings.Repeat("a", hostileBytes/2)+"b], env:", 1) + "- { name: t, actions: [{ name: " + strings.Repeat("a", hostileBytes/2) + ", approval: }] }",
		"long names":           "variables: { " + fill(strings.Repeat("v", 7000)) + ": x }\n" + strings.Replace(one, "%", "${{ variables."+strings.Repeat("v", 7000)+" }}", 1),
		"many near variables":  "variables: {" + manyOf(6_000, func(i int) string { return fmt.Sprintf("V%d: x, ", i) }) + "}\n" + strings.Replace(one, "%", strings.Repeat("${{ variables.W1 }}", 3000), 1),
		"many triggers":        "on: { schedule: [" + fill("{ crn: x },") + "] }",
		"many expressions":     strings.Replace(one, "%", fill("${{a.b.c}}"), 1),
		"many openings":        strings.Replace(one, "%", fill("${{"), 1),
		"many openings in run": strings.Replace(one, "ls", "\""+fill("${{")+"\"", 1),
		"a long name":          "name: " + fill("a") + "\n" + one,
		"a long key":           fill("a") + ": x",
		"one long line":        fill("'a' "),
		"quotes":               fill("'"),
		"double quotes":        fill("\""),
		"comments":             fill("#\n"),
		"indented comments":    "a:\n" + fill("  #\n"),
		"comments in a list":   "on:\n" + fill("- #\n"),
		"documents":            fill("---\n"),
		"directives":           fill("%A\n"),
		"anchors":              fill("&a "),
		"anchored list":        "[" + fill("&a x,"),
		"aliases":              "a: &a x\nb: [" + fill("*a,") + "]",
		"tags":                 "[" + fill("!a x,") + "]",
		"colons":               fill(":"),
		"question marks":       fill("? a\n"),
		"folded":               "run: >\n" + fill(" a\n"),
		"literal":              "run: |\n" + fill(" \n"),
		"blank lines":          fill("\n"),
		"spaces":               fill(" "),
		"plain lines":          "a: b\n" + fill(" c\n"),
		"escapes":              "a: \"" + fill("\\x41") + "\"",
		"zeros":                "a: " + fill("0"),
		"unclosed flow":        "a: [" + fill("b: c, "),
	}
}

func deepIndents() string {
	var b strings.Builder
	for i := 0; b.Len() < hostileBytes; i++ {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func manyKeys() string {
	var b strings.Builder
	for i := 0; b.Len() < hostileBytes; i++ {
		b.WriteByte(byte('a' + i%26))
		for n := i / 26; n > 0; n /= 26 {
			b.WriteByte(byte('a' + n%26))
		}
		b.WriteString(": 1\n")
	}
	return b.String()
}

// mostAllocated is how many bytes of memory reading a byte of a file may take,
// freed ones counted: a measure of the work that a busy machine does not change.
// What grows with the square is far above.
const mostAllocated = 4000

// TestHostile asks that each file is refused with few diagnostics, for a cost
// in proportion to its size.
func TestHostile(t *testing.T) {
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, diagnostics := Parse("x.yaml", []byte(text))
			runtime.ReadMemStats(&after)
			if each := (after.TotalAlloc - before.TotalAlloc) / uint64(len(text)); each > mostAllocated {
				t.Errorf("%d bytes of memory for each of %d", each, len(text))
			}
			if len(diagnostics) == 0 || len(diagnostics) > maxDiagnostics+1 {
				t.Errorf("%d diagnostics", len(diagnostics))
			}
		})
	}
}

// TestNodes refuses a file of very many values with one diagnostic.
func TestNodes(t *testing.T) {
	tests := map[string]string{
		"keys":    manyOf(100_000, func(i int) string { return fmt.Sprintf("k%d: 1\n", i) }),
		"entries": "on: [" + strings.Repeat("a,", maxNodes) + "]\n",
		"aliases": "a: &a [" + strings.Repeat("x,", 20_000) + "]\nb: *a\nc: *a\n",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			_, diagnostics := Parse("x.yaml", []byte(text))
			if len(diagnostics) != 1 {
				t.Errorf("%d diagnostics, of which the first is %v", len(diagnostics), diagnostics[0])
			}
		})
	}
	most := "on: push\nvariables:\n" + manyOf(10_000, func(i int) string { return fmt.Sprintf("  V%d: x\n", i) }) + strings.TrimPrefix(one, "on: push\n")
	if _, diagnostics := Parse("x.yaml", []byte(most)); len(diagnostics) > 0 {
		t.Errorf("a file of many values: %v", diagnostics[0])
	}
}

func manyOf(n int, line func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(line(i))
	}
	return b.String()
}

// TestExpansion asks what matrices, rules and aliases can make of a small file.
func TestExpansion(t *testing.T) {
	list := func(n int) string {
		return "[" + strings.TrimSuffix(manyOf(n, func(i int) string { return fmt.Sprintf("%d,", i) }), ",") + "]"
	}
	stage := func(keys, actions string) string {
		return "on: push\nstages:\n- name: s\n" + keys + "  actions:\n" + actions
	}
	matrix := func(name, values, more string) string {
		return "  - { name: " + name + ", image: alpine, run: ls, matrix: { v: " + values + " }" + more + " }\n"
	}
	const rule = "  before-entry: [{ command: { image: alpine, run: ls } }]\n"
	aliased := "on: push\nstages:\n- name: s\n  actions:\n  - { name: a, image: alpine, run: &r \"" + strings.Repeat("x", maxTexts/8) + "\" }\n"
	for _, test := range []struct {
		name, text, want string
		actions          int
	}{
		{"most runs", stage(rule, matrix("a", list(256), "")+matrix("b", list(43), ", needs: [a]")), "", 300},
		{"too many runs", stage("", matrix("a", list(256), "")+matrix("b", list(45), "")), "6:5 a stage has at most 300 actions, each run of a matrix and each command of a rule counted", 0},
		{
			"too many with a rule", stage(rule, matrix("a", list(256), "")+matrix("b", list(44), "")),
			"7:5 a stage has at most 300 actions, each run of a matrix and each command of a rule counted", 0,
		},
		{"longest name", stage("", matrix("a", "["+strings.Repeat("x", longestRun-2)+"]", "")), "", 1},
		{
			"too long a name", stage("", matrix("a", "["+strings.Repeat("x", longestRun-1)+"]", "")),
			"5:48 a run of this matrix would be called by more than 140 characters: a-xxxx", 0,
		},
		{"most of a long script", aliased + manyOf(6, func(i int) string { return fmt.Sprintf("  - { name: b%d, image: alpine, run: *r }\n", i) }), "", 7},
		{
			"a long script too often", aliased + manyOf(8, func(i int) string { return fmt.Sprintf("  - { name: b%d, image: alpine, run: *r }\n", i) }),
			"12:5 the texts of this pipeline are longer than 4 MiB together, those of aliases and of each run of a matrix counted", 0,
		},
		{
			"a long script of a matrix", strings.Replace(aliased, "alpine,", "alpine, matrix: { v: "+list(9)+" },", 1),
			"5:5 the texts of this pipeline are longer than 4 MiB together, those of aliases and of each run of a matrix counted", 0,
		},
		{"many rules", stage("  before-entry: ["+strings.Repeat("{ expression: x }, ", 101)+"]\n", matrix("a", "[1]", "")), "4:1918 before-entry has at most 100 rules", 0},
		{
			"many inputs", stage("", matrix("a", list(256), ", inputs: ["+manyOf(40, func(i int) string { return fmt.Sprintf("\"x%d-${{ matrix.v }}\",", i) })+"]")),
			"a pipeline has at most 10000 inputs with values of a matrix, those of each run counted", 0,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, diagnostics := parse("x.yaml", []byte(test.text))
			got := brief(wrong(diagnostics))
			if !strings.Contains(got, test.want) || (got == "") != (test.want == "") {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			actions := 0
			for _, s := range d.Stages {
				actions += len(s.Actions)
			}
			if actions != test.actions {
				t.Errorf("%d actions, want %d", actions, test.actions)
			}
		})
	}
}
