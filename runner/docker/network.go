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

const (
	networkName = "stagegate"
	// optionICC lets containers of one bridge talk to each other.
	optionICC = "com.docker.network.bridge.enable_icc"
)

// network returns the id of the bridge all jobs are on, and makes it when it
// is missing. Two processes may do so at once; an old engine can then hold two
// of the same name, with which it starts no container: everybody removes all
// but the first.
func (e *Engine) network(ctx context.Context) (string, error) {
	id, err := e.findNetwork(ctx)
	if err != nil || id != "" {
		return id, err
	}
	_, err = e.api.NetworkCreate(ctx, networkName, network.CreateOptions{
		Driver:  "bridge",
		Options: map[string]string{optionICC: "false"},
		Labels:  map[string]string{"stagegate.network": "jobs"},
	})
	if err != nil && !cerrdefs.IsConflict(err) {
		return "", fmt.Errorf("create network %s: %w", networkName, translate(ctx, err))
	}
	id, err = e.findNetwork(ctx)
	if err == nil && id == "" {
		err = fmt.Errorf("create network %s: it is not there", networkName)
	}
	return id, err
}

func (e *Engine) findNetwork(ctx context.Context) (string, error) {
	// The filter matches parts of names.
	all, err := e.api.NetworkList(ctx, network.ListOptions{Filters: filters.NewArgs(filters.Arg("name", networkName))})
	if err != nil {
		return "", fmt.Errorf("list networks: %w", translate(ctx, err))
	}
	all = slices.DeleteFunc(all, func(n network.Summary) bool { return n.Name != networkName })
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
		return "", &runner.Refusal{Reason: "the Docker network " + networkName +
			" was not made by Stagegate: it lets containers talk to each other; remove it"}
	}
	return first.ID, nil
}
