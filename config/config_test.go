package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagegate/stagegate/config"
)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs1() string {
	return strings.TrimSpace(pemText("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey())))
}

func pkcs8(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pemText("PRIVATE KEY", der)
}

// required is the least environment with which a process starts, and more behind it.
func required(more ...string) []string {
	return append(more,
		"PATH=/bin",
		"STAGEGATE_GITHUB_APP_ID=42",
		"STAGEGATE_GITHUB_PRIVATE_KEY="+pkcs1(),
		"STAGEGATE_GITHUB_WEBHOOK_SECRET=hook-secret",
	)
}

func mustLoad(t *testing.T, environ []string, flags map[string]string) config.Settings {
	t.Helper()
	s, err := config.Load(environ, flags)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return s
}

// problems loads settings that must be refused; it also holds every message to
// naming no secret of this test.
func problems(t *testing.T, environ []string, flags map[string]string) config.Problems {
	t.Helper()
	s, err := config.Load(environ, flags)
	var found config.Problems
	if !errors.As(err, &found) || len(found) == 0 {
		t.Fatalf("Load gave error %v, want Problems", err)
	}
	if s != (config.Settings{}) {
		t.Errorf("Load gave settings beside problems: %v", s)
	}
	for _, secret := range []string{"hook-secret", "hunter2", strings.Split(pkcs1(), "\n")[1]} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows the secret %q:\n%v", secret, err)
		}
	}
	return found
}

func TestDefaults(t *testing.T) {
	t.Chdir(t.TempDir())
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	want := config.Settings{
		Listen:              "127.0.0.1:8080",
		PublicURL:           "http://127.0.0.1:8080",
		Data:                filepath.Join(wd, "data"),
		DatabaseURL:         "sqlite:" + filepath.Join(wd, "data", "stagegate.db"),
		BlobURL:             "file://" + filepath.ToSlash(filepath.Join(wd, "data", "blobs")),
		GitHubURL:           "https://api.github.com",
		GitHubAppID:         42,
		GitHubPrivateKey:    config.NewSecret(pkcs1()),
		GitHubWebhookSecret: config.NewSecret("hook-secret"),
		Runners:             runtime.NumCPU(),
		ActionMemory:        4 << 30,
		ActionCPUs:          2,
		ActionPIDs:          2048,
		ActionTimeout:       time.Hour,
		ActionLogLimit:      64 << 20,
		LogFormat:           config.LogAuto,
	}
	if got := mustLoad(t, required(), nil); got != want {
		t.Errorf("Load gave\n%v, want\n%v", got, want)
	}
	if _, err := os.Stat("data"); err == nil {
		t.Error("Load made the data folder")
	}
	empty := make([]string, 0, len(config.List()))
	for _, s := range config.List() {
		empty = append(empty, s.Name+"=")
	}
	if got := mustLoad(t, append(required(), empty...), nil); got != want {
		t.Errorf("with empty variables Load gave\n%v, want the defaults\n%v", got, want)
	}
}

// TestListedDefaults holds the default that List tells people to the one in force.
func TestListedDefaults(t *testing.T) {
	want := mustLoad(t, required(), nil)
	stated := map[string]string{}
	for _, s := range config.List() {
		if s.Default != "" && !strings.Contains(s.Default, " ") {
			// DATA and LISTEN stand for the values of those settings.
			stated[s.Flag] = strings.NewReplacer("DATA", want.Data, "LISTEN", want.Listen).Replace(s.Default)
		}
	}
	if len(stated) < 10 {
		t.Fatalf("List states only %d plain defaults", len(stated))
	}
	if got := mustLoad(t, required(), stated); got != want {
		t.Errorf("the defaults of List give\n%v, want\n%v", got, want)
	}
}

