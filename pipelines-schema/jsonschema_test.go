package schema

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// definitions says where in the JSON Schema a mapping of the language stands:
// in its $defs, by this name, or at its root.
var definitions = map[where]string{
	inPipeline: "", inOn: "triggers", inPush: "push", inPullRequest: "pull-request", inMergeGroup: "merge-group",
	inSchedule: "schedule", inUpstream: "upstream", inWebhook: "webhook", inVariable: "variable", inStage: "stage", inRule: "rule",
	inTestsPass: "tests-pass", inWindow: "window", inOnFailure: "on-failure", inSource: "source", inAction: "action",
	inService: "service", inReports: "reports", inIsolation: "isolation", inApproval: "approval", inVariableRule: "variable-rule",
	inCommand: "command", inRetry: "retry", inGroup: "group", inField: "field", inTarget: "target",
}

const (
	laterMark     = "x-stagegate-later"
	laterSentence = "Not supported yet."
)

// object is a JSON object.
type object = map[string]any

// schemaDocument is pipeline.schema.json as it is written.
func schemaDocument(t testing.TB) object {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	return document.(object)
}

// compiler knows the JSON Schema by its $id.
func compiler(t testing.TB) (c *jsonschema.Compiler, id string) {
	t.Helper()
	document := schemaDocument(t)
	c, id = jsonschema.NewCompiler(), document["$id"].(string)
	if err := c.AddResource(id, document); err != nil {
		t.Fatal(err)
	}
	return c, id
}

