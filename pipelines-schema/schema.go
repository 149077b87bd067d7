// Package schema reads the pipeline language: the bytes of one file become a
// pipeline.Definition, or diagnostics that say what is wrong, where, and what
// was probably meant. It does no I/O and is the only importer of a YAML
// library. It imports nothing of the project but internal/pipeline.
package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Folder is where pipeline files lie in a repository.
const Folder = ".github/pipelines"

// Diagnostic is one mistake in a pipeline file. Line and Column count from 1,
// columns in characters. Hint, which may be empty, says what to write instead.
type Diagnostic struct {
	File    string
	Line    int
	Column  int
	Message string
	Hint    string
}

// String is the form of a command line: file:line:col: message (hint).
func (d Diagnostic) String() string {
	s := fmt.Sprintf("%s:%d:%d: %s", d.File, d.Line, d.Column, d.Message)
	if d.Hint != "" {
		s += " (" + d.Hint + ")"
	}
	return s
}

// Parse reads one pipeline file. It returns all mistakes at once, in the order
// of their positions, and of very many the first hundred.
//
// Without a diagnostic the definition is whole and valid. With one it holds only
// File, Hash, Name (the file's own if that is readable and valid, else the
// one of Name) and On, so that the caller can tell whether the file is about
// an event. On has neither trigger when the triggers could not be read: the
// file then concerns every event. A trigger whose branches hold a mistake
// matches every branch.
func Parse(file string, data []byte) (pipeline.Definition, []Diagnostic) {
	d, diagnostics := parse(file, data)
	if len(diagnostics) > 0 {
		d.Variables, d.Stages = nil, nil
	}
	return d, diagnostics
}

// parse is Parse, but that a file whose only mistakes are keys that are not
// supported yet has a definition.
func parse(file string, data []byte) (pipeline.Definition, []Diagnostic) {
	d, p := readFile(file, data)
	return d, p.diagnostics()
}

func readFile(file string, data []byte) (pipeline.Definition, *parser) {
	sum := sha256.Sum256(data)
	d := pipeline.Definition{Name: Name(file), File: file, Hash: hex.EncodeToString(sum[:])}
	p := &parser{file: file, src: newSource(""), refused: map[place]bool{}}
	root, ok := p.load(data)
	if ok {
		p.pipeline(root, &d)
		p.reportFaults(root, map[place]bool{})
		if p.mistakes() == p.laters {
			d.Stages = p.expand(d)
		}
	} else {
		p.salvage(&d)
	}
	return d, p
}

// IsPipelineFile tells whether a path of a repository names a pipeline file: a
// .yaml or .yml directly in Folder.
func IsPipelineFile(file string) bool {
	dir, base := path.Split(file)
	ext := path.Ext(base)
	return dir == Folder+"/" && (ext == ".yaml" || ext == ".yml") && base != ext
}

// Name is the file's base name without its extension: what a pipeline is called
// that does not say.
func Name(file string) string {
	base := path.Base(file)
	return strings.TrimSuffix(base, path.Ext(base))
}

// maxDiagnostics is how many mistakes of a file are kept. GitHub shows fifty
// annotations of a request.
const maxDiagnostics = 100

// parser reads one file. Its methods report what is wrong and go on.
type parser struct {
	file   string
	src    *source
	found  []Diagnostic
	missed int // mistakes past maxDiagnostics
	laters int // mistakes that are keys not supported yet
	scope  scope

	walls []Option // of isolation

	refused map[place]bool // keys that no mapping has, whose values are not looked at

	begins string // the hint for a file that is nothing it could be; empty: that of a pipeline
}

// report adds a mistake at a place of the file.
func (p *parser) report(at place, hint, format string, args ...any) {
	if p.full() {
		p.missed++
		return
	}
	p.reportAt(p.src.offset(at), hint, format, args...)
}

// reportAt adds a mistake at an offset of the file.
func (p *parser) reportAt(offset int, hint, format string, args ...any) {
	if p.full() {
		p.missed++
		return
	}
	line, column := p.src.position(offset)
	d := Diagnostic{File: p.file, Line: line, Column: column, Message: fmt.Sprintf(format, args...), Hint: hint}
	if !slices.Contains(p.found, d) { // what aliases repeat stands in one place
		p.found = append(p.found, d)
	}
}

// full tells that more mistakes are only counted, so that looking for them in
// costly ways can end.
func (p *parser) full() bool { return len(p.found) >= maxDiagnostics }

// mistakes counts what was reported so far.
func (p *parser) mistakes() int { return len(p.found) + p.missed }

func (p *parser) diagnostics() []Diagnostic {
	slices.SortStableFunc(p.found, func(a, b Diagnostic) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	if p.missed > 0 {
		last := p.found[len(p.found)-1]
		last.Message, last.Hint = "there are more mistakes", fmt.Sprintf("only the first %d are shown", maxDiagnostics)
		p.found = append(p.found, last)
	}
	return p.found
}
