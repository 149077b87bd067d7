// Package review tells what an edit of a repository's pipeline files means: which gates,
// stages, secrets and triggers it adds, changes or takes away. It is for whoever reviews
// the edit, and decides nothing. It is pure: it reads no files and asks nobody.
package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Files are a repository's pipelines and what its environments trust, at one time.
type Files struct {
	Repository    string // owner/name
	DefaultBranch string
	Pipelines     []Pipeline
	Environments  []pipeline.Environment
	Problem       string // why the environments cannot be read
}

// Pipeline is one file. One with mistakes has a definition of name and triggers alone.
type Pipeline struct {
	Definition pipeline.Definition
	Mistakes   int
}

// Section is what changes of one pipeline, or of the environments. Its texts are
// Markdown in which whatever an author wrote is code.
type Section struct {
	Title   string
	Changes []Change // those that weaken a gate come first
}

// Change is one difference. It weakens a gate where less has to hold, or fewer people
// have to agree, than before; where that cannot be told, it is said to.
type Change struct {
	Weakens bool
	Text    string
}

// Compare tells what differs, by pipeline.
func Compare(before, after Files) []Section {
	var all []Section
	add := func(title string, changes []Change) {
		slices.SortStableFunc(changes, func(a, b Change) int { return cmp.Compare(rank(a), rank(b)) })
		if len(changes) > 0 {
			all = append(all, Section{title, changes})
		}
	}
	add("What environments trust", environments(before, after))
	left := slices.Clone(before.Pipelines)
	for _, is := range after.Pipelines {
		i := match(left, is)
		if i < 0 {
			add(title(is)+", new", added(after.Repository, is))
			continue
		}
		add(title(is), changed(after.Repository, left[i], is))
		left = slices.Delete(left, i, i+1)
	}
	for _, was := range left {
		add(title(was)+", removed", []Change{{true, "It is removed, with " + list(stageNames(was.Definition)) + "."}})
	}
	return all
}

func rank(c Change) int {
	if c.Weakens {
		return 0
	}
	return 1
}

// match finds what a pipeline was: of the same file, else of the same name.
func match(before []Pipeline, is Pipeline) int {
	i := slices.IndexFunc(before, func(was Pipeline) bool { return was.Definition.File == is.Definition.File })
	if i < 0 {
		i = slices.IndexFunc(before, func(was Pipeline) bool { return was.Definition.Name == is.Definition.Name })
	}
	return i
}

func title(p Pipeline) string { return Code(p.Definition.Name) + " (" + Code(p.Definition.File) + ")" }

// longest is how many characters of a text of an author's are shown.
const longest = 120

// Code shows a text of an author's as code that nothing gets out of: it is no Markdown,
// mentions nobody, and has no characters that are not seen.
func Code(text string) string {
	seen := strings.Map(func(r rune) rune {
		switch {
		case r == '`':
			return '\''
		case unicode.IsPrint(r):
			return r
		}
		return ' '
	}, text)
	seen = strings.Join(strings.Fields(seen), " ")
	if letters := []rune(seen); len(letters) > longest {
		seen = string(letters[:longest]) + "…"
	}
	if seen == "" {
		return "an empty text"
	}
	return "`" + seen + "`"
}

// mostListed is how many names a list shows.
const mostListed = 12

// list shows names as code: a, b and c.
func list(names []string) string {
	var shown []string
	for _, name := range names[:min(len(names), mostListed)] {
		shown = append(shown, Code(name))
	}
	if more := len(names) - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("%d more", more))
	}
	switch last := len(shown) - 1; {
	case last < 0:
		return "nothing"
	case last == 0:
		return shown[0]
	default:
		return strings.Join(shown[:last], ", ") + " and " + shown[last]
	}
}

func stageNames(d pipeline.Definition) []string {
	var names []string
	for _, s := range d.Stages {
		names = append(names, s.Name)
	}
	return names
}

// without leaves of a list what another does not have.
func without(all, others []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(others, s) })
}
