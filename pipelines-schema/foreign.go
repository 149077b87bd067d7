package schema

import (
	"slices"
	"strings"
)

// foreign is what does the work of a key that other systems have and the
// language has not, or "". Some keys mean something else in each mapping. Words
// that differ in their capitals are the same key.
func foreign(w where, key string) string {
	for _, key := range spellings(key) {
		hint := foreignIn[w][key]
		if hint == "" {
			hint = foreignKeys[key]
		}
		if hint != "" {
			return hint
		}
	}
	return ""
}

// spellings are a key and how others write it: RunOrder, runOrder, runorder.
func spellings(key string) []string {
	if key == "" || len(key) > longestShown {
		return nil
	}
	return []string{key, strings.ToLower(key[:1]) + key[1:], strings.ToLower(key)}
}

// instead lists the keys of a mapping that a foreign key stands for, so that
// they are not said to be missing as well.
func instead(w where, key string) []string {
	var all []string
	for ours, theirs := range standIns[w] {
		if slices.ContainsFunc(spellings(key), func(key string) bool { return slices.Contains(theirs, key) }) {
			all = append(all, ours)
		}
	}
	return all
}

// replaced tells whether an unknown key of a mapping was meant to be one that
// it misses.
func replaced(n node, w where, missing string) bool {
	keys := keysOf(w)
	return slices.ContainsFunc(n.pairs, func(pair pair) bool {
		key := pair.key.text
		return !slices.Contains(keys, key) && (key == "type" && isApproval(pair.value) ||
			slices.Contains(instead(w, key), missing) || foreign(w, key) == "" && nearest(key, keys) == missing)
	})
}

// foreignValue is foreign for keys whose value says more.
func foreignValue(w where, key string, value node) string {
	text := value.text
	switch {
	case key == "when" && text == "manual":
		return "write an action with approval, and its name in needs of this one"
	case key == "when" && (text == "always" || text == "on_failure"):
		return "write an action under finally of the stage"
	case (key == "type" || strings.EqualFold(key, "actionTypeId")) && isApproval(value):
		return "write approval: {}"
	case w == inAction && key == "environment" && value.kind != scalar && !isTarget(value):
		return "write env"
	case key == "uses":
		return foreignStep(text)
	}
	return ""
}

// isApproval tells whether the kind of an action in another system is a gate.
func isApproval(n node) bool {
	for _, key := range []string{"category", "Category"} {
		if category, ok := n.get(key); ok {
			n = category
		}
	}
	return slices.Contains([]string{"approval", "manual", "gate"}, strings.ToLower(n.text))
}

// foreignJobs reports the jobs and the templates that stand at the top of a
// GitLab CI file, each kind once, and leaves them out.
func (p *parser) foreignJobs(root node) node {
	var jobs, templates []node
	pairs := slices.DeleteFunc(slices.Clone(root.pairs), func(pair pair) bool {
		key := pair.key.text
		switch {
		case slices.Contains(keysOf(inPipeline), key):
			return false
		case strings.HasPrefix(key, "."), strings.HasPrefix(key, "x-"):
			templates = append(templates, pair.key)
		case foreign(inPipeline, key) == "" && isJob(pair.value):
			jobs = append(jobs, pair.key)
		default:
			return false
		}
		p.refused[pair.key.at] = true
		return true
	})
	p.unknownAlike(jobs, "write it under stages, as an action with a name, an image and a script in run")
	p.unknownAlike(templates, "leave it out: an anchor can stand where its value is first needed")
	root.pairs = pairs
	return root
}

// unknownAlike reports the first of unknown keys, and how many are like it.
func (p *parser) unknownAlike(keys []node, hint string) {
	switch others := len(keys) - 1; {
	case others == 1:
		p.report(keys[0].at, hint, "a pipeline has no key %s, nor %s", quote(keys[0].text), quote(keys[1].text))
	case others > 1:
		p.report(keys[0].at, hint, "a pipeline has no key %s, nor %d others like it", quote(keys[0].text), others)
	case others == 0:
		p.report(keys[0].at, hint, "a pipeline has no key %s", quote(keys[0].text))
	}
}

// isTarget tells whether a value names what is deployed to.
func isTarget(n node) bool {
	name, ok := n.get("name")
	return ok && name.kind == scalar
}

// isJob tells whether a value looks like a job of another system.
func isJob(n node) bool {
	return n.kind == mapping && n.torn || slices.ContainsFunc([]string{"script", "stage", "image", "steps", "runs-on", "commands", "docker", "extends", "trigger", "run"}, func(key string) bool {
		_, ok := n.get(key)
		return ok
	})
}

// foreignStep is what does the work of a step of GitHub Actions, or "".
func foreignStep(uses string) string {
	for prefix, hint := range map[string]string{
		"actions/checkout":          "leave it out: a script starts in the commit's tree",
		"actions/cache":             "leave it out: nothing is kept between executions",
		"actions/upload-artifact":   "write artifacts: { NAME: path } at the action that makes it",
		"actions/download-artifact": "write inputs: the artifacts to unpack",
		"actions/setup-":            "choose an image that has it, such as golang:1.26 or node:24",
		"docker://":                 "write image: " + show(strings.TrimPrefix(uses, "docker://")),
	} {
		if strings.HasPrefix(uses, prefix) {
			return hint
		}
	}
	return ""
}
