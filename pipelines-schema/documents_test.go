package schema

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// block is a fenced block of a Markdown file. Line counts from 1 and is that of
// its first line of text.
type block struct {
	language, word string
	line           int
	text           string
}

// blocks finds the fenced blocks of a Markdown file, also those of lists.
func blocks(document string) []block {
	var all []block
	var open *block
	margin := ""
	for i, line := range strings.Split(document, "\n") {
		text := strings.TrimLeft(line, " ")
		switch {
		case open != nil && text == "```":
			all = append(all, *open)
			open = nil
		case open != nil:
			open.text += strings.TrimPrefix(line, margin) + "\n"
		case strings.HasPrefix(text, "```"):
			margin = line[:len(line)-len(text)]
			language, word, _ := strings.Cut(strings.TrimPrefix(text, "```"), " ")
			open = &block{language: language, word: word, line: i + 2}
		}
	}
	return all
}

// markdown lists the Markdown files of the repository.
func markdown(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path != ".." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) == ".md" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"../README.md", "../docs/pipelines.md", "../docs/expressions.md"} {
		if !slices.Contains(files, file) {
			t.Errorf("%s is not among %v", file, files)
		}
	}
	return files
}

// TestDocuments parses every YAML of our documents. What is fenced as yaml is a
// pipeline file, or, with a word behind it, keys of the mapping of that name;
// what is fenced as yml is a file of somebody else.
func TestDocuments(t *testing.T) {
	for _, file := range markdown(t) {
		for _, b := range blocks(string(read(t, file))) {
			if err := b.check(); err != nil {
				t.Errorf("%s:%d: %v", file, b.line, err)
			}
		}
	}
}

func (b block) check() error {
	text := b.text
	switch {
	case b.language == "yml":
		var value any
		return yaml.Unmarshal([]byte(text), &value)
	case b.language != "yaml":
		return nil
	case b.word != "":
		whole, err := around(text, b.word)
		if err != nil {
			return err
		}
		text = whole
	}
	_, diagnostics := Parse("example.yaml", []byte(text))
	if mistakes := wrong(diagnostics); len(mistakes) > 0 {
		return fmt.Errorf("%v in\n%s", mistakes, text)
	}
	return nil
}

// TestOwnPipelines parses the pipeline files that this repository runs itself.
func TestOwnPipelines(t *testing.T) {
	for _, file := range []string{"../.github/pipelines/ci.yaml", "../cmd/stagegate/demo/.github/pipelines/release.yaml"} {
		if _, diagnostics := Parse(file, read(t, file)); len(diagnostics) > 0 {
			t.Errorf("%v", diagnostics)
		}
	}
}
