package docker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

const dockerSocket = "/var/run/docker.sock"

// lower takes down what an action was allowed of its isolation.
func (e *Engine) lower(ctx context.Context, i pipeline.Isolation, host *container.HostConfig) error {
	if i.IsZero() {
		return nil
	}
	about, err := e.ask(ctx)
	if err != nil {
		return err
	}
	if host.Runtime, err = e.runtime(ctx, i.Runtime); err != nil {
		return err
	}
	if i.Privileged {
		host.Privileged, host.CapDrop, host.SecurityOpt = true, nil, nil
	}
	if i.HostNetwork {
		host.NetworkMode = "host"
	}
	if about.remapped && (i.Privileged || i.HostNetwork) { // the engine does neither with other users
		host.UsernsMode = "host"
	}
	host.CapAdd = i.CapAdd
	host.CapDrop = slices.DeleteFunc(slices.Clone(host.CapDrop), func(c string) bool { return slices.Contains(i.CapAdd, c) })
	for _, d := range i.Devices {
		host.Devices = append(host.Devices, container.DeviceMapping{PathOnHost: d, PathInContainer: d, CgroupPermissions: "rwm"})
	}
	for _, v := range i.Volumes {
		host.Mounts = append(host.Mounts, mount.Mount{Type: mount.TypeBind, Source: v.From, Target: v.To, ReadOnly: v.ReadOnly})
	}
	if i.DockerSocket {
		host.Mounts = append(host.Mounts, mount.Mount{Type: mount.TypeBind, Source: e.socket(), Target: dockerSocket})
	}
	return nil
}

// socket is where the engine listens, as its machine sees it.
func (e *Engine) socket() string {
	if path, local := strings.CutPrefix(e.api.DaemonHost(), "unix://"); local {
		return path
	}
	return dockerSocket
}

// runtime is a name that the engine has; empty stays so. Runtimes come and go
// while an engine runs.
func (e *Engine) runtime(ctx context.Context, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	info, err := e.api.Info(ctx)
	if err != nil {
		return "", fmt.Errorf("ask engine for its runtimes: %w", translate(ctx, err))
	}
	if _, ok := info.Runtimes[name]; !ok {
		return "", &runner.Refusal{Reason: fmt.Sprintf("isolation: the engine has no runtime %s; it has %s",
			name, strings.Join(slices.Sorted(maps.Keys(info.Runtimes)), ", "))}
	}
	return name, nil
}

// missingVolume tells which path of the engine's machine is not there.
func missingVolume(err error, i pipeline.Isolation) error {
	for _, v := range i.Volumes {
		if notSeen(err, v.From) {
			return &runner.Refusal{Reason: fmt.Sprintf("isolation: there is no %s on the engine's machine", v.From)}
		}
	}
	return nil
}

// missingDevice likewise; the engine looks for devices at the start.
func missingDevice(text string) error {
	_, rest, found := strings.Cut(text, `adding custom device "`)
	if name, _, ok := strings.Cut(rest, `"`); found && ok {
		return &runner.Refusal{Reason: fmt.Sprintf("isolation: there is no device %s on the engine's machine", name)}
	}
	return nil
}
