package docker

import (
	"archive/tar"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"github.com/stagegate/stagegate/runner"
)

// More than half of a container's start is its network namespace, for which the
// engine runs a program of its own inside. A reserve has namespaces ready, each
// kept by a container that does nothing, and gives them to the containers of its
// execution: to one at a time, and to nobody else's. Nothing is left in one when
// a container has ended: no process, and what belongs to the container and not
// to the namespace (the files that name hosts) every container has for itself.
type reserve struct {
	engine *Engine
	runner.Reservation
	lasting context.Context // of Reserve's caller, but without an end
	work    sync.WaitGroup  // makes and removes namespaces

	mu   sync.Mutex
	left int // containers to come
	free []*namespace
	all  []*namespace
}

// namespace is one network namespace.
type namespace struct {
	of    *reserve
	made  chan struct{} // closed when it is ready, or err says why it is not
	err   error
	pause *box
	files map[string]string // by path in a container
}

// worth is how many namespaces save more than they cost: one is as dear as the
// start of a container, and is paid back by the second that comes after the
// first.
func worth(r runner.Reservation) int {
	return max(0, min(r.Together, (r.Containers-r.Together)/2))
}

// Reserve makes the namespaces that are worth it.
func (e *Engine) Reserve(ctx context.Context, r runner.Reservation) func(context.Context) error {
	n := worth(r)
	if n == 0 {
		return func(context.Context) error { return nil }
	}
	res := &reserve{engine: e, Reservation: r, lasting: context.WithoutCancel(ctx), left: r.Containers}
	for range n {
		ns := &namespace{of: res, made: make(chan struct{})}
		res.all, res.free = append(res.all, ns), append(res.free, ns)
	}
	e.mu.Lock()
	e.reserve = res
	e.mu.Unlock()
	res.work.Go(func() {
		ctx, stop := context.WithTimeout(res.lasting, time.Minute)
		defer stop()
		res.make(ctx)
	})
	return res.release
}

// make makes all namespaces at once. One that cannot be made is done without.
func (r *reserve) make(ctx context.Context) {
	about, err := r.engine.ask(ctx)
	image, network := "", ""
	switch {
	case err != nil:
	case about.remapped:
		err = errors.New("files of this machine cannot be given to its containers")
	default:
		image, err = r.engine.pause(ctx, about.machine)
	}
	if err == nil {
		network, err = r.engine.network(ctx)
	}
	var each sync.WaitGroup
	defer each.Wait()
	for i, ns := range r.all {
		each.Go(func() {
			defer close(ns.made)
			if ns.err = err; err == nil {
				ns.err = ns.make(ctx, network, image, i)
			}
		})
	}
}

func (ns *namespace) make(ctx context.Context, network, image string, number int) error {
	r := ns.of
	made, err := r.engine.api.ContainerCreate(ctx, &container.Config{
		Image: image, Entrypoint: []string{"/pause"},
		Labels: map[string]string{runner.LabelRunner: r.Runner, "stagegate.execution": r.Execution},
	}, &container.HostConfig{
		NetworkMode:    container.NetworkMode(network),
		LogConfig:      container.LogConfig{Type: "none"},
		CapDrop:        []string{"ALL"},
		SecurityOpt:    []string{"no-new-privileges"},
		ReadonlyRootfs: true,
	}, nil, nil, fmt.Sprintf("%s-network-%d", runner.ContainerName(r.Runner, r.Execution), number))
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	ns.pause = &box{engine: r.engine, id: made.ID}
	if err := r.engine.api.ContainerStart(ctx, made.ID, container.StartOptions{}); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	about, err := r.engine.api.ContainerInspect(ctx, made.ID)
	if err != nil {
		return err
	}
	address := ""
	for _, n := range about.NetworkSettings.Networks {
		address = cmp.Or(address, n.IPAddress)
	}
	servers, err := ns.servers(ctx, about.ResolvConfPath)
	ns.files = map[string]string{
		"/etc/hostname":    about.Config.Hostname + "\n",
		"/etc/hosts":       hosts(address, about.Config.Hostname),
		"/etc/resolv.conf": servers,
	}
	return err
}

// servers is the text of the resolv.conf that the engine made. Its file may not
// be ours to read, and the engine takes longer to hand it out.
func (ns *namespace) servers(ctx context.Context, path string) (string, error) {
	if text, err := os.ReadFile(path); err == nil {
		return string(text), nil
	}
	src, err := ns.pause.Get(ctx, "/etc/resolv.conf")
	if err != nil {
		return "", err
	}
	defer src.Close()
	r := tar.NewReader(src)
	if _, err := r.Next(); err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(r, 1<<16))
	return string(text), err
}

