package schema

import (
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// unsupported reports a key that is known and not carried out yet, and what is
// wrong below it, so that the file is right on the day that it is.
func (p *parser) unsupported(key, value node) {
	p.report(key.at, "", "%s is not supported yet", key.text)
	switch key.text {
	case "schedule":
		p.schedules(value)
	case "before-entry", "on-success":
		p.rules(value, key.text)
	case "on-failure":
		p.shape(value, key.text, inOnFailure)
	case "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore":
		p.globs(value, key.text)
	case "types":
		p.distinct(p.some(value, "types", "leave it out for the usual ones"), "types", exact)
	case "if":
		p.condition(value)
	case "concurrency", "instructions":
		p.word(value, key.text)
	case "source":
		p.shape(value, "source", inClone)
	case "reports":
		p.shape(value, key.text, inReports)
	case "pipeline":
		p.shape(value, "on.pipeline", inUpstream)
	case "services":
		p.services(value)
	case "environment":
		if value.kind == mapping {
			p.report(value.at, "environment names a deployment target; variables of the script stand in env", "environment must be a name, not %s", value.kind)
			return
		}
		p.name(value, "an environment")
	case "continue-on-error", "fail-fast", "cancel-in-progress", "code-owners":
		if text, ok := p.word(value, key.text); ok && text != "true" && text != "false" {
			p.report(value.at, "", "%s must be true or false, not %s", key.text, quote(text))
		}
	}
}

// globs checks patterns of branches, tags or paths.
func (p *parser) globs(n node, what string) {
	for _, item := range p.some(n, what, "leave it out to match all") {
		pattern := strings.TrimPrefix(item.text, "!")
		if pattern == "" || !doublestar.ValidatePattern(pattern) {
			p.report(item.at, "* stands for anything but /, ** for anything", "%s is not a pattern for %s", quote(item.text), what)
		}
	}
}

// condition reads an if. What it says is checked when it is carried out.
func (p *parser) condition(n node) {
	if n.kind != scalar || n.null || strings.TrimSpace(n.text) == "" {
		p.report(n.at, "write an expression, such as source.branch == 'main'", "if must be an expression")
	}
}

// shape checks that a mapping has only keys of its own.
func (p *parser) shape(n node, what string, w where) {
	if !p.each(n, w, func(_, _ node) {}) {
		p.report(n.at, "", "%s must be a mapping, not %s", what, n.kind)
	}
}

func (p *parser) schedules(n node) {
	if n.kind != list {
		p.report(n.at, "write each as an entry that begins with -", "schedule must be a list, not %s", n.kind)
		return
	}
	for _, item := range n.items {
		ok := p.each(item, inSchedule, func(key, value node) {
			if key.text == "timezone" {
				p.timezone(value)
				return
			}
			if text, ok := p.word(value, "cron"); ok && len(strings.Fields(text)) != 5 {
				p.report(value.at, `write minute, hour, day, month and weekday, such as "0 3 * * 1-5"`, "cron must have five fields, not %d", len(strings.Fields(text)))
			}
		})
		if !ok {
			p.report(item.at, "", "an entry of schedule must be a mapping, not %s", item.kind)
		} else {
			p.require(item, "a schedule", "cron")
		}
	}
}

func (p *parser) services(n node) {
	if n.kind != mapping {
		p.report(n.at, "write NAME: { image: … }", "services must be a mapping, not %s", n.kind)
		return
	}
	names := unique{parser: p, what: "service", seen: map[string]node{}}
	for _, pair := range n.pairs {
		if _, ok := p.name(pair.key, "a service"); ok {
			names.claim(pair.key)
		}
		p.shape(pair.value, "service "+show(pair.key.text), inService)
		if pair.value.kind == mapping {
			p.require(pair.value, "a service", "image")
		}
	}
}

// maxCombinations is how many runs a matrix may make of one action.
const maxCombinations = 256

// matrix reads the names a matrix gives to the expressions of its action.
func (p *parser) matrix(n node) []string {
	if n.kind != mapping {
		p.report(n.at, "write NAME: [value, value]", "matrix must be a mapping, not %s", n.kind)
		return nil
	}
	var names []string
	combinations := 1
	for _, pair := range n.pairs {
		p.name(pair.key, "a matrix value")
		values := p.some(pair.value, "matrix."+show(pair.key.text), "write at least one value")
		combinations = min(combinations*max(len(values), 1), maxCombinations+1)
		names = append(names, pair.key.text)
	}
	if combinations > maxCombinations {
		p.report(n.at, "", "a matrix has at most %d combinations", maxCombinations)
	}
	return names
}