func TestValues(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	get := map[string]func(config.Settings) any{
		"LISTEN":           func(s config.Settings) any { return s.Listen },
		"PUBLIC_URL":       func(s config.Settings) any { return s.PublicURL },
		"DATA":             func(s config.Settings) any { return s.Data },
		"DATABASE_URL":     func(s config.Settings) any { return s.SQLitePath() },
		"BLOB_URL":         func(s config.Settings) any { return s.BlobURL },
		"GITHUB_URL":       func(s config.Settings) any { return s.GitHubURL },
		"RUNNERS":          func(s config.Settings) any { return s.Runners },
		"ACTION_MEMORY":    func(s config.Settings) any { return s.ActionMemory },
		"ACTION_CPUS":      func(s config.Settings) any { return s.ActionCPUs },
		"ACTION_PIDS":      func(s config.Settings) any { return s.ActionPIDs },
		"ACTION_TIMEOUT":   func(s config.Settings) any { return s.ActionTimeout },
		"ACTION_LOG_LIMIT": func(s config.Settings) any { return s.ActionLogLimit },
		"LOG_FORMAT":       func(s config.Settings) any { return s.LogFormat },
		"ALLOW":            func(s config.Settings) any { return s.Allow.String() },
		"ACTION_REACH":     func(s config.Settings) any { return reached(s) },
	}
	for _, c := range []struct {
		name, value string
		want        any
	}{
		{"LISTEN", "0.0.0.0:80", "0.0.0.0:80"},
		{"LISTEN", ":0", ":0"},
		{"LISTEN", "[::1]:8080", "[::1]:8080"},
		{"PUBLIC_URL", "https://ci.example.com", "https://ci.example.com"},
		{"PUBLIC_URL", "https://example.com/stagegate/", "https://example.com/stagegate"},
		{"DATA", "/var/lib/stagegate", "/var/lib/stagegate"},
		{"DATA", "some/data", filepath.Join(wd, "some", "data")},
		{"DATABASE_URL", "sqlite:/var/lib/x.db", "/var/lib/x.db"},
		{"DATABASE_URL", "sqlite:///var/lib/x.db", "/var/lib/x.db"},
		{"DATABASE_URL", "sqlite:x.db", filepath.Join(wd, "x.db")},
		{"BLOB_URL", "file:///var/lib/blobs", "file:///var/lib/blobs"},
		{"BLOB_URL", "mem://", "mem://"},
		{"GITHUB_URL", "https://ghe.example.com/api/v3/", "https://ghe.example.com/api/v3"},
		{"GITHUB_URL", "http://127.0.0.1:9000", "http://127.0.0.1:9000"},
		{"ALLOW", "acme/*  privileged\n", "acme/* privileged"},
		{"ACTION_REACH", "all", "true"},
		{"ACTION_REACH", "172.17.0.1, 172.17.0.1:5000,10.1.2.3/8,fd00::1", "false 172.17.0.1/32 172.17.0.1/32:5000 10.0.0.0/8 fd00::1/128"},
		{"RUNNERS", "0", 0},
		{"RUNNERS", "16", 16},
		{"ACTION_MEMORY", "512MB", int64(512e6)},
		{"ACTION_MEMORY", "8GiB", int64(8 << 30)},
		{"ACTION_MEMORY", "8 gib", int64(8 << 30)},
		{"ACTION_MEMORY", "1073741824", int64(1 << 30)},
		{"ACTION_CPUS", "0.5", 0.5},
		{"ACTION_PIDS", "100", int64(100)},
		{"ACTION_TIMEOUT", "1h30m", 90 * time.Minute},
		{"ACTION_LOG_LIMIT", "4KiB", int64(4 << 10)},
		{"LOG_FORMAT", "json", "json"},
		{"LOG_FORMAT", "text", "text"},
	} {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			if got := get[c.name](mustLoad(t, required("STAGEGATE_"+c.name+"="+c.value), nil)); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, value, want string }{
		{"LISTEN", "8080", "not host:port"},
		{"LISTEN", "127.0.0.1", "not host:port"},
		{"LISTEN", "127.0.0.1:http", "no port between"},
		{"LISTEN", "127.0.0.1:70000", "no port between"},
		{"LISTEN", "127.0.0.1:", "no port between"},
		{"PUBLIC_URL", "ci.example.com", "absolute URL"},
		{"PUBLIC_URL", "/ci", "absolute URL"},
		{"PUBLIC_URL", "ftp://ci.example.com", "absolute URL"},
		{"PUBLIC_URL", "https://:443", "absolute URL"},
		{"PUBLIC_URL", "https://x:hunter2@%zz", "absolute URL"},
		{"PUBLIC_URL", "https://x:hunter2@ci.example.com", "leave them out"},
		{"PUBLIC_URL", "https://ci.example.com?a=b", "query"},
		{"GITHUB_URL", "https://github.com/", "https://api.github.com"},
		{"GITHUB_URL", "ghe.example.com", "absolute URL"},
		{"DATABASE_URL", "postgres://x:hunter2@db/stagegate", "later version"},
		{"DATABASE_URL", "postgresql://x:hunter2@db/stagegate", "later version"},
		{"DATABASE_URL", "mysql://x:hunter2@db/stagegate", "sqlite:PATH"},
		{"DATABASE_URL", "/var/lib/x.db", "sqlite:PATH"},
		{"DATABASE_URL", "sqlite:", "names no file"},
		{"DATABASE_URL", "sqlite::memory:", "names no file"},
		{"DATABASE_URL", "sqlite://var/lib/x.db", "host"},
		{"DATABASE_URL", "sqlite:/x.db?mode=ro", "options"},
		{"BLOB_URL", "s3://bucket?key=hunter2", "later version"},
		{"BLOB_URL", "/var/lib/blobs", "file:///PATH"},
		{"BLOB_URL", "file://var/lib/blobs", "three slashes"},
		{"BLOB_URL", "file:blobs", "three slashes"},
		{"BLOB_URL", "mem://x", "write mem://"},
		{"GITHUB_APP_ID", "Iv1.0123456789abcdef", "not the client ID"},
		{"GITHUB_APP_ID", "0", "not a number"},
		{"GITHUB_APP_ID", "hunter2", "not a number"},
		{"GITHUB_PRIVATE_KEY", "hunter2", "not a PEM block"},
		{"GITHUB_PRIVATE_KEY", "/etc/stagegate/app.pem", "STAGEGATE_GITHUB_PRIVATE_KEY_FILE"},
		{"GITHUB_PRIVATE_KEY", "app.pem", "STAGEGATE_GITHUB_PRIVATE_KEY_FILE"},
		{"GITHUB_PRIVATE_KEY", pemText("RSA PRIVATE KEY", []byte("hunter2")), "damaged"},
		{"GITHUB_PRIVATE_KEY", pemText("PRIVATE KEY", []byte("hunter2")), "damaged"},
		{"GITHUB_PRIVATE_KEY", pemText("PUBLIC KEY", []byte("hunter2")), "another kind"},
		{"GITHUB_PRIVATE_KEY", pkcs8(t, ecKey), "not an RSA key"},
		{"RUNNERS", "many", "0 or more"},
		{"RUNNERS", "-1", "0 or more"},
		{"ACTION_MEMORY", "4G", "4GiB"},
		{"ACTION_MEMORY", "GiB", "4GiB"},
		{"ACTION_MEMORY", "0.5GiB", "whole number"},
		{"ACTION_MEMORY", "-4GiB", "whole number"},
		{"ACTION_MEMORY", "99999999TiB", "whole number"},
		{"ACTION_MEMORY", "1MiB", "6MiB or more"},
		{"ACTION_CPUS", "two", "decimal number"},
		{"ACTION_CPUS", "inf", "decimal number"},
		{"ACTION_CPUS", "1e3", "decimal number"},
		{"ACTION_CPUS", "0", "0.01 up"},
		{"ACTION_PIDS", "0", "1 or more"},
		{"ACTION_TIMEOUT", "3600", "unit"},
		{"ACTION_TIMEOUT", "1ms", "a second or more"},
		{"ACTION_LOG_LIMIT", "1", "4KiB or more"},
		{"ALLOW", "acme privileged", "is not a pattern of repositories"},
		{"ALLOW", "acme/shop", "is allowed nothing"},
		{"ALLOW", "acme/shop root", "is not an option"},
		{"ALLOW", "acme/shop cap-add", "is not an option"},
		{"ALLOW", "acme/shop volumes=srv", "begin it with /"},
		{"ACTION_REACH", "10.0.0.1,localhost", "\"localhost\" is not an address"},
		{"ACTION_REACH", "10.0.0.1:0", "is not an address"},
		{"LOG_FORMAT", "xml", "text or json"},
	} {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			// The first variable of a name counts, so this one stands before the required ones.
			found := problems(t, required("STAGEGATE_"+c.name+"="+c.value), nil)
			if len(found) != 1 || found[0].Name != "STAGEGATE_"+c.name || !strings.Contains(found[0].Message, c.want) {
				t.Errorf("got %q, want one problem of STAGEGATE_%s with %q", found, c.name, c.want)
			}
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	found := problems(t, []string{
		"STAGEGATE_ZEBRA=1",
		"STAGEGATE_LISTEN=8080",
		"STAGEGATE_RUNNERS=many",
		"STAGEGATE_GITHUB_APP_ID=x",
	}, map[string]string{"log-format": "xml"})
	var names []string
	for _, p := range found {
		names = append(names, p.Name)
	}
	want := "STAGEGATE_LISTEN STAGEGATE_GITHUB_APP_ID STAGEGATE_GITHUB_PRIVATE_KEY " +
		"STAGEGATE_GITHUB_WEBHOOK_SECRET STAGEGATE_RUNNERS --log-format STAGEGATE_ZEBRA"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("problems of %s, want of %s", got, want)
	}
	if text := found.Error(); !strings.HasPrefix(text, "7 settings need attention:\n") || strings.Count(text, "\n") != 7 {
		t.Errorf("the error is not a heading and a line for each problem:\n%s", text)
	}
}

