package schema

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

func examples(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("examples/*")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	return files
}

// wholeLanguage is the one example that shows what is not supported yet.
const wholeLanguage = "examples/whole-language.yaml"

func TestExamples(t *testing.T) {
	first := "# yaml-language-server: $schema=" + schemaDocument(t)["$id"].(string) + "\n"
	list := string(read(t, "../docs/pipelines.md"))
	for _, file := range examples(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text := string(read(t, file))
			d, diagnostics := Parse(file, []byte(text))
			for _, diagnostic := range diagnostics {
				if file != wholeLanguage || !isLater(diagnostic) {
					t.Error(diagnostic)
				}
			}
			if file != wholeLanguage && len(d.Stages) == 0 {
				t.Error("no stages")
			}
			if !strings.HasPrefix(text, first) {
				t.Errorf("it does not begin with %s", first)
			}
			if !strings.Contains(list, "| `"+filepath.Base(file)+"` |") {
				t.Error("docs/pipelines.md does not list it")
			}
		})
	}
}

// TestWholeLanguage asks that one example has every key of every mapping.
func TestWholeLanguage(t *testing.T) {
	var document yaml.Node
	if err := yaml.Unmarshal(read(t, wholeLanguage), &document); err != nil {
		t.Fatal(err)
	}
	seen := map[string][]string{}
	collect(newReference(t), "", newReference(t).root, document.Content[0], seen)
	// Keys that cannot stand beside others of the example.
	apart := map[where][]string{
		inPush:        {"branches-ignore", "tags-ignore", "paths-ignore"},
		inPullRequest: {"branches", "paths"},
	}
	for _, w := range everywhere {
		for _, key := range keysOf(w) {
			if !slices.Contains(seen[definitions[w]], key) && !slices.Contains(apart[w], key) {
				t.Errorf("%s does not show %s of %s", wholeLanguage, key, w)
			}
		}
	}
}

// collect notes the keys of a value under the name of the definition that
// describes them.
func collect(r *reference, name string, schema, value *yaml.Node, seen map[string][]string) {
	if ref := get(schema, "$ref").Value; ref != "" {
		name = strings.TrimPrefix(ref, "#/$defs/")
		collect(r, name, r.definition(name), value, seen)
	}
	for _, choice := range get(schema, "anyOf").Content {
		collect(r, name, choice, value, seen)
	}
	for i, child := range value.Content {
		switch {
		case value.Kind == yaml.SequenceNode:
			collect(r, name, get(schema, "items"), child, seen)
		case i%2 == 1 && has(get(schema, "properties"), value.Content[i-1].Value):
			key := value.Content[i-1].Value
			seen[name] = append(seen[name], key)
			collect(r, name, get(schema, "properties", key), child, seen)
		case i%2 == 1:
			collect(r, name, get(schema, "additionalProperties"), child, seen)
		}
	}
}
