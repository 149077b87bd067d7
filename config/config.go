// Package config reads the settings of Stagegate's processes from environment
// variables, files and flags. It imports only the standard library and nothing
// of this project; whoever starts a process passes the settings on.
package config

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// prefix begins the name of every environment variable that belongs to Stagegate.
const prefix = "STAGEGATE_"

// Formats of the log. LogAuto is the zero value: text on a terminal, JSON elsewhere.
const (
	LogAuto = ""
	LogText = "text"
	LogJSON = "json"
)

// Settings are the checked settings of one process. Every field has a value
// after Load except LogFormat, whose zero value is LogAuto, AdminToken and the URLs of keys.
type Settings struct {
	Listen      string // host:port; an empty host is every interface, port 0 any free port
	PublicURL   string // absolute http or https URL without a trailing slash
	Data        string // absolute path of the data folder, which need not exist yet
	DatabaseURL string // "sqlite:" and an absolute path
	BlobURL     string // "file://" and an absolute path, or "mem://"

	GitHubURL           string // base of the REST API, without a trailing slash
	GitHubAppID         int64
	GitHubPrivateKey    Secret // PEM of an RSA key, PKCS #1 or PKCS #8
	GitHubWebhookSecret Secret

	GitHubClientID     string // empty: nobody signs in
	GitHubClientSecret Secret
	TrustedProxies     string // networks with commas between them; see Proxies
	RunnerToken        Secret // of a process that only runs jobs of a server; see LoadRunner

	Token      Secret // a person's, of a command that asks a process; empty: none was given
	AdminToken Secret // the operator's; empty: what the file AdminTokenPath holds

	SecretsKeyURL    string // empty: the file SecretsKeyPath
	SecretsOldKeyURL string // empty: there is none

	Runners        int           // jobs at once in this process; 0 runs none
	ActionMemory   int64         // bytes
	ActionCPUs     float64       // may be more than the machine has: the runner lowers it
	ActionPIDs     int64         // processes and threads of an action
	ActionTimeout  time.Duration // of one action
	ActionLogLimit int64         // bytes of one action's log

	ActionReach Reach // what actions may reach that is closed to them
	Allow       Allow // what of their isolation repositories may take down

	LogFormat string // LogAuto, LogText or LogJSON
}

// Reach is what of this machine, and of what a cloud tells it, is open to actions.
type Reach struct{ text string }

// Address is a network, or with a Port one TCP port of it.
type Address struct {
	netip.Prefix
	Port uint16
}

// Addresses lists what is open; all is everything.
func (r Reach) Addresses() (all bool, to []Address) {
	all, to, _ = readReach(r.text) // it was read before
	return all, to
}

func (r Reach) String() string { return r.text }

// SQLitePath is the file that DatabaseURL names.
func (s Settings) SQLitePath() string { return strings.TrimPrefix(s.DatabaseURL, "sqlite:") }

// AdminTokenPath is the file of an operator's token that nobody set.
func (s Settings) AdminTokenPath() string { return filepath.Join(s.Data, "admin-token") }

// Proxies are those whose X-Forwarded-For is believed.
func (s Settings) Proxies() []netip.Prefix {
	all, _ := networks(s.TrustedProxies) // Load has read it
	return all
}

// SecretsKeyPath is the file of the key of secrets where no URL names another.
func (s Settings) SecretsKeyPath() string { return filepath.Join(s.Data, "secrets-key") }

