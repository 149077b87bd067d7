package redact

import (
	"cmp"
	"slices"
)

// automaton finds every occurrence of its patterns in one pass, in time linear
// in the text whatever the patterns are (Aho and Corasick, 1975).
type automaton struct {
	nodes   []node // a trie; the first is its root
	roots   [256]int32
	pairs   [1 << 16 / 64]uint64 // bytes that stand together in the first four of a pattern
	longest int
}

// node is a beginning of some patterns.
type node struct {
	child, sibling int32 // zero: none
	fail           int32 // the longest proper suffix that is a beginning too
	depth          int32 // how many bytes it has
	match          int32 // length of the longest pattern it ends with
	last           byte
}

// newAutomaton needs patterns of at least MinLength bytes.
func newAutomaton(patterns []string) *automaton {
	a := &automaton{nodes: make([]node, 1)}
	for _, p := range patterns {
		a.insert(p)
	}
	a.link()
	return a
}

func (a *automaton) insert(pattern string) {
	at := int32(0)
	for i := range len(pattern) {
		next := a.child(at, pattern[i])
		if next == 0 {
			next = int32(len(a.nodes)) // #nosec G115 -- no secrets are that long
			a.nodes = append(a.nodes, node{depth: a.nodes[at].depth + 1, sibling: a.nodes[at].child, last: pattern[i]})
			a.nodes[at].child = next
			if at == 0 {
				a.roots[pattern[i]] = next
			}
		}
		at = next
	}
	a.nodes[at].match = a.nodes[at].depth
	a.longest = max(a.longest, len(pattern))
	for i := range MinLength - 1 {
		pair := uint(pattern[i])<<8 | uint(pattern[i+1])
		a.pairs[pair/64] |= 1 << (pair % 64)
	}
}

// link sets where to go on when a pattern does not, the short ones first.
func (a *automaton) link() {
	queue := make([]int32, 1, len(a.nodes))
	for i := 0; i < len(queue); i++ {
		at := queue[i]
		for c := a.nodes[at].child; c != 0; c = a.nodes[c].sibling {
			if at != 0 {
				fail := a.step(a.nodes[at].fail, a.nodes[c].last)
				a.nodes[c].fail = fail
				a.nodes[c].match = max(a.nodes[c].match, a.nodes[fail].match)
			}
			queue = append(queue, c)
		}
	}
}

func (a *automaton) child(at int32, b byte) int32 {
	if at == 0 {
		return a.roots[b]
	}
	c := a.nodes[at].child
	for c != 0 && a.nodes[c].last != b {
		c = a.nodes[c].sibling
	}
	return c
}

func (a *automaton) step(at int32, b byte) int32 {
	for {
		if c := a.child(at, b); c != 0 || at == 0 {
			return c
		}
		at = a.nodes[at].fail
	}
}

// span is a part of a text.
type span struct{ start, stop int }

// spans adds the parts of the text that patterns cover to those known before,
// which stand at its beginning. Parts that overlap are joined. It also returns
// how much of the text's end can be the beginning of a pattern.
func (a *automaton) spans(text []byte, known []span) (all []span, open int) {
	at := int32(0)
	for i := 0; i < len(text); i++ {
		if at == 0 {
			if i = a.skip(text, i); i >= len(text) {
				break
			}
		}
		at = a.step(at, text[i])
		if n := int(a.nodes[at].match); n > 0 {
			known = join(known, span{i + 1 - n, i + 1})
		}
	}
	for at != 0 && a.nodes[at].child == 0 { // nothing goes on from here
		at = a.nodes[at].fail
	}
	return known, int(a.nodes[at].depth)
}

// skip returns where from i on a pattern can begin. It looks at one pair of
// bytes in three: every pattern has three pairs at its beginning, so that one
// beginning at any of three places is seen.
func (a *automaton) skip(text []byte, i int) int {
	for ; i+MinLength <= len(text); i += MinLength - 1 {
		pair := uint(text[i+2])<<8 | uint(text[i+3])
		if a.pairs[pair/64]&(1<<(pair%64)) != 0 {
			return i
		}
	}
	return i
}

// join adds a part that was found after all the others.
func join(spans []span, s span) []span {
	for n := len(spans); n > 0 && spans[n-1].stop > s.start; n-- {
		s.start, s.stop = min(s.start, spans[n-1].start), max(s.stop, spans[n-1].stop)
		spans = spans[:n-1]
	}
	return append(spans, s)
}

// merge joins two lists of parts.
func merge(a, b []span) []span {
	if len(b) == 0 {
		return a
	}
	all := slices.Concat(a, b)
	slices.SortStableFunc(all, func(x, y span) int { return cmp.Compare(x.start, y.start) })
	joined := all[:0]
	for _, s := range all {
		joined = join(joined, s)
	}
	return joined
}
