package config

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Allow is what of the isolation of their containers repositories may take down.
// The zero value allows nothing.
type Allow struct{ text string }

func (a Allow) String() string { return strings.Join(strings.Fields(a.text), " ") }

// allowWords are the options of isolation that have no value.
var allowWords = []string{"privileged", "network=host", "docker-socket"}

// allowKeys are those that have one. A device may be a pattern.
var allowKeys = []string{"volumes", "cap-add", "devices", "runtime"}

// stronger are runtimes that put more between a container and the machine than
// usual, by the names that their makers give them: nobody need allow them.
var stronger = []string{
	"runsc", "io.containerd.runsc.v1", "kata", "kata-runtime", "kata-qemu", "kata-clh", "kata-fc", "io.containerd.kata.v2",
}

// Refused lists which of the options a repository, named owner/name, may not have.
func (a Allow) Refused(repository string, options []string) []string {
	rules, _ := readAllow(a.text) // it was read before
	return slices.DeleteFunc(slices.Clone(options), func(option string) bool {
		if name, runtime := strings.CutPrefix(option, "runtime="); runtime && slices.Contains(stronger, name) {
			return true
		}
		return slices.ContainsFunc(rules, func(r allowRule) bool { return r.allows(repository, option) })
	})
}

// allowRule are the options of the repositories that match a pattern.
type allowRule struct {
	repositories string
	options      []string
}

func (r allowRule) allows(repository, option string) bool {
	if ok, err := path.Match(r.repositories, strings.ToLower(repository)); err != nil || !ok {
		return false
	}
	return slices.ContainsFunc(r.options, func(allowed string) bool {
		if pattern, device := strings.CutPrefix(allowed, "devices="); device {
			name, is := strings.CutPrefix(option, "devices=")
			ok, err := path.Match(pattern, name)
			return is && err == nil && ok
		}
		// What may be written may be read as well.
		return allowed == option || strings.HasPrefix(allowed, "volumes=") && allowed == strings.TrimSuffix(option, ":ro")
	})
}

// NewAllow reads rules as STAGEGATE_ALLOW has them.
func NewAllow(rules string) (Allow, error) {
	a, wrong := parseAllow(rules)
	if wrong != "" {
		return Allow{}, errors.New(wrong)
	}
	return a, nil
}

func parseAllow(v string) (Allow, string) {
	_, wrong := readAllow(v)
	return Allow{v}, wrong
}

// readAllow reads rules, in lines or with ; between them: a pattern of
// repositories, then options.
func readAllow(v string) (rules []allowRule, wrong string) {
	for line := range strings.SplitSeq(strings.ReplaceAll(v, ";", "\n"), "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		pattern := strings.ToLower(words[0])
		if _, err := path.Match(pattern, ""); err != nil || strings.Count(pattern, "/") != 1 {
			return nil, shown(words[0]) + " is not a pattern of repositories: write such as acme/shop or acme/*"
		}
		if len(words) == 1 {
			return nil, shown(words[0]) + " is allowed nothing: write options behind it, such as privileged or volumes=/srv/cache"
		}
		for _, option := range words[1:] {
			if wrong := wrongOption(option); wrong != "" {
				return nil, wrong
			}
		}
		rules = append(rules, allowRule{pattern, words[1:]})
	}
	return rules, ""
}

func wrongOption(option string) string {
	key, value, _ := strings.Cut(option, "=")
	_, err := path.Match(value, "")
	switch {
	case slices.Contains(allowWords, option):
		return ""
	case !slices.Contains(allowKeys, key) || value == "" || err != nil:
		return fmt.Sprintf("%s is not an option: there are %s, and with a value behind = %s",
			shown(option), strings.Join(allowWords, ", "), strings.Join(allowKeys, ", "))
	case (key == "volumes" || key == "devices") && !path.IsAbs(value):
		return shown(option) + " is not a path of the machine: begin it with /"
	}
	return ""
}
