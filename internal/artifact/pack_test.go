package artifact_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/artifact"
)

func openRoot(t testing.TB, dir string) *os.Root {
	t.Helper()
	r, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func write(t testing.TB, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var linked = artifact.Options{Time: commitTime, Symlinks: true}

// TestPackIsCanonical packs trees of many shapes, and asks that the bytes are
// those that Canonical makes of an archive of the same tree.
func TestPackIsCanonical(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dir := t.TempDir()
			items := randomTree(t, dir, rand.New(rand.NewPCG(seed, 1)))
			want, wantReport := canonical(t, pack(t, items...), linked)
			var got bytes.Buffer
			report, err := artifact.Pack(&got, openRoot(t, dir), ".", linked)
			must(t, err)
			if !bytes.Equal(want, got.Bytes()) {
				t.Error("the archives differ")
			}
			if diff := cmp.Diff(wantReport, report); diff != "" {
				t.Errorf("report (-Canonical +Pack)\n%s", diff)
			}
		})
	}
}

// randomTree makes files on disk and returns the archive items of the same.
func randomTree(t *testing.T, dir string, r *rand.Rand) []item {
	t.Helper()
	names := []string{"a", "a.b", "a-b", "a0", "A", "é", "z z", "b\nc", strings.Repeat("n", 200)}
	var items []item
	var grow func(prefix string, depth int)
	grow = func(prefix string, depth int) {
		for _, n := range names {
			place := prefix + n
			full := filepath.Join(dir, place)
			switch r.IntN(6) {
			case 0, 1:
				text := strings.Repeat("x", r.IntN(2000))
				write(t, full, text, 0o640)
				i := f(place, text)
				i.h.Mode = 0o640
				items = append(items, i)
			case 2:
				must(t, os.Symlink("a", full))
				items = append(items, l(place, "a"))
			case 3:
				if depth == 0 {
					continue
				}
				must(t, os.Mkdir(full, 0o755))
				items = append(items, d(place+"/"))
				grow(place+"/", depth-1)
			}
		}
	}
	grow("", 3)
	r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	return items
}

// TestPackHostile is a tree as a container may leave it.
func TestPackHostile(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	write(t, outside, "secret", 0o644)
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	write(t, filepath.Join(out, "good"), "good", 0o6755)
	must(t, os.Chmod(filepath.Join(out, "good"), 0o755|os.ModeSetuid))
	must(t, os.Link(filepath.Join(out, "good"), filepath.Join(out, "hard")))
	must(t, os.Symlink(outside, filepath.Join(out, "absolute")))
	must(t, os.Symlink("../../secret", filepath.Join(out, "climbs")))
	must(t, os.Symlink("good", filepath.Join(out, "inner")))
	must(t, syscall.Mkfifo(filepath.Join(out, "pipe"), 0o644))
	must(t, syscall.Mknod(filepath.Join(out, "device"), syscall.S_IFCHR|0o666, 1<<8|3))
	write(t, filepath.Join(out, `back\slash`), "x", 0o644)
	socket, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(out, "socket"))
	must(t, err)
	defer socket.Close()

	var got bytes.Buffer
	report, err := artifact.Pack(&got, openRoot(t, dir), "out", linked)
	must(t, err)
	want := []string{
		`"absolute": absolute link`, `"back\\slash": backslash in the name`, `"climbs": link leads out of the artifact`,
		`"device": device`, `"pipe": named pipe`, `"socket": socket`,
	}
	if diff := cmp.Diff(want, report.LeftOut); diff != "" {
		t.Errorf("left out (-want +got)\n%s", diff)
	}
	wantEntries := []string{"good 755 good", "hard 755 good", "inner 777 → good"}
	if diff := cmp.Diff(wantEntries, listing(t, got.Bytes())); diff != "" {
		t.Errorf("entries (-want +got)\n%s", diff)
	}
}

func listing(t *testing.T, archive []byte) []string {
	t.Helper()
	var lines []string
	err := artifact.Entries(bytes.NewReader(archive), func(h *tar.Header, content io.Reader) error {
		text, err := io.ReadAll(content)
		line := fmt.Sprintf("%s %o %s", h.Name, h.Mode, text)
		if h.Typeflag == tar.TypeSymlink {
			line = fmt.Sprintf("%s %o → %s", h.Name, h.Mode, h.Linkname)
		}
		lines = append(lines, line)
		return err
	})
	must(t, err)
	return lines
}

