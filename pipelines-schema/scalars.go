package schema

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline/expression"
)

// text reads a scalar as it is written; null is an empty text. It holds no
// expression. what is how people are told about it: a key, mostly.
func (p *parser) text(n node, what string) (string, bool) {
	if n.torn && n.kind == scalar {
		return "", false
	}
	if n.kind != scalar {
		p.report(n.at, "", "%s must be a text, not %s", what, n.kind)
		return "", false
	}
	if offset, ok := expression.Find(n.text); ok {
		p.reportIn(n, offset, "expressions stand in env and image", "%s cannot hold an expression", what)
		return "", false
	}
	if n.null {
		return "", true
	}
	return n.text, true
}

// word reads a scalar that says something.
func (p *parser) word(n node, what string) (string, bool) {
	text, ok := p.text(n, what)
	if ok && strings.TrimSpace(text) == "" {
		p.report(n.at, "", "%s is empty", what)
		return "", false
	}
	return text, ok
}

// name reads a name. One that breaks the rule is reported, and returned all
// the same so that others can refer to it.
func (p *parser) name(n node, what string) (string, bool) {
	name, ok := p.word(n, "the name of "+what)
	if ok && !namePattern.MatchString(name) {
		hint := nameRule
		if meant := slug(name); namePattern.MatchString(meant) {
			hint = "write " + meant + ": " + nameRule
		}
		p.report(n.at, hint, "%s is not a name for %s", quote(name), what)
		return name, false
	}
	return name, ok
}

// words reads a list of texts, or one text in place of a list of one. Those
// that cannot be read are left out.
func (p *parser) words(n node, what string) []node {
	return p.entries(n, what, func(item node) bool {
		_, ok := p.word(item, "an entry of "+what)
		return ok
	})
}

// entries are the entries of a list, or one in place of a list of one. Those that
// cannot be read are left out.
func (p *parser) entries(n node, what string, read func(item node) bool) []node {
	items := n.items
	switch {
	case n.kind == scalar && !n.null:
		items = []node{n}
	case n.kind != list:
		p.report(n.at, "write [a, b], for example", "%s must be a list, not %s", what, n.kind)
	}
	return slices.DeleteFunc(slices.Clone(items), func(item node) bool { return !read(item) })
}

// some is words for a list that means something else when it is left out, and
// so may not be empty.
func (p *parser) some(n node, what, hint string) []node {
	if p.nothing(n, what, hint) {
		return nil
	}
	return p.words(n, what)
}

// nothing reports a list that is empty.
func (p *parser) nothing(n node, what, hint string) bool {
	empty := n.null || (n.kind == list && len(n.items) == 0)
	if empty {
		p.report(n.at, hint, "%s is empty", what)
	}
	return empty
}

// distinct leaves out entries that stand there twice, told apart by key.
func (p *parser) distinct(items []node, what string, key func(string) string) []node {
	seen := map[string]bool{}
	return slices.DeleteFunc(items, func(item node) bool {
		k := key(item.text)
		again := seen[k]
		if again {
			p.report(item.at, "", "%s names %s twice", what, quote(item.text))
		}
		seen[k] = true
		return again
	})
}

func exact(text string) string { return text }

// boolean reads true or false.
func (p *parser) boolean(n node, what string) bool {
	text, ok := p.word(n, what)
	if ok && text != "true" && text != "false" {
		p.report(n.at, "", "%s must be true or false, not %s", what, quote(text))
	}
	return text == "true"
}

// oneOf reads a word that is one of a few. What is none is reported, and
// returned all the same.
func (p *parser) oneOf(n node, what string, words ...string) string {
	text, ok := p.word(n, what)
	if ok && !slices.Contains(words, text) {
		p.report(n.at, DidYouMean(text, words), "%s must be one of %s, not %s", what, enumerate(words), quote(text))
	}
	return text
}

var whole = newPattern(`^[1-9][0-9]*$`)

const (
	longestTimeout = 1440 // minutes
	longestExpiry  = "60d"
)

var decimal = newPattern(`^[0-9]{1,9}(\.[0-9]{1,9})?$`)

// minutes reads timeout-minutes.
func (p *parser) minutes(n node) time.Duration {
	text, ok := p.word(n, "timeout-minutes")
	if !ok {
		return 0
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || !decimal.MatchString(text) {
		p.report(n.at, "write a number of minutes, such as 30 or 1.5", "timeout-minutes must be a number, not %s", quote(text))
		return 0
	}
	d := time.Duration(number * float64(time.Minute))
	if d < time.Second || number > longestTimeout {
		p.report(n.at, "", "timeout-minutes must be from one second to %d minutes, not %s", longestTimeout, quote(text))
		return 0
	}
	return d.Round(time.Millisecond)
}

var duration = newPattern(`^([0-9]{1,9})([smhd])$`)

var units = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}

// period reads a duration such as 72h or 7d. At most it is written like one.
func (p *parser) period(n node, what, most string) time.Duration {
	text, ok := p.word(n, what)
	if !ok {
		return 0
	}
	d, ok := parsePeriod(text)
	if !ok {
		p.report(n.at, "write a whole number and s, m, h or d, such as 90m, 72h or 7d", "%s must be a duration, not %s", what, quote(text))
		return 0
	}
	if longest, _ := parsePeriod(most); d < time.Second || d > longest {
		p.report(n.at, "", "%s must be from 1s to %s, not %s", what, most, quote(text))
		return 0
	}
	return d
}

// parsePeriod reads a duration; one of more than a century is a century.
func parsePeriod(text string) (time.Duration, bool) {
	match := duration.compiled().FindStringSubmatch(text)
	if match == nil {
		return 0, false
	}
	const century = 100 * 365 * 24 * time.Hour
	number, err := strconv.Atoi(match[1])
	unit := units[match[2]]
	if err != nil || time.Duration(number) > century/unit {
		return century, true
	}
	return time.Duration(number) * unit, true
}
