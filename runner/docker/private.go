package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"github.com/stagegate/stagegate/runner"
)

// keepPrivate gives a container that is to be made its private files: the folder
// of this machine, or a volume in the engine's memory. Files go into such a volume
// only while a container runs that has it, so one that does nothing keeps it until
// the container itself runs.
func (e *Engine) keepPrivate(ctx context.Context, s runner.Spec, host *container.HostConfig) (keeper *box, err error) {
	if len(s.Private.Files) == 0 {
		return nil, nil
	}
	if s.Private.Folder != "" {
		host.Mounts = append(host.Mounts, mount.Mount{
			Type: mount.TypeBind, Source: s.Private.Folder, Target: runner.PrivateMount, ReadOnly: true,
		})
		return nil, nil
	}
	about, err := e.ask(ctx)
	if err != nil {
		return nil, err
	}
	image, err := e.pause(ctx, about.machine)
	if err != nil {
		return nil, fmt.Errorf("keep secrets: %w", err)
	}
	if keeper, err = e.createKeeper(ctx, s, image); err != nil {
		return nil, fmt.Errorf("keep secrets: %w", translate(ctx, err))
	}
	if err = e.api.ContainerStart(ctx, keeper.id, container.StartOptions{}); err == nil {
		err = keeper.putPrivate(ctx, s.Private.Files)
	}
	if err != nil {
		_ = keeper.Remove(ctx) // else the next start does: no lease speaks for it
		return nil, fmt.Errorf("keep secrets: %w", translate(ctx, err))
	}
	host.VolumesFrom = []string{keeper.id + ":ro"}
	return keeper, nil
}

// createKeeper makes the container that keeps private files in memory. One of
// that name is what an earlier process left.
func (e *Engine) createKeeper(ctx context.Context, s runner.Spec, image string) (*box, error) {
	size := 1 << 20
	for _, f := range s.Private.Files {
		size += len(f.Text) + 4<<10
	}
	config := &container.Config{
		Image: image, Entrypoint: []string{"/pause"},
		Labels: map[string]string{runner.LabelRunner: s.Labels[runner.LabelRunner], "stagegate.execution": s.Execution},
	}
	host := &container.HostConfig{
		NetworkMode: "none",
		LogConfig:   container.LogConfig{Type: "none"},
		CapDrop:     []string{"ALL"},
		SecurityOpt: []string{"no-new-privileges"},
		Mounts: []mount.Mount{{
			Type: mount.TypeVolume, Target: runner.PrivateMount,
			VolumeOptions: &mount.VolumeOptions{NoCopy: true, DriverConfig: &mount.Driver{Name: "local", Options: map[string]string{
				"type": "tmpfs", "device": "tmpfs", "o": fmt.Sprintf("size=%d,mode=0755", size),
			}}},
		}},
	}
	name := s.Name + keeperSuffix
	made, err := e.api.ContainerCreate(ctx, config, host, nil, nil, name)
	if cerrdefs.IsConflict(err) {
		if err = e.api.ContainerRemove(ctx, name, container.RemoveOptions{Force: true, RemoveVolumes: true}); err == nil {
			made, err = e.api.ContainerCreate(ctx, config, host, nil, nil, name)
		}
	}
	return &box{engine: e, id: made.ID}, err
}

const keeperSuffix = "-secrets" // what the keeper's name has behind that of its container

// keeperOf finds what keeps the secrets of a container; nil: nothing does any more.
func (e *Engine) keeperOf(of container.Summary, all []container.Summary) *box {
	for _, s := range all {
		if len(s.Names) == 1 && len(of.Names) == 1 && s.Names[0] == of.Names[0]+keeperSuffix {
			return &box{engine: e, id: s.ID}
		}
	}
	return nil
}

func (b *box) putPrivate(ctx context.Context, files []runner.PrivateFile) error {
	var all bytes.Buffer
	w := tar.NewWriter(&all)
	for _, f := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: runner.PrivateMount[1:] + "/" + f.Name, Mode: int64(f.Mode), Size: int64(len(f.Text))}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if _, err := io.WriteString(w, f.Text); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return b.Put(ctx, &all)
}

// dismissKeeper removes the container that keeps the secrets. What it kept stays
// as long as another container that has it runs.
func (b *box) dismissKeeper(ctx context.Context) error {
	if b.keeper == nil {
		return nil
	}
	err := b.keeper.Remove(ctx)
	if err == nil {
		b.keeper = nil
	}
	return err
}
