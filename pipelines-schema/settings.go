package schema

import (
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// SettingsFile is where a repository says which refs its environments trust. It
// counts on the default branch alone.
const SettingsFile = ".github/stagegate.yaml"

// settingsBegin is the hint for a file that says nothing.
const settingsBegin = "write environments: { production: { branches: [main] } }, or remove the file"

const mostEnvironments = 100

// ParseSettings reads the file of that name. With a diagnostic nothing of it may be
// trusted, and no environment is returned.
func ParseSettings(file string, data []byte) ([]pipeline.Environment, []Diagnostic) {
	p := &parser{file: file, src: newSource(""), refused: map[place]bool{}, begins: settingsBegin}
	var all []pipeline.Environment
	if root, ok := p.load(data); ok {
		all = p.settings(root)
		p.reportFaults(root, map[place]bool{})
	}
	if p.mistakes() > 0 {
		all = nil
	}
	return all, p.diagnostics()
}

// IsSettingsFile tells whether a path of a repository names the settings, rightly or
// by a slip that would leave them unread.
func IsSettingsFile(file string) (is, rightly bool) {
	is = strings.EqualFold(file, SettingsFile) || strings.EqualFold(file, strings.TrimSuffix(SettingsFile, "yaml")+"yml")
	return is, file == SettingsFile
}

// Misnamed is the mistake of a file that stands where the settings would be looked for
// under another name.
func Misnamed(file string) Diagnostic {
	return Diagnostic{
		File: file, Line: 1, Column: 1, Hint: "rename it",
		Message: "the file must be called " + SettingsFile + ", else nobody could tell that it is there",
	}
}

func (p *parser) settings(root node) []pipeline.Environment {
	var all []pipeline.Environment
	p.each(root, inSettings, func(_, value node) { all = p.environments(value) })
	if _, ok := root.get("environments"); !ok && !root.torn && p.mistakes() == 0 {
		p.report(root.at, settingsBegin, "environments is missing")
	}
	return all
}

func (p *parser) environments(n node) []pipeline.Environment {
	switch {
	case n.null || n.kind == mapping && len(n.pairs) == 0 && !n.torn:
		p.report(n.at, settingsBegin, "environments is empty")
		return nil
	case n.kind != mapping:
		p.report(n.at, settingsBegin, "environments must be a mapping, not %s", n.kind)
		return nil
	case len(n.pairs) > mostEnvironments:
		p.report(n.pairs[mostEnvironments].key.at, "", "environments has more than %d entries", mostEnvironments)
		return nil
	}
	var all []pipeline.Environment
	first := map[string]string{}
	for _, pair := range n.pairs {
		name, _ := p.name(pair.key, "an environment")
		key := strings.ToLower(name)
		if other, again := first[key]; again {
			p.report(pair.key.at, "", "%s and %s are one environment", quote(other), quote(name))
		}
		first[key] = name
		all = append(all, p.environment(name, pair.value))
	}
	return all
}

// environment reads what one trusts. One that says nothing is a slip: what is not
// listed trusts the default branch as well.
func (p *parser) environment(name string, n node) pipeline.Environment {
	e := pipeline.Environment{Name: name}
	what := func(key string) string { return show(name) + "." + key }
	ok := p.each(n, inEnvironment, func(key, value node) {
		switch key.text {
		case "branches":
			e.Branches = p.globs(value, what(key.text), branchNames)
		case "tags":
			e.Tags = p.globs(value, what(key.text), tagNames)
		case "pull-requests":
			e.PullRequests = p.boolean(value, what(key.text))
		}
	})
	switch {
	case n.null || ok && len(n.pairs) == 0 && !n.torn:
		p.report(n.at, "write branches: [main], or remove the entry: then it is the default branch alone", "%s does not say what it trusts", show(name))
	case !ok:
		p.report(n.at, "write branches: [main] under it", "%s must be a mapping, not %s", show(name), n.kind)
	}
	return e
}
