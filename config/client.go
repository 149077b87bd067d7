package config

import "slices"

// clientSettings are those that a command needs which asks a running process.
var clientSettings = []string{"STAGEGATE_LISTEN", "STAGEGATE_PUBLIC_URL", "STAGEGATE_DATA", "STAGEGATE_ADMIN_TOKEN"}

// tokenSetting is a token that a person has made, for commands that ask a process.
var tokenSetting = setting{
	Setting: Setting{Name: "STAGEGATE_TOKEN", Flag: "token", Secret: true, Doc: "an access token of yours, for commands that ask a server"},
	parse:   func(s *Settings, v string) (wrong string) { s.Token, wrong = parseToken(v); return },
}

// LoadClient makes Settings of what environ says about reaching a process that
// serves: PublicURL, Data and AdminToken as in Load, and Token; every other field is zero.
// server, unless it is empty, is the value of a flag --server and wins over the
// environment. Names that are not ours to read are not looked at.
func LoadClient(environ []string, server string) (Settings, error) {
	l := loader{env: stagegateVariables(environ), flags: map[string]string{"public-url": server}}
	values := l.some(clientSettings)
	l.load(&values, tokenSetting)
	for i := range l.problems {
		if p := &l.problems[i]; p.Name == "--public-url" {
			p.Name = "--server"
		}
	}
	if len(l.problems) > 0 {
		return Settings{}, l.problems
	}
	return Settings{PublicURL: values.PublicURL, Data: values.Data, AdminToken: values.AdminToken, Token: values.Token}, nil
}

// LoadDatabase makes Settings of what environ says about where the database is: Data and
// DatabaseURL as in Load; every other field is zero.
func LoadDatabase(environ []string) (Settings, error) {
	l := loader{env: stagegateVariables(environ)}
	values := l.some([]string{"STAGEGATE_DATA", "STAGEGATE_DATABASE_URL"})
	if len(l.problems) > 0 {
		return Settings{}, l.problems
	}
	return Settings{Data: values.Data, DatabaseURL: values.DatabaseURL}, nil
}

// some loads the settings of these names alone.
func (l *loader) some(names []string) Settings {
	values := defaults()
	for _, s := range settings {
		if slices.Contains(names, s.Name) {
			l.load(&values, s)
		}
	}
	l.derive(&values)
	return values
}
