package schema

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/pipeline"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden reads every file of testdata. Its golden file beside it holds the
// plan, also where it has keys that are not supported yet, or the diagnostics
// with what is known in spite of them.
func TestGolden(t *testing.T) {
	for _, file := range testdata(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			d, diagnostics := parse(filepath.Base(file), read(t, file))
			if strings.HasPrefix(filepath.Base(file), "plan") {
				diagnostics = wrong(diagnostics)
			}
			if bad := !strings.HasPrefix(filepath.Base(file), "plan"); bad != (len(diagnostics) > 0) {
				t.Errorf("%d diagnostics", len(diagnostics))
			}
			got := golden(t, d, diagnostics)
			if *update {
				if err := os.WriteFile(file+".golden", []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(read(t, file+".golden")), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func golden(t *testing.T, d pipeline.Definition, diagnostics []Diagnostic) string {
	t.Helper()
	if len(diagnostics) == 0 {
		data, err := json.MarshalIndent(d, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		return string(data) + "\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "name %s, push %s, pull_request %s\n", d.Name, shown(d.On.Push), shown(d.On.PullRequest))
	for _, diagnostic := range diagnostics {
		fmt.Fprintln(&b, diagnostic)
	}
	return b.String()
}

func shown(f *pipeline.Filter) string {
	if f == nil {
		return "never"
	}
	return fmt.Sprintf("%q", f.Branches)
}

func testdata(t testing.TB) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"testdata/*.yaml", "testdata/*.yml"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no files match %s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	return files
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
