package schema

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// writeKey writes a key and its value as people write YAML: short values on
// the line of the key, others below it.
func writeKey(margin, key string, value *yaml.Node) string {
	line := margin + key + ":"
	switch text := inline(value); {
	case isNull(value):
		return line + "\n"
	case value.Kind == yaml.ScalarNode && strings.Contains(value.Value, "\n"):
		body := strings.TrimSuffix(value.Value, "\n")
		return line + " |\n" + margin + "  " + strings.ReplaceAll(body, "\n", "\n"+margin+"  ") + "\n"
	case value.Kind == yaml.ScalarNode:
		return line + " " + plainOr(value, "") + "\n"
	case depth(value) < 2 && len(line+text) < 80, len(value.Content) == 0:
		return line + " " + text + "\n"
	case value.Kind == yaml.SequenceNode:
		for _, item := range value.Content {
			line += "\n" + margin + "  - " + strings.TrimSpace(writeItem(margin+"    ", item))
		}
		return line + "\n"
	}
	return line + "\n" + writeItem(margin+"  ", value)
}

// writeItem writes the keys of a mapping, or one value.
func writeItem(margin string, n *yaml.Node) string {
	if n.Kind != yaml.MappingNode {
		return margin + inline(n) + "\n"
	}
	var b strings.Builder
	for i := 0; i < len(n.Content); i += 2 {
		b.WriteString(writeKey(margin, n.Content[i].Value, n.Content[i+1]))
	}
	return b.String()
}

// inline writes a value on one line.
func inline(n *yaml.Node) string {
	var parts []string
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			parts = append(parts, inline(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case yaml.MappingNode:
		if len(n.Content) == 0 {
			return "{}"
		}
		for i := 0; i < len(n.Content); i += 2 {
			parts = append(parts, n.Content[i].Value+": "+inline(n.Content[i+1]))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	default:
		return plainOr(n, ",[]{}")
	}
}

// plainOr writes a scalar without quotes, unless it would then be something
// else, look like it, or hold one of special.
func plainOr(n *yaml.Node, special string) string {
	if n.Style&yaml.DoubleQuotedStyle == 0 {
		return n.Value // a number, true or false
	}
	var plain yaml.Node
	err := yaml.Unmarshal([]byte(n.Value), &plain)
	same := err == nil && len(plain.Content) == 1 && plain.Content[0].Kind == yaml.ScalarNode &&
		plain.Content[0].ShortTag() == "!!str" && plain.Content[0].Value == n.Value
	clock := strings.IndexAny(n.Value, "0123456789") == 0 && strings.ContainsAny(n.Value, " :")
	if same && !clock && !strings.ContainsAny(n.Value, special) {
		return n.Value
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(n.Value) + `"`
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// depth counts the lists and mappings inside of a value, a mapping in a list
// for two.
func depth(n *yaml.Node) int {
	deepest := 0
	for _, child := range n.Content {
		if child.Kind == yaml.ScalarNode {
			continue
		}
		below := 1 + depth(child)
		if n.Kind == yaml.SequenceNode {
			below++
		}
		deepest = max(deepest, below)
	}
	return deepest
}
