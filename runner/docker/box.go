package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strconv"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"github.com/stagegate/stagegate/runner"
)

// dropped are Docker's default capabilities that no build needs. What is left
// is what Podman gives by default, with which package managers work: forging
// packets and making devices are not among it.
var dropped = []string{"NET_RAW", "MKNOD", "AUDIT_WRITE"}

// Create makes the container of a job.
func (e *Engine) Create(ctx context.Context, s runner.Spec) (runner.Container, error) {
	tell := func() (about, error) { return about{}, nil }
	if s.Folder != "" && !e.rooted.Load() {
		tell = e.tell(ctx)
	}
	cpus := e.processors
	if known := e.known(); known != nil {
		cpus = known.cpus
	}
	made, err := e.create(ctx, s, cpus)
	about, aerr := tell()
	if refusesCPUs(err) {
		if about, aerr = e.ask(ctx); aerr == nil {
			made, err = e.create(ctx, s, about.cpus)
		}
	}
	if err != nil {
		return nil, err
	}
	switch {
	case aerr != nil:
		err = aerr
	case s.Folder != "" && about.remapped:
		err = fmt.Errorf("%w: its root is another user than ours", runner.ErrNotSeen)
	default:
		return made, nil
	}
	return nil, errors.Join(err, made.Remove(ctx))
}

func (e *Engine) create(ctx context.Context, s runner.Spec, cpus int) (*box, error) {
	network, err := e.network(ctx)
	if err != nil {
		return nil, err
	}
	config := &container.Config{
		Image:       s.Image,
		Entrypoint:  s.Command,
		Env:         s.Env,
		WorkingDir:  s.Dir,
		Labels:      s.Labels,
		Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
	}
	host := hostConfig(s.Limits, network, cpus)
	host.Mounts = []mount.Mount{workspace(s)}
	if err := e.lower(ctx, s.Isolation, host); err != nil {
		return nil, err
	}
	keeper, err := e.keepPrivate(ctx, s, host)
	if err != nil {
		return nil, err
	}
	made, err := e.createOf(ctx, s, config, host)
	if err != nil {
		if keeper != nil {
			err = errors.Join(err, keeper.Remove(ctx))
		}
		if notSeen(err, s.Private.Folder) {
			s.Private.Folder = ""
			return e.create(ctx, s, cpus)
		}
		if missing := missingVolume(err, s.Isolation); missing != nil {
			return nil, missing
		}
		return nil, err
	}
	made.keeper = keeper
	return made, nil
}

// createOf gives the container a network namespace that is ready, if there is one.
func (e *Engine) createOf(ctx context.Context, s runner.Spec, config *container.Config, host *container.HostConfig) (*box, error) {
	if sh := e.take(ctx, s); sh != nil {
		joined := *host
		sh.join(&joined)
		made, err := e.api.ContainerCreate(ctx, config, &joined, nil, nil, s.Name)
		if err == nil {
			return &box{engine: e, id: made.ID, share: sh}, nil
		}
		sh.remove()
		sh.end()
		if refusesCPUs(err) {
			return nil, err
		}
		e.dismiss(sh.of) // should its failure be the reason
	}
	made, err := e.api.ContainerCreate(ctx, config, host, nil, nil, s.Name)
	switch {
	case err == nil:
		return &box{engine: e, id: made.ID}, nil
	case notSeen(err, s.Folder):
		return nil, fmt.Errorf("%w: %w", runner.ErrNotSeen, err)
	case cerrdefs.IsConflict(err):
		return nil, fmt.Errorf("%w: %w", runner.ErrNameTaken, err)
	default:
		return nil, translate(ctx, err)
	}
}

// notSeen tells that the engine does not see a folder of this machine.
func notSeen(err error, folder string) bool {
	return err != nil && folder != "" && strings.Contains(err.Error(), "bind source path does not exist: "+folder)
}

// refusesCPUs tells that the engine's machine has fewer processors than were
// asked for.
func refusesCPUs(err error) bool { return err != nil && strings.Contains(err.Error(), "Range of CPUs") }

