package docker_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// guarded puts the bench's workspaces beside a file that no container may ever
// reach, and looks at the end that it and the machine's own files are as they
// were.
func (b *bench) guarded() {
	b.Helper()
	above := b.TempDir()
	guard := filepath.Join(above, "guard")
	if err := os.WriteFile(guard, []byte("untouched"), 0o600); err != nil {
		b.Fatal(err)
	}
	if b.work != "" {
		b.work = filepath.Join(above, "work")
	}
	passwd := fingerprint(b.T, "/etc/passwd")
	b.Cleanup(func() {
		if text, err := os.ReadFile(guard); err != nil || string(text) != "untouched" {
			b.Errorf("the guard is now %q, %v", text, err)
		}
		if left, err := os.ReadDir(above); err != nil || len(left) > 2 {
			b.Errorf("beside the workspaces stand %v, %v", left, err)
		}
		if now := fingerprint(b.T, "/etc/passwd"); now != passwd {
			b.Errorf("/etc/passwd was %s, is %s", passwd, now)
		}
	})
}

func fingerprint(t *testing.T, name string) string {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(info.Mode(), info.Size(), info.ModTime())
}

// attack runs a hostile job and looks that nothing is left of it: no container
// and no workspace (do sees to those), no volume and no process.
func (b *bench) attack(j pipeline.Job) pipeline.Result {
	b.Helper()
	volumes := b.volumes()
	res := b.do(j)
	b.nothingRuns(j)
	for _, name := range volumes() {
		if _, err := api.VolumeInspect(context.Background(), name); !cerrdefs.IsNotFound(err) {
			b.Errorf("volume %s is left, %v", name, err)
		}
	}
	return res
}

// volumes begins to watch which volumes the bench's containers mount; what it
// returns tells.
func (b *bench) volumes() func() []string {
	ctx, stop := context.WithCancel(b.Context())
	msgs, errs := api.Events(ctx, events.ListOptions{Filters: filters.NewArgs(
		filters.Arg("type", "container"), filters.Arg("event", "create"),
		filters.Arg("type", "volume"), filters.Arg("event", "mount"),
	)})
	var names []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		mine := map[string]bool{}
		for {
			select {
			case m := <-msgs:
				if m.Actor.Attributes[runner.LabelRunner] == b.id {
					mine[m.Actor.ID] = true
				}
				if mine[m.Actor.Attributes["container"]] {
					names = append(names, m.Actor.ID)
				}
			case err := <-errs: // ctx has ended, or the engine has
				if ctx.Err() == nil {
					b.Errorf("watch volumes: %v", err)
				}
				return
			}
		}
	}()
	return func() []string {
		stop()
		<-done
		return names
	}
}

// nothingRuns looks that no process of the job is left on the machine, wherever
// it hid: they all inherit the name of the execution.
func (b *bench) nothingRuns(j pipeline.Job) {
	b.Helper()
	mark := []byte("STAGEGATE_EXECUTION=" + j.ID.Execution + "\x00")
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range all {
		if text, err := os.ReadFile(name); err == nil && bytes.Contains(text, mark) {
			b.Errorf("%s: a process of the job still runs", name)
		}
	}
}

// entry is a file of an image.
type entry struct {
	tar.Header
	text string
}

// image makes one of busybox with more files and another configuration, for the
// time of the test.
func (b *bench) image(config container.Config, entries ...entry) string {
	b.Helper()
	ctx := context.Background()
	made, err := api.ContainerCreate(ctx, &container.Config{Image: busybox, Cmd: []string{"true"}}, nil, nil, nil, "")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = api.ContainerRemove(ctx, made.ID, container.RemoveOptions{Force: true}) }()
	var t bytes.Buffer
	w := tar.NewWriter(&t)
	for _, e := range entries {
		e.Size = int64(len(e.text))
		if err := w.WriteHeader(&e.Header); err != nil {
			b.Fatal(err)
		}
		if _, err := w.Write([]byte(e.text)); err != nil {
			b.Fatal(err)
		}
	}
	_ = w.Close()
	if err := api.CopyToContainer(ctx, made.ID, "/", &t, container.CopyToContainerOptions{}); err != nil {
		b.Fatal(err)
	}
	name := "stagegate/" + strings.ToLower(b.id) + ":local"
	if _, err := api.ContainerCommit(ctx, made.ID, container.CommitOptions{Reference: name, Config: &config}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { removeImage(b.T, name) })
	return name
}
