package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/stagegate/stagegate/internal/artifact"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// shelf keeps artifacts as folders, where people find them, and nowhere else:
// what is asked for is packed again, which gives the bytes it was made of.
type shelf struct {
	home *home

	mu   sync.Mutex
	when map[string]time.Time // an artifact's time, the one all of its files had
}

func newShelf(h *home) *shelf { return &shelf{home: h, when: map[string]time.Time{}} }

// shelved is where an artifact stands below the home folder.
func shelved(name string) string { return filepath.Join("artifacts", name) }

// put unpacks a canonical tar in place of what an earlier run left.
func (s *shelf) put(name string, tar io.Reader, at time.Time) (pipeline.Artifact, error) {
	fresh := filepath.Join("tmp", "artifact-"+name)
	if err := s.home.root.Mkdir(fresh, 0o755); err != nil {
		return pipeline.Artifact{}, err
	}
	root, err := s.home.root.OpenRoot(fresh)
	if err != nil {
		return pipeline.Artifact{}, err
	}
	defer root.Close()
	a, err := unpack(root, tar)
	if err == nil {
		err = s.exchange(fresh, name)
	}
	if err != nil {
		return pipeline.Artifact{}, err
	}
	s.know(name, at)
	a.Name = name
	return a, nil
}

// unpack tells digest and size of what it unpacked.
func unpack(root *os.Root, tar io.Reader) (pipeline.Artifact, error) {
	if stream, ok := tar.(*artifact.Stream); ok {
		digest, err := artifact.Unpack(root, stream, false)
		if err != nil {
			return pipeline.Artifact{}, err
		}
		report, err := stream.Report()
		return pipeline.Artifact{Digest: digest, Size: report.Size}, err
	}
	n := counter{from: tar}
	digest, err := artifact.Unpack(root, &n, false)
	return pipeline.Artifact{Digest: digest, Size: n.bytes}, err
}

// exchange puts a folder on the shelf; what stood there goes with the run's
// temporary files.
func (s *shelf) exchange(fresh, name string) error {
	if err := s.home.root.MkdirAll("artifacts", 0o755); err != nil {
		return err
	}
	err := s.home.root.Rename(shelved(name), filepath.Join("tmp", "replaced-"+name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.home.root.Rename(fresh, shelved(name))
}

// know tells the time of an artifact that stands there.
func (s *shelf) know(name string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.when[name] = at
}

// open packs an artifact. What somebody changed since it was made is a
// *runner.Refusal of the last Read.
func (s *shelf) open(a pipeline.Artifact) io.ReadCloser {
	return artifact.Start(func(dst io.Writer) (artifact.Report, error) { return s.pack(dst, a) })
}

func (s *shelf) pack(dst io.Writer, a pipeline.Artifact) (artifact.Report, error) {
	s.mu.Lock()
	at := s.when[a.Name]
	s.mu.Unlock()
	root, err := s.home.root.OpenRoot(shelved(a.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return artifact.Report{}, &runner.Refusal{Reason: "the artifact " + a.Name + " was removed from " + s.home.join(shelved(a.Name)) + " since it was made"}
	}
	if err != nil {
		return artifact.Report{}, fmt.Errorf("pack artifact %s: %w", a.Name, err)
	}
	defer root.Close()
	report, err := artifact.Pack(dst, root, ".", artifact.Options{Time: at, Symlinks: true})
	switch {
	case err != nil:
		return artifact.Report{}, fmt.Errorf("pack artifact %s: %w", a.Name, err)
	case report.Digest != a.Digest:
		return artifact.Report{}, &runner.Refusal{Reason: "the artifact " + a.Name + " was changed in " + s.home.join(shelved(a.Name)) + " since it was made"}
	}
	return report, nil
}

// check tells whether an artifact stands there as it was made.
func (s *shelf) check(ctx context.Context, a pipeline.Artifact) error {
	_, err := s.pack(discard{ctx}, a)
	return err
}

// discard drops what is written until its context ends.
type discard struct{ ctx context.Context }

func (d discard) Write(p []byte) (int, error) { return len(p), d.ctx.Err() }

// counter counts what is read.
type counter struct {
	from  io.Reader
	bytes int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.bytes += int64(n)
	return n, err
}
