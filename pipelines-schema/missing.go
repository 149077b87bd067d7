package schema

import (
	"slices"
	"strings"
)

// require reports the keys that a mapping misses, all in one. A key of others
// that stands for one, or one that is misspelt, is reported on its own.
func (p *parser) require(n node, w where, keys ...string) {
	if n.torn {
		return
	}
	var missing, hints []string
	for _, key := range keys {
		if _, ok := n.get(key); ok || replaced(n, w, key) {
			continue
		}
		missing = append(missing, article(key))
		if hint := purpose(key); hint != "" {
			hints = append(hints, hint)
		}
	}
	if len(missing) > 0 {
		p.report(n.at, strings.Join(hints, ", "), "%s needs %s", w, enumerate(missing))
	}
}

func article(key string) string {
	switch key {
	case "name", "run":
		return "a " + key
	case "image":
		return "an image"
	}
	return key
}

// purpose says what a key that is missing is for, where the key does not.
func purpose(key string) string {
	switch key {
	case "image":
		return "image is the container it runs in"
	case "run":
		return "run is the script it runs"
	case "actions":
		return "actions are what it runs"
	}
	return ""
}

// entryForm shows how an entry of a list of named mappings is written, where
// there is none.
func entryForm(n node) string {
	if len(n.pairs) > 0 && n.pairs[0].value.kind == mapping {
		return "write each as an entry: - name: " + show(n.pairs[0].key.text) + ", and below it its keys"
	}
	return "write each as an entry: - name: …, and below it its keys"
}

// onlyTexts reports a list of mappings that has only texts, once.
func (p *parser) onlyTexts(n node, what, hint string) bool {
	if slices.ContainsFunc(n.items, func(item node) bool { return item.kind != scalar }) {
		return false
	}
	p.report(n.items[0].at, hint, "%s must be a list of mappings, not of texts", what)
	return true
}

// nameAsKey reports a list's entry that has its name as its only key, as in
// - build: {…}.
func (p *parser) nameAsKey(n node, w where) bool {
	if !isNamed(n, w) {
		return false
	}
	key := n.pairs[0].key
	p.refused[key.at] = true
	hint := "write - name: " + show(key.text) + ", and beside it what stands below"
	if slices.Contains([]string{"step", "job", "stage", "action", "task"}, key.text) {
		hint = "leave " + key.text + ": out, and write what stands below it after -"
	} else if other := foreign(w, key.text); other != "" {
		hint = other
	}
	p.report(key.at, hint, "%s has no key %s", w, quote(key.text))
	return true
}

// isNamed tells whether a list's entry has a word as its only key that the
// mapping has not, nor anything like it.
func isNamed(n node, w where) bool {
	if len(n.pairs) != 1 || n.pairs[0].value.kind == scalar && !n.pairs[0].value.null {
		return false
	}
	keys := keysOf(w)
	return !slices.Contains(keys, n.pairs[0].key.text) && nearest(n.pairs[0].key.text, keys) == ""
}

// hasImage tells whether a mapping around actions says what they run in.
func hasImage(n node) bool {
	return slices.ContainsFunc(n.pairs, func(pair pair) bool {
		return pair.key.text == "image" || slices.Contains(instead(inAction, pair.key.text), "image")
	})
}

// missedByAll reports once what several container runs miss, all of them, and
// returns it: such a list was meant as something else.
func (p *parser) missedByAll(n node) []string {
	var missing, said []string
	for _, key := range []string{"name", "image", "run"} {
		miss := 0
		for _, item := range n.items {
			_, approval := item.get("approval")
			_, has := item.get(key)
			switch {
			case has:
				miss = -len(n.items)
			case item.kind == mapping && !item.torn && len(item.pairs) > 0 && !approval && !isNamed(item, inAction) && !replaced(item, inAction, key):
				miss++
			}
		}
		if miss < 2 {
			continue
		}
		missing = append(missing, key)
		if key != "image" || !p.scope.imageElsewhere {
			said = append(said, article(key))
		}
	}
	if len(said) > 0 {
		p.report(n.at, "write a name, an image and a run at each, or join the steps of one container in one run", "no action here has %s", enumerate(said))
	}
	return missing
}
