package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/config"
)

const token = "0123456789abcdefABCDEF-._~+/="

func TestClient(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		environ string
		server  string
		want    config.Settings
	}{
		{"STAGEGATE_DATA=" + dir, "", config.Settings{PublicURL: "http://127.0.0.1:8080", Data: dir}},
		{"STAGEGATE_DATA=" + dir + " STAGEGATE_LISTEN=:90", "", config.Settings{PublicURL: "http://localhost:90", Data: dir}},
		{"STAGEGATE_DATA=" + dir + " STAGEGATE_NOPE=1 STAGEGATE_PUBLIC_URL=https://ci.example/", "", config.Settings{PublicURL: "https://ci.example", Data: dir}},
		{
			"STAGEGATE_DATA=" + dir + " STAGEGATE_PUBLIC_URL=https://ci.example STAGEGATE_ADMIN_TOKEN_FILE=" + file, "http://other:8080/a/",
			config.Settings{PublicURL: "http://other:8080/a", Data: dir, AdminToken: config.NewSecret(token)},
		},
		{
			"STAGEGATE_DATA=" + dir + " STAGEGATE_TOKEN=sgp_" + token, "",
			config.Settings{PublicURL: "http://127.0.0.1:8080", Data: dir, Token: config.NewSecret("sgp_" + token)},
		},
	} {
		got, err := config.LoadClient(strings.Fields(c.environ), c.server)
		if err != nil || got != c.want {
			t.Errorf("%s --server %q: %v (%v), want %v", c.environ, c.server, got, err, c.want)
		}
	}
	_, err := config.LoadClient([]string{"STAGEGATE_ADMIN_TOKEN=hunter2"}, "ci.example")
	var found config.Problems
	if !errors.As(err, &found) || len(found) != 2 || found[0].Name != "--server" || found[1].Name != "STAGEGATE_ADMIN_TOKEN" || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("problems: %v", err)
	}
}

// TestServeHasNoToken asks that a process that serves lets the variable be.
func TestServeHasNoToken(t *testing.T) {
	if s := mustLoad(t, required("STAGEGATE_TOKEN=short"), nil); s.Token.Reveal() != "" {
		t.Errorf("settings: %s", s)
	}
}

func TestAdminToken(t *testing.T) {
	s := mustLoad(t, required("STAGEGATE_ADMIN_TOKEN="+token), nil)
	if s.AdminToken.Reveal() != token || strings.Contains(s.String(), token) || !strings.Contains(s.String(), "admin-token=[redacted]") {
		t.Errorf("settings: %s", s)
	}
	for value, want := range map[string]string{
		"hunter2":                        "fewer than 20",
		strings.Repeat("x", 30) + " ":    "a character that",
		strings.Repeat("x", 30) + "\x00": "a character that",
		strings.Repeat("ü", 30):          "a character that",
	} {
		found := problems(t, required("STAGEGATE_ADMIN_TOKEN="+value), nil)
		if len(found) != 1 || !strings.Contains(found[0].Message, want) || strings.Contains(found[0].Message, value) {
			t.Errorf("%q: %v", value, found)
		}
	}
}
