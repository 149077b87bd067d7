package config

import (
	"fmt"
	"runtime"
	"strconv"
	"time"
)

// fileSuffix ends the name of a variable that holds the path of a file with the value.
const fileSuffix = "_FILE"

// Setting describes one setting, for help texts and documentation.
type Setting struct {
	Name    string // environment variable; with _FILE behind it, the path of a file that holds the value
	Flag    string // command-line flag, without dashes
	Default string // as text; empty if there is none
	Doc     string // one line without a full stop
	Secret  bool   // better given by variable or file: other users of the machine can see flags
}

// List describes every setting, in the order in which documentation shows them.
func List() []Setting { return describe(settings) }

func describe(settings []setting) []Setting {
	list := make([]Setting, len(settings))
	for i, s := range settings {
		list[i] = s.Setting
	}
	return list
}

// setting adds to the description how a value is read. parse returns what is
// wrong and how to mend it, or nothing.
type setting struct {
	Setting
	required bool
	remedy   string // of a required setting that is missing
	parse    func(*Settings, string) string
}

func defaults() Settings {
	return Settings{
		Listen:         "127.0.0.1:8080",
		Data:           "data",
		GitHubURL:      "https://api.github.com",
		Runners:        runtime.NumCPU(),
		ActionMemory:   4 << 30,
		ActionCPUs:     2,
		ActionPIDs:     2048,
		ActionTimeout:  time.Hour,
		ActionLogLimit: 64 << 20,
	}
}

// Docker refuses a container with less than these.
const (
	leastMemory = 6 << 20
	leastCPUs   = 0.01
)

// leastLog leaves room for the beginning and the end of a log.
const leastLog = 4 << 10

