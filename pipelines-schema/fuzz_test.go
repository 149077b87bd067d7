package schema

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// longestDiagnostic is what a person reads: what authors wrote is cut.
const longestDiagnostic = 2000

// FuzzParse asks that any bytes give either a whole plan or mistakes that stand
// within the file, and the same each time.
func FuzzParse(f *testing.F) {
	for _, file := range testdata(f) {
		f.Add(read(f, file))
	}
	f.Add([]byte("a: &a [*a]\n? [x]\n: !!binary é\r\u0085\u2028"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, diagnostics := Parse("x.yaml", data)
		again, diagnosticsAgain := Parse("x.yaml", data)
		if diff := cmp.Diff(d, again) + cmp.Diff(diagnostics, diagnosticsAgain); diff != "" {
			t.Fatal(diff)
		}
		if len(diagnostics) == 0 {
			if d.Name == "" || len(d.Stages) == 0 || d.On.Unreadable() {
				t.Fatalf("no mistakes in %+v", d)
			}
			return
		}
		lines := strings.Split(strings.NewReplacer("\uFEFF", "", "\r\n", "\n", "\r", "\n").Replace(string(data)), "\n")
		for i, diagnostic := range diagnostics {
			if diagnostic.Message == "" || !utf8.ValidString(diagnostic.String()) {
				t.Errorf("message %q", diagnostic)
			}
			if length := len(diagnostic.Message) + len(diagnostic.Hint); length > longestDiagnostic {
				t.Errorf("%d bytes of message: %s", length, diagnostic)
			}
			if diagnostic.Line < 1 || diagnostic.Line > len(lines) {
				t.Fatalf("%s: of %d lines", diagnostic, len(lines))
			}
			if length := utf8.RuneCountInString(lines[diagnostic.Line-1]); diagnostic.Column < 1 || diagnostic.Column > length+1 {
				t.Errorf("%s: the line has %d characters", diagnostic, length)
			}
			if i > 0 && diagnostics[i-1].Line > diagnostic.Line {
				t.Errorf("%s comes after %s", diagnostic, diagnostics[i-1])
			}
		}
	})
}