// workspace mounts a folder of the runner. The engine refuses one that it does
// not see, and no two have the same name, so that every create is a probe of
// whether the engine sees the runner's files. Without a folder it is a volume
// that goes when the container does, into which the engine copies nothing that
// the image has at that place.
func workspace(s runner.Spec) mount.Mount {
	if s.Folder == "" {
		return mount.Mount{
			Type: mount.TypeVolume, Target: runner.Mount,
			VolumeOptions: &mount.VolumeOptions{NoCopy: true, Labels: s.Labels},
		}
	}
	return mount.Mount{Type: mount.TypeBind, Source: s.Folder, Target: runner.Mount}
}

func hostConfig(l runner.Limits, network string, cpus int) *container.HostConfig {
	yes := true
	pids := l.PIDs
	return &container.HostConfig{
		Init:        &yes,
		NetworkMode: container.NetworkMode(network),
		SecurityOpt: []string{"no-new-privileges"},
		CapDrop:     dropped,
		LogConfig:   logConfig(l.LogLimit),
		Resources: container.Resources{
			Memory:     l.Memory,
			MemorySwap: l.Memory, // the same: no swap
			NanoCPUs:   int64(math.Min(l.CPUs, float64(cpus)) * 1e9),
			PidsLimit:  &pids,
		},
	}
}

// logConfig keeps more than the log's limit in one file that is never turned
// over below it: following a log while that happens loses lines. The driver's
// own bytes per line are about as many as ours.
func logConfig(limit int64) container.LogConfig {
	return container.LogConfig{Type: "local", Config: map[string]string{
		"max-size": strconv.FormatInt(limit+limit/4+1<<20, 10),
		"max-file": "1",
		"compress": "false",
	}}
}

// box is one container.
type box struct {
	engine *Engine
	id     string
	exit   *exit  // registered by Start
	share  *share // of a network namespace; nil: it has its own
	keeper *box   // of its secrets, until it runs; nil: they need none
}

func (b *box) Put(ctx context.Context, tar io.Reader) error {
	err := b.engine.api.CopyToContainer(ctx, b.id, "/", tar, container.CopyToContainerOptions{})
	return translate(ctx, err)
}

// Start registers for the output and for the end before it starts: neither can
// be missed then. Both last as long as ctx. The time is this machine's: to ask
// the engine for its own takes until the end of a short container.
func (b *box) Start(ctx context.Context) (runner.Output, time.Time, error) {
	api := b.engine.api
	conn, err := api.ContainerAttach(ctx, b.id, container.AttachOptions{Stream: true, Stdout: true, Stderr: true})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("attach: %w", translate(ctx, err))
	}
	waiting, stop := context.WithCancel(ctx)
	x := b.engine.expect(waiting, b.id, container.WaitConditionNextExit)
	x.life = b.engine.life(waiting, b.id)
	if err := api.ContainerStart(ctx, b.id, container.StartOptions{}); err != nil {
		conn.Close()
		stop()
		_, _ = x.wait()
		return nil, time.Time{}, b.startError(ctx, err)
	}
	b.exit = &x
	_ = b.dismissKeeper(ctx) // Remove tries again
	// stop is the caller's from here: waiting ends with ctx.
	context.AfterFunc(ctx, stop)
	return newStream(conn.Reader, conn.Conn, false), time.Now(), nil
}

// startError makes a refusal of what the engine has against the container
// itself. A network that somebody pruned, or made twice, is set right with the
// next container; one that somebody keeps for it and is gone, likewise.
func (b *box) startError(ctx context.Context, err error) error {
	text := err.Error()
	if strings.Contains(text, "stagegate is ambiguous") || cerrdefs.IsNotFound(err) && strings.Contains(text, "network") {
		b.engine.forget()
		return fmt.Errorf("%w: its network was removed or is there twice: %w", runner.ErrNotStarted, err)
	}
	if b.share != nil && (strings.Contains(text, b.share.pause.id) || strings.Contains(text, "non running container")) {
		b.engine.dismiss(b.share.of)
		return fmt.Errorf("%w: its network namespace was removed: %w", runner.ErrNotStarted, err)
	}
	t := translate(ctx, err)
	if ctx.Err() != nil || t != err { //nolint:errorlint // whether translate knew it
		return t
	}
	if missing := missingDevice(text); missing != nil {
		return missing
	}
	return &runner.Refusal{Reason: "the container could not be started: " + err.Error()}
}

