package schema

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// setting is a pipeline file around a few keys of one mapping, which stand in
// place of its line with only … in it. What the mapping needs besides stands in
// needs, unless the keys bring it or rule it out.
type setting struct {
	file  string
	needs []string
}

const (
	onlyStages = "stages: [{ name: s, actions: [{ name: a, image: alpine, run: ls }] }]\n"
	earlier    = `on: push
variables: { REGION: eu-west-1, GO_VERSION: 1.26 }
stages:
  - name: build
    actions: [{ name: compile, image: alpine, run: make, artifacts: { shop: out/ } }]
`
	thisStage = earlier + "  - name: deploy\n    actions: [{ name: a, image: alpine, run: ls }]\n"
	anAction  = "  - name: deploy\n    actions:\n" +
		"      - { name: compile, image: alpine, run: ls }\n      - { name: lint, image: alpine, run: ls }\n      -\n"
	script = "        name: example\n        image: alpine\n        run: ls\n"
)

// settings are found by what a block of our documents says behind yaml: the
// name of a definition of the JSON Schema, and pipeline for its root.
var settings = map[string]setting{
	"pipeline":      {"…\n", []string{"on: push", strings.TrimSpace(onlyStages)}},
	"triggers":      {"on:\n  …\n" + onlyStages, nil},
	"push":          {"on:\n  push:\n    …\n" + onlyStages, nil},
	"pull-request":  {"on:\n  pull_request:\n    …\n" + onlyStages, nil},
	"merge-group":   {"on:\n  merge_group:\n    …\n" + onlyStages, nil},
	"schedule":      {"on:\n  schedule:\n    -\n      …\n" + onlyStages, []string{`cron: "0 3 * * *"`}},
	"webhook":       {"on:\n  webhook:\n    …\n" + onlyStages, nil},
	"upstream":      {"on:\n  pipeline:\n    …\n" + onlyStages, []string{"name: other"}},
	"variable":      {"on: push\nvariables:\n  REGION:\n    …\n" + onlyStages, []string{"default: x"}},
	"stage":         {earlier + "  -\n    …\n", []string{"name: example", "actions: [{ name: a, image: alpine, run: ls }]"}},
	"action":        {earlier + anAction + "        …\n", []string{"name: example", "image: alpine", "run: ls", "matrix: { go: [1.26] }"}},
	"approval":      {earlier + anAction + "        name: example\n        approval:\n          …\n", nil},
	"group":         {earlier + anAction + "        name: example\n        approval:\n          all-of:\n            -\n              …\n", []string{"users: [octocat]"}},
	"field":         {earlier + anAction + "        name: example\n        approval:\n          form:\n            VERSION:\n              …\n", []string{"description: x", "type: choice", "options: [a, b]"}},
	"retry":         {earlier + anAction + script + "        retry:\n          …\n", []string{"times: 1"}},
	"service":       {earlier + anAction + script + "        services:\n          db:\n            …\n", []string{"image: postgres"}},
	"isolation":     {earlier + anAction + script + "        isolation:\n          …\n", []string{"runtime: runsc"}},
	"reports":       {earlier + anAction + script + "        reports:\n          …\n", []string{"junit: x"}},
	"rule":          {thisStage + "    before-entry:\n      -\n        …\n", []string{"window: { days: mon }"}},
	"tests-pass":    {thisStage + "    before-entry:\n      - tests-pass:\n          …\n", []string{"stage: build"}},
	"window":        {thisStage + "    before-entry:\n      - window:\n          …\n", []string{"holidays: 2026-12-25"}},
	"variable-rule": {thisStage + "    before-entry:\n      - variable:\n          …\n", []string{"name: variables.REGION", "value: x"}},
	"command":       {thisStage + "    before-entry:\n      - command:\n          …\n", []string{"image: alpine", "run: ls"}},
	"on-failure":    {thisStage + "    on-failure:\n      …\n", []string{"retry: failed-actions"}},
	"target":        {thisStage + "    environment:\n      …\n", []string{"name: production"}},
	"source":        {"on: push\nsource:\n  …\n" + onlyStages, nil},
}

// around puts keys into the setting of their mapping.
func around(keys, mapping string) (string, error) {
	s, ok := settings[mapping]
	if !ok {
		return "", fmt.Errorf("no mapping is called %q", mapping)
	}
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(keys), &n); err != nil {
		return "", err
	}
	if len(n.Content) == 0 || n.Content[0].Kind != yaml.MappingNode {
		return "", fmt.Errorf("no keys of a mapping: %q", keys)
	}
	var present []string
	for i := 0; i < len(n.Content[0].Content); i += 2 {
		present = append(present, n.Content[0].Content[i].Value)
	}
	lines := strings.Split(strings.TrimRight(keys, "\n"), "\n")
	for _, need := range s.needs {
		if key, _, _ := strings.Cut(need, ":"); missing(key, present) && (key != "options" || strings.Contains(keys, "type: choice")) {
			lines = append(lines, need)
		}
	}
	place := strings.Index(s.file, "…")
	margin := strings.Repeat(" ", place-strings.LastIndexByte(s.file[:place], '\n')-1)
	return strings.Replace(s.file, "…", strings.Join(lines, "\n"+margin), 1), nil
}

// missing tells whether a key that a mapping needs must be added to those that
// are present.
func missing(key string, present []string) bool {
	switch key {
	case "image", "run":
		return !slices.Contains(present, key) && !slices.Contains(present, "approval")
	case "window":
		return slices.Equal(present, []string{"otherwise"})
	case "type":
		return !slices.Contains(present, key) && slices.Contains(present, "options")
	case "matrix":
		return !slices.Contains(present, key) && slices.Contains(present, "fail-fast")
	}
	return !slices.Contains(present, key)
}

// TestSettings shows what each setting adds by leaving it out: a setting that
// hides a mistake proves nothing.
func TestSettings(t *testing.T) {
	for mapping := range settings {
		text, err := around("no-such-key: x", mapping)
		if err != nil {
			t.Fatal(err)
		}
		_, diagnostics := Parse("x.yaml", []byte(text))
		if mistakes := wrong(diagnostics); len(mistakes) == 0 || !strings.Contains(mistakes[0].Message, `"no-such-key"`) {
			t.Errorf("%s: %v\n%s", mapping, mistakes, text)
		}
	}
}
