package expression

import "slices"

// node is an expression, or a part of one, as it was read. The types below are
// all there are.
type node interface {
	// start is the offset of its first token in the text.
	start() int
	// children are the nodes right below, in the order they stand.
	children() []node
	eval(*evaluation) (value, *Error)
}

type literal struct {
	value value
	at    int
}

type reference struct {
	name Name
	at   int
}

type call struct {
	function *function
	args     []node
	at       int
}

// not is its operand's opposite.
type not struct {
	operand node
	at      int
}

// logic is operands, two or more, between && or between ||.
type logic struct {
	operator string
	operands []node
}

type comparison struct {
	operator    string
	left, right node
	at          int // of the operator
}

func (n literal) start() int    { return n.at }
func (n reference) start() int  { return n.at }
func (n call) start() int       { return n.at }
func (n not) start() int        { return n.at }
func (n logic) start() int      { return n.operands[0].start() }
func (n comparison) start() int { return n.left.start() }

func (n literal) children() []node    { return nil }
func (n reference) children() []node  { return nil }
func (n call) children() []node       { return n.args }
func (n not) children() []node        { return []node{n.operand} }
func (n logic) children() []node      { return n.operands }
func (n comparison) children() []node { return []node{n.left, n.right} }

// visit shows a node and all below it in the order they stand.
func visit(n node, see func(node)) {
	see(n)
	for _, child := range n.children() {
		visit(child, see)
	}
}

func names(root node) []Reference {
	var refs []Reference
	visit(root, func(n node) {
		if r, ok := n.(reference); ok {
			refs = append(refs, Reference{Name: slices.Clone(r.name), Offset: r.at})
		}
	})
	return refs
}

// hashed is the pattern of an expression that is a call of hash.
func hashed(root node) (pattern string, ok bool) {
	if c, is := root.(call); is && c.function.name == "hash" {
		return literalText(c.args[0])
	}
	return "", false
}

func calls(root node) []Call {
	var all []Call
	_, whole := root.(call)
	visit(root, func(n node) {
		if c, ok := n.(call); ok {
			found := Call{Function: c.function.name, Offset: c.at, Alone: whole && len(all) == 0}
			if c.function.pattern {
				found.Pattern, _ = literalText(c.args[0])
			}
			all = append(all, found)
		}
	})
	return all
}
