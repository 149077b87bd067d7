package local

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
	schema "github.com/stagegate/stagegate/pipelines-schema"
)

// Validation says which pipeline files to look at.
type Validation struct {
	Dir       string    // where the person stands
	Names     []string  // files, folders, or - for Stdin; none: the files of the working tree
	Stdin     io.Reader // read if it is named
	StdinName string    // what Stdin is called; default stdin
	// FromRoot calls files by their paths from the root of the working tree, as
	// GitHub does, and not from Dir.
	FromRoot bool
}

// Findings are what is wrong with the files.
type Findings struct {
	Files    int                 // how many were read
	Mistakes []schema.Diagnostic // by file, line and column
	Unread   []error             // why others were not; Usage where there are none
}

// Validate looks at pipeline files with the eyes of the App: what it would not
// run is a mistake, such as a link in place of a file or two pipelines of one
// name. A file that cannot be read does not hide what is wrong with the others.
func Validate(v Validation) Findings {
	l := lookup{Validation: v}
	var err error
	if l.tree, err = findWorktree(v.Dir); err != nil {
		return Findings{Unread: []error{err}}
	}
	if len(v.Names) == 0 {
		l.repository(l.tree.root, l.relative(l.Dir, l.tree.root))
	}
	for _, name := range v.Names {
		l.name(name)
	}
	l.judge()
	return l.Findings
}

// lookup finds the files and judges them.
type lookup struct {
	Validation
	Findings

	tree worktree
	todo []named
}

// named is a file that was found or named.
type named struct {
	path  string // from the root of the file system; empty: the standard input
	shown string
}

// isSettings tells whether the file is no pipeline, but says what environments trust.
func (n named) isSettings() bool {
	name := filepath.ToSlash(cmp.Or(n.path, n.shown))
	return name == schema.SettingsFile || strings.HasSuffix(name, "/"+schema.SettingsFile)
}

func (l *lookup) unread(err error) { l.Unread = append(l.Unread, err) }

// name takes what a person names, links and pipes too.
func (l *lookup) name(name string) {
	if name == "-" {
		l.todo = append(l.todo, named{shown: cmp.Or(l.StdinName, "stdin")})
		return
	}
	full := name
	if !filepath.IsAbs(full) {
		full = filepath.Join(l.Dir, name)
	}
	info, err := os.Stat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.unread(usage("there is no file %s", name))
	case err != nil:
		l.unread(fmt.Errorf("read %s: %w", name, cause(err)))
	case !info.IsDir():
		l.todo = append(l.todo, named{full, l.show(full, name)})
	default:
		if _, err := os.Lstat(filepath.Join(full, schema.Folder)); err == nil {
			l.repository(full, name)
		} else {
			l.folder(full, name)
		}
	}
}

// repository takes the pipeline files below the root of one. A commit has no
// files behind a link.
func (l *lookup) repository(full, name string) {
	for at := schema.Folder; at != "."; at = path.Dir(at) {
		if info, err := os.Lstat(filepath.Join(full, at)); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			l.unread(usage("%s is a symbolic link: pipelines stand in a real folder", filepath.Join(full, at)))
			return
		}
	}
	l.folder(filepath.Join(full, schema.Folder), filepath.Join(name, schema.Folder))
	l.settings(full, name)
}

// settings takes the file that says what environments trust, if there is one, and one
// that would not be read for its name.
func (l *lookup) settings(full, name string) {
	folder := path.Dir(schema.SettingsFile)
	entries, err := os.ReadDir(filepath.Join(full, folder))
	if err != nil {
		return // then there are no pipelines either, which is said
	}
	for _, e := range entries {
		is, rightly := schema.IsSettingsFile(path.Join(folder, e.Name()))
		if !is {
			continue
		}
		file := filepath.Join(full, folder, e.Name())
		shown := l.show(file, filepath.Join(name, folder, e.Name()))
		switch {
		case !rightly:
			l.Mistakes = append(l.Mistakes, schema.Misnamed(shown))
		case e.Type().IsRegular():
			l.todo = append(l.todo, named{file, shown})
		default:
			l.Mistakes = append(l.Mistakes, schema.Diagnostic{
				File: shown, Line: 1, Column: 1, Message: "it is not a regular file, so no environment trusts anything", Hint: "put a file in its place",
			})
		}
	}
}

// folder takes the pipeline files right in a folder, which people call name.
func (l *lookup) folder(full, name string) {
	found, err := pipelineFiles(full)
	switch {
	case err != nil:
		l.unread(err)
	case len(found) == 0:
		l.unread(usage("there is no pipeline: %s holds no .yaml file", full))
	}
	for _, e := range found {
		file := filepath.Join(full, e.Name())
		shown := l.show(file, filepath.Join(name, e.Name()))
		switch {
		case e.Type().IsRegular():
			l.todo = append(l.todo, named{file, shown})
		case e.Type()&fs.ModeSymlink != 0:
			l.Mistakes = append(l.Mistakes, schema.Diagnostic{
				File: shown, Line: 1, Column: 1,
				Message: "the file is a symbolic link, which runs nothing",
				Hint:    "put a copy of the file it leads to in its place",
			})
		default:
			l.unread(fmt.Errorf("read %s: it is not a regular file", shown))
		}
	}
}

// pipelineFiles lists what is named like a pipeline file right in a folder, by
// name. No folder means none. A caller looks at what is not a regular file as it
// likes; folders are left out.
func pipelineFiles(folder string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the pipelines: %w", err)
	}
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return e.IsDir() || !schema.IsPipelineFile(schema.Folder+"/"+e.Name())
	}), nil
}

// show is what people are told a file is called.
func (l *lookup) show(full, name string) string {
	if l.FromRoot {
		name = full
		if rel := l.relative(l.tree.root, full); filepath.IsLocal(rel) {
			name = rel
		}
	}
	return filepath.ToSlash(filepath.Clean(name))
}

// relative is the path from a folder, or the path itself where there is none.
func (l *lookup) relative(folder, full string) string {
	if rel, err := filepath.Rel(folder, full); err == nil {
		return rel
	}
	return full
}

// judge reads the files, each once.
func (l *lookup) judge() {
	var seen []pipeline.Definition
	read := map[string]bool{}
	for _, f := range l.todo {
		if read[f.path] {
			continue
		}
		read[f.path] = true
		text, err := l.read(f)
		if err != nil {
			l.unread(err)
			continue
		}
		l.Files++
		if f.isSettings() {
			_, mistakes := schema.ParseSettings(f.shown, text)
			l.Mistakes = append(l.Mistakes, mistakes...)
			continue
		}
		d, mistakes := schema.Parse(f.shown, text)
		l.Mistakes = append(l.Mistakes, mistakes...)
		for _, earlier := range seen {
			if clash, ok := schema.Clash(earlier, d); ok {
				l.Mistakes = append(l.Mistakes, clash)
				break
			}
		}
		seen = append(seen, d)
	}
	slices.SortStableFunc(l.Mistakes, func(a, b schema.Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

func (l *lookup) read(f named) ([]byte, error) {
	if f.path != "" {
		text, err := readPipeline(f.path)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", f.shown, cause(err))
		}
		return text, nil
	}
	text, err := io.ReadAll(io.LimitReader(l.Stdin, schema.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the standard input: %w", err)
	}
	return text, nil
}

// readPipeline reads a file no further than Parse has to see to refuse it.
func readPipeline(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, schema.MaxBytes+1))
}

// cause is an error without the path it is about.
func cause(err error) error {
	var about *fs.PathError
	if errors.As(err, &about) {
		return about.Err
	}
	return err
}