func TestMissing(t *testing.T) {
	for i, want := range []string{"App ID", "STAGEGATE_GITHUB_PRIVATE_KEY_FILE", "Webhook"} {
		found := problems(t, nil, nil)
		if len(found) != 3 || !strings.HasPrefix(found[i].Message, "is missing: ") || !strings.Contains(found[i].Message, want) {
			t.Errorf("problem %d of %q does not say that it is missing and %q", i, found, want)
		}
	}
}

func TestFiles(t *testing.T) {
	write := func(content string) string {
		path := filepath.Join(t.TempDir(), "value")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Run("trailing newline", func(t *testing.T) {
		for _, end := range []string{"", "\n", "\r\n"} {
			s := mustLoad(t, required(
				"STAGEGATE_GITHUB_WEBHOOK_SECRET=",
				"STAGEGATE_GITHUB_WEBHOOK_SECRET_FILE="+write(" hunter2 "+end)), nil)
			if got := s.GitHubWebhookSecret.Reveal(); got != " hunter2 " {
				t.Errorf("read %q", got)
			}
		}
	})
	t.Run("key", func(t *testing.T) {
		key := pkcs8(t, rsaKey())
		s := mustLoad(t, required("STAGEGATE_GITHUB_PRIVATE_KEY=", "STAGEGATE_GITHUB_PRIVATE_KEY_FILE="+write(key)), nil)
		if s.GitHubPrivateKey.Reveal() != strings.TrimSpace(key) {
			t.Error("read another key")
		}
	})
	for _, c := range []struct{ name, file, want string }{
		{"not there", filepath.Join(t.TempDir(), "none"), "no such file"},
		{"folder", t.TempDir(), "is a directory"},
		{"empty", write("\n"), "is empty"},
		{"wrong value", write("many"), "0 or more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := problems(t, required("STAGEGATE_RUNNERS_FILE="+c.file), nil)
			if len(found) != 1 || found[0].Name != "STAGEGATE_RUNNERS_FILE" || !strings.Contains(found[0].Message, c.want) {
				t.Errorf("got %q, want %q", found, c.want)
			}
		})
	}
	t.Run("both", func(t *testing.T) {
		found := problems(t, required("STAGEGATE_GITHUB_WEBHOOK_SECRET_FILE="+write("hunter2")), nil)
		if len(found) != 1 || !strings.Contains(found[0].Message, "keep one of the two") {
			t.Errorf("got %q", found)
		}
	})
}