var settings = []setting{
	{
		Setting: Setting{
			Name: "STAGEGATE_LISTEN", Flag: "listen", Default: "127.0.0.1:8080",
			Doc: "host:port of the dashboard, the API and POST /webhooks/github",
		},
		parse: func(s *Settings, v string) string { s.Listen = v; return checkListen(v) },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_PUBLIC_URL", Flag: "public-url", Default: "http://LISTEN",
			Doc: "URL under which people reach the dashboard; check runs link to it",
		},
		parse: func(s *Settings, v string) (wrong string) { s.PublicURL, wrong = parseWebURL(v); return },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_DATA", Flag: "data", Default: "./data",
			Doc: "folder of the database, the artifacts and logs, and the work folders",
		},
		parse: func(s *Settings, v string) string { s.Data = v; return "" },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_DATABASE_URL", Flag: "database-url", Default: "sqlite:DATA/stagegate.db",
			Doc: "database, as sqlite:PATH",
		},
		parse: func(s *Settings, v string) (wrong string) { s.DatabaseURL, wrong = parseDatabaseURL(v); return },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_BLOB_URL", Flag: "blob-url", Default: "file://DATA/blobs",
			Doc: "where artifacts and logs are kept, as file:///PATH",
		},
		parse: func(s *Settings, v string) string { s.BlobURL = v; return checkBlobURL(v) },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_GITHUB_URL", Flag: "github-url", Default: "https://api.github.com",
			Doc: "base URL of GitHub's REST API, used as written; on GitHub Enterprise Server https://HOST/api/v3",
		},
		parse: func(s *Settings, v string) (wrong string) { s.GitHubURL, wrong = parseGitHubURL(v); return },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_GITHUB_APP_ID", Flag: "github-app-id",
			Doc: "the App's number, \"App ID\" on its settings page",
		},
		required: true,
		remedy:   "copy the number \"App ID\" from the settings page of your GitHub App",
		parse:    func(s *Settings, v string) (wrong string) { s.GitHubAppID, wrong = parseAppID(v); return },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_GITHUB_PRIVATE_KEY", Flag: "github-private-key", Secret: true,
			Doc: "the App's private key, the content of the .pem file that GitHub gave you",
		},
		required: true,
		remedy: "generate a private key on the settings page of your GitHub App and set " +
			"STAGEGATE_GITHUB_PRIVATE_KEY_FILE to the path of the .pem file",
		parse: func(s *Settings, v string) (wrong string) { s.GitHubPrivateKey, wrong = parsePrivateKey(v); return },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_GITHUB_WEBHOOK_SECRET", Flag: "github-webhook-secret", Secret: true,
			Doc: "the App's webhook secret; deliveries without its signature are refused",
		},
		required: true,
		remedy:   "set the secret that stands under \"Webhook\" on the settings page of your GitHub App",
		parse:    func(s *Settings, v string) string { s.GitHubWebhookSecret = NewSecret(v); return "" },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_GITHUB_CLIENT_ID", Flag: "github-client-id",
			Doc: "the App's client ID, with which people sign in; without it nobody does",
		},
		parse: func(s *Settings, v string) (wrong string) { s.GitHubClientID, wrong = parseClientID(v); return },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_GITHUB_CLIENT_SECRET", Flag: "github-client-secret", Secret: true,
			Doc: "a client secret of the App, with which people sign in",
		},
		parse: func(s *Settings, v string) string { s.GitHubClientSecret = NewSecret(v); return "" },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_TRUSTED_PROXIES", Flag: "trusted-proxies",
			Doc: "addresses or networks of proxies, such as 10.0.0.0/8,::1, whose X-Forwarded-For is believed; without it no one's is",
		},
		parse: func(s *Settings, v string) string { s.TrustedProxies = v; return checkNetworks(v) },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_ADMIN_TOKEN", Flag: "admin-token", Default: "made at the first start, in DATA/admin-token", Secret: true,
			Doc: "the operator's token, which the API asks for: 20 or more letters, digits or - . _ ~ + / =",
		},
		parse: func(s *Settings, v string) (wrong string) { s.AdminToken, wrong = parseToken(v); return },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_SECRETS_KEY_URL", Flag: "secrets-key-url", Default: "file://DATA/secrets-key, made at the first start",
			Doc: "key that secrets are encrypted under, as file:///PATH, awskms://, gcpkms://, azurekeyvault:// or hashivault://",
		},
		parse: func(s *Settings, v string) string { s.SecretsKeyURL = v; return checkKeyURL(v) },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_SECRETS_OLD_KEY_URL", Flag: "secrets-old-key-url",
			Doc: "what STAGEGATE_SECRETS_KEY_URL was before, until stagegate secret rotate",
		},
		parse: func(s *Settings, v string) string { s.SecretsOldKeyURL = v; return checkKeyURL(v) },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_RUNNERS", Flag: "runners", Default: "number of CPUs",
			Doc: "jobs that this process runs at once; 0 leaves them to other runners",
		},
		parse: func(s *Settings, v string) string {
			n, err := strconv.Atoi(v)
			if err != nil || n < 0 {
				return fmt.Sprintf("%s is not a number of jobs: write 0 or more", shown(v))
			}
			s.Runners = n
			return ""
		},
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_ACTION_MEMORY", Flag: "action-memory", Default: "4GiB",
			Doc: "memory of an action: the default and the ceiling",
		},
		parse: func(s *Settings, v string) (wrong string) { s.ActionMemory, wrong = parseSize(v, leastMemory); return },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_ACTION_CPUS", Flag: "action-cpus", Default: "2",
			Doc: "CPUs of an action, such as 0.5: the default and the ceiling",
		},
		parse: func(s *Settings, v string) (wrong string) { s.ActionCPUs, wrong = parseCPUs(v); return },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_ACTION_PIDS", Flag: "action-pids", Default: "2048",
			Doc: "processes and threads of an action: the default and the ceiling",
		},
		parse: func(s *Settings, v string) string {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil || n < 1 {
				return fmt.Sprintf("%s is not a number of processes: write 1 or more", shown(v))
			}
			s.ActionPIDs = n
			return ""
		},
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_ACTION_TIMEOUT", Flag: "action-timeout", Default: "1h",
			Doc: "running time of an action, such as 90m: the default and the ceiling",
		},
		parse: func(s *Settings, v string) string {
			d, err := time.ParseDuration(v)
			if err != nil || d < time.Second {
				return fmt.Sprintf("%s is not a duration of a second or more: write a number and a unit, such as 90m or 2h", shown(v))
			}
			s.ActionTimeout = d
			return ""
		},
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_ACTION_LOG_LIMIT", Flag: "action-log-limit", Default: "64MiB",
			Doc: "size of an action's log; a longer one loses its middle, never its end",
		},
		parse: func(s *Settings, v string) (wrong string) { s.ActionLogLimit, wrong = parseSize(v, leastLog); return },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_ACTION_REACH", Flag: "action-reach",
			Doc: "what actions may reach of this machine and of the cloud's metadata, such as 172.17.0.1:5000,10.0.0.0/8; all closes nothing",
		},
		parse: func(s *Settings, v string) (wrong string) { s.ActionReach, wrong = parseReach(v); return },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_ALLOW", Flag: "allow",
			Doc: "what of their isolation actions may take down: lines of OWNER/REPOSITORY and options, such as acme/* cap-add=SYS_PTRACE",
		},
		parse: func(s *Settings, v string) (wrong string) { s.Allow, wrong = parseAllow(v); return },
	},
	{
		Setting: Setting{
			Name: "STAGEGATE_LOG_FORMAT", Flag: "log-format", Default: "text on a terminal, json elsewhere",
			Doc: "format of the log: text or json",
		},
		parse: func(s *Settings, v string) string {
			if v != LogText && v != LogJSON {
				return fmt.Sprintf("%s is not a log format: write text or json", shown(v))
			}
			s.LogFormat = v
			return ""
		},
	},
}
