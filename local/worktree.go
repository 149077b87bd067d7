package local

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/artifact"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// worktree is the folder whose pipeline runs.
type worktree struct {
	root string
	git  bool // it is one of Git's; else everything below it counts
}

// findWorktree walks up from a folder to the one that holds .git, which is a
// file in submodules and additional worktrees. Without one it is the folder.
func findWorktree(dir string) (worktree, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return worktree{}, fmt.Errorf("find the working tree: %w", err)
	}
	for at := start; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return worktree{root: at, git: true}, nil
		}
		if at == filepath.Dir(at) {
			return worktree{root: start}, nil
		}
	}
}

// list names the files of the tree by their paths below the root, with slashes
// and sorted: what Git tracks or would, or else everything. Some of what Git
// tracks may have been deleted.
func (w worktree) list(ctx context.Context) ([]string, error) {
	if !w.git {
		return w.walk()
	}
	out, err := w.command(ctx, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, fmt.Errorf("list the files of the working tree: %w", err)
	}
	names := strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
	names = slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, homeName+"/") })
	slices.Sort(names)
	return slices.Compact(names), nil // a file in conflict is listed three times
}

func (w worktree) walk() ([]string, error) {
	var names []string
	err := filepath.WalkDir(w.root, func(file string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.Name() == homeName && e.IsDir():
			return fs.SkipDir
		case e.IsDir():
			return nil
		}
		rel, err := filepath.Rel(w.root, file)
		names = append(names, filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the files of the folder: %w", err)
	}
	slices.Sort(names)
	return names, nil
}

// command runs Git in the root.
func (w worktree) command(ctx context.Context, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, "git", args...) //nolint:gosec // the arguments are ours
	c.Dir = w.root
	c.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("git is not installed")
	case err != nil:
		return nil, fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}

// source is the tree of a run, packed.
type source struct {
	artifact pipeline.Artifact
	notes    []string
	file     *os.File // without a name; nothing is left of it
}

// pack makes the source artifact of the listed files as they are now.
func (w worktree) pack(names []string, rev pipeline.Revision, h *home) (source, error) {
	f, err := os.CreateTemp(h.join("tmp"), "source-*")
	if err != nil {
		return source{}, fmt.Errorf("pack the working tree: %w", err)
	}
	s := source{file: f}
	_ = os.Remove(f.Name())
	p := treePacker{root: w.root, folders: map[string]bool{".": true}}
	pr, pw := io.Pipe()
	packed := make(chan error, 1)
	go func() {
		err := p.write(pw, names)
		_ = pw.CloseWithError(err)
		packed <- err
	}()
	report, err := artifact.Canonical(f, pr, artifact.Options{Time: rev.Time, Symlinks: true, TempDir: h.join("tmp")})
	_ = pr.CloseWithError(io.ErrClosedPipe)
	if perr := <-packed; perr != nil && !errors.Is(perr, io.ErrClosedPipe) {
		err = perr
	}
	if err != nil {
		return source{}, errors.Join(fmt.Errorf("pack the working tree: %w", err), f.Close())
	}
	s.artifact = pipeline.Artifact{Name: pipeline.SourceArtifact, Digest: report.Digest, Size: report.Size}
	for _, m := range p.submodules {
		s.notes = append(s.notes, "the source holds an empty folder in place of the submodule "+m)
	}
	for _, l := range report.LeftOut {
		s.notes = append(s.notes, "left out of the source: "+l)
	}
	return s, nil
}

func (s source) close() { _ = s.file.Close() }

func (s source) open() io.ReadCloser {
	return io.NopCloser(io.NewSectionReader(s.file, 0, s.artifact.Size))
}

// treePacker writes the files of a working tree as a tar.
type treePacker struct {
	root       string
	folders    map[string]bool // whether a path is a folder and not a link to one
	submodules []string
	tar        *tar.Writer
}

func (p *treePacker) write(dst io.Writer, names []string) error {
	p.tar = tar.NewWriter(dst)
	for _, name := range names {
		if err := p.entry(strings.TrimSuffix(name, "/")); err != nil {
			return fmt.Errorf("pack %s: %w", name, err)
		}
	}
	return p.tar.Close()
}

func (p *treePacker) entry(name string) error {
	if !p.folder(path.Dir(name)) {
		return nil // a link stands where Git knows a folder: the file was deleted
	}
	file := filepath.Join(p.root, filepath.FromSlash(name))
	info, err := os.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	h := &tar.Header{Name: name, Mode: int64(info.Mode().Perm()), Format: tar.FormatPAX}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		h.Typeflag, h.Size = tar.TypeReg, info.Size()
		return p.regular(file, h)
	case mode&fs.ModeSymlink != 0:
		h.Typeflag = tar.TypeSymlink
		if h.Linkname, err = os.Readlink(file); err != nil {
			return err
		}
	case mode.IsDir():
		p.submodules = append(p.submodules, name)
		h.Typeflag, h.Name = tar.TypeDir, name+"/"
	default:
		return nil // Git knows no devices or pipes
	}
	return p.tar.WriteHeader(h)
}

func (p *treePacker) folder(name string) bool {
	is, seen := p.folders[name]
	if !seen {
		info, err := os.Lstat(filepath.Join(p.root, filepath.FromSlash(name)))
		is = err == nil && info.IsDir() && p.folder(path.Dir(name))
		p.folders[name] = is
	}
	return is
}

func (p *treePacker) regular(file string, h *tar.Header) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := p.tar.WriteHeader(h); err != nil {
		return err
	}
	n, err := io.Copy(p.tar, io.LimitReader(f, h.Size))
	if err == nil && n < h.Size {
		err = errors.New("the file was cut while it was packed; run again")
	}
	return err
}