func (b *box) Logs(ctx context.Context) (runner.Output, error) {
	r, err := b.engine.api.ContainerLogs(ctx, b.id, container.LogsOptions{
		ShowStdout: true, ShowStderr: true, Timestamps: true, Follow: true,
	})
	if err != nil {
		return nil, translate(ctx, err)
	}
	return newStream(r, r, true), nil
}

func (b *box) Wait(ctx context.Context) (runner.State, error) {
	x := b.exit
	if x == nil {
		late := b.engine.expect(ctx, b.id, container.WaitConditionNotRunning)
		x = &late
	}
	b.exit = nil
	state, err := x.wait()
	switch {
	case err != nil:
		return runner.State{}, translate(ctx, err)
	case state == nil:
		seen, err := b.inspect(ctx)
		if err != nil {
			return runner.State{}, err
		}
		state = &seen
	}
	if state.Phase == runner.Ended {
		b.share.end()
	}
	return *state, nil
}

func (b *box) Signal(ctx context.Context, name string) error {
	err := b.engine.api.ContainerKill(ctx, b.id, name)
	if cerrdefs.IsConflict(err) { // it is not running
		return nil
	}
	return translate(ctx, err)
}

func (b *box) Stat(ctx context.Context, path string) (fs.FileMode, int64, error) {
	stat, err := b.engine.api.ContainerStatPath(ctx, b.id, path)
	if err == nil {
		return stat.Mode, stat.Size, nil
	}
	if cerrdefs.IsNotFound(err) {
		return 0, 0, b.pathError(ctx, err)
	}
	r, err := b.Get(ctx, path) // whose errors have a text
	if err != nil && strings.Contains(err.Error(), "too many links") {
		return fs.ModeSymlink, 0, nil // it leads round in links
	}
	if err != nil {
		return 0, 0, err
	}
	_ = r.Close()
	return 0, 0, fmt.Errorf("look at %s: the engine cannot tell what it is", path)
}

func (b *box) Get(ctx context.Context, path string) (io.ReadCloser, error) {
	r, _, err := b.engine.api.CopyFromContainer(ctx, b.id, path)
	if err != nil {
		return nil, b.pathError(ctx, err)
	}
	return r, nil
}

// pathError tells a path that is not there from a container that is not.
func (b *box) pathError(ctx context.Context, err error) error {
	// There is no status for a path that goes on below a file.
	if !cerrdefs.IsNotFound(err) && !strings.Contains(err.Error(), "not a directory") {
		return translate(ctx, err)
	}
	if _, gone := b.inspect(ctx); gone != nil {
		return gone
	}
	return fmt.Errorf("%w: %w", runner.ErrNoPath, err)
}

func (b *box) Remove(ctx context.Context) error {
	err := b.engine.api.ContainerRemove(ctx, b.id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if cerrdefs.IsConflict(err) { // a process that was killed has begun it
		err = b.removed(ctx)
	}
	if err != nil && !cerrdefs.IsNotFound(err) {
		return translate(ctx, err)
	}
	b.share.end()
	b.share.remove()
	return b.dismissKeeper(ctx)
}

// removed waits until the engine has removed the container.
func (b *box) removed(ctx context.Context) error {
	gone, failed := b.engine.api.ContainerWait(ctx, b.id, container.WaitConditionRemoved)
	select {
	case <-gone:
		return nil
	case err := <-failed:
		return err
	}
}

func (b *box) inspect(ctx context.Context) (runner.State, error) {
	c, err := b.engine.api.ContainerInspect(ctx, b.id)
	if err != nil {
		return runner.State{}, fmt.Errorf("inspect container: %w", translate(ctx, err))
	}
	s := runner.State{
		Phase:      phase(c.State.Status),
		ExitCode:   c.State.ExitCode,
		OOMKilled:  c.State.OOMKilled,
		Removed:    c.State.Status == container.StateRemoving || c.State.Status == container.StateDead,
		StartedAt:  moment(c.State.StartedAt),
		FinishedAt: moment(c.State.FinishedAt),
	}
	return s, nil
}

func phase(status container.ContainerState) runner.Phase {
	switch status {
	case container.StateCreated:
		return runner.Created
	case container.StateRunning, container.StatePaused, container.StateRestarting:
		return runner.Running
	default: // exited, dead, removing
		return runner.Ended
	}
}

// moment reads the engine's time; what has not been is the year 1 there too.
func moment(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