// hosts is what the engine writes into a container's /etc/hosts.
func hosts(address, name string) string {
	lines := []string{
		"127.0.0.1\tlocalhost",
		"::1\tlocalhost ip6-localhost ip6-loopback",
		"fe00::0\tip6-localnet",
		"ff00::0\tip6-mcastprefix",
		"ff02::1\tip6-allnodes",
		"ff02::2\tip6-allrouters",
	}
	if address != "" {
		lines = append(lines, address+"\t"+name)
	}
	return strings.Join(lines, "\n") + "\n"
}

// take gives a container a namespace, once it is ready; nil if there is none for
// it.
func (e *Engine) take(ctx context.Context, s runner.Spec) *share {
	e.mu.Lock()
	r := e.reserve
	e.mu.Unlock()
	// None for a container that could leave something in it.
	if r == nil || s.Execution != r.Execution || s.Isolation.Lowered() {
		return nil
	}
	r.mu.Lock()
	r.left--
	r.mu.Unlock()
	for {
		ns := r.pick()
		if ns == nil {
			return nil
		}
		select {
		case <-ns.made:
			if ns.err != nil {
				continue
			}
			sh, err := ns.share(s.Name)
			if err != nil { // the folder is of no use to the next one either
				e.dismiss(r)
				return nil
			}
			return sh
		case <-ctx.Done():
			r.give(ns)
			return nil
		}
	}
}

// pick takes a free namespace, one that is ready before one that is not yet.
func (r *reserve) pick() *namespace {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.free) == 0 {
		return nil
	}
	i := max(0, slices.IndexFunc(r.free, (*namespace).ready))
	ns := r.free[i]
	r.free = slices.Delete(r.free, i, i+1)
	return ns
}

func (ns *namespace) ready() bool {
	select {
	case <-ns.made:
		return true
	default:
		return false
	}
}

// give takes a namespace back that no process is in any more, and removes it
// when more are free than containers are to come.
func (r *reserve) give(ns *namespace) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left > len(r.free) {
		r.free = append(r.free, ns)
		return
	}
	r.work.Go(func() {
		ctx, stop := context.WithTimeout(r.lasting, time.Minute)
		defer stop()
		_ = ns.remove(ctx) // release tries again
	})
}

func (ns *namespace) remove(ctx context.Context) error {
	<-ns.made
	if ns.pause == nil {
		return nil
	}
	return ns.pause.Remove(ctx)
}

// release removes what there is of the reserve.
func (r *reserve) release(ctx context.Context) error {
	r.engine.dismiss(r)
	r.work.Wait()
	errs := make([]error, len(r.all))
	var removing sync.WaitGroup
	for i, ns := range r.all {
		removing.Go(func() { errs[i] = ns.remove(ctx) })
	}
	removing.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove network namespaces: %w", err)
	}
	return nil
}

// dismiss gives containers nothing more of a reserve.
func (e *Engine) dismiss(r *reserve) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reserve == r {
		e.reserve = nil
	}
}

// share is the use of a namespace by one container; nil: it has its own.
type share struct {
	*namespace
	dir   string // of the container's own files
	ended sync.Once
}

func (ns *namespace) share(name string) (*share, error) {
	dir, err := os.MkdirTemp(ns.of.Dir, name+"-*")
	if err != nil {
		return nil, err
	}
	s := &share{namespace: ns, dir: dir}
	for path, text := range ns.files {
		err = errors.Join(err, os.WriteFile(s.file(path), []byte(text), 0o600), os.Chmod(s.file(path), 0o644)) //nolint:gosec // whatever user the container has reads them
	}
	return s, err
}

func (s *share) file(path string) string { return filepath.Join(s.dir, filepath.Base(path)) }

// join puts a container that is to be made into the namespace.
func (s *share) join(host *container.HostConfig) {
	host.NetworkMode = container.NetworkMode("container:" + s.pause.id)
	for path := range s.files {
		host.Mounts = append(host.Mounts, mount.Mount{Type: mount.TypeBind, Source: s.file(path), Target: path})
	}
}

// end gives the namespace back, once.
func (s *share) end() {
	if s != nil {
		s.ended.Do(func() { s.of.give(s.namespace) })
	}
}

// remove removes the container's own files.
func (s *share) remove() {
	if s != nil {
		_ = os.RemoveAll(s.dir) // what is left is in a folder of the caller's
	}
}
