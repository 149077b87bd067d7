package schema

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	gocmp "github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

const referenceFile = "../docs/reference.md"

// TestReference holds docs/reference.md to the JSON Schema, of which it is made.
func TestReference(t *testing.T) {
	got := newReference(t).String()
	if *update {
		if err := os.WriteFile(referenceFile, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := gocmp.Diff(string(read(t, referenceFile)), got); diff != "" {
		t.Errorf("%s is out of date: go test ./pipelines-schema -run TestReference -update (-file +schema)\n%s", referenceFile, diff)
	}
}

// TestReferenceSaysWhatWorks parses each example of the reference: a key that
// works brings no diagnostic, and one that does not says so.
func TestReferenceSaysWhatWorks(t *testing.T) {
	seen := map[bool]int{}
	document := string(read(t, referenceFile))
	lines := strings.Split(document, "\n")
	for _, b := range blocks(document) {
		summary := b.line - 1
		for !strings.HasPrefix(lines[summary-2], "### ") {
			summary--
		}
		supported := !strings.Contains(lines[summary], notYet)
		text, err := around(b.text, b.word)
		if err != nil {
			t.Errorf("%s:%d: %v", referenceFile, b.line, err)
			continue
		}
		_, diagnostics := Parse("example.yaml", []byte(text))
		for _, d := range diagnostics {
			if supported || !isLater(d) {
				t.Errorf("%s:%d: %s in\n%s", referenceFile, b.line, d, text)
			}
		}
		if !supported && len(diagnostics) == 0 {
			t.Errorf("%s:%d is supported, and the reference says that it is not", referenceFile, b.line)
		}
		seen[supported]++
	}
	if seen[true] == 0 || seen[false] == 0 {
		t.Errorf("%d examples of keys that work, %d of others", seen[true], seen[false])
	}
}

const notYet = "not supported yet"

// reference writes docs/reference.md. The JSON Schema is read as YAML, which
// JSON is, because that keeps the order of keys.
type reference struct {
	strings.Builder

	root    *yaml.Node
	reached map[string]bool // definitions that a key which works leads to
}

func newReference(t *testing.T) *reference {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(JSONSchema()), &document); err != nil {
		t.Fatal(err)
	}
	r := &reference{root: document.Content[0], reached: map[string]bool{}}
	r.reach("", r.root)
	r.introduction()
	for _, w := range everywhere {
		r.mapping(w)
	}
	return r
}

// get is what stands under a key, or under several one below the other; an
// empty node if nothing does.
func get(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		next := &yaml.Node{}
		for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
			if n.Content[i].Value == key {
				next = n.Content[i+1]
			}
		}
		n = next
	}
	return n
}

func lists(n *yaml.Node, word string) bool {
	return slices.ContainsFunc(n.Content, func(item *yaml.Node) bool { return item.Value == word })
}

func has(n *yaml.Node, key string) bool { return !get(n, key).IsZero() }

func (r *reference) definition(name string) *yaml.Node {
	if name == "" {
		return r.root
	}
	return get(r.root, "$defs", name)
}

// reach marks the definitions that a part of the schema leads to, not through
// keys that are not supported yet.
func (r *reference) reach(name string, n *yaml.Node) {
	if ref := get(n, "$ref").Value; ref != "" {
		name = strings.TrimPrefix(ref, "#/$defs/")
		if !r.reached[name] {
			r.reached[name] = true
			r.reach(name, r.definition(name))
		}
	}
	for i, child := range n.Content {
		defs := n == r.root && n.Content[max(i-1, 0)].Value == "$defs"
		if !defs && !has(child, laterMark) {
			r.reach(name, child)
		}
	}
}

func (r *reference) introduction() {
	r.WriteString(`# Reference of pipeline files

<!-- Made of pipelines-schema/pipeline.schema.json. To write it anew:
     go test ./pipelines-schema -run TestReference -update -->

Every key, with its type, its default and an example. [Pipeline files](pipelines.md) tells how
they play together, [Expressions](expressions.md) what stands between ` + "`${{` and `}}`" + `.

Values are texts as they are written: ` + "`1.20` stays `1.20`, `true` and `\"true\"`" + ` are the same, and
` + "`on`" + ` needs no quotes. A key that is *` + notYet + `* is known and checked all the same; a file
that uses it runs nothing, and says so on its line.

| | keys | ` + notYet + ` |
| --- | --- | --- |
`)
	for _, w := range everywhere {
		d := r.definition(definitions[w])
		var now, later []string
		for i := 0; i < len(get(d, "properties").Content); i += 2 {
			key, property := get(d, "properties").Content[i].Value, get(d, "properties").Content[i+1]
			if r.later(w, property) {
				later = append(later, "`"+key+"`")
			} else {
				now = append(now, "`"+key+"`")
			}
		}
		fmt.Fprintf(r, "| [%s](#%s) | %s | %s |\n", title(d), anchor(title(d)), strings.Join(now, " "), strings.Join(later, " "))
	}
}