func TestEscapedNewlinesInKey(t *testing.T) {
	escaped := strings.ReplaceAll(pkcs1(), "\n", `\n`)
	s := mustLoad(t, required("STAGEGATE_GITHUB_PRIVATE_KEY="+escaped), nil)
	if s.GitHubPrivateKey.Reveal() != pkcs1() {
		t.Error("the key is not the one that was escaped")
	}
}

func TestFlagsWin(t *testing.T) {
	environ := required("STAGEGATE_LISTEN=127.0.0.1:1", "STAGEGATE_RUNNERS=1", "STAGEGATE_RUNNERS_FILE=/none", "STAGEGATE_LOG_FORMAT=json")
	s := mustLoad(t, environ, map[string]string{"listen": "127.0.0.1:2", "runners": "3", "log-format": ""})
	if s.Listen != "127.0.0.1:2" || s.PublicURL != "http://127.0.0.1:2" || s.Runners != 3 || s.LogFormat != "json" {
		t.Errorf("got %v", s)
	}
}

func TestPublicURLFollowsListen(t *testing.T) {
	for listen, want := range map[string]string{
		"192.0.2.1:80":  "http://192.0.2.1:80",
		"0.0.0.0:8080":  "http://localhost:8080",
		":8080":         "http://localhost:8080",
		"[::]:8080":     "http://localhost:8080",
		"[::1]:8080":    "http://[::1]:8080",
		"ci.local:8080": "http://ci.local:8080",
	} {
		if got := mustLoad(t, required("STAGEGATE_LISTEN="+listen), nil).PublicURL; got != want {
			t.Errorf("%s gives %s, want %s", listen, got, want)
		}
	}
}

