package artifact_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/artifact"
)

// TestStream sees that an archive gets the same digest whether whoever packs
// it tells or whoever unpacks it computes it.
func TestStream(t *testing.T) {
	from := t.TempDir()
	for name, text := range map[string]string{"a": "one", "b": ""} {
		if err := os.WriteFile(filepath.Join(from, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	pack := func(dst io.Writer) (artifact.Report, error) {
		root := open(t, from)
		return artifact.Pack(dst, root, ".", artifact.Options{Time: time.Unix(1, 0)})
	}
	computed, told := t.TempDir(), t.TempDir()
	plain := artifact.Start(pack)
	defer plain.Close()
	want, err := artifact.Unpack(open(t, computed), struct{ io.Reader }{plain}, false)
	if err != nil {
		t.Fatal(err)
	}
	stream := artifact.Start(pack)
	defer stream.Close()
	got, err := artifact.Unpack(open(t, told), stream, false)
	if err != nil || got != want {
		t.Errorf("told %s (%v), computed %s", got, err, want)
	}
	if diff := cmp.Diff(texts(t, computed), texts(t, told)); diff != "" {
		t.Error(diff)
	}
}

func TestStreamThatFails(t *testing.T) {
	broken := errors.New("broken")
	stream := artifact.Start(func(io.Writer) (artifact.Report, error) { return artifact.Report{}, broken })
	defer stream.Close()
	if _, err := artifact.Unpack(open(t, t.TempDir()), stream, false); !errors.Is(err, broken) {
		t.Errorf("the reader gets %v", err)
	}
	closed := artifact.Start(func(dst io.Writer) (artifact.Report, error) {
		_, err := dst.Write([]byte("nobody reads this"))
		return artifact.Report{}, err
	})
	_ = closed.Close()
	if _, err := closed.Report(); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the packer gets %v", err)
	}
}

func open(t *testing.T, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

func texts(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		found[e.Name()] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
