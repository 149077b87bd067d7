package expression

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// dump writes what was read with every parenthesis it could have, so that two
// trees are the same when their dumps are.
func dump(n node) string {
	switch n := n.(type) {
	case literal:
		return n.value.written()
	case reference:
		return n.name.String()
	case not:
		return "(! " + dump(n.operand) + ")"
	case logic:
		return "(" + n.operator + dumpAll(n.operands) + ")"
	case comparison:
		return "(" + n.operator + dumpAll([]node{n.left, n.right}) + ")"
	case call:
		return "(" + n.function.name + dumpAll(n.args) + ")"
	}
	return fmt.Sprintf("%T", n)
}

func dumpAll(nodes []node) string {
	var b strings.Builder
	for _, n := range nodes {
		b.WriteString(" " + dump(n))
	}
	return b.String()
}

// written is a value as a literal.
func (v value) written() string {
	switch v.kind {
	case null:
		return "null"
	case text:
		return "'" + strings.ReplaceAll(v.text, "'", "''") + "'"
	case boolean, number:
	}
	return v.String()
}

// How strongly a part holds together; what is weaker than its place asks is put
// in parentheses.
const (
	weakest = iota
	disjunct
	conjunct
	operand
)

// source writes a tree as an author would, with the parentheses it needs.
func source(n node, place int) string {
	written, strength := "", operand
	switch n := n.(type) {
	case not:
		written = "!" + source(n.operand, operand)
	case logic:
		inside := conjunct
		strength = disjunct
		if n.operator == "||" {
			strength, inside = weakest, disjunct
		}
		var parts []string
		for _, o := range n.operands {
			parts = append(parts, source(o, inside))
		}
		written = strings.Join(parts, " "+n.operator+" ")
	case comparison:
		strength = conjunct
		left := source(n.left, operand)
		if strings.HasPrefix(left, "!") {
			left = "(" + left + ")"
		}
		written = left + " " + n.operator + " " + source(n.right, operand)
	case call:
		var args []string
		for _, a := range n.args {
			args = append(args, source(a, weakest))
		}
		written = n.function.name + "(" + strings.Join(args, ",") + ")"
	default:
		return dump(n)
	}
	if strength < place {
		return "(" + written + ")"
	}
	return written
}

// drawNode draws a tree that can be written: at most depth levels deep.
func drawNode(t *rapid.T, depth int) node {
	if depth == 0 || rapid.IntRange(0, 3).Draw(t, "leaf") == 0 {
		return drawLeaf(t)
	}
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return not{operand: drawNode(t, depth-1)}
	case 1:
		n := logic{operator: rapid.SampledFrom([]string{"&&", "||"}).Draw(t, "logic")}
		for range rapid.IntRange(2, 4).Draw(t, "operands") {
			n.operands = append(n.operands, drawNode(t, depth-1))
		}
		return n
	case 2:
		return comparison{operator: rapid.SampledFrom(comparing).Draw(t, "comparison"), left: drawNode(t, depth-1), right: drawNode(t, depth-1)}
	}
	return drawCall(t, depth-1)
}

func drawCall(t *rapid.T, depth int) node {
	n := call{function: rapid.SampledFrom(functions).Draw(t, "function")}
	switch n.function.name {
	case "changed", "hash":
		n.args = []node{literal{value: ofText(rapid.StringN(1, 5, -1).Draw(t, "pattern"))}}
	case "format":
		n.args = []node{literal{value: ofText("a{0}'}}{{{1}{0}")}, drawNode(t, depth), drawNode(t, depth)}
	default:
		for range n.function.least {
			n.args = append(n.args, drawNode(t, depth))
		}
	}
	return n
}

func drawLeaf(t *rapid.T) node {
	switch rapid.IntRange(0, 4).Draw(t, "literal") {
	case 0:
		return literal{value: ofText(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "'", "}}", "${{", "false", "0", "-1.5e3", "true"})).Draw(t, "text"))}
	case 1:
		return literal{value: value{kind: number, number: rapid.Float64().Draw(t, "number") + 0}}
	case 2:
		return literal{value: ofTruth(rapid.Bool().Draw(t, "truth"))}
	case 3:
		return literal{}
	}
	return reference{name: rapid.SampledFrom([]Name{{"a", "b"}, {"build", "sign-off", "x-1"}, {"missing"}, {"source", "message"}}).Draw(t, "name")}
}