func TestUnknownNames(t *testing.T) {
	for name, want := range map[string]string{
		"STAGEGATE_LISTN":                   "did you mean STAGEGATE_LISTEN?",
		"STAGEGATE_RUNNER":                  "did you mean STAGEGATE_RUNNERS?",
		"STAGEGATE_GITHUB_PRIVATEKEY_FILE":  "did you mean STAGEGATE_GITHUB_PRIVATE_KEY_FILE?",
		"STAGEGATE_GITHUB_WEBHOKO_SECRET":   "did you mean STAGEGATE_GITHUB_WEBHOOK_SECRET?",
		"STAGEGATE_APP_ID":                  "did you mean STAGEGATE_GITHUB_APP_ID?",
		"STAGEGATE_MEMORY":                  "did you mean STAGEGATE_ACTION_MEMORY?",
		"STAGEGATE_URL":                     "unset it",
		"STAGEGATE_FROBNICATE":              "unset it",
		"STAGEGATE_":                        "unset it",
		"STAGEGATE_EXECUTION_FILE":          "unset it",
		"STAGEGATE_GITHUB_WEBHOOK_SECRET_X": "did you mean STAGEGATE_GITHUB_WEBHOOK_SECRET?",
	} {
		found := problems(t, required(name+"=hunter2"), nil)
		if len(found) != 1 || found[0].Name != name || !strings.Contains(found[0].Message, "is not a setting: "+want) {
			t.Errorf("%s: got %q, want %q", name, found, want)
		}
	}
	found := problems(t, required(), map[string]string{"lisen": "x"})
	if len(found) != 1 || found[0].Name != "--lisen" || !strings.Contains(found[0].Message, "did you mean --listen?") {
		t.Errorf("flag: got %q", found)
	}
}

