package schema

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// kind is what a node is; its text is how people are told.
type kind string

const (
	scalar  kind = "a text"
	list    kind = "a list"
	mapping kind = "a mapping"
)

// node is a part of the file with its aliases filled in: a scalar's text is as
// written, whatever YAML takes it for.
type node struct {
	kind  kind
	text  string
	null  bool // nothing, ~ or null without quotes
	style yaml.Style
	at    place
	items []node
	pairs []pair

	faults []fault // what YAML allows and a pipeline file does not
	torn   bool    // part of it is missing for a fault
}

// fault is a mistake of the tree. It is reported when the tree is read, unless
// it stands below a key that is refused as a whole. first is where the key of a
// duplicate stands before.
type fault struct {
	at, first     place
	message, hint string
}

// pair is a key of a mapping, always a scalar, with its value.
type pair struct {
	key, value node
}

// get returns the value of a key.
func (n node) get(key string) (node, bool) {
	for _, p := range n.pairs {
		if p.key.text == key {
			return p.value, true
		}
	}
	return node{}, false
}

// grower makes nodes of the library's. After it stopped, the tree is not
// whole.
type grower struct {
	*parser
	open    map[*yaml.Node]bool // anchors being filled in
	nodes   int
	aliases int // aliases we are inside of
	aliased int // nodes made inside of aliases
	stopped bool
}

// stop refuses the file.
func (g *grower) stop(at place, hint, format string, args ...any) node {
	if !g.stopped {
		g.report(at, hint, format, args...)
	}
	g.stopped = true
	return node{at: at}
}

func (g *grower) grow(y *yaml.Node, depth int) node {
	at := place{y.Line, y.Column}
	g.nodes++
	if g.aliases > 0 {
		g.aliased++
	}
	switch {
	case g.stopped:
		return node{at: at}
	case depth > maxDepth:
		return g.stop(at, "", "the file is nested deeper than %d levels", maxDepth)
	case g.nodes > maxNodes:
		return g.stop(at, "split it into several pipelines", "the file holds more than %d keys and values", maxNodes)
	case g.aliased > maxAliased:
		return g.stop(at, "write it out, or use fewer aliases", "aliases repeat more than %d values", maxAliased)
	case y.Kind == yaml.AliasNode:
		return g.alias(y, at, depth)
	}
	var faults []fault
	if y.Style&yaml.TaggedStyle != 0 {
		hint := "put quotes around a text that starts with !"
		if strings.HasPrefix(y.Tag, "!!") {
			hint = "leave it out: every value is a text"
		}
		faults = append(faults, fault{at: at, message: "the YAML tag " + quote(y.Tag) + " is not possible here", hint: hint})
	}
	n := node{kind: scalar, text: y.Value, style: y.Style, at: at, faults: faults, torn: len(faults) > 0}
	switch y.Kind {
	case yaml.SequenceNode:
		n.kind = list
		for _, item := range y.Content {
			n.items = append(n.items, g.grow(item, depth+1))
		}
	case yaml.MappingNode:
		n.kind = mapping
		g.pairs(&n, y, depth)
	default:
		n.null = y.Tag == "!!null"
	}
	return n
}

func (g *grower) alias(y *yaml.Node, at place, depth int) node {
	if g.open[y.Alias] {
		return g.stop(at, "", "the alias *%s holds itself", show(y.Value))
	}
	g.open[y.Alias] = true
	g.aliases++
	n := g.grow(y.Alias, depth)
	g.aliases--
	delete(g.open, y.Alias)
	return n
}

// pairs reads a mapping and drops keys that cannot stand in it, or stand in it
// twice.
func (g *grower) pairs(n *node, y *yaml.Node, depth int) {
	first := map[string]place{}
	for i := 0; i+1 < len(y.Content) && !g.stopped; i += 2 {
		key := g.grow(y.Content[i], depth+1)
		value := g.grow(y.Content[i+1], depth+1)
		before, again := first[key.text]
		switch {
		case key.kind != scalar:
			n.fault(key.at, "put quotes around a text that starts with { or [", "a key is a word, not "+string(key.kind))
		case key.text == "<<" && key.style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0:
			n.fault(key.at, "repeat the keys, or use an alias for a whole value", "merge keys are not possible here")
		case again:
			n.faults = append(n.faults, fault{at: key.at, first: before, message: quote(key.text) + " stands here twice"})
		default:
			first[key.text] = key.at
			n.pairs = append(n.pairs, pair{key: key, value: value})
		}
	}
}

// fault notes a key that is left out.
func (n *node) fault(at place, hint, message string) {
	n.faults = append(n.faults, fault{at: at, message: message, hint: hint})
	n.torn = true
}

// reportFaults reports the faults of a node and all below it, each once, but
// not those below keys that were refused.
func (p *parser) reportFaults(n node, said map[place]bool) {
	for _, f := range n.faults {
		switch {
		case said[f.at]:
		case p.full():
			p.missed++
		case f.first.line > 0:
			p.report(f.at, f.hint, "%s, first on line %d", f.message, p.src.line(f.first))
		default:
			p.report(f.at, f.hint, "%s", f.message)
		}
		said[f.at] = true
	}
	for _, item := range n.items {
		p.reportFaults(item, said)
	}
	for _, pair := range n.pairs {
		if !p.refused[pair.key.at] {
			p.reportFaults(pair.key, said)
			p.reportFaults(pair.value, said)
		}
	}
}
