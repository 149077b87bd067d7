package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestValidateSettings looks at what environments trust beside the pipelines, and at a
// name under which nobody would find it.
func TestValidateSettings(t *testing.T) {
	const pipeline = "on: push\nstages: [{ name: build, actions: [{ name: a, image: i, run: r }] }]\n"
	for name, tc := range map[string]struct{ file, text, want string }{
		"right":    {"stagegate.yaml", "environments: { production: { tags: v* } }", ""},
		"mistaken": {"stagegate.yaml", "environments: { production: { tag: v* } }", `.github/stagegate.yaml:1:31: an environment has no key "tag" (did you mean tags?)`},
		"misnamed": {"stagegate.yml", "environments: { production: { tags: v* } }", ".github/stagegate.yml:1:1: the file must be called .github/stagegate.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, ".github/pipelines"), 0o755); err != nil {
				t.Fatal(err)
			}
			for file, text := range map[string]string{".github/pipelines/ci.yaml": pipeline, ".github/" + tc.file: tc.text} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, names := range [][]string{{dir}, {filepath.Join(dir, ".github", tc.file)}} {
				if name == "misnamed" && names[0] != dir {
					continue // whoever names it says what it is
				}
				found := Validate(Validation{Dir: dir, Names: names, FromRoot: true})
				var got []string
				for _, m := range found.Mistakes {
					got = append(got, m.String())
				}
				if text := strings.Join(got, "\n"); len(found.Unread) > 0 || (tc.want == "") != (text == "") || !strings.Contains(text, tc.want) {
					t.Errorf("%v: %v, %q, want %q", names, found.Unread, text, tc.want)
				}
			}
		})
	}
}