func TestPackTop(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "out", "shop"), "binary", 0o755)
	must(t, os.Symlink("out", filepath.Join(dir, "inside")))
	must(t, os.Symlink("/etc", filepath.Join(dir, "outside")))
	must(t, os.Symlink("out/shop", filepath.Join(dir, "link")))
	must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
	tests := []struct{ name, want, err string }{
		{name: "out", want: "shop 755 binary"},
		{name: "out/shop", want: "shop 755 binary"},
		{name: "inside/shop", want: "shop 755 binary"},
		{name: "link", err: "link: not a regular file: it is a symbolic link"},
		{name: "inside", err: "inside: not a regular file: it is a symbolic link"},
		{name: "pipe", err: "pipe: not a regular file: it is a named pipe"},
		{name: "outside/passwd", err: "leads out of its folder"},
		{name: "../x", err: "leads out of its folder"},
		{name: "none", err: "no such file or directory"},
		{name: "out/shop/x", err: "not a directory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got bytes.Buffer
			_, err := artifact.Pack(&got, openRoot(t, dir), test.name, linked)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want %s", err, test.err)
				}
				return
			}
			must(t, err)
			if diff := cmp.Diff([]string{test.want}, listing(t, got.Bytes())); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestPackBounds(t *testing.T) {
	sparse, many := t.TempDir(), t.TempDir()
	write(t, filepath.Join(sparse, "huge"), "", 0o644)
	must(t, os.Truncate(filepath.Join(sparse, "huge"), 1<<40))
	for i := range 100 {
		write(t, filepath.Join(many, fmt.Sprint(i)), "", 0o644)
	}
	for name, dir := range map[string]string{"sparse file": sparse, "names alone": many} {
		t.Run(name, func(t *testing.T) {
			_, err := artifact.Pack(io.Discard, openRoot(t, dir), ".", artifact.Options{MaxBytes: 50 << 9})
			if !errors.Is(err, artifact.ErrTooLarge) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestUnpack asks that a tree survives the way into a folder and out of it.
func TestUnpack(t *testing.T) {
	shut := d("shut/")
	shut.h.Mode = 0o555
	archive, report := canonical(t, pack(t,
		f("a", "text"), d("empty/"), f("deep/er/x", strings.Repeat("y", 1<<20)), l("deep/link", "er/x"), shut, f("shut/in", "z"),
	), linked)
	dir := t.TempDir()
	digest, err := artifact.Unpack(openRoot(t, dir), bytes.NewReader(archive), false)
	must(t, err)
	if digest != report.Digest {
		t.Errorf("digest %s, want %s", digest, report.Digest)
	}
	var again bytes.Buffer
	_, err = artifact.Pack(&again, openRoot(t, dir), ".", linked)
	must(t, err)
	if !bytes.Equal(archive, again.Bytes()) {
		t.Error("the tree is another one")
	}
	info, err := os.Stat(filepath.Join(dir, "a"))
	must(t, err)
	if got := info.ModTime().Unix(); got != commitTime.Unix() {
		t.Errorf("the file is of %d, want %d", got, commitTime.Unix())
	}
}

func TestUnpackWidens(t *testing.T) {
	archive, _ := canonical(t, pack(t, f("folder/file", "text"), f("tool", "")), linked)
	dir := t.TempDir()
	_, err := artifact.Unpack(openRoot(t, dir), bytes.NewReader(archive), true)
	must(t, err)
	for name, want := range map[string]os.FileMode{"folder": 0o777, "folder/file": 0o666, "tool": 0o666} {
		info, err := os.Stat(filepath.Join(dir, name))
		must(t, err)
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", name, info.Mode().Perm(), want)
		}
	}
}

// TestUnpackRefuses are archives that somebody changed.
func TestUnpackRefuses(t *testing.T) {
	outside := t.TempDir()
	tests := map[string][]item{
		"climbs":        {f("../x", "")},
		"absolute":      {f("/x", "")},
		"through link":  {l("x", outside), f("x/y", "")},
		"over a link":   {l("x", filepath.Join(outside, "y")), f("x", "")},
		"device":        {special("x", tar.TypeChar)},
		"hard link":     {f("x", ""), hard("y", "x")},
		"not clean":     {f("a//b", "")},
		"twice":         {f("x", ""), f("x", "")},
		"below nothing": {f("x/y", "")},
	}
	for name, items := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := artifact.Unpack(openRoot(t, t.TempDir()), bytes.NewReader(pack(t, items...)), false); err == nil {
				t.Error("no error")
			}
		})
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("outside holds %v, %v", left, err)
	}
}

func TestEntriesAreBounded(t *testing.T) {
	dir := t.TempDir()
	var items []item
	for i := range 10 {
		name := fmt.Sprintf("f%d", i)
		write(t, filepath.Join(dir, name), "", 0o644)
		items = append(items, f(name, ""))
	}
	for limit, want := range map[int]error{9: artifact.ErrTooMany, 10: nil} {
		o := artifact.Options{MaxEntries: limit, TempDir: t.TempDir()}
		if _, err := artifact.Pack(io.Discard, openRoot(t, dir), ".", o); !errors.Is(err, want) {
			t.Errorf("packed at most %d: %v", limit, err)
		}
		if _, err := artifact.Canonical(io.Discard, bytes.NewReader(pack(t, items...)), o); !errors.Is(err, want) {
			t.Errorf("took at most %d: %v", limit, err)
		}
	}
}

// A name that leads too deep is left out by both, and nobody follows it down.
func TestDepthIsBounded(t *testing.T) {
	dir := t.TempDir()
	deepest := strings.Repeat("d/", 255) + "f"
	write(t, filepath.Join(dir, deepest), "", 0o644)
	write(t, filepath.Join(dir, strings.Repeat("d/", 300)+"f"), "", 0o644)
	var got bytes.Buffer
	report, err := artifact.Pack(&got, openRoot(t, dir), ".", linked)
	must(t, err)
	if report.Files != 1 || len(report.LeftOut) != 1 || !strings.HasSuffix(report.LeftOut[0], "deeper than 256 folders") {
		t.Errorf("%d files, left out %q", report.Files, report.LeftOut)
	}
	again, canon := canonical(t, pack(t, f(deepest, ""), d(strings.Repeat("d/", 256)), f(strings.Repeat("d/", 300)+"f", "")), linked)
	if !bytes.Equal(got.Bytes(), again) {
		t.Errorf("Canonical left out %q", canon.LeftOut)
	}
}
