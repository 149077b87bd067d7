package artifact_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/artifact"
)

// TestDirect unpacks trees of many shapes by way of their archive, and without
// one, and asks for the same tree and the same report.
func TestDirect(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dir := t.TempDir()
			randomTree(t, dir, rand.New(rand.NewPCG(seed, 2)))
			write(t, filepath.Join(dir, "shut/run"), "x", 0o4711)
			must(t, os.Chmod(filepath.Join(dir, "shut"), 0o555))
			must(t, os.Symlink("/etc/passwd", filepath.Join(dir, "leads out")))
			must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
			var archive bytes.Buffer
			want, err := artifact.Pack(&archive, openRoot(t, dir), ".", linked)
			must(t, err)
			for _, widen := range []bool{false, true} {
				through := t.TempDir()
				_, err = artifact.Unpack(openRoot(t, through), bytes.NewReader(archive.Bytes()), widen)
				must(t, err)
				for _, known := range []artifact.Report{{}, want} {
					o := linked
					o.Known = known
					direct := t.TempDir()
					got := unpackDirectly(t, dir, direct, o, widen)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("report (-archive +direct)\n%s", diff)
					}
					if diff := cmp.Diff(shape(t, through), shape(t, direct)); diff != "" {
						t.Errorf("tree (-archive +direct)\n%s", diff)
					}
				}
			}
		})
	}
}

func unpackDirectly(t *testing.T, from, to string, o artifact.Options, widen bool) artifact.Report {
	t.Helper()
	s := artifact.Start(func(dst io.Writer) (artifact.Report, error) {
		return artifact.Pack(dst, openRoot(t, from), ".", o)
	})
	defer s.Close()
	digest, err := artifact.Unpack(openRoot(t, to), s, widen)
	must(t, err)
	report, err := s.Report()
	must(t, err)
	if report.Digest != digest {
		t.Errorf("Unpack says %s, Pack %s", digest, report.Digest)
	}
	return report
}

// shape lists all there is to see of a tree.
func shape(t *testing.T, dir string) []string {
	t.Helper()
	var lines []string
	must(t, filepath.Walk(dir, func(name string, info os.FileInfo, err error) error {
		if err != nil || name == dir {
			return err
		}
		line := fmt.Sprintf("%s %s", name[len(dir):], info.Mode())
		switch {
		case info.Mode().IsRegular():
			text, err := os.ReadFile(name)
			line += fmt.Sprintf(" %s %q", info.ModTime().UTC(), text)
			if err != nil {
				return err
			}
		case info.Mode()&os.ModeSymlink != 0:
			target, err := os.Readlink(name)
			line += " " + target
			if err != nil {
				return err
			}
		}
		lines = append(lines, line)
		return nil
	}))
	return lines
}

// TestDirectLimits sees that what an archive may not hold is not copied either.
func TestDirectLimits(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "large"), string(make([]byte, 1<<20)), 0o644)
	o := linked
	o.MaxBytes = 1 << 19
	s := artifact.Start(func(dst io.Writer) (artifact.Report, error) {
		return artifact.Pack(dst, openRoot(t, dir), ".", o)
	})
	defer s.Close()
	to := t.TempDir()
	if _, err := artifact.Unpack(openRoot(t, to), s, false); !errors.Is(err, artifact.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	if found := shape(t, to); len(found) > 0 {
		t.Errorf("it was copied: %v", found)
	}
}

// TestStopDirect ends a copy of a file in which it is asked many times.
func TestStopDirect(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "hollow"), "", 0o644)
	must(t, os.Truncate(filepath.Join(dir, "hollow"), 1<<40))
	o := linked
	o.Known = artifact.Report{Digest: "known", Size: 1 << 40}
	begun := make(chan struct{})
	s := artifact.Start(func(dst io.Writer) (artifact.Report, error) {
		close(begun)
		return artifact.Pack(dst, openRoot(t, dir), ".", o)
	})
	ended := make(chan error, 1)
	to := openRoot(t, t.TempDir())
	go func() {
		_, err := artifact.Unpack(to, s, false)
		ended <- err
	}()
	<-begun
	must(t, s.Close())
	if err := <-ended; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

func TestStopBeforeTheBeginning(t *testing.T) {
	s := artifact.Start(func(io.Writer) (artifact.Report, error) {
		t.Error("it was packed")
		return artifact.Report{}, nil
	})
	must(t, s.Close())
	if _, err := s.Report(); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("read: %v", err)
	}
}
