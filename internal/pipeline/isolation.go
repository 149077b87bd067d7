package pipeline

import (
	"slices"
)

// Isolation is what of the walls around a container is taken down, or which other
// walls it gets. The zero value is what every container has. Whether an action may
// have it is for the operator to say, who is asked for its Options.
type Isolation struct {
	Privileged   bool     `json:",omitempty"`
	HostNetwork  bool     `json:",omitempty"`
	DockerSocket bool     `json:",omitempty"`
	Volumes      []Volume `json:",omitempty"`
	CapAdd       []string `json:",omitempty"` // without CAP_
	Devices      []string `json:",omitempty"` // paths, the same inside
	Runtime      string   `json:",omitempty"` // of the engine; empty: its default
}

// Volume is a path of the engine's machine in a container.
type Volume struct {
	From, To string
	ReadOnly bool `json:",omitempty"`
}

func (v Volume) String() string {
	text := v.From + ":" + v.To
	if v.ReadOnly {
		text += ":ro"
	}
	return text
}

// IsZero tells whether there is nothing special about a container.
func (i Isolation) IsZero() bool { return len(i.Options()) == 0 }

// Lowered tells whether something is taken down. A runtime alone takes nothing.
func (i Isolation) Lowered() bool {
	i.Runtime = ""
	return !i.IsZero()
}

// Options are the words by which an operator allows it: key, or key=value. Of a
// volume that is its path on the machine, with :ro behind it where it is only read.
func (i Isolation) Options() []string {
	var all []string
	for _, o := range []struct {
		word string
		set  bool
	}{{"privileged", i.Privileged}, {"network=host", i.HostNetwork}, {"docker-socket", i.DockerSocket}} {
		if o.set {
			all = append(all, o.word)
		}
	}
	for _, v := range i.Volumes {
		from := v.From
		if v.ReadOnly {
			from += ":ro"
		}
		all = append(all, "volumes="+from)
	}
	for _, c := range i.CapAdd {
		all = append(all, "cap-add="+c)
	}
	for _, d := range i.Devices {
		all = append(all, "devices="+d)
	}
	if i.Runtime != "" {
		all = append(all, "runtime="+i.Runtime)
	}
	return slices.Clip(all)
}
