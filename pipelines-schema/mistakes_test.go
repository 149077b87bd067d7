package schema

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

var keyInText = regexp.MustCompile(`[a-z_-]{3,}:( |$)`)

// TestOneMistake misspells each key of an example and asks for one diagnostic
// more, on its line: what follows from a mistake is not said as well.
func TestOneMistake(t *testing.T) {
	const file = "examples/whole-language.yaml"
	known := map[string]bool{}
	for _, w := range everywhere {
		for _, key := range keysOf(w) {
			known[key] = true
		}
	}
	lines := strings.Split(string(read(t, file)), "\n")
	tried := 0
	for i, line := range lines {
		for _, at := range keyInText.FindAllStringIndex(line, -1) {
			key := strings.TrimRight(line[at[0]:at[1]], ": ")
			if strings.HasPrefix(strings.TrimSpace(line), "#") || !known[key] || strings.Contains(line, "form:") {
				continue
			}
			tried++
			end := at[0] + len(key)
			t.Run(fmt.Sprintf("%d %s", i+1, key), func(t *testing.T) {
				misspelt := line[:end-1] + line[end:]
				more := unexpected(t, lines, i, misspelt)
				if len(more) != 1 || more[0].Line != i+1 {
					t.Errorf("%s: %d diagnostics more: %v", misspelt, len(more), more)
				}
			})
		}
	}
	if tried < 100 {
		t.Errorf("only %d keys", tried)
	}
}

// unexpected lists what is wrong with a file when one of its lines is changed
// and was not before.
func unexpected(t *testing.T, lines []string, i int, line string) []Diagnostic {
	t.Helper()
	text := strings.Join(lines, "\n")
	_, before := Parse("x.yaml", []byte(text))
	said := map[string]bool{}
	for _, d := range before {
		said[d.Message+d.Hint] = true
	}
	changed := append(append(append([]string{}, lines[:i]...), line), lines[i+1:]...)
	_, after := Parse("x.yaml", []byte(strings.Join(changed, "\n")))
	var more []Diagnostic
	for _, d := range after {
		if !said[d.Message+d.Hint] {
			more = append(more, d)
		}
	}
	return more
}