// LogValue lists every setting under the name of its flag, secrets redacted.
func (s Settings) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("listen", s.Listen),
		slog.String("public-url", s.PublicURL),
		slog.String("data", s.Data),
		slog.String("database-url", s.DatabaseURL),
		slog.String("blob-url", s.BlobURL),
		slog.String("github-url", s.GitHubURL),
		slog.Int64("github-app-id", s.GitHubAppID),
		slog.Any("github-private-key", s.GitHubPrivateKey),
		slog.Any("github-webhook-secret", s.GitHubWebhookSecret),
		slog.String("github-client-id", s.GitHubClientID),
		slog.Any("github-client-secret", s.GitHubClientSecret),
		slog.String("trusted-proxies", s.TrustedProxies),
		slog.Any("admin-token", s.AdminToken),
		slog.String("secrets-key-url", s.SecretsKeyURL),
		slog.String("secrets-old-key-url", s.SecretsOldKeyURL),
		slog.Int("runners", s.Runners),
		slog.Int64("action-memory", s.ActionMemory),
		slog.Float64("action-cpus", s.ActionCPUs),
		slog.Int64("action-pids", s.ActionPIDs),
		slog.Duration("action-timeout", s.ActionTimeout),
		slog.Int64("action-log-limit", s.ActionLogLimit),
		slog.String("action-reach", s.ActionReach.String()),
		slog.String("allow", s.Allow.String()),
		slog.String("log-format", s.LogFormat),
	)
}

// String is LogValue in one line.
func (s Settings) String() string {
	var b strings.Builder
	for i, a := range s.LogValue().Group() {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s=%s", a.Key, a.Value.Resolve())
	}
	return b.String()
}

// Problem is one thing wrong with the settings. Name is what the operator wrote
// or has to write: an environment variable or a flag. Message ends in the remedy
// and never holds a secret.
type Problem struct{ Name, Message string }

// Problems are all things wrong with the settings, in the order of List, unknown
// names last. It is the only type of error that Load returns.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, 0, len(p)+1)
	if len(p) > 1 {
		lines = append(lines, fmt.Sprintf("%d settings need attention:", len(p)))
	}
	for _, x := range p {
		lines = append(lines, x.Name+": "+x.Message)
	}
	return strings.Join(lines, "\n")
}

// Load makes Settings of environ ("NAME=value", as os.Environ gives it) and of
// the flags that were set, keyed by their name without dashes. A flag wins over
// the environment; an empty value counts as not set, so that the default holds.
// Variables without the prefix STAGEGATE_ are not looked at. Besides the files
// that a NAME_FILE variable names, nothing is read or created.
func Load(environ []string, flags map[string]string) (Settings, error) {
	l := loader{env: stagegateVariables(environ), flags: flags}
	values := defaults()
	for _, s := range settings {
		l.load(&values, s)
	}
	l.derive(&values)
	l.refuseUnknown(append(append(runnerSettings(), tokenSetting), settings...), settings)
	if len(l.problems) > 0 {
		return Settings{}, l.problems
	}
	return values, nil
}

// stagegateVariables keeps what belongs to Stagegate; as in os.Getenv, the first
// of two variables of one name counts.
func stagegateVariables(environ []string) map[string]string {
	env := map[string]string{}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if _, seen := env[name]; !seen && strings.HasPrefix(name, prefix) {
			env[name] = value
		}
	}
	return env
}

type loader struct {
	env      map[string]string
	flags    map[string]string
	problems Problems
}

func (l *loader) problem(name, message string) {
	l.problems = append(l.problems, Problem{Name: name, Message: message})
}

func (l *loader) load(values *Settings, s setting) {
	source, value, ok := l.find(s)
	switch {
	case !ok:
	case value == "" && s.required:
		l.problem(s.Name, "is missing: "+s.remedy)
	case value != "":
		if wrong := s.parse(values, value); wrong != "" {
			l.problem(source, wrong)
		}
	}
}

// find tells where the value of s comes from and what it is. An empty value is
// one that nobody set; !ok is one that could not be read, which is reported.
func (l *loader) find(s setting) (source, value string, ok bool) {
	if v := l.flags[s.Flag]; v != "" {
		return "--" + s.Flag, v, true
	}
	file := s.Name + fileSuffix
	path := l.env[file]
	switch {
	case path == "":
		return s.Name, l.env[s.Name], true
	case l.env[s.Name] != "":
		l.problem(s.Name, "is set, and so is "+file+": keep one of the two")
		return "", "", false
	}
	content, err := os.ReadFile(path)
	if err != nil {
		l.problem(file, fmt.Sprintf("%v: name a file that this process may read", err))
		return "", "", false
	}
	value = strings.TrimRight(string(content), "\r\n")
	if value == "" {
		l.problem(file, path+" is empty: write the value into it, or unset the variable")
		return "", "", false
	}
	return file, value, true
}

