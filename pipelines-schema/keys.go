package schema

import (
	"fmt"
	"slices"
)

// where is a mapping of the language, by the words people are told.
type where string

const (
	inPipeline where = "a pipeline"
	inOn       where = "on"
	inBranches where = "a branch filter"
	inVariable where = "a variable"
	inStage    where = "a stage"
	inAction   where = "an action"
	inApproval where = "an approval"
)

// everywhere lists the mappings from the outside in.
var everywhere = []where{inPipeline, inOn, inBranches, inVariable, inStage, inAction, inApproval}

// keysOf lists the keys a mapping has now.
func keysOf(w where) []string {
	switch w {
	case inPipeline:
		return []string{"name", "on", "variables", "stages"}
	case inOn:
		return []string{"push", "pull_request"}
	case inBranches:
		return []string{"branches"}
	case inVariable:
		return []string{"default", "description"}
	case inStage:
		return []string{"name", "actions"}
	case inAction:
		return []string{"name", "needs", "image", "run", "shell", "env", "inputs", "artifacts", "timeout-minutes", "approval"}
	case inApproval:
		return []string{"users", "teams", "count", "expires", "self-review"}
	}
	return nil
}

// later are keys and events of the design that are not in yet.
var later = []string{
	"if", "matrix", "services", "secrets", "continue-on-error", "fail-fast", "environment", "before-entry", "on-success",
	"on-failure", "finally", "mode", "reports", "with", "retry", "rollback", "paths", "paths-ignore", "branches-ignore",
	"tags", "tags-ignore", "types", "schedule", "merge_group", "workflow_dispatch", "repository_dispatch",
}

// foreign are keys of GitHub Actions that the language has no such key for, and
// what does their work.
func foreign(key string) string {
	switch key {
	case "jobs":
		return "a pipeline has stages, and a stage has actions"
	case "steps":
		return "an action runs one script: write its lines in run"
	case "runs-on":
		return "write image: the container the script runs in"
	case "uses":
		return "an action runs a script in a container: write image and run"
	case "container":
		return "write image"
	case "working-directory":
		return "use cd in run; a script starts in the first of its inputs"
	case "permissions":
		return "a container is given no GitHub token"
	case "concurrency":
		return "a stage lets one execution of a branch in at a time"
	case "defaults":
		return "write shell and env at each action"
	case "strategy":
		return "matrix, which stands for it, is not supported yet"
	case "outputs":
		return `a script writes key=value lines to "$STAGEGATE_OUTPUT"`
	case "id":
		return "an action is known by its name"
	case "timeout":
		return "write timeout-minutes"
	case "branch":
		return "write branches"
	}
	return ""
}

// each calls read for the keys that a mapping may have, in the author's order,
// and reports the others. False means that n is not a mapping at all.
func (p *parser) each(n node, w where, read func(key, value node)) bool {
	if n.kind != mapping {
		return false
	}
	keys := keysOf(w)
	for _, pair := range n.pairs {
		if slices.Contains(keys, pair.key.text) {
			read(pair.key, pair.value)
		} else {
			p.unknownKey(pair.key, w)
		}
	}
	return true
}

// unknownKey says the most helpful thing that is known about a key.
func (p *parser) unknownKey(key node, w where) {
	if p.full() {
		p.missed++
		return
	}
	if slices.Contains(later, key.text) {
		p.report(key.at, "", "%s is not supported yet", key.text)
		return
	}
	message := fmt.Sprintf("%s has no key %s", w, quote(key.text))
	if hint := foreign(key.text); hint != "" {
		p.report(key.at, hint, "%s", message)
		return
	}
	if hint := didYouMean(key.text, keysOf(w)); hint != "" {
		p.report(key.at, hint, "%s", message)
		return
	}
	for _, other := range everywhere {
		if slices.Contains(keysOf(other), key.text) {
			p.report(key.at, "it belongs in "+string(other), "%s", message)
			return
		}
	}
	p.report(key.at, "its keys are "+enumerate(keysOf(w)), "%s", message)
}
