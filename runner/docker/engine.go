// Package docker lets the runner make its containers with a Docker Engine, API
// 1.41 or newer. It is the only importer of docker/docker and knows nothing of
// jobs, leases or artifacts. Containers get no socket, no privilege, and of this
// machine's files the one folder of their job at most; where the engine does not
// see that, files move by the archive API.
package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/client"

	"github.com/stagegate/stagegate/runner"
)

// minVersion is the oldest API this package is written for: Docker 20.10's.
const minVersion = "1.41"

// Engine is a Docker Engine.
type Engine struct {
	api *client.Client

	mu      sync.Mutex
	setup   *setup   // nil until the engine was asked
	reserve *reserve // of network namespaces; nil: every container has its own
}

var _ runner.Engine = (*Engine)(nil)

// setup is what is looked up once in an engine.
type setup struct {
	network  string // id of the bridge the containers are on
	cpus     int
	machine  string // as uname has it
	remapped bool   // root in a container is another user outside of it
}

// New returns the engine that the usual environment (DOCKER_HOST and its kin)
// names; without it the local socket. It does not connect yet.
func New() (*Engine, error) { return connect(client.FromEnv) }

// At returns the engine at an address such as unix:///var/run/docker.sock.
func At(host string) (*Engine, error) { return connect(client.WithHost(host)) }

func connect(where client.Opt) (*Engine, error) {
	api, err := client.NewClientWithOpts(where, client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, fmt.Errorf("read Docker settings: %w", err)
	}
	return &Engine{api: api}, nil
}

// Close drops the connections.
func (e *Engine) Close() error { return e.api.Close() }

// Containers finds every container of a runner.
func (e *Engine) Containers(ctx context.Context, id string) ([]runner.Found, error) {
	if err := e.checkVersion(ctx); err != nil {
		return nil, err
	}
	list, err := e.api.ContainerList(ctx, container.ListOptions{
		All:     true,
		Filters: filters.NewArgs(filters.Arg("label", runner.LabelRunner+"="+id)),
	})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", translate(ctx, err))
	}
	var all []runner.Found
	for _, s := range list {
		c := &box{engine: e, id: s.ID}
		state, err := c.inspect(ctx)
		if errors.Is(err, runner.ErrGone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, runner.Found{Container: c, Labels: s.Labels, State: state})
	}
	return all, nil
}

func (e *Engine) checkVersion(ctx context.Context) error {
	pong, err := e.api.Ping(ctx)
	if err != nil {
		return fmt.Errorf("ping engine: %w", translate(ctx, err))
	}
	e.api.NegotiateAPIVersionPing(pong)
	if v := e.api.ClientVersion(); versions.LessThan(v, minVersion) {
		return fmt.Errorf("the Docker Engine speaks API %s, older than %s", v, minVersion)
	}
	return nil
}

// Warm does beforehand what the first container would wait for. It need not be
// called, and an error of it is that container's to tell.
func (e *Engine) Warm(ctx context.Context) { _, _ = e.prepare(ctx) }

// prepare looks the engine over before the first container, and makes the
// network.
func (e *Engine) prepare(ctx context.Context) (setup, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.setup != nil {
		return *e.setup, nil
	}
	info, err := e.api.Info(ctx)
	if err != nil {
		return setup{}, fmt.Errorf("ask engine about itself: %w", translate(ctx, err))
	}
	network, err := e.network(ctx)
	if err != nil {
		return setup{}, err
	}
	e.setup = &setup{network: network, cpus: info.NCPU, machine: info.Architecture, remapped: remapped(info)}
	return *e.setup, nil
}

func remapped(info system.Info) bool {
	return slices.ContainsFunc(info.SecurityOptions, func(o string) bool {
		return strings.Contains(o, "name=userns") || strings.Contains(o, "name=rootless")
	})
}

// forget makes the next container look the engine over again: its network may
// have been removed.
func (e *Engine) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.setup = nil
}

// translate turns errors of the client into the runner's. A context that ended
// is not the engine's fault.
func translate(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	switch {
	case unavailable(err):
		return fmt.Errorf("%w: %w", runner.ErrUnavailable, err)
	case cerrdefs.IsNotFound(err) && strings.Contains(err.Error(), "No such container"):
		return fmt.Errorf("%w: %w", runner.ErrGone, err)
	case contains(err.Error(), []string{"no space left on device", "disk quota exceeded"}):
		return fmt.Errorf("%w: %w", runner.ErrDiskFull, err)
	}
	return err
}
