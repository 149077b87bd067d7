package config

import (
	"runtime"
	"slices"
)

// runnerSettings are those of a process that only runs jobs, in the order in which
// documentation shows them.
func runnerSettings() []setting {
	list := []setting{
		{
			Setting: Setting{
				Name: "STAGEGATE_PUBLIC_URL", Flag: "server",
				Doc: "URL of the server, https unless it is on this machine",
			},
			required: true,
			remedy:   "give the address of the server, such as https://ci.example.com",
			parse:    func(s *Settings, v string) (wrong string) { s.PublicURL, wrong = parseWebURL(v); return },
		},
		{
			Setting: Setting{
				Name: "STAGEGATE_RUNNER_TOKEN", Flag: "token", Secret: true,
				Doc: "what the server knows this runner by; its operator makes one with `stagegate runner add NAME`",
			},
			required: true,
			remedy:   "let the operator of the server make one with `stagegate runner add NAME`, and set STAGEGATE_RUNNER_TOKEN_FILE to the path of a file that holds it",
			parse:    func(s *Settings, v string) (wrong string) { s.RunnerToken, wrong = parseToken(v); return },
		},
	}
	shared := []string{"data", "runners", "action-memory", "action-cpus", "action-pids", "action-timeout", "action-log-limit", "action-reach", "allow", "log-format"}
	for _, s := range settings {
		if slices.Contains(shared, s.Flag) {
			list = append(list, s)
		}
	}
	return list
}

// RunnerList describes the settings of a process that only runs jobs.
func RunnerList() []Setting { return describe(runnerSettings()) }

// LoadRunner makes Settings of environ and flags for a process that only runs jobs of
// a server: PublicURL is that server's, RunnerToken opens it, and what bounds actions
// is as in Load; every other field is zero. Settings of a server are left alone.
func LoadRunner(environ []string, flags map[string]string) (Settings, error) {
	l := loader{env: stagegateVariables(environ), flags: flags}
	values := Settings{Data: "data", Runners: runtime.NumCPU()}
	bounds := defaults()
	values.ActionMemory, values.ActionCPUs, values.ActionPIDs = bounds.ActionMemory, bounds.ActionCPUs, bounds.ActionPIDs
	values.ActionTimeout, values.ActionLogLimit = bounds.ActionTimeout, bounds.ActionLogLimit
	all := runnerSettings()
	for _, s := range all {
		l.load(&values, s)
	}
	l.absolute(&values)
	l.refuseUnknown(append(all, settings...), all)
	if len(l.problems) > 0 {
		return Settings{}, l.problems
	}
	return values, nil
}
