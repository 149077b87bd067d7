package schema

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// reportIn adds a mistake at an offset of a scalar's text.
func (p *parser) reportIn(n node, offset int, hint, format string, args ...any) {
	if p.full() {
		p.missed++
		return
	}
	start := p.src.offset(n.at)
	if at, ok := locate(p.src.text, start, n, offset); ok {
		start = at
	}
	p.reportAt(start, hint, format, args...)
}

// locate finds in the file where a part of a scalar's text stands. It walks
// along both at once, passing over white space, which YAML folds and indents,
// and decoding the escapes of quoted texts. It gives up where they differ.
func locate(file string, start int, n node, offset int) (int, bool) {
	at := skipProperties(file, start)
	switch {
	case n.style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		line := strings.IndexByte(file[at:], '\n')
		if line < 0 {
			return 0, false
		}
		at += line
	case n.style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		at++
	}
	for i := 0; ; {
		at = skipBlank(file, at, n.style)
		for i < offset && isBlank(n.text[i]) {
			i++
		}
		if i >= offset {
			return at, at < len(file) && offset < len(n.text) && file[at] == n.text[offset]
		}
		size, advance := step(file[min(at, len(file)):], n.text[i:], n.style)
		if size == 0 {
			return 0, false
		}
		at, i = at+size, i+advance
	}
}

// step passes one character of a scalar's text: its size in the file, zero
// where the two differ, and its size in the text.
func step(file, text string, style yaml.Style) (size, advance int) {
	if file == "" {
		return 0, 0
	}
	switch {
	case style&yaml.SingleQuotedStyle != 0 && strings.HasPrefix(file, "''"):
		size = 2
	case style&yaml.DoubleQuotedStyle != 0 && file[0] == '\\':
		return escape(file), len(firstRune(text))
	default:
		size = 1
	}
	if file[0] != text[0] {
		return 0, 0
	}
	return size, 1
}

// escape is the size of the escape at the start of a double-quoted text.
func escape(file string) int {
	if len(file) < 2 {
		return 0
	}
	size := 2
	switch file[1] {
	case 'x':
		size = 4
	case 'u':
		size = 6
	case 'U':
		size = 10
	}
	if size > len(file) {
		return 0
	}
	return size
}

// skipBlank passes white space, and escapes that stand for it.
func skipBlank(file string, at int, style yaml.Style) int {
	for at < len(file) {
		switch {
		case isBlank(file[at]):
			at++
		case style&yaml.DoubleQuotedStyle != 0 && file[at] == '\\' && at+1 < len(file) && strings.IndexByte("ntr \t\r\n", file[at+1]) >= 0:
			at += 2
		default:
			return at
		}
	}
	return at
}

// skipProperties passes the anchor in front of a scalar.
func skipProperties(file string, at int) int {
	for at < len(file) && (file[at] == '&' || file[at] == '!') {
		for at < len(file) && !isBlank(file[at]) {
			at++
		}
		at = skipBlank(file, at, 0)
	}
	return at
}

func isBlank(c byte) bool { return strings.IndexByte(" \t\r\n", c) >= 0 }

func firstRune(text string) string {
	for i := range text {
		if i > 0 {
			return text[:i]
		}
	}
	return text
}
