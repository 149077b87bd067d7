package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
	schema "github.com/stagegate/stagegate/pipelines-schema"
)

// Usage is a mistake in what a person asked for, in words for that person.
type Usage struct{ Message string }

func (u Usage) Error() string { return u.Message }

func usage(format string, args ...any) error { return Usage{fmt.Sprintf(format, args...)} }

// Mistakes are those of a pipeline file that was to run.
type Mistakes []schema.Diagnostic

func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, d := range m {
		lines[i] = d.String()
	}
	return strings.Join(lines, "\n")
}

// file is one pipeline file, read.
type file struct {
	shown      string // its path, for people and diagnostics
	text       []byte
	definition pipeline.Definition
	mistakes   []schema.Diagnostic
}

func readFile(name, shown string) (file, error) {
	text, err := readPipeline(name)
	if err != nil {
		return file{}, fmt.Errorf("read the pipeline: %w", err)
	}
	f := file{shown: shown, text: text}
	f.definition, f.mistakes = schema.Parse(shown, text)
	return f, nil
}

// files reads all pipeline files of the tree, by name. Links and what else is no
// regular file are left out, as they are on GitHub.
func (w worktree) files() ([]file, error) {
	folder := filepath.Join(w.root, filepath.FromSlash(schema.Folder))
	entries, err := pipelineFiles(folder)
	if err != nil {
		return nil, err
	}
	var all []file
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		f, err := readFile(filepath.Join(folder, e.Name()), schema.Folder+"/"+e.Name())
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// choose finds the pipeline that a person means: by its name or a path, which
// is taken from dir; without either the only one there is.
func (w worktree) choose(dir, name string) (file, error) {
	if strings.ContainsRune(name, '/') || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") {
		return w.named(dir, name)
	}
	all, err := w.files()
	if err != nil {
		return file{}, err
	}
	if len(all) == 0 {
		return file{}, usage("there is no pipeline: %s holds no .yaml file", filepath.Join(w.root, schema.Folder))
	}
	if name == "" {
		if len(all) > 1 {
			return file{}, usage("name the pipeline to run: %s", names(all))
		}
		return all[0], nil
	}
	i := slices.IndexFunc(all, func(f file) bool { return f.definition.Name == name })
	if i < 0 {
		i = slices.IndexFunc(all, func(f file) bool { return schema.Name(f.shown) == name })
	}
	if i < 0 {
		return file{}, usage("there is no pipeline %q: there is %s", name, names(all))
	}
	for _, other := range all[i+1:] {
		if _, ok := schema.Clash(all[i].definition, other.definition); ok {
			return file{}, usage("two pipelines are called %s: name the file, %s or %s", name, all[i].shown, other.shown)
		}
	}
	return all[i], nil
}

func (w worktree) named(dir, name string) (file, error) {
	full := name
	if !filepath.IsAbs(full) {
		full = filepath.Join(dir, name)
	}
	if _, err := os.Stat(full); errors.Is(err, fs.ErrNotExist) {
		return file{}, usage("there is no file %s", name)
	}
	shown := name
	if rel, err := filepath.Rel(w.root, full); err == nil && filepath.IsLocal(rel) {
		shown = filepath.ToSlash(rel)
	}
	return readFile(full, shown)
}

func names(all []file) string {
	list := make([]string, len(all))
	for i, f := range all {
		list[i] = f.definition.Name
	}
	return strings.Join(list, ", ")
}

// Pipelines are the pipelines of the working tree around a folder, by file. Of
// one with mistakes little more than the name is known.
func Pipelines(dir string) ([]pipeline.Definition, error) {
	tree, err := findWorktree(dir)
	if err != nil {
		return nil, err
	}
	all, err := tree.files()
	if err != nil {
		return nil, err
	}
	definitions := make([]pipeline.Definition, len(all))
	for i, f := range all {
		definitions[i] = f.definition
	}
	return definitions, nil
}
