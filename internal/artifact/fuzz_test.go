package artifact_test

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stagegate/stagegate/internal/artifact"
)

// FuzzUnpack gives a folder archives that anybody may have written. None
// changes anything outside it, and what Canonical made of one comes out of the
// folder as it went in.
func FuzzUnpack(f *testing.F) {
	f.Add(pack(f, d("a"), item{h: tar.Header{Typeflag: tar.TypeReg, Name: "a/b", Mode: 0o644, Size: 1}, text: "x"}))
	f.Add(pack(f, l("x", ".."), item{h: tar.Header{Typeflag: tar.TypeReg, Name: "x/guard", Mode: 0o644, Size: 1}, text: "x"}))
	f.Fuzz(func(t *testing.T, src []byte) {
		above := t.TempDir()
		write(t, filepath.Join(above, "guard"), "untouched", 0o600)
		raw, clean := filepath.Join(above, "raw"), filepath.Join(above, "clean")
		must(t, os.Mkdir(raw, 0o700))
		must(t, os.Mkdir(clean, 0o700))
		_, _ = artifact.Unpack(openRoot(t, raw), bytes.NewReader(src), true)
		checkAbove(t, above)

		var canon, again bytes.Buffer
		o := artifact.Options{Symlinks: true, MaxBytes: 1 << 20}
		if _, err := artifact.Canonical(&canon, bytes.NewReader(src), o); err != nil {
			return
		}
		// A name may be longer than this machine lets one be.
		if _, err := artifact.Unpack(openRoot(t, clean), bytes.NewReader(canon.Bytes()), false); err != nil {
			return
		}
		checkAbove(t, above)
		report, err := artifact.Pack(&again, openRoot(t, clean), ".", o)
		must(t, err)
		if len(report.LeftOut) > 0 || !bytes.Equal(canon.Bytes(), again.Bytes()) {
			t.Fatalf("came out as another tree, without %q", report.LeftOut)
		}
	})
}

// checkAbove looks that beside the two folders nothing was made or changed.
func checkAbove(t *testing.T, above string) {
	t.Helper()
	list, err := os.ReadDir(above)
	must(t, err)
	text, err := os.ReadFile(filepath.Join(above, "guard"))
	must(t, err)
	if len(list) != 3 || string(text) != "untouched" {
		t.Fatalf("outside of the folder: %v, %q", list, text)
	}
}
