package runner

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/artifact"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// workspace is where the files of one job are: what its container has at Mount.
// After the container has ended all of it is hostile. Paths are those in the
// container.
type workspace interface {
	// fill puts there what the job starts with.
	fill(ctx context.Context, c contents) error
	// read returns the beginning of a regular file, at most limit bytes.
	// Nothing there is ErrNoPath, and what is no regular file
	// artifact.ErrNotRegular.
	read(ctx context.Context, name string, limit int64) ([]byte, error)
	// pack writes the canonical tar of a folder or a regular file. Nothing
	// there is ErrNoPath, and what is neither artifact.ErrNotRegular.
	pack(ctx context.Context, dst io.Writer, name string, o artifact.Options) (artifact.Report, error)
	// remove leaves nothing of it, once the container is gone.
	remove()
}

// contents are what a workspace is filled with.
type contents struct {
	script string
	inputs []pipeline.Artifact
	open   func(ctx context.Context, name string) (io.ReadCloser, error)
	time   time.Time
	widen  bool // whatever user the image has must be able to write
}

func (t *task) contents(image Image) contents {
	return contents{
		script: t.job.Run + "\n",
		inputs: t.job.Inputs,
		time:   t.job.CommitTime,
		widen:  !image.Root,
		open: func(ctx context.Context, name string) (io.ReadCloser, error) {
			return t.r.Files.Input(ctx, t.lease.Token, name)
		},
	}
}

// openMode is that of a folder of which everything is the job's.
func (c contents) openMode() fs.FileMode {
	if c.widen {
		return 0o777
	}
	return 0o755
}

// spaceOf finds the workspace of a container that is there already.
func (r *Runner) spaceOf(f Found) workspace {
	if name := f.Labels[labelWorkspace]; name != "" && r.WorkDir != "" {
		return &folder{dir: path.Join(r.WorkDir, path.Base(name)), log: r.Log}
	}
	return volume{f.Container, r.TempDir}
}

// folders tells whether workspaces can be folders that container and runner
// share: as far as is known the engine sees them, and we may remove what any
// user of a container leaves.
func (r *Runner) folders() bool { return !r.blind.Load() }

// goBlind makes workspaces volumes from now on.
func (r *Runner) goBlind() {
	if !r.blind.Swap(true) {
		r.Log.Info("the container engine does not see this machine's folders; workspaces are volumes", "folder", r.WorkDir)
	}
}

// leftFolders are what earlier jobs left: workspaces in WorkDir, and secrets in
// memory.
func (r *Runner) leftFolders() []string {
	var all []string
	for _, above := range []string{r.WorkDir, r.privateFolders()} {
		if above == "" {
			continue
		}
		entries, err := os.ReadDir(above)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			r.Log.Warn("cannot look for what old jobs left", "err", err)
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), namePrefix) {
				all = append(all, path.Join(above, e.Name()))
			}
		}
	}
	return all
}

// sweepFolders removes what ended jobs left, but for the folders of these names.
func (r *Runner) sweepFolders(left []string, wanted map[string]bool) {
	for _, dir := range left {
		if !wanted[path.Base(dir)] {
			(&folder{dir: dir, log: r.Log}).remove()
		}
	}
}

// nowhere is the workspace of a job that has none yet.
type nowhere struct{}

func (nowhere) fill(context.Context, contents) error { return ErrNoPath }

func (nowhere) read(context.Context, string, int64) ([]byte, error) { return nil, ErrNoPath }

func (nowhere) pack(context.Context, io.Writer, string, artifact.Options) (artifact.Report, error) {
	return artifact.Report{}, ErrNoPath
}

func (nowhere) remove() {}
