package schema

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// TestEncodings reads every file of testdata as editors of other systems write
// it: what it says and where its mistakes are stays the same.
func TestEncodings(t *testing.T) {
	encodings := map[string]func([]byte) []byte{
		"CRLF": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) },
		"BOM":  func(b []byte) []byte { return append([]byte("\uFEFF"), b...) },
	}
	for _, file := range testdata(t) {
		want, wantDiagnostics := Parse(filepath.Base(file), read(t, file))
		for name, encode := range encodings {
			t.Run(filepath.Base(file)+"/"+name, func(t *testing.T) {
				got, diagnostics := Parse(filepath.Base(file), encode(read(t, file)))
				if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(pipeline.Definition{}, "Hash")); diff != "" {
					t.Errorf("definition (-LF +%s)\n%s", name, diff)
				}
				if diff := cmp.Diff(wantDiagnostics, diagnostics); diff != "" {
					t.Errorf("diagnostics (-LF +%s)\n%s", name, diff)
				}
			})
		}
	}
}

// one is a pipeline of a single action, with a place for more of its keys.
const one = "on: push\nstages:\n- name: s\n  actions:\n  - name: a\n    image: alpine\n    run: ls\n    "

// TestPositions are mistakes in texts that testdata cannot hold, or whose
// positions are hard.
func TestPositions(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"latin 1", "name: caf\xe9\non: push\n", `1:10 the byte 0xE9 is not UTF-8 text`},
		{"UTF-16", "\xff\xfeo\x00n\x00", `1:1 the byte 0xFF is not UTF-8 text`},
		{"replacement character is text", one + "env: { A: \uFFFD, B: \"${{ x }}\" }", `8:26 nothing is called x`},
		{"NUL", "on: push\nname: a\x00b\n", `2:8 the control character U+0000 is not possible here`},
		{"escape", "on: \x1b[31mpush\n", `1:5 the control character U+001B is not possible here`},
		{"not a character", "on: push # \uFFFF\n", `1:12 the control character U+FFFF is not possible here`},
		{"lone CR", "on: push\rstages:\r- name: s\r  actions: []\r", `4:12 actions is empty`},
		{"next line in a comment", "on: push # a\u0085\nstages: []\n", `2:9 stages is empty`},
		{"line separator in a comment", "on: push # a\u2028\nstages: []\n", `2:9 stages is empty`},
		{"line separator in a text", one + "env: { A: \"a\u2028b\", B: \"é${{ x }}\" }", `8:31 nothing is called x`},
		{"wide characters", one + "env: { A: \"日本語 👍 ${{ x }}\" }", `8:26 nothing is called x`},
		{"combining characters", one + "env: { A: \"e\u0301 ${{ x }}\" }", `8:23 nothing is called x`},
		{"anchored text", one + "env: { A: &a \"${{ x }}\" }", `8:23 nothing is called x`},
		{"anchored block", one + "env:\n      A: &a |\n        ${{ x }}\n", `10:13 nothing is called x`},
		{
			"aliased text", "on: push\nvariables: { A: &a \"${{ x }}\" }\n" + strings.TrimPrefix(one, "on: push\n") + "env: { A: *a }",
			`2:21 variable A cannot hold an expression; 2:25 nothing is called x`,
		},
		{"escaped opening", one + `env: { A: "\x24{{ x }}" }`, `8:23 nothing is called x`},
		{"escaped line", one + "env: { A: \"a\\\n      b ${{ x }}\" }", `9:13 nothing is called x`},
		{"expression over lines", one + "env:\n      A: >-\n        a ${{\n          x }}\n", `11:11 nothing is called x`},
		{"indentation given", one + "env:\n      A: |2\n          ${{ x }}\n", `10:15 nothing is called x`},
		{"kept lines", one + "env:\n      A: |+\n\n\n        ${{ x }}\n\n", `12:13 nothing is called x`},
		{"last line without an end", one + "env:\n      A: |\n        ${{ x }}", `10:13 nothing is called x`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, diagnostics := Parse("x.yaml", []byte(test.text))
			if got := brief(diagnostics); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func brief(diagnostics []Diagnostic) string {
	var parts []string
	for _, d := range diagnostics {
		parts = append(parts, fmt.Sprintf("%d:%d %s", d.Line, d.Column, d.Message))
	}
	return strings.Join(parts, "; ")
}

// TestKnown is what is known of a file that is not YAML: the name and the
// triggers that stand in front of the mistake.
func TestKnown(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"mistake below", "name: n\non: { push: { branches: [main] } }\nstages:\n  - a: b: c\n", `n ["main"] never`},
		{"list at the margin", "on: push\nname: n\nstages:\n- a: b: c\n", `n [] never`},
		{"comment at the margin", "on: push\nname: n\nstages:\n# c\n  - a: b: c\n", `n [] never`},
		{"mistake in on", "name: n\non: { push: [ }\n", `n never never`},
		{"mistake above", "a: b: c\nname: n\non: push\n", `x never never`},
		{"bytes below", "name: n\non: pull_request\nx: \xff\n", `n never []`},
		{"name is no name", "name: 1\non: pull_request\nx: \xff\n", `x never []`},
		{"too deep below", "name: n\non: push\nx: " + strings.Repeat("[", 60) + strings.Repeat("]", 60), `n [] never`},
		{"only a mistake", "\t", `x never never`},
		{"too large", "name: n\non: push\n" + strings.Repeat("#", MaxBytes), `x never never`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, diagnostics := Parse(".github/pipelines/x.yaml", []byte(test.text))
			if len(diagnostics) != 1 {
				t.Errorf("diagnostics: %v", diagnostics)
			}
			if got := fmt.Sprintf("%s %s %s", d.Name, shown(d.On.Push), shown(d.On.PullRequest)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if d.Stages != nil || d.Variables != nil || d.Hash == "" || d.File != ".github/pipelines/x.yaml" {
				t.Errorf("definition %+v", d)
			}
		})
	}
}