// compiled is the part of the JSON Schema at a JSON pointer, "" for all.
func compiled(t testing.TB, c *jsonschema.Compiler, id, pointer string) *jsonschema.Schema {
	t.Helper()
	s, err := c.Compile(id + "#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// definition is the schema of a mapping, by its name in $defs.
func definition(t testing.TB, document object, name string) object {
	t.Helper()
	if name == "" {
		return document
	}
	d, ok := document["$defs"].(object)[name].(object)
	if !ok {
		t.Fatalf("pipeline.schema.json has no $defs/%s", name)
	}
	return d
}

func TestJSONSchemaIsOne(t *testing.T) {
	document := schemaDocument(t)
	meta, err := jsonschema.NewCompiler().Compile(document["$schema"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if err := meta.Validate(document); err != nil {
		t.Error(err)
	}
	c, id := compiler(t)
	compiled(t, c, id, "")
}

// TestJSONSchemaKeys holds the JSON Schema and the tables of keys together, in
// both directions.
func TestJSONSchemaKeys(t *testing.T) {
	document := schemaDocument(t)
	for _, w := range everywhere {
		name, ok := definitions[w]
		if !ok {
			t.Errorf("say in definitions which part of pipeline.schema.json describes %s", w)
			continue
		}
		d := definition(t, document, name)
		if d["additionalProperties"] != false {
			t.Errorf("%s may have any key", w)
		}
		properties, _ := d["properties"].(object)
		if diff := gocmp.Diff(slices.Sorted(slices.Values(keysOf(w))), slices.Sorted(maps.Keys(properties))); diff != "" {
			t.Errorf("keys of %s (-keys.go +pipeline.schema.json)\n%s", w, diff)
		}
		for key, property := range properties {
			later := slices.Contains(tables[w].later, key)
			if marked := property.(object)[laterMark] == true; marked != later {
				t.Errorf("%s of %s: marked %s is %v, want %v", key, w, laterMark, marked, later)
			}
			description, _ := property.(object)["description"].(string)
			if said := strings.HasSuffix(description, laterSentence); said != later {
				t.Errorf("%s of %s: %q ends with %q is %v, want %v", key, w, description, laterSentence, said, later)
			}
		}
	}
	for name, d := range document["$defs"].(object) {
		known := slices.Contains(slices.Collect(maps.Values(definitions)), name)
		if _, mapping := d.(object)["properties"]; mapping && !known {
			t.Errorf("$defs/%s describes a mapping that keys.go does not have", name)
		}
	}
}

// TestJSONSchemaProperties asks that editors have something to say of each key,
// and that the examples they offer are right.
func TestJSONSchemaProperties(t *testing.T) {
	document := schemaDocument(t)
	c, id := compiler(t)
	for _, name := range definitions {
		d, at := definition(t, document, name), ""
		if name != "" {
			at = "/$defs/" + name
		}
		wellDescribed(t, cmp.Or(at, "/"), d)
		for key, property := range d["properties"].(object) {
			p, at := property.(object), at+"/properties/"+key
			wellDescribed(t, at, p)
			examples, _ := p["examples"].([]any)
			if len(examples) == 0 {
				t.Errorf("%s has no examples", at)
			}
			if fallback, ok := p["default"]; ok {
				examples = append(examples, fallback)
			}
			for _, example := range examples {
				if err := compiled(t, c, id, at).Validate(example); err != nil {
					t.Errorf("%s: example %v: %v", at, example, err)
				}
			}
		}
	}
}

func wellDescribed(t *testing.T, at string, d object) {
	t.Helper()
	title, _ := d["title"].(string)
	description, _ := d["description"].(string)
	if title == "" || !strings.HasSuffix(description, ".") {
		t.Errorf("%s has title %q and description %q", at, title, description)
	}
}

// TestJSONSchemaLimits compares what both the parser and the JSON Schema know.
func TestJSONSchemaLimits(t *testing.T) {
	document := schemaDocument(t)
	for at, want := range map[string]any{
		"properties/stages/maxItems":                       maxStages,
		"$defs/triggers/properties/schedule/maxItems":      maxSchedules,
		"$defs/upstreams/maxItems":                         maxUpstreams,
		"$defs/stage/properties/actions/maxItems":          maxActions,
		"$defs/stage/properties/finally/maxItems":          maxActions,
		"$defs/action/properties/timeout-minutes/maximum":  longestTimeout,
		"$defs/action/properties/timeout-minutes/pattern":  decimal,
		"$defs/command/properties/timeout-minutes/maximum": longestTimeout,
		"$defs/command/properties/timeout-minutes/pattern": decimal,
		"$defs/action/properties/inputs/default":           []any{pipeline.SourceArtifact},
		"$defs/rules/maxItems":                             maxRules,
		"$defs/name/pattern":                               namePattern,
		"$defs/name/patternErrorMessage":                   nameRule,
		"$defs/variable-name/pattern":                      variablePattern,
		"$defs/login/pattern":                              loginPattern,
		"$defs/team/pattern":                               slugPattern,
		"$defs/whole/pattern":                              whole,
		"$defs/people/maximum":                             mostPeople,
		"$defs/groups/maxItems":                            mostPeople,
		"$defs/approval/properties/form/maxProperties":     mostFields,
		"$defs/field/properties/max-length/default":        pipeline.MostText,
		"$defs/field/properties/type/enum":                 fieldTypes,
		"$defs/times/maximum":                              mostRetries,
		"$defs/variable-rule/properties/operator/enum":     operators,
		"$defs/pull-request-type/enum":                     PullRequestTypes,
		"$defs/merge-group-type/enum":                      mergeGroupTypes,
		"$defs/percentage/pattern":                         percentage,
	} {
		var got any = document
		for step := range strings.SplitSeq(at, "/") {
			got = got.(object)[step]
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s is %v, want %v", at, got, want)
		}
	}
}

// TestJSONSchemaFiles validates whole files: all that Parse accepts must pass,
// and mistakes of shape must be found.
func TestJSONSchemaFiles(t *testing.T) {
	c, id := compiler(t)
	s := compiled(t, c, id, "")
	for _, file := range slices.Concat(testdata(t), examples(t)) {
		base := filepath.Base(file)
		_, diagnostics := Parse(base, read(t, file))
		right := len(wrong(diagnostics)) == 0
		bad := strings.HasPrefix(base, "foreign-") || slices.Contains(misshapen, base)
		if !right && !bad {
			continue
		}
		t.Run(base, func(t *testing.T) {
			value, err := editorValue(read(t, file))
			if err != nil {
				t.Fatal(err)
			}
			switch err := s.Validate(value); {
			case right && err != nil:
				t.Errorf("the parser accepts it, and the JSON Schema does not: %v", err)
			case bad && err == nil:
				t.Error("the JSON Schema finds no mistake")
			}
		})
	}
}

// misshapen are the files of testdata whose mistakes an editor can see.
var misshapen = []string{
	"bad-action.yaml", "bad-alias-bomb.yaml", "bad-approval.yaml", "bad-artifacts.yaml", "bad-conditions.yaml",
	"bad-empty.yaml", "bad-github-actions.yaml", "bad-github-steps.yaml", "bad-keys.yaml", "bad-later.yaml",
	"bad-mode-unknown.yaml", "bad-names.yaml", "bad-root-list.yaml", "bad-root-text.yaml", "bad-run.yaml",
	"bad-secrets.yaml", "bad-stages-empty.yaml", "bad-stages-mapping.yaml", "bad-stages-missing.yaml",
	"bad-stages-shapes.yaml", "bad-timeouts.yaml", "bad-triggers-empty.yaml", "bad-triggers-later.yaml",
	"bad-triggers-list.yaml", "bad-triggers-missing.yaml", "bad-triggers-null.yaml", "bad-triggers-shapes.yaml",
	"bad-variables.yaml", "bad-variables-shape.yaml",
}

// isLater tells that all a diagnostic says is that something is not supported
// yet.
func isLater(d Diagnostic) bool { return strings.HasSuffix(d.Message, " is not supported yet") }

// wrong keeps the diagnostics that say more than that something is not
// supported yet.
func wrong(diagnostics []Diagnostic) []Diagnostic {
	return slices.DeleteFunc(slices.Clone(diagnostics), isLater)
}

// editorValue is what an editor makes of a file: YAML 1.2, in which 1.20 is a
// number and true a boolean, and on a text.
func editorValue(data []byte) (any, error) {
	var n yaml.Node
	if err := yaml.Unmarshal(data, &n); err != nil {
		return nil, err
	}
	return nodeValue(&n), nil
}

func nodeValue(n *yaml.Node) any {
	switch n.Kind {
	case yaml.DocumentNode:
		return nodeValue(n.Content[0])
	case yaml.AliasNode:
		return nodeValue(n.Alias)
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, nodeValue(item))
		}
		return list
	case yaml.MappingNode:
		mapping := object{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			mapping[n.Content[i].Value] = nodeValue(n.Content[i+1])
		}
		return mapping
	default:
		return scalarValue(n)
	}
}

func scalarValue(n *yaml.Node) any {
	var value any
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!int", "!!float", "!!bool":
		if err := n.Decode(&value); err != nil {
			return n.Value
		}
		if f, ok := value.(float64); ok && (math.IsInf(f, 0) || math.IsNaN(f)) {
			return n.Value // which JSON has no number for
		}
		return value
	}
	return n.Value
}
