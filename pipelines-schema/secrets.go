package schema

import (
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/expression"
)

// secrets reads the names of the secrets an action is given.
func (p *parser) secrets(n node) []node {
	if n.null {
		return nil
	}
	if n.kind == mapping {
		p.report(n.at, "write a list of names: a value never stands in the file", "secrets must be a list, not %s", n.kind)
		return nil
	}
	items := n.items
	if n.kind == scalar {
		items = []node{n}
	}
	for _, item := range items {
		t, err := expression.Parse(item.text)
		if names := t.Names(); err == nil && len(names) == 1 && names[0].Name[0] == "secrets" && item.kind == scalar {
			p.report(item.at, "write "+show(strings.Join(names[0].Name[1:], ".")), "secrets lists names, not expressions")
			return nil
		}
	}
	return p.distinct(p.words(n, "secrets"), "secrets", exact)
}

// claimSecrets checks the names, which become variables of the environment
// beside those of env.
func (p *parser) claimSecrets(a *action) {
	for _, n := range a.secrets {
		name := n.text
		switch {
		case !variablePattern.MatchString(name):
			p.report(n.at, "a letter or _ first, then letters, digits or _", "%s is not a name for a secret", quote(name))
		case name == "inherit" && len(a.secrets) == 1:
			p.report(n.at, "write the names of those it needs", "secrets are never given all at once")
		case reserved(name):
			p.report(n.at, "CI and names that start with STAGEGATE_ are set by Stagegate", "a secret cannot be called %s", show(name))
		case slices.ContainsFunc(a.Env, func(v pipeline.Value) bool { return v.Name == name }):
			p.report(n.at, "leave it out of one of them", "%s stands in env and in secrets", show(name))
		}
		a.Secrets = append(a.Secrets, name)
	}
}
