package codeowners_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/codeowners"
)

// TestPatterns has GitHub's own examples, and the edges between them.
func TestPatterns(t *testing.T) {
	for _, tc := range []struct {
		pattern string
		owns    string
		not     string
	}{
		{"*", "a a/b .github/x", ""},
		{"**", "a a/b", ""},
		{"*.js", "a.js b/c/d.js x.js/y", "a.jsx js a.ts"},
		{"/build/logs/", "build/logs/a build/logs/a/b", "x/build/logs/a build/logs build/logsx/a"},
		{"docs/*", "docs/getting-started.md", "docs/build-app/troubleshooting.md docs x/docs/a"},
		{"apps/", "apps/a x/apps/b/c", "apps x/apps xapps/a"},
		{"apps", "apps apps/a x/apps/b", "xapps appsx"},
		{"/docs/", "docs/a docs/a/b", "x/docs/a"},
		{"/scripts/", "scripts/a", "scripts"},
		{"**/logs", "logs logs/a build/logs deeply/nested/logs/x", "mylogs logsx/a"},
		{"/apps/github", "apps/github apps/github/x", "apps/githubx x/apps/github"},
		{"a/**/b", "a/b a/x/b a/x/y/b/c", "ab a/xb"},
		{"a/**", "a/b a/b/c", "a ab"},
		{"a/b", "a/b a/b/c", "x/a/b"},
		{"/a", "a a/b", "b/a"},
		{"/*", "a", "a/b"},
		{"src/*/x", "src/a/x src/a/x/y", "src/x src/a/b/x"},
		{"f?o", "foo x/fao/y", "fo f/o"},
		{`my\ file`, "my file", `my\ file my`},
		{"a.b", "a.b", "axb"},
		{"(x|y)", "(x|y)", "x"},
		{"Makefile", "Makefile x/Makefile", "makefile"},
	} {
		rules, skipped := codeowners.Parse([]byte(tc.pattern + " @ann\n"))
		if len(rules) != 1 || len(skipped) > 0 {
			t.Errorf("%s: rules %v, skipped %v", tc.pattern, rules, skipped)
			continue
		}
		for _, path := range paths(tc.owns) {
			if len(rules.Owners(path)) == 0 {
				t.Errorf("%s does not own %s", tc.pattern, path)
			}
		}
		for _, path := range paths(tc.not) {
			if len(rules.Owners(path)) > 0 {
				t.Errorf("%s owns %s", tc.pattern, path)
			}
		}
	}
}

// paths are separated by spaces, but for the one file that has one in its name.
func paths(text string) []string {
	if strings.HasPrefix(text, "my file") {
		return []string{text}
	}
	return strings.Fields(text)
}

func TestParse(t *testing.T) {
	const file = "\xef\xbb\xbf# everything\r\n" +
		"*       @octo/core  ann@example.com # the default\r\n" +
		"\n" +
		"/api/   @Bob @octo/api-team @Bob\n" +
		"/api/generated\n" +
		"!/x     @bob\n" +
		"[a-z]   @bob\n" +
		"\\#x    @bob\n" +
		"/y      bob\n" +
		"/z      @bob @not/a/team\n" +
		"/       @bob\n" +
		"//      @bob\n" +
		"a***b   @bob\n" +
		"\xff    @bob\n"
	rules, skipped := codeowners.Parse([]byte(file))
	if want := []int{6, 7, 8, 9, 10, 11, 12, 13, 14}; !slices.Equal(skipped, want) {
		t.Errorf("skipped %v, want %v", skipped, want)
	}
	for path, want := range map[string][]string{
		"README.md": {"octo/core", "ann@example.com"}, "api/a.go": {"Bob", "octo/api-team"}, "api/generated/x": nil, "y": {"octo/core", "ann@example.com"},
	} {
		if got := rules.Owners(path); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

func TestSets(t *testing.T) {
	rules, _ := codeowners.Parse([]byte("*.go @Ann @bob\n*.md @bob @ANN\n/web/ @octo/web\n/free\n"))
	got := rules.Sets([]string{"free/x", "web/a", "a.go", "b.md", "web/b.go", "LICENSE"})
	want := []codeowners.Set{
		{Owners: []string{"octo/web"}, Files: []string{"web/a", "web/b.go"}},
		{Owners: []string{"Ann", "bob"}, Files: []string{"a.go", "b.md"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	all := rules.All()
	if len(all) != 2 || !slices.Equal(all[0].Files, []string{"*.go", "*.md"}) {
		t.Errorf("all: %v", all)
	}
}

// FuzzParse reads anything: it ends, every owner is a word, and a file that matches no
// rule has no owner.
func FuzzParse(f *testing.F) {
	f.Add([]byte("* @ann\n/docs/** @octo/docs a@b.c\n"), "docs/x")
	f.Add([]byte("\\ \\\n**/**/**/* @a\n"), "a/b/c")
	f.Add([]byte("!a\n[b]\n*** @x\n"), "a")
	f.Fuzz(func(t *testing.T, data []byte, path string) {
		rules, skipped := codeowners.Parse(data)
		if len(rules)+len(skipped) > strings.Count(string(data), "\n")+1 {
			t.Errorf("%d rules and %d skipped", len(rules), len(skipped))
		}
		for _, rule := range rules {
			for _, o := range rule.Owners {
				if o == "" || strings.ContainsAny(o, " \t\r\n") || strings.HasPrefix(o, "@") {
					t.Errorf("line %d has the owner %q", rule.Line, o)
				}
			}
		}
		owners := rules.Owners(path)
		for _, set := range rules.Sets([]string{path}) {
			if len(owners) == 0 || len(set.Files) != 1 {
				t.Errorf("%q has owners %v and is in %v", path, owners, set)
			}
		}
	})
}
