package schema

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// longestDiagnostic is what a person reads: what authors wrote is cut.
const longestDiagnostic = 2000

// FuzzParse asks that any bytes give either a whole plan or mistakes that stand
// within the file, and the same each time.
func FuzzParse(f *testing.F) {
	for _, file := range testdata(f) {
		f.Add(read(f, file))
	}
	f.Add(read(f, wholeLanguage))
	f.Add([]byte("a: &a [*a]\n? [x]\n: !!binary é\r\u0085\u2028"))
	f.Fuzz(func(t *testing.T, data []byte) {
		expanded(t, data)
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

// expanded asks of the stages that a file without mistakes becomes, also where
// its keys are not supported yet, that they are bounded and that all they name
// is there.
func expanded(t *testing.T, data []byte) {
	t.Helper()
	d, diagnostics := parse("x.yaml", data)
	if len(wrong(diagnostics)) > 0 {
		return
	}
	artifacts := map[string]bool{pipeline.SourceArtifact: true}
	for _, s := range d.Stages {
		names := map[string]pipeline.Role{}
		for _, a := range s.Actions {
			if _, again := names[a.Name]; again || a.Name == "" || len(a.Name) > longestRun {
				t.Errorf("stage %s has an action %q: again %v", s.Name, a.Name, again)
			}
			names[a.Name] = a.Role
			for _, o := range a.Artifacts {
				if artifacts[o.Name] || !namePattern.MatchString(o.Name) {
					t.Errorf("%s makes %q, which was made before or is no name", a.Name, o.Name)
				}
				artifacts[o.Name] = true
			}
		}
		if len(s.Actions) == 0 || len(s.Actions) > maxRuns {
			t.Errorf("stage %s has %d actions", s.Name, len(s.Actions))
		}
		for _, a := range s.Actions {
			if (a.Approval == nil) == (len(a.Inputs) == 0) {
				t.Errorf("%s has inputs %v", a.Name, a.Inputs)
			}
			for _, input := range a.Inputs {
				if !artifacts[input] {
					t.Errorf("%s unpacks %s, which nothing makes", a.Name, input)
				}
			}
			for _, need := range a.Needs {
				if role, ok := names[need]; !ok || role != a.Role {
					t.Errorf("%s needs %s, of role %q", a.Name, need, role)
				}
			}
		}
		for _, r := range append(slices.Clone(s.BeforeEntry), s.OnSuccess...) {
			if r.Command != "" && names[r.Command] == pipeline.RoleWork {
				t.Errorf("rule %+v has no action", r)
			}
		}
	}
	if stored, err := json.Marshal(d); err != nil || len(stored) > 20*maxTexts {
		t.Errorf("a definition of %d bytes, %v", len(stored), err)
	}
}
