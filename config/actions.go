package config

import "strings"

// actionPrefix begins the settings that bound an action.
const actionPrefix = prefix + "ACTION_"

// LoadActions makes Settings of what environ says about actions, for a process
// that runs some and serves nobody: limits and timeouts as in Load, and every
// other field zero. A name that begins as theirs and is none is a problem.
func LoadActions(environ []string) (Settings, error) {
	l := loader{env: stagegateVariables(environ)}
	values := defaults()
	for _, s := range settings {
		if strings.HasPrefix(s.Name, actionPrefix) {
			l.load(&values, s)
		}
	}
	for name := range l.env {
		if !strings.HasPrefix(name, actionPrefix) {
			delete(l.env, name)
		}
	}
	if len(l.problems) > 0 {
		return Settings{}, l.problems
	}
	return Settings{
		ActionMemory: values.ActionMemory, ActionCPUs: values.ActionCPUs, ActionPIDs: values.ActionPIDs,
		ActionTimeout: values.ActionTimeout, ActionLogLimit: values.ActionLogLimit,
	}, nil
}
