package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/stagegate/stagegate/internal/artifact"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// shelf keeps artifacts as folders, where people find them, and nowhere else:
// what is asked for is packed again, which gives the bytes it was made of.
type shelf struct {
	home *home

	clearing sync.WaitGroup // of what was replaced

	mu       sync.Mutex
	known    map[string]fact
	replaced []string // paths below the home folder
}

// fact is what is known of an artifact that stands on the shelf.
type fact struct {
	at    time.Time // the one all of its files had
	stamp string    // of its files when this run made it; empty: an earlier run did
}

func newShelf(h *home) *shelf { return &shelf{home: h, known: map[string]fact{}} }

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
	stamp, err := stamp(root)
	if err != nil {
		return pipeline.Artifact{}, err
	}
	s.know(name, fact{at, stamp})
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

// exchange puts a folder on the shelf; what stood there goes when it is cleared,
// or with the run's temporary files.
func (s *shelf) exchange(fresh, name string) error {
	if err := s.home.root.MkdirAll("artifacts", 0o755); err != nil {
		return err
	}
	replaced := filepath.Join("tmp", "replaced-"+name)
	err := s.home.root.Rename(shelved(name), replaced)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		s.mu.Lock()
		s.replaced = append(s.replaced, replaced)
		s.mu.Unlock()
	}
	return s.home.root.Rename(fresh, shelved(name))
}

// clear begins to remove what was replaced. It is for a time when nobody waits
// for the disk.
func (s *shelf) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range s.replaced {
		s.clearing.Go(func() { _ = s.home.removeAll(name) })
	}
	s.replaced = nil
}

// know tells of an artifact that stands there.
func (s *shelf) know(name string, f fact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[name] = f
}

// open packs an artifact. What somebody changed since it was made is a
// *runner.Refusal of the last Read.
func (s *shelf) open(a pipeline.Artifact) io.ReadCloser {
	return artifact.Start(func(dst io.Writer) (artifact.Report, error) { return s.pack(dst, a) })
}

func (s *shelf) pack(dst io.Writer, a pipeline.Artifact) (artifact.Report, error) {
	s.mu.Lock()
	f := s.known[a.Name]
	s.mu.Unlock()
	root, err := s.home.root.OpenRoot(shelved(a.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return artifact.Report{}, &runner.Refusal{Reason: "the artifact " + a.Name + " was removed from " + s.home.join(shelved(a.Name)) + " since it was made"}
	}
	if err != nil {
		return artifact.Report{}, fmt.Errorf("pack artifact %s: %w", a.Name, err)
	}
	defer root.Close()
	o := artifact.Options{Time: f.at, Symlinks: true}
	if now, err := stamp(root); err == nil && now == f.stamp {
		o.Known = artifact.Report{Digest: a.Digest, Size: a.Size}
	}
	report, err := artifact.Pack(dst, root, ".", o)
	if err != nil {
		return artifact.Report{}, fmt.Errorf("pack artifact %s: %w", a.Name, err)
	}
	if o.Known.Digest != "" { // nobody looked at what was packed
		if now, err := stamp(root); err != nil || now != f.stamp {
			report.Digest = ""
		}
	}
	if report.Digest != a.Digest {
		return artifact.Report{}, &runner.Refusal{Reason: "the artifact " + a.Name + " was changed in " + s.home.join(shelved(a.Name)) + " since it was made"}
	}
	return report, nil
}

// check tells whether an artifact stands there as it was made.
func (s *shelf) check(ctx context.Context, a pipeline.Artifact) error {
	_, err := s.pack(discard{ctx}, a)
	return err
}

// stamp is another text when a file below root was written to, exchanged,
// added or removed since: the time of its last change is one that no program
// can set. To look costs much less than to hash what the files hold.
func stamp(root *os.Root) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		i, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return errors.New("files have no stamps here")
		}
		fmt.Fprintf(sum, "%q %d %d %d %d %d\n", name, info.Mode(), i.Size, i.Ino, info.ModTime().UnixNano(), i.Ctim.Nano())
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil)), err
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
