package docker

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"

	"github.com/stagegate/stagegate/runner"
)

// networkNames are those of the bridge all jobs are on, the best first. In each
// container on a network with a name of its own the engine starts a DNS server
// and four firewall rules, which takes a quarter of the whole start; it does not
// where the name looks like that of another container's network. Names are then
// looked up as on the default bridge. An engine that does not take the first
// name gets the second.
var networkNames = []string{"container:stagegate", "stagegate"}

// optionICC lets containers of one bridge talk to each other.
const optionICC = "com.docker.network.bridge.enable_icc"

// network returns the id of the bridge all jobs are on, and makes it when it
// is missing.
func (e *Engine) network(ctx context.Context) (id string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.bridge != "" {
		return e.bridge, nil
	}
	for _, name := range e.names {
		id, err = e.networkNamed(ctx, name)
		if !cerrdefs.IsInvalidArgument(err) {
			break
		}
	}
	e.bridge = id
	if err == nil && e.guard != nil {
		if _, rules, rerr := e.rulesOf(ctx, id, *e.guard); rerr == nil {
			_ = rules.apply(ctx) // whoever asked for the guard asks again
		}
	}
	return id, err
}

// forget makes the next container look for the network again: it may have been
// removed.
func (e *Engine) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.bridge = ""
}

// networkNamed finds or makes a network. Two processes may do so at once; an old
// engine can then hold two of the same name, with which it starts no container:
// everybody removes all but the first.
func (e *Engine) networkNamed(ctx context.Context, name string) (string, error) {
	id, err := e.findNetwork(ctx, name)
	if err != nil || id != "" {
		return id, err
	}
	_, err = e.api.NetworkCreate(ctx, name, network.CreateOptions{
		Driver:  "bridge",
		Options: map[string]string{optionICC: "false"},
		Labels:  map[string]string{"stagegate.network": "jobs"},
	})
	if err != nil && !cerrdefs.IsConflict(err) {
		return "", fmt.Errorf("create network %s: %w", name, translate(ctx, err))
	}
	id, err = e.findNetwork(ctx, name)
	if err == nil && id == "" {
		err = fmt.Errorf("create network %s: it is not there", name)
	}
	return id, err
}

func (e *Engine) findNetwork(ctx context.Context, name string) (string, error) {
	// The filter matches parts of names.
	all, err := e.api.NetworkList(ctx, network.ListOptions{Filters: filters.NewArgs(filters.Arg("name", name))})
	if err != nil {
		return "", fmt.Errorf("list networks: %w", translate(ctx, err))
	}
	all = slices.DeleteFunc(all, func(n network.Summary) bool { return n.Name != name })
	if len(all) == 0 {
		return "", nil
	}
	slices.SortFunc(all, func(a, b network.Summary) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	first := all[0]
	for _, other := range all[1:] {
		_ = e.api.NetworkRemove(ctx, other.ID) // somebody else may have been first
	}
	if first.Options[optionICC] != "false" {
		return "", &runner.Refusal{Reason: "the Docker network " + name +
			" was not made by Stagegate: it lets containers talk to each other; remove it"}
	}
	return first.ID, nil
}