func TestInsideAction(t *testing.T) {
	mustLoad(t, required(
		"CI=true",
		"STAGEGATE_EXECUTION=1", "STAGEGATE_PIPELINE=ci", "STAGEGATE_STAGE=build", "STAGEGATE_ACTION=unit",
		"STAGEGATE_REPOSITORY=octo/shop", "STAGEGATE_COMMIT=0123", "STAGEGATE_REF=refs/heads/main",
		"STAGEGATE_OUTPUT=/o", "STAGEGATE_SUMMARY=/s", "STAGEGATE_INPUT_SOURCE=/in", "STAGEGATE_INPUT_MY_APP=/app",
	), nil)
}

func TestRedaction(t *testing.T) {
	s := mustLoad(t, required("STAGEGATE_GITHUB_WEBHOOK_SECRET=hunter2"), nil)
	var logged strings.Builder
	logger := slog.New(slog.NewJSONHandler(&logged, nil))
	logger.Info("start", "settings", s, "secret", s.GitHubWebhookSecret)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("start", "settings", s, "secret", s.GitHubWebhookSecret)
	encoded, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{logged.String(), string(encoded), s.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t"} {
		texts = append(texts, fmt.Sprintf(verb, s), fmt.Sprintf(verb, &s), fmt.Sprintf(verb, s.GitHubWebhookSecret), fmt.Sprintf(verb, &s.GitHubWebhookSecret))
	}
	for _, text := range texts {
		for _, form := range []string{"hunter2", fmt.Sprintf("%x", "hunter2"), fmt.Sprintf("%X", "hunter2"), "PRIVATE KEY"} {
			if strings.Contains(text, form) {
				t.Errorf("a secret shows in %s", text)
			}
		}
	}
	if want := "github-webhook-secret=[redacted]"; !strings.Contains(s.String(), want) {
		t.Errorf("String has no %q: %s", want, s)
	}
	if got := s.GitHubWebhookSecret.Reveal(); got != "hunter2" {
		t.Errorf("Reveal gave %q", got)
	}
	if got := (config.Secret{}).String(); got != "" {
		t.Errorf("a secret that is not set prints as %q", got)
	}
}

// TestList holds names, flags and the log's keys to each other.
func TestList(t *testing.T) {
	logged := map[string]bool{}
	for _, a := range (config.Settings{}).LogValue().Group() {
		logged[a.Key] = true
	}
	seen := map[string]bool{}
	for _, s := range config.List() {
		if want := "STAGEGATE_" + strings.ToUpper(strings.ReplaceAll(s.Flag, "-", "_")); s.Name != want {
			t.Errorf("flag %s belongs to %s, want %s", s.Flag, s.Name, want)
		}
		if seen[s.Name] || s.Doc == "" || strings.HasSuffix(s.Doc, ".") {
			t.Errorf("%s is there twice, or its line is empty or ends in a full stop: %q", s.Name, s.Doc)
		}
		if !logged[s.Flag] {
			t.Errorf("LogValue leaves out %s", s.Flag)
		}
		seen[s.Name] = true
	}
	if len(seen) != len(logged) {
		t.Errorf("List has %d settings, LogValue %d", len(seen), len(logged))
	}
}

// reached is what a value of ACTION_REACH means.
func reached(s config.Settings) string {
	all, to := s.ActionReach.Addresses()
	text := fmt.Sprint(all)
	for _, a := range to {
		text += " " + a.Prefix.String()
		if a.Port != 0 {
			text += fmt.Sprintf(":%d", a.Port)
		}
	}
	return text
}
