package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/config"
)

func TestRunner(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte("sgr_"+token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{"STAGEGATE_RUNNER_TOKEN_FILE=" + file, "STAGEGATE_DATA=" + dir, "STAGEGATE_ACTION_TIMEOUT=5m", "STAGEGATE_LISTEN=:90"}
	got, err := config.LoadRunner(environ, map[string]string{"server": "https://ci.example/", "runners": "3"})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Settings{
		PublicURL: "https://ci.example", RunnerToken: config.NewSecret("sgr_" + token), Data: dir, Runners: 3,
		ActionMemory: 4 << 30, ActionCPUs: 2, ActionPIDs: 2048, ActionTimeout: 5 * time.Minute, ActionLogLimit: 64 << 20,
	}
	if got != want {
		t.Errorf("%v\nwant %v", got, want)
	}
	_, err = config.LoadRunner([]string{"STAGEGATE_RUNER_TOKEN=x"}, map[string]string{"listen": ":1"})
	for _, part := range []string{"STAGEGATE_PUBLIC_URL: is missing", "STAGEGATE_RUNNER_TOKEN: is missing", "did you mean STAGEGATE_RUNNER_TOKEN?", "--listen: is not a setting"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v lacks %q", err, part)
		}
	}
	if _, err := config.Load([]string{"STAGEGATE_RUNNER_TOKEN=" + token}, nil); err == nil || strings.Contains(err.Error(), "STAGEGATE_RUNNER_TOKEN: is not") {
		t.Errorf("a server is troubled by a runner's setting: %v", err)
	}
}

// TestRunnersDocument holds the table of docs/operating.md to the settings.
func TestRunnersDocument(t *testing.T) {
	text, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range config.RunnerList()[:2] {
		row := fmt.Sprintf("| `%s` | `--%s` |  | %s |\n", s.Name, s.Flag, s.Doc)
		if !strings.Contains(string(text), row) {
			t.Errorf("docs/operating.md lacks the row\n%s", row)
		}
	}
}
