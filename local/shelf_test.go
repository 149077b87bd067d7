package local

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/artifact"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// canonical is an artifact with a folder nobody may write to, a link and a
// script.
func canonical(t *testing.T, at time.Time) []byte {
	t.Helper()
	var raw, out bytes.Buffer
	w := tar.NewWriter(&raw)
	for _, h := range []*tar.Header{
		{Typeflag: tar.TypeDir, Name: "closed/", Mode: 0o555},
		{Typeflag: tar.TypeReg, Name: "closed/read-only", Mode: 0o444, Size: 3},
		{Typeflag: tar.TypeSymlink, Name: "link", Linkname: "closed/read-only"},
		{Typeflag: tar.TypeReg, Name: "run", Mode: 0o755, Size: 3},
	} {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			_, _ = io.WriteString(w, "abc")
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := artifact.Canonical(&out, &raw, artifact.Options{Time: at, Symlinks: true}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func openTestHome(t *testing.T, tree string) *home {
	t.Helper()
	h, err := openHome(tree)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func TestShelfGivesBackWhatItGot(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	s := newShelf(openTestHome(t, t.TempDir()))
	want := canonical(t, at)
	var a pipeline.Artifact
	for range 2 { // the second in place of the first
		var err error
		if a, err = s.put("shop", bytes.NewReader(want), at); err != nil {
			t.Fatal(err)
		}
		_ = s.home.removeAll("tmp")
		_ = s.home.root.Mkdir("tmp", 0o700)
	}
	if a.Size != int64(len(want)) {
		t.Errorf("size %d, want %d", a.Size, len(want))
	}
	src := s.open(a)
	got, err := io.ReadAll(src)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, want %d, %v", len(got), len(want), err)
	}
	if err := errors.Join(src.Close(), s.check(t.Context(), a)); err != nil {
		t.Error(err)
	}
	early := s.open(a)
	if err := early.Close(); err != nil { // of somebody who reads no further
		t.Error(err)
	}
}

func TestShelfRefusesWhatWasChanged(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	s := newShelf(openTestHome(t, t.TempDir()))
	a, err := s.put("shop", bytes.NewReader(canonical(t, at)), at)
	if err != nil {
		t.Fatal(err)
	}
	dir := s.home.join("artifacts", "shop")
	sameTime := func() error {
		file := filepath.Join(dir, "run")
		return errors.Join(os.WriteFile(file, []byte("abd"), 0o755), os.Chtimes(file, at, at))
	}
	for _, change := range []func() error{
		sameTime,
		func() error { return os.WriteFile(filepath.Join(dir, "run"), []byte("abd"), 0o755) },
		func() error { return s.home.removeAll("artifacts") },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		_, err := io.ReadAll(s.open(a))
		var refusal *runner.Refusal
		if !errors.As(err, &refusal) {
			t.Errorf("it gives %v", err)
		}
	}
}

// TestShelfLooksAgain changes an artifact while it is read.
func TestShelfLooksAgain(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	s := newShelf(openTestHome(t, t.TempDir()))
	a, err := s.put("shop", bytes.NewReader(canonical(t, at)), at)
	if err != nil {
		t.Fatal(err)
	}
	src := s.open(a)
	defer src.Close()
	if _, err := io.ReadFull(src, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.home.join("artifacts", "shop", "run"), []byte("abd"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(src)
	var refusal *runner.Refusal
	if !errors.As(err, &refusal) {
		t.Errorf("it gives %v", err)
	}
}

// TestHomeFollowsNoLinks gives a working tree that a stranger made, whose links
// lead to what is ours.
func TestHomeFollowsNoLinks(t *testing.T) {
	for name, make := range map[string]func(home, ours string) error{
		"itself": func(home, ours string) error { return os.Symlink(ours, home) },
		"lock": func(home, ours string) error {
			return os.Symlink(filepath.Join(ours, "file"), filepath.Join(home, "lock"))
		},
		"tmp":       func(home, ours string) error { return os.Symlink(ours, filepath.Join(home, "tmp")) },
		"work":      func(home, ours string) error { return os.Symlink(ours, filepath.Join(home, "work")) },
		"artifacts": func(home, ours string) error { return os.Symlink(ours, filepath.Join(home, "artifacts")) },
	} {
		t.Run(name, func(t *testing.T) {
			tree, ours := t.TempDir(), t.TempDir()
			if err := os.WriteFile(filepath.Join(ours, "file"), []byte("ours"), 0o600); err != nil {
				t.Fatal(err)
			}
			if name != "itself" {
				if err := os.Mkdir(filepath.Join(tree, homeName), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if err := make(filepath.Join(tree, homeName), ours); err != nil {
				t.Fatal(err)
			}
			if h, err := openHome(tree); err == nil {
				_, err = newShelf(h).put("file", bytes.NewReader(canonical(t, time.Unix(0, 0))), time.Unix(0, 0))
				if err == nil && name == "artifacts" {
					t.Error("the artifact was stored")
				}
				_ = h.close()
			}
			entries, err := os.ReadDir(ours)
			text, rerr := os.ReadFile(filepath.Join(ours, "file"))
			if err != nil || rerr != nil || len(entries) != 1 || string(text) != "ours" {
				t.Errorf("%d entries, %q, %v, %v", len(entries), text, err, rerr)
			}
		})
	}
}

func TestHomeIsForOne(t *testing.T) {
	tree := t.TempDir()
	h := openTestHome(t, tree)
	var busy Busy
	if _, err := openHome(tree); !errors.As(err, &busy) || busy.Process != os.Getpid() {
		t.Errorf("the second gives %v", err)
	}
	if _, err := h.root.Stat("lock"); errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestACopyHasAnIDOfItsOwn copies a working tree with all that runs left in it.
func TestACopyHasAnIDOfItsOwn(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	a, err := openTestHome(t, one).id()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(two, homeName), os.DirFS(filepath.Join(one, homeName))); err != nil {
		t.Fatal(err)
	}
	b, err := openTestHome(t, two).id()
	if err != nil || a == b {
		t.Errorf("%s and %s, %v", a, b, err)
	}
}