func TestIsPipelineFile(t *testing.T) {
	tests := map[string]bool{
		".github/pipelines/release.yaml":      true,
		".github/pipelines/release.yml":       true,
		".github/pipelines/a.b.yml":           true,
		".github/pipelines/release.YAML":      false,
		".github/pipelines/release.json":      false,
		".github/pipelines/yaml":              false,
		".github/pipelines/.yaml":             false,
		".github/pipelines/old/release.yaml":  false,
		".github/pipelines/":                  false,
		".github/workflows/release.yaml":      false,
		"x/.github/pipelines/release.yaml":    false,
		"/.github/pipelines/release.yaml":     false,
		".github//pipelines/release.yaml":     false,
		".github/pipelines/../x/release.yaml": false,
		"":                                    false,
	}
	for file, want := range tests {
		if got := IsPipelineFile(file); got != want {
			t.Errorf("IsPipelineFile(%q) = %v", file, got)
		}
	}
}

func TestName(t *testing.T) {
	for file, want := range map[string]string{
		".github/pipelines/release.yaml": "release",
		".github/pipelines/a.b.yml":      "a.b",
		"release.yml":                    "release",
	} {
		if got := Name(file); got != want {
			t.Errorf("Name(%q) = %q, want %q", file, got, want)
		}
	}
}

func TestDiagnosticString(t *testing.T) {
	d := Diagnostic{File: "a.yaml", Line: 2, Column: 3, Message: "wrong"}
	if got, want := d.String(), "a.yaml:2:3: wrong"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	d.Hint = "write right"
	if got, want := d.String(), "a.yaml:2:3: wrong (write right)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestNearestLong compares no words whose comparison would cost more than the
// hint is worth.
func TestNearestLong(t *testing.T) {
	long := strings.Repeat("a", longestShown+1)
	if got := nearest(long, []string{long + "b", long}); got != "" {
		t.Errorf("nearest of a long word is %q", got)
	}
	if got := nearest("imgae", []string{long, "image"}); got != "image" {
		t.Errorf("nearest beside a long word is %q", got)
	}
}

// TestMany keeps the report of a hopeless file short.
func TestMany(t *testing.T) {
	_, diagnostics := Parse("x.yaml", []byte(strings.Repeat("a: b\n", 1000)))
	if len(diagnostics) != maxDiagnostics+1 {
		t.Fatalf("%d diagnostics", len(diagnostics))
	}
	if got := diagnostics[maxDiagnostics].Message; got != "there are more mistakes" {
		t.Errorf("the last says %q", got)
	}
}

func TestSizes(t *testing.T) {
	stages, actions := strings.Builder{}, strings.Builder{}
	for i := range maxStages {
		fmt.Fprintf(&stages, "- { name: s%d, actions: [{ name: a, approval: {} }] }\n", i)
	}
	for i := range maxActions {
		fmt.Fprintf(&actions, "  - { name: a%d, approval: {} }\n", i)
	}
	tests := []struct {
		name, text, want string
	}{
		{"most stages", "on: push\nstages:\n" + stages.String(), ""},
		{"too many stages", "on: push\nstages:\n" + stages.String() + "- { name: x, actions: [] }\n", `103:3 a pipeline has at most 100 stages`},
		{"most actions", "on: push\nstages:\n- name: s\n  actions:\n" + actions.String(), ""},
		{"too many actions", "on: push\nstages:\n- name: s\n  actions:\n" + actions.String() + "  - { name: x }\n", `205:5 a stage has at most 200 actions`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, diagnostics := Parse("x.yaml", []byte(test.text))
			if got := brief(diagnostics); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestNearest(t *testing.T) {
	tests := []struct{ word, want string }{
		{"imgae", "image"},
		{"IMAGE", "image"},
		{"timeout_minutes", "timeout-minutes"},
		{"nam", "name"},
		{"naem", "name"},
		{"rn", "run"},
		{"x", ""},
		{"xy", ""},
		{"working-directory", ""},
		{"", ""},
		{strings.Repeat("a", longestShown+1), ""},
	}
	for _, test := range tests {
		if got := nearest(test.word, keysOf(inAction)); got != test.want {
			t.Errorf("nearest(%q) = %q, want %q", test.word, got, test.want)
		}
	}
}