func title(d *yaml.Node) string { return get(d, "title").Value }

// anchor is the address of a heading on its page.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-':
			return '-'
		case r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

func (r *reference) later(w where, property *yaml.Node) bool {
	return has(property, laterMark) || w != inPipeline && !r.reached[definitions[w]]
}

// mapping writes the section of a mapping.
func (r *reference) mapping(w where) {
	name := definitions[w]
	d := r.definition(name)
	fmt.Fprintf(r, "\n## %s\n\n%s\n", title(d), wrapped(get(d, "description").Value))
	if name == "" {
		name = "pipeline"
	}
	called := string(w)
	if !strings.Contains(called, " ") {
		called = "`" + called + "`"
	}
	properties := get(d, "properties").Content
	for i := 0; i < len(properties); i += 2 {
		key, property := properties[i].Value, properties[i+1]
		fmt.Fprintf(r, "\n### `%s` of %s\n\n*%s*\n\n", key, called, r.summary(w, key, property))
		description := strings.TrimSuffix(get(property, "description").Value, " "+laterSentence)
		fmt.Fprintf(r, "%s\n", wrapped(description))
		for _, example := range get(property, "examples").Content {
			fmt.Fprintf(r, "\n```yaml %s\n%s```\n", name, writeKey("", key, example))
		}
	}
}

// summary is the type of a key, and whether it must be there and works.
func (r *reference) summary(w where, key string, property *yaml.Node) string {
	parts := []string{r.typeOf(property, false)}
	d := r.definition(definitions[w])
	switch {
	case lists(get(d, "required"), key):
		parts = append(parts, "required")
	case lists(get(d, "else", "required"), key):
		parts = append(parts, "required without "+get(d, "if", "required").Content[0].Value)
	}
	if has(property, "default") {
		parts = append(parts, "default `"+inline(get(property, "default"))+"`")
	}
	if r.later(w, property) {
		parts = append(parts, notYet)
	}
	return strings.Join(parts, " · ")
}

// typeOf says in words what a value may be. The title of a property is that of
// its key.
func (r *reference) typeOf(n *yaml.Node, plural bool) string {
	s := ""
	if plural {
		s = "s"
	}
	ref := strings.TrimPrefix(get(n, "$ref").Value, "#/$defs/")
	target := r.definition(ref)
	switch {
	case ref != "" && has(target, "properties"):
		return "[" + strings.ToLower(title(target)) + s + "](#" + anchor(title(target)) + ")"
	case ref != "" && has(target, "title"):
		return title(target) + s
	case ref != "":
		return r.typeOf(target, plural)
	case has(n, "anyOf"):
		return r.anyOf(get(n, "anyOf").Content, plural)
	case has(n, "enum"):
		var words []string
		for _, word := range get(n, "enum").Content {
			words = append(words, "`"+word.Value+"`")
		}
		return enumerateOr(words, " or ")
	case has(n, "items"):
		return "list" + s + " of " + r.typeOf(get(n, "items"), true)
	case has(get(n, "additionalProperties"), "title"):
		return "mapping of names to " + title(get(n, "additionalProperties"))
	case get(n, "additionalProperties").Kind == yaml.MappingNode:
		return "mapping of names to " + r.typeOf(get(n, "additionalProperties"), true)
	case has(n, "maxProperties"), get(n, "type").Value == "null":
		return "nothing"
	case get(n, "type").Value == "object":
		return "mapping"
	}
	return get(n, "type").Content[0].Value
}

func (r *reference) anyOf(choices []*yaml.Node, plural bool) string {
	var types []string
	for _, choice := range choices {
		if !has(choice, "maxItems") { // the empty list, which says nothing new
			types = append(types, r.typeOf(choice, plural))
		}
	}
	return enumerateOr(types, ", or ")
}

func enumerateOr(words []string, or string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + or + words[last]
}

// wrapped breaks a paragraph into lines of up to 90 characters.
func wrapped(text string) string {
	var b strings.Builder
	width := 0
	for _, word := range unbroken(text) {
		switch {
		case width == 0:
		case width+1+len(word) > 90:
			b.WriteByte('\n')
			width = 0
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += len(word)
	}
	return b.String()
}

// unbroken splits a text into words, of which code with spaces is one.
func unbroken(text string) []string {
	var words []string
	inside := false
	for word := range strings.FieldsSeq(text) {
		if inside {
			words[len(words)-1] += " " + word
		} else {
			words = append(words, word)
		}
		inside = inside != (strings.Count(word, "`")%2 == 1)
	}
	return words
}
