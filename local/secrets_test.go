package local

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
)

func TestParseSecrets(t *testing.T) {
	text := strings.Join([]string{
		"# of the demo", "", "PLAIN=a b # c ", "export EXPORTED = x=y", "EMPTY=",
		`SINGLE='a $b\n"c"' # said`, `DOUBLE="a\tb\n\"c\" \$d \x"`, "OVER=\"one ", "two\"",
		"KEY<<END", "  -----BEGIN-----", "", " END", "END", "LAST='é'",
	}, "\n")
	want := []pipeline.Value{
		{Name: "PLAIN", Value: "a b # c"},
		{Name: "EXPORTED", Value: "x=y"},
		{Name: "EMPTY"},
		{Name: "SINGLE", Value: `a $b\n"c"`},
		{Name: "DOUBLE", Value: "a\tb\n\"c\" $d \\x"},
		{Name: "OVER", Value: "one \ntwo"},
		{Name: "KEY", Value: "  -----BEGIN-----\n\n END"},
		{Name: "LAST", Value: "é"},
	}
	for name, text := range map[string]string{"lines": text, "of Windows": "\ufeff" + strings.ReplaceAll(text, "\n", "\r\n") + "\r\n"} {
		values, mistakes := parseSecrets(text)
		if diff := cmp.Diff(want, values); diff != "" || len(mistakes) > 0 {
			t.Errorf("%s: %v\n%s", name, mistakes, diff)
		}
	}
}

func TestParseSecretsRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"A=1\nhunter2\n":        "line 2: write NAME=value; a name is letters, digits and _",
		"A=1\n1A=hunter2":       "line 2: write NAME=value; a name is letters, digits and _",
		"A-B=hunter2":           "line 1: write NAME=value; a name is letters, digits and _",
		"\n\nA=\"hunter2\nB=1":  "line 3: the closing quote is missing",
		"A='x' hunter2":         "line 1: more follows the closing quote",
		"A<<END\nhunter2\nEND2": "line 1: the line that ends the value is missing: END",
		"A<<":                   "line 1: << needs a word that ends the value",
		"A=1\nA=hunter2":        "line 2: A is there twice",
		"A=hunter2\x00":         "line 1: A is not UTF-8 text",
		"hunter2\nB=\xff":       "line 1: write NAME=value; a name is letters, digits and _; line 2: B is not UTF-8 text",
	} {
		_, mistakes := parseSecrets(text)
		if got := strings.Join(mistakes, "; "); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

// FuzzParseSecrets asks that a value given in single quotes, if it has none, is
// read as it was.
func FuzzParseSecrets(f *testing.F) {
	f.Add("a\nb", "# x\nB=2")
	f.Fuzz(func(t *testing.T, value, rest string) {
		parseSecrets(rest)
		value = strings.ToValidUTF8(strings.NewReplacer("'", "", "\x00", "", "\r\n", "\n").Replace(value), "")
		values, mistakes := parseSecrets("A='" + value + "'\n")
		if len(mistakes) > 0 || len(values) != 1 || values[0].Value != strings.ReplaceAll(value, "\r\n", "\n") {
			t.Errorf("%q is read as %q, %v", value, values, mistakes)
		}
	})
}
