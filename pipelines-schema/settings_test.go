package schema

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/stagegate/stagegate/internal/pipeline"
)

const wholeSettings = `environments:
  production: { branches: [main, "release/*", "!release/old"], tags: v* }
  preview: { pull-requests: true }
`

func TestParseSettings(t *testing.T) {
	got, diagnostics := ParseSettings(SettingsFile, []byte(wholeSettings))
	want := []pipeline.Environment{
		{Name: "production", Branches: []string{"main", "release/*", "!release/old"}, Tags: []string{"v*"}},
		{Name: "preview", PullRequests: true},
	}
	if diff := cmp.Diff(want, got); diff != "" || len(diagnostics) > 0 {
		t.Errorf("%v\n%s", diagnostics, diff)
	}
}

// TestSettingsMistakes asks that each is said where it stands, and that then nothing
// is trusted.
func TestSettingsMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"":                      `1:1 the file is empty`,
		"# nothing\n":           `1:1 the file is empty`,
		"[production]\n":        `1:1 the file is a mapping, not a list`,
		"environment: {a: {}}":  `1:1 .github/stagegate.yaml has no key "environment" (did you mean environments?)`,
		"stages: []":            `1:1 .github/stagegate.yaml has no key "stages" (it belongs in a pipeline)`,
		"environments:":         `1:14 environments is empty`,
		"environments: {}":      `1:15 environments is empty`,
		"environments: [a]":     `1:15 environments must be a mapping, not a list`,
		"environments: { a: }":  `1:20 a does not say what it trusts`,
		"environments: {a: {}}": `1:19 a does not say what it trusts`,
		"environments: {a: {}, b: {tags: 1}, A: {tags: 1}}":            `1:37 "a" and "A" are one environment`,
		"environments: {a: main}":                                      `1:19 a must be a mapping, not a text`,
		"environments: {a b: {tags: 1}}":                               `1:16 "a b" is not a name for an environment`,
		"environments: {a: {branch: main}}":                            `1:20 an environment has no key "branch" (did you mean branches?)`,
		"environments: {a: {pull_requests: true}}":                     `1:20 an environment has no key "pull_requests" (did you mean pull-requests?)`,
		"environments: {a: {pull-requests: yes}}":                      `1:35 a.pull-requests must be true or false, not "yes"`,
		"environments: {a: {branches: []}}":                            `1:30 a.branches is empty`,
		"environments: {a: {branches: ['!main']}}":                     `1:30 a.branches only excludes: nothing would match`,
		"environments: {a: {branches: refs/heads/main}}":               `1:30 "refs/heads/main" never matches`,
		"environments: {a: {branches: 'rel**'}}":                       `1:30 "rel**" has ** beside other characters`,
		"environments: {a: {tags: v1}}\n---\nenvironments: {a: {}}":    `2:1 the file holds more than one YAML document`,
		"environments: {a: {tags: v1}, a: {branches: main}}":           `1:31 "a" stands here twice`,
		"environments: &a {x: *a}":                                     `1:22 the alias *a holds itself`,
		"environments: {a: {branches: '${{ source.branch }}'}}":        `1:31 an entry of a.branches cannot hold an expression`,
		"environments: {a: {tags: v1}}\nx: " + strings.Repeat("[", 99): `2:54 the file is nested deeper than 50 levels`,
	} {
		all, diagnostics := ParseSettings(SettingsFile, []byte(text))
		says := func(d Diagnostic) bool {
			return strings.HasPrefix(strings.TrimPrefix(d.String(), SettingsFile+":"), strings.Replace(want, " ", ": ", 1))
		}
		if !slices.ContainsFunc(diagnostics, says) || len(all) > 0 {
			t.Errorf("%s: %v, %v; want %s", text, all, diagnostics, want)
		}
	}
}

// TestSettingsSchema holds the JSON Schema to the parser: the same keys, and what the
// parser accepts it accepts.
func TestSettingsSchema(t *testing.T) {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(read(t, "stagegate.schema.json"))))
	if err != nil {
		t.Fatal(err)
	}
	c, id := jsonschema.NewCompiler(), document.(object)["$id"].(string)
	if err := c.AddResource(id, document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	for w, name := range map[where]string{inSettings: "", inEnvironment: "environment"} {
		var keys []string
		for key := range definition(t, document.(object), name)["properties"].(object) {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		if diff := cmp.Diff(slices.Sorted(slices.Values(keysOf(w))), keys); diff != "" {
			t.Errorf("keys of %s\n%s", w, diff)
		}
	}
	for text, want := range map[string]bool{
		wholeSettings: true, "environments: {}": false, "environments: {a: {}}": false, "environments: {a b: {tags: v1}}": false,
		"environments: {a: {tags: []}}": false, "environments: {a: {refs: [x]}}": false, "x: 1": false,
	} {
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		if _, diagnostics := ParseSettings(SettingsFile, []byte(text)); (len(diagnostics) == 0) != want || (s.Validate(value) == nil) != want {
			t.Errorf("%s: %v, %v; want accepted: %v", text, diagnostics, s.Validate(value), want)
		}
	}
}

// TestSettingsInDocs reads the file that docs/pipelines.md shows.
func TestSettingsInDocs(t *testing.T) {
	text := string(read(t, "../docs/pipelines.md"))
	_, text, found := strings.Cut(text, "/stagegate.schema.json\n")
	text, _, _ = strings.Cut(text, "```")
	if all, diagnostics := ParseSettings(SettingsFile, []byte(text)); !found || len(all) == 0 {
		t.Errorf("%q: %v", text, diagnostics)
	}
}

func TestIsSettingsFile(t *testing.T) {
	for file, want := range map[string][2]bool{
		".github/stagegate.yaml": {true, true}, ".github/stagegate.yml": {true, false}, ".github/Stagegate.yaml": {true, false},
		".github/pipelines/stagegate.yaml": {}, "stagegate.yaml": {},
	} {
		if is, rightly := IsSettingsFile(file); is != want[0] || rightly != want[1] {
			t.Errorf("%s: %v, %v", file, is, rightly)
		}
	}
}

// FuzzParseSettings asks that any bytes give environments or mistakes, never both and
// never neither, and that what is given can be asked.
func FuzzParseSettings(f *testing.F) {
	f.Add([]byte(wholeSettings))
	f.Add([]byte("environments: &a {x: *a}\n---\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, diagnostics := ParseSettings(SettingsFile, data)
		if (len(all) == 0) != (len(diagnostics) > 0) {
			t.Fatalf("%d environments, %v", len(all), diagnostics)
		}
		for _, d := range diagnostics {
			if d.Message == "" || d.Line < 1 || d.Column < 1 || !utf8.ValidString(d.String()) || len(d.String()) > longestDiagnostic {
				t.Errorf("%q", d)
			}
		}
		fork := pipeline.Revision{Ref: "refs/heads/main", Fork: true}
		for _, e := range all {
			if got := pipeline.Trusts(all, e.Name, "main", fork); got.Trusted || got.Words == "" {
				t.Errorf("%+v trusts a fork: %+v", e, got)
			}
		}
	})
}
