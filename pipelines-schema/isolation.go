package schema

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Option is an option of isolation and where it stands, so that whoever knows what
// an operator allows can say so of that place.
type Option struct {
	Text         string // as pipeline.Isolation.Options has it
	Line, Column int
}

// Options lists what a file asks of the isolation of its actions. Of a file with
// mistakes it may lack some.
func Options(file string, data []byte) []Option {
	_, p := readFile(file, data)
	return p.walls
}

var (
	capabilityPattern = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,49}$`)
	runtimePattern    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
)

// isolation reads what of the walls around an action is taken down.
func (p *parser) isolation(n node) pipeline.Isolation {
	var i pipeline.Isolation
	ok := p.each(n, inIsolation, func(key, value node) {
		switch key.text {
		case "privileged":
			i.Privileged = p.boolean(value, key.text)
			p.optionAt(value, pipeline.Isolation{Privileged: i.Privileged})
		case "docker-socket":
			i.DockerSocket = p.boolean(value, key.text)
			p.optionAt(value, pipeline.Isolation{DockerSocket: i.DockerSocket})
		case "network":
			i.HostNetwork = p.hostNetwork(value)
		case "volumes":
			i.Volumes = p.volumes(value)
		case "cap-add":
			i.CapAdd = p.capabilities(value)
		case "devices":
			i.Devices = p.devices(value)
		case "runtime":
			i.Runtime = p.runtime(value)
		}
	})
	if !ok {
		p.report(n.at, "write isolation: { privileged: true }, for example", "isolation must be a mapping, not %s", n.kind)
	}
	return i
}

func (p *parser) hostNetwork(n node) bool {
	text, ok := p.word(n, "network")
	if ok && text != "host" {
		p.report(n.at, "leave it out: without it an action has a network of its own", "network must be host, not %s", quote(text))
		return false
	}
	p.optionAt(n, pipeline.Isolation{HostNetwork: ok})
	return ok
}

// optionAt notes where an option stands.
func (p *parser) optionAt(n node, i pipeline.Isolation) {
	line, column := p.src.position(p.src.offset(n.at))
	for _, text := range i.Options() {
		if o := (Option{text, line, column}); !slices.Contains(p.walls, o) { // what aliases repeat stands in one place
			p.walls = append(p.walls, o)
		}
	}
}

// volumes reads paths of the machine, each with where it is in the container.
func (p *parser) volumes(n node) []pipeline.Volume {
	var all []pipeline.Volume
	targets := map[string]bool{}
	for _, item := range p.distinct(p.some(n, "volumes", "leave it out"), "volumes", exact) {
		v, wrong, hint := readVolume(item.text)
		if wrong == "" && targets[v.To] {
			wrong, hint = "goes where another one is", "give each a place of its own"
		}
		if wrong != "" {
			p.report(item.at, hint, "the volume %s %s", quote(item.text), wrong)
			continue
		}
		targets[v.To] = true
		all = append(all, v)
		p.optionAt(item, pipeline.Isolation{Volumes: []pipeline.Volume{v}})
	}
	return all
}

func readVolume(text string) (v pipeline.Volume, wrong, hint string) {
	parts := strings.Split(text, ":")
	if len(parts) == 3 && (parts[2] == "ro" || parts[2] == "rw") {
		v.ReadOnly, parts = parts[2] == "ro", parts[:2]
	}
	if len(parts) != 2 {
		return v, "is not FROM:TO", "write /path/of/the/machine:/path/in/the/container, with :ro behind it to read only"
	}
	v.From, v.To = parts[0], parts[1]
	switch {
	case !path.IsAbs(v.From) || !path.IsAbs(v.To) || path.Clean(v.From) != v.From || path.Clean(v.To) != v.To || strings.ContainsAny(text, "\r\n\x00") || len(text) > longestLine:
		return v, "is not made of two plain paths", "write both whole, from /, without .. and without a / at the end"
	case v.To == "/" || below(v.To, "/stagegate") || below(v.To, "/run/stagegate-secrets") || below(v.To, "/proc") || below(v.To, "/sys") || v.To == "/run":
		return v, "would hide what Stagegate or the system has there", "write another path in the container, such as /mnt"
	}
	return v, "", ""
}

func below(name, folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }

func (p *parser) capabilities(n node) []string {
	var all []string
	for _, item := range p.distinct(p.some(n, "cap-add", "leave it out"), "cap-add", exact) {
		if plain, prefixed := strings.CutPrefix(item.text, "CAP_"); prefixed || !capabilityPattern.MatchString(plain) {
			hint := "write one such as SYS_PTRACE"
			if meant := strings.TrimPrefix(strings.ToUpper(item.text), "CAP_"); capabilityPattern.MatchString(meant) {
				hint = "write " + meant
			}
			p.report(item.at, hint, "%s is not the name of a capability", quote(item.text))
			continue
		}
		all = append(all, item.text)
		p.optionAt(item, pipeline.Isolation{CapAdd: []string{item.text}})
	}
	return all
}

func (p *parser) devices(n node) []string {
	var all []string
	for _, item := range p.distinct(p.some(n, "devices", "leave it out"), "devices", exact) {
		if !strings.HasPrefix(item.text, "/dev/") || path.Clean(item.text) != item.text || strings.ContainsAny(item.text, ":\r\n\x00\"") || len(item.text) > longestLine {
			p.report(item.at, "write one such as /dev/kvm", "%s is not a device", quote(item.text))
			continue
		}
		all = append(all, item.text)
		p.optionAt(item, pipeline.Isolation{Devices: []string{item.text}})
	}
	return all
}

func (p *parser) runtime(n node) string {
	text, ok := p.word(n, "runtime")
	if ok && !runtimePattern.MatchString(text) {
		p.report(n.at, "write the name that the engine has for it, such as runsc", "%s is not the name of a runtime", quote(text))
		return ""
	}
	p.optionAt(n, pipeline.Isolation{Runtime: text})
	return text
}
