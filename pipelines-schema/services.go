package schema

import (
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// services reads the containers that run beside an action.
func (p *parser) services(to *formulas, n node) {
	if n.kind != mapping {
		p.report(n.at, "write NAME: { image: … }, the name being its address", "services must be a mapping, not %s", n.kind)
		return
	}
	names := unique{parser: p, what: "service", seen: map[string]node{}}
	for _, pair := range n.pairs {
		if _, ok := p.name(pair.key, "a service"); ok {
			names.claim(pair.key)
		}
		what := "service " + show(pair.key.text)
		ok := p.each(pair.value, inService, func(key, value node) {
			switch key.text {
			case "image":
				p.image(to, value)
			case "env":
				p.env(to, value, template)
			case "ready":
				p.word(value, "ready of "+what)
			case "ports":
				p.ports(value)
			}
		})
		switch {
		case ok:
			p.require(pair.value, inService, "image")
		case pair.value.kind == scalar && !pair.value.null:
			p.report(pair.value.at, "write "+show(pair.key.text)+": { image: "+show(pair.value.text)+" }", "%s must be a mapping, not %s", what, pair.value.kind)
		default:
			p.report(pair.value.at, "write { image: … }", "%s must be a mapping, not %s", what, pair.value.kind)
		}
	}
}

// ports reads the ports a service listens on.
func (p *parser) ports(n node) {
	for _, item := range p.distinct(p.some(n, "ports", "leave it out"), "ports", exact) {
		text, _, _ := strings.Cut(item.text, "/")
		port, _ := strconv.Atoi(text)
		switch {
		case strings.Contains(text, ":"):
			p.report(item.at, "write "+show(text[strings.LastIndexByte(text, ':')+1:])+": an action reaches a service by its name", "no port of the machine is opened for a service")
		case !whole.MatchString(text) || port < 1 || port > 65535:
			p.report(item.at, "write a number from 1 to 65535, such as 5432", "%s is not a port", quote(item.text))
		case text != item.text && item.text != text+"/tcp" && item.text != text+"/udp":
			p.report(item.at, "write "+text+", "+text+"/tcp or "+text+"/udp", "%s is not a port", quote(item.text))
		}
	}
}

// reports reads where a script leaves what it found.
func (p *parser) reports(n node) {
	ok := p.each(n, inReports, func(key, value node) {
		for _, item := range p.some(value, "reports."+key.text, `write a pattern, such as "reports/*.xml"`) {
			p.artifactPath(item, strings.ReplaceAll(item.text, "*", "x"))
			if !doublestar.ValidatePattern(item.text) || alternation(item.text) > mostAlternation || len(item.text) > longestPattern {
				p.report(item.at, "* stands for anything but /, ** for anything", "%s is not a pattern of paths", quote(item.text))
			}
		}
	})
	if !ok {
		p.report(n.at, `write reports: { junit: "reports/*.xml" }`, "reports must be a mapping, not %s", n.kind)
		return
	}
	p.require(n, inReports, "junit")
}

// with reads the settings of an action: names and texts.
func (p *parser) with(to *formulas, n node) {
	if n.kind != mapping {
		p.report(n.at, "write NAME: value", "with must be a mapping, not %s", n.kind)
		return
	}
	names := unique{parser: p, what: "setting", seen: map[string]node{}}
	for _, pair := range n.pairs {
		if !namePattern.MatchString(pair.key.text) {
			p.report(pair.key.at, nameRule, "%s is not a name for a setting", quote(pair.key.text))
		} else {
			names.claim(pair.key)
		}
		p.template(to, pair.value, "with."+show(pair.key.text))
	}
}
