package schema

import (
	"cmp"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v4"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// eachProperty calls f for every key of every mapping, with its schema.
func eachProperty(t *testing.T, f func(r *reference, w where, key string, property *yaml.Node)) {
	t.Helper()
	r := newReference(t)
	for _, w := range everywhere {
		properties := get(r.definition(definitions[w]), "properties").Content
		for i := 0; i < len(properties); i += 2 {
			f(r, w, properties[i].Value, properties[i+1])
		}
	}
}

// written is a pipeline file with a key and its value, and the same without.
func written(t *testing.T, w where, key string, value *yaml.Node) (with, without string) {
	t.Helper()
	line := writeKey("", key, value)
	with, err := around(line, cmp.Or(definitions[w], "pipeline"))
	if err != nil {
		t.Fatal(err)
	}
	return with, strings.Replace(with, strings.TrimSpace(line), "", 1)
}

// TestJSONSchemaWords asks that each word that editors offer is one that the
// parser knows.
func TestJSONSchemaWords(t *testing.T) {
	offered := 0
	eachProperty(t, func(r *reference, w where, key string, property *yaml.Node) {
		for _, word := range r.words(property) {
			offered++
			text, _ := written(t, w, key, word)
			_, diagnostics := Parse("x.yaml", []byte(text))
			for _, d := range wrong(diagnostics) {
				t.Errorf("%s: %s of %s: %s", key, word.Value, w, d)
			}
		}
	})
	if offered < 40 {
		t.Errorf("only %d words are offered", offered)
	}
}

// words are the values that a schema lists one by one.
func (r *reference) words(n *yaml.Node) []*yaml.Node {
	words := get(n, "enum").Content
	if ref := get(n, "$ref").Value; ref != "" && !has(r.definition(strings.TrimPrefix(ref, "#/$defs/")), "properties") {
		words = append(words, r.words(r.definition(strings.TrimPrefix(ref, "#/$defs/")))...)
	}
	for _, choice := range get(n, "anyOf").Content {
		words = append(words, r.words(choice)...)
	}
	return words
}

// TestJSONSchemaDefaults writes each default out: the plan stays the same.
func TestJSONSchemaDefaults(t *testing.T) {
	eachProperty(t, func(r *reference, w where, key string, property *yaml.Node) {
		fallback := get(property, "default")
		if fallback.IsZero() {
			return
		}
		with, without := written(t, w, key, fallback)
		want, _ := Parse("x.yaml", []byte(without))
		got, diagnostics := Parse("x.yaml", []byte(with))
		if mistakes := wrong(diagnostics); len(mistakes) > 0 || without == with {
			t.Errorf("%s of %s: %v in\n%s", key, w, mistakes, with)
		}
		if len(diagnostics) > 0 || key == "shell" {
			return // there is no plan, or it leaves the shell to the runner
		}
		if diff := gocmp.Diff(want, got, cmpopts.IgnoreFields(pipeline.Definition{}, "Hash")); diff != "" {
			t.Errorf("%s of %s is not what its default says (-without +with)\n%s", key, w, diff)
		}
	})
}
