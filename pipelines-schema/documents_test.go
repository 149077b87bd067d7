package schema_test

import (
	"os"
	"regexp"
	"testing"

	schema "github.com/stagegate/stagegate/pipelines-schema"
)

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestDocuments parses every pipeline file that our documents show.
func TestDocuments(t *testing.T) {
	for path, least := range map[string]int{"../README.md": 1, "../docs/pipelines.md": 2, "../docs/expressions.md": 1} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		blocks := yamlBlock.FindAllSubmatch(text, -1)
		if len(blocks) < least {
			t.Errorf("%s shows %d pipeline files, want at least %d", path, len(blocks), least)
		}
		for i, block := range blocks {
			if _, diagnostics := schema.Parse(path, block[1]); len(diagnostics) > 0 {
				t.Errorf("block %d: %v", i+1, diagnostics)
			}
		}
	}
}

// TestOwnPipelines parses the pipeline files that this repository runs itself.
func TestOwnPipelines(t *testing.T) {
	for _, path := range []string{"../.github/pipelines/ci.yaml", "../cmd/stagegate/demo/.github/pipelines/release.yaml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, diagnostics := schema.Parse(path, text); len(diagnostics) > 0 {
			t.Errorf("%v", diagnostics)
		}
	}
}
