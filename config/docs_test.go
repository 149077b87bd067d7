package config_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/config"
)

// TestOperatingDocument holds the table of docs/operating.md to the settings.
func TestOperatingDocument(t *testing.T) {
	text, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range config.List() {
		def := s.Default
		if def != "" {
			def = "`" + def + "`"
		}
		row := fmt.Sprintf("| `%s` | %s | %s |\n", s.Name, def, s.Doc)
		if !strings.Contains(string(text), row) {
			t.Errorf("docs/operating.md lacks the row\n%s", row)
		}
	}
}
