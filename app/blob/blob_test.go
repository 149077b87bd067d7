package blob_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stagegate/stagegate/app/blob"
)

func open(t *testing.T, folder string) *blob.Bucket {
	t.Helper()
	b, err := blob.Open(t.Context(), "file://"+folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func TestRoundTrip(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "made", "when missing")
	b := open(t, folder)
	const key = "logs/7/build/compile/1.log.zst"
	text := strings.Repeat("line after line\n", 10_000)
	if err := b.Put(t.Context(), key, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	r, err := b.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil || string(got) != text {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	stored, err := os.ReadFile(filepath.Join(folder, key))
	if err != nil || len(stored) > len(text)/10 {
		t.Errorf("stored in %d bytes, %v: it should be compressed", len(stored), err)
	}
	if ok, err := b.Has(t.Context(), key); !ok || err != nil {
		t.Errorf("has %v, %v", ok, err)
	}
}

func TestMissing(t *testing.T) {
	b := open(t, t.TempDir())
	if _, err := b.Get(t.Context(), "nothing"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("error %v", err)
	}
	if ok, err := b.Has(t.Context(), "nothing"); ok || err != nil {
		t.Errorf("has %v, %v", ok, err)
	}
}

func TestBrokenWriteLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	b := open(t, folder)
	broken := errors.New("broken")
	from := io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), iotest.ErrReader(broken))
	if err := b.Put(t.Context(), "half", from); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
