// Package docker lets the runner make its containers with a Docker Engine, API
// 1.41 or newer. It is the only importer of docker/docker and knows nothing of
// jobs, leases or artifacts. Containers get no socket, no privilege, and of this
// machine's files the one folder of their job at most; where the engine does not
// see that, files move by the archive API.
package docker

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
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

	processors int         // of this machine: the engine's, until it has told
	rooted     atomic.Bool // a container's root is known to be this machine's
	telling    sync.Mutex  // held while the engine is asked about itself

	mu      sync.Mutex
	coming  map[string]int                  // images that are pulled with a login just now
	proofs  map[[sha256.Size]byte]time.Time // logins that were seen to open private images
	about   *about                          // nil until the engine was asked
	bridge  string                          // id of the network the containers are on; empty until it was looked for
	names   []string                        // of that network, the best first
	guard   *Guard                          // of the containers on it; nil: none
	reserve *reserve                        // of network namespaces; nil: every container has its own
}

var _ runner.Engine = (*Engine)(nil)

// about is what an engine tells of itself.
type about struct {
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
	return &Engine{api: api, processors: runtime.NumCPU(), names: networkNames, proofs: map[[sha256.Size]byte]time.Time{}, coming: map[string]int{}}, nil
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
		c := &box{engine: e, id: s.ID, keeper: e.keeperOf(s, list)}
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
func (e *Engine) Warm(ctx context.Context) { _, _ = e.network(ctx) }

// tell asks the engine about itself, unless it has told. That takes it 25 ms and
// more, in which others need not wait: what it returns does.
func (e *Engine) tell(ctx context.Context) func() (about, error) {
	var a about
	var err error
	told := make(chan struct{})
	go func() {
		defer close(told)
		a, err = e.ask(ctx)
	}()
	return func() (about, error) {
		<-told
		return a, err
	}
}

func (e *Engine) ask(ctx context.Context) (about, error) {
	e.telling.Lock()
	defer e.telling.Unlock()
	if a := e.known(); a != nil {
		return *a, nil
	}
	info, err := e.api.Info(ctx)
	if err != nil {
		return about{}, fmt.Errorf("ask engine about itself: %w", translate(ctx, err))
	}
	a := &about{cpus: info.NCPU, machine: info.Architecture, remapped: remapped(info)}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.about = a
	return *a, nil
}

// known is what the engine has told so far; nil: nothing.
func (e *Engine) known() *about {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.about
}

// look notes where an image shows that a container's root is this machine's: its
// files lie on this machine, and are root's. To see that costs nothing.
func (e *Engine) look(i image.InspectResponse) {
	layer := i.GraphDriver.Data["UpperDir"]
	if layer == "" || e.rooted.Load() {
		return
	}
	info, err := os.Lstat(layer)
	if err != nil {
		return
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid == 0 {
		e.rooted.Store(true)
	}
}

func remapped(info system.Info) bool {
	return slices.ContainsFunc(info.SecurityOptions, func(o string) bool {
		return strings.Contains(o, "name=userns") || strings.Contains(o, "name=rootless")
	})
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