// derive fills in what follows from other settings.
func (l *loader) derive(values *Settings) {
	l.absolute(values)
	if values.PublicURL == "" {
		values.PublicURL = localURL(values.Listen)
	}
	if values.DatabaseURL == "" {
		values.DatabaseURL = "sqlite:" + filepath.Join(values.Data, "stagegate.db")
	}
	if values.BlobURL == "" {
		values.BlobURL = fileURL(filepath.Join(values.Data, "blobs"))
	}
	l.checkSignIn(values)
}

// checkSignIn looks at what signing in takes: both settings, and an address to which a
// browser carries a cookie that nobody on the way can read.
func (l *loader) checkSignIn(values *Settings) {
	const id, secret = prefix + "GITHUB_CLIENT_ID", prefix + "GITHUB_CLIENT_SECRET"
	switch {
	case values.GitHubClientID == "" && values.GitHubClientSecret.Reveal() == "":
	case values.GitHubClientSecret.Reveal() == "":
		l.problem(secret, "is missing, and "+id+" is set: generate a client secret on the settings page of your GitHub App, or unset both and nobody signs in")
	case values.GitHubClientID == "":
		l.problem(id, "is missing, and "+secret+" is set: copy \"Client ID\" from the settings page of your GitHub App, or unset both and nobody signs in")
	case !safeForCookies(values.PublicURL):
		l.problem(prefix+"PUBLIC_URL", "is http on another machine than this one, and people sign in: write an https URL, or unset "+id+" and "+secret)
	}
}

// safeForCookies tells whether nobody on the way can read what a browser sends.
func safeForCookies(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

func (l *loader) absolute(values *Settings) {
	abs, err := filepath.Abs(values.Data)
	if err != nil {
		l.problem(prefix+"DATA", fmt.Sprintf("%v: write an absolute path", err))
		return
	}
	values.Data = abs
}

// refuseUnknown reports names that begin as ours but that nothing reads: most are
// typing errors, which would otherwise leave a default in force unnoticed. Variables
// may be those of another kind of process, flags may not.
func (l *loader) refuseUnknown(anywhere, here []setting) {
	var variables, options []string
	for _, s := range anywhere {
		variables = append(variables, s.Name, s.Name+fileSuffix)
	}
	slices.Sort(variables)
	variables = slices.Compact(variables)
	for _, s := range here {
		options = append(options, "--"+s.Flag)
	}
	var unknown []Problem
	for name := range l.env {
		if !slices.Contains(variables, name) && !setInsideAction(name) {
			unknown = append(unknown, Problem{name, "is not a setting: " + instead(name, variables)})
		}
	}
	for flag := range l.flags {
		if name := "--" + flag; !slices.Contains(options, name) {
			unknown = append(unknown, Problem{name, "is not a setting: " + instead(name, options)})
		}
	}
	slices.SortFunc(unknown, func(a, b Problem) int { return strings.Compare(a.Name, b.Name) })
	l.problems = append(l.problems, unknown...)
}

// insideAction are the variables that a runner sets in an action's container.
// They are no settings, and no mistakes either: Stagegate's own tests run there.
var insideAction = []string{
	"EXECUTION", "PIPELINE", "STAGE", "ACTION", "REPOSITORY", "COMMIT", "REF", "OUTPUT", "SUMMARY",
}

func setInsideAction(name string) bool {
	rest := strings.TrimPrefix(name, prefix)
	return slices.Contains(insideAction, rest) || strings.HasPrefix(rest, "INPUT_")
}
