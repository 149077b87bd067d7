package architecture

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A test as docs/security.md names it: with its package, or of the package named
// before it in the same row.
var (
	namedTest  = regexp.MustCompile("`(?:([a-z0-9/-]+)\\.)?((?:Test|Fuzz|Benchmark)[A-Za-z0-9_]+)`")
	definition = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)[A-Za-z0-9_]+)\(`)
)

// TestAttacks asks that each row of the table in docs/security.md names tests that
// there are.
func TestAttacks(t *testing.T) {
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "\n## Attacks\n")
	if !found {
		t.Fatal("docs/security.md has no section Attacks")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	rows := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") || strings.Contains(line, "| what stops it |") {
			continue
		}
		rows++
		tests := namedTest.FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(cells) != 3 || len(tests) == 0 {
			t.Errorf("a row is not an attack, what stops it, and a test: %s", line)
		}
		of := ""
		for _, test := range tests {
			if test[1] != "" {
				of = test[1]
			}
			if !hasTest(t, of, test[2]) {
				t.Errorf("there is no %s in %q, which proves: %s", test[2], of, cells[0])
			}
		}
	}
	if rows < 30 {
		t.Errorf("%d rows: the table is not read right", rows)
	}
}

func hasTest(t *testing.T, pkg, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range definition.FindAllStringSubmatch(string(text), -1) {
			if match[1] == name {
				return true
			}
		}
	}
	return false
}
