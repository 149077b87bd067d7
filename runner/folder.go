package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/stagegate/stagegate/internal/artifact"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// folder is a workspace on this machine, mounted into the container. The
// folder above it is closed to everybody else, so that a file which a container
// made set-uid is of no use to anyone here.
type folder struct {
	dir string
	log *slog.Logger
}

// newFolder makes one that no other job ever had: its name is part chance, so
// an engine on another machine cannot mistake a folder of its own for it.
func (r *Runner) newFolder(name string) (*folder, error) {
	if err := os.MkdirAll(r.WorkDir, 0o700); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(r.WorkDir, name+"-*")
	if err != nil {
		return nil, err
	}
	return &folder{dir: dir, log: r.Log}, os.Chmod(dir, 0o755) //nolint:gosec // the folder above is 0700
}

func (f *folder) fill(ctx context.Context, c contents) error {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	err = errors.Join(
		put(root, within(scriptPath), c.script, 0o755),
		put(root, within(outputPath), "", 0o666),
		put(root, within(summaryPath), "", 0o666),
		makeFolder(root, within(inputsPath), 0o755),
	)
	if len(c.inputs) == 0 {
		err = errors.Join(err, makeFolder(root, within(emptyDir), c.openMode()))
	}
	for _, in := range c.inputs {
		if err != nil {
			return err
		}
		if err = f.input(ctx, root, c, in); err != nil {
			err = fmt.Errorf("unpack artifact %s: %w", in.Name, err)
		}
	}
	return err
}

func (f *folder) input(ctx context.Context, root *os.Root, c contents, in pipeline.Artifact) error {
	if err := checkInputName(in.Name); err != nil {
		return err
	}
	name := within(inputDir(in.Name))
	if err := makeFolder(root, name, c.openMode()); err != nil {
		return err
	}
	below, err := root.OpenRoot(name)
	if err != nil {
		return err
	}
	defer below.Close()
	src, err := c.open(ctx, in.Name)
	if err != nil {
		return err
	}
	defer src.Close()
	var tar io.Reader = cancellable{ctx, src}
	if stream, ok := src.(*artifact.Stream); ok {
		defer context.AfterFunc(ctx, stream.Stop)()
		tar = stream
	}
	digest, err := artifact.Unpack(below, tar, c.widen)
	if err != nil {
		return err
	}
	return checkDigest(digest, in)
}

// cancellable is a reader that ends with a context.
type cancellable struct {
	ctx context.Context
	io.Reader
}

func (c cancellable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.Reader.Read(p)
}

func (f *folder) read(_ context.Context, name string, limit int64) ([]byte, error) {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	file, err := artifact.OpenRegular(root, within(name))
	if err != nil {
		return nil, pathError(err)
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, limit))
}

func (f *folder) pack(_ context.Context, dst io.Writer, name string, o artifact.Options) (artifact.Report, error) {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return artifact.Report{}, err
	}
	defer root.Close()
	r, err := artifact.Pack(dst, root, within(name), o)
	return r, pathError(err)
}

// remove is the operator's to hear of when it does not work; the next start
// tries again.
func (f *folder) remove() {
	if err := artifact.Remove(f.dir); err != nil {
		f.log.Warn("cannot remove workspace, the next start will", "folder", f.dir, "err", err)
	}
}

// within is a container's path below Mount.
func within(name string) string { return strings.TrimPrefix(name, Mount+"/") }

// pathError makes ErrNoPath of the ways in which a path may lead nowhere. One
// that leads round in links ends at a link.
func pathError(err error) error {
	if errors.Is(err, syscall.ELOOP) {
		return fmt.Errorf("%w: %w", artifact.ErrNotRegular, err)
	}
	for _, nothing := range []error{fs.ErrNotExist, syscall.ENOTDIR, syscall.ENAMETOOLONG, artifact.ErrOutside} {
		if errors.Is(err, nothing) {
			return fmt.Errorf("%w: %w", ErrNoPath, err)
		}
	}
	return err
}

// put makes a file whose mode the process's umask does not narrow.
func put(root *os.Root, name, text string, mode fs.FileMode) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Chmod(mode), f.Close())
}

func makeFolder(root *os.Root, name string, mode fs.FileMode) error {
	if err := root.Mkdir(name, mode); err != nil {
		return err
	}
	return root.Chmod(name, mode)
}

// checkInputName refuses what is no folder's name.
func checkInputName(name string) error {
	if !filepath.IsLocal(name) || name == "." || strings.ContainsAny(name, `/\`) {
		return fmt.Errorf("name %q is no folder's", name)
	}
	return nil
}

func checkDigest(got string, in pipeline.Artifact) error {
	if got != in.Digest {
		return fmt.Errorf("digest is %s, not %s", got, in.Digest)
	}
	return nil
}
