package schema

import (
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/expression"
)

// asFile is what stands behind the name of a secret that comes as a file.
const asFile = "file"

// secretUse is an entry of secrets.
type secretUse struct {
	name node
	file bool
}

// secrets reads which secrets an action is given: NAME, or NAME: file.
func (p *parser) secrets(n node) []secretUse {
	items := n.items
	switch {
	case n.null:
		return nil
	case n.kind == mapping:
		p.report(n.at, secretsHint(n), "secrets must be a list, not %s", n.kind)
		return nil
	case n.kind == scalar:
		items = []node{n}
	}
	var uses []secretUse
	seen := map[string]bool{}
	for _, item := range items {
		use, ok := p.secretUse(item)
		name := use.name.text
		if ok && seen[name] {
			p.report(use.name.at, "", "secrets names %s twice", quote(name))
		} else if ok {
			seen[name] = true
			uses = append(uses, use)
		}
	}
	return uses
}

// secretsHint is how a mapping in place of a list is written.
func secretsHint(n node) string {
	if len(n.pairs) > 0 && n.pairs[0].value.text == asFile {
		return "write - " + show(n.pairs[0].key.text) + ": file"
	}
	return "write a list of names: a value never stands in the file"
}

// secretUse reads one entry.
func (p *parser) secretUse(n node) (secretUse, bool) {
	if n.kind == mapping && len(n.pairs) == 1 {
		pair := n.pairs[0]
		if pair.value.kind != scalar || pair.value.text != asFile {
			name := show(pair.key.text)
			p.report(pair.value.at, "write "+name+": file for a file whose path is in $"+name+", or "+name+" alone for a variable: a value never stands in the file",
				"secrets gives %s in a way that is unknown", name)
			return secretUse{}, false
		}
		return secretUse{pair.key, true}, true
	}
	if n.kind != scalar {
		p.report(n.at, "write NAME for a variable of the environment, or NAME: file for a file", "an entry of secrets must be a text, not %s", n.kind)
		return secretUse{}, false
	}
	t, err := expression.Parse(n.text)
	if names := t.Names(); err == nil && len(names) == 1 && names[0].Name[0] == "secrets" {
		p.report(n.at, "write "+show(strings.Join(names[0].Name[1:], ".")), "secrets lists names, not expressions")
		return secretUse{}, false
	}
	_, ok := p.word(n, "an entry of secrets")
	return secretUse{name: n}, ok
}

// claimSecrets checks the names, which become variables of the environment
// beside those of env.
func (p *parser) claimSecrets(a *action) {
	for _, use := range a.secrets {
		n, name := use.name, use.name.text
		switch {
		case !variablePattern.MatchString(name):
			p.report(n.at, variableRule, "%s is not a name for a secret", quote(name))
		case name == "inherit" && len(a.secrets) == 1:
			p.report(n.at, "write the names of those it needs", "secrets are never given all at once")
		case reserved(name):
			p.report(n.at, reservedRule, "a secret cannot be called %s", show(name))
		case slices.ContainsFunc(a.Env, func(v pipeline.Value) bool { return v.Name == name }):
			p.report(n.at, "leave it out of one of them", "%s stands in env and in secrets", show(name))
		}
		a.Secrets = append(a.Secrets, pipeline.SecretUse{Name: name, File: use.file})
	}
}

const (
	variableRule = "a letter or _ first, then letters, digits or _"
	reservedRule = "CI and names that start with STAGEGATE_ are set by Stagegate"
)

// WrongSecret says why no action could name a secret so; empty: one could.
func WrongSecret(name string) string {
	switch {
	case !variablePattern.MatchString(name):
		return variableRule
	case reserved(name):
		return reservedRule
	}
	return ""
}

// WrongName says why no pipeline, stage or environment could be called so; empty:
// one could.
func WrongName(name string) string {
	if namePattern.MatchString(name) {
		return ""
	}
	return nameRule
}
