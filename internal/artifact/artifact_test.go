package artifact_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/artifact"
)

var commitTime = time.Date(2024, 5, 6, 7, 8, 9, 123456789, time.UTC)

func file(name, text string) (tar.Header, string) {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(text))}, text
}

type item struct {
	h    tar.Header
	text string
}

func f(name, text string) item {
	h, text := file(name, text)
	return item{h, text}
}

func d(name string) item { return item{h: tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755}} }

func l(name, target string) item {
	return item{h: tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}}
}

func hard(name, target string) item {
	return item{h: tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target, Mode: 0o644}}
}

func special(name string, flag byte) item {
	return item{h: tar.Header{Typeflag: flag, Name: name, Mode: 0o644}}
}

func pack(t testing.TB, items ...item) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, i := range items {
		if err := w.WriteHeader(&i.h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, i.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func canonical(t testing.TB, src []byte, o artifact.Options) ([]byte, artifact.Report) {
	t.Helper()
	var b bytes.Buffer
	o.TempDir = t.TempDir()
	r, err := artifact.Canonical(&b, bytes.NewReader(src), o)
	if err != nil {
		t.Fatal(err)
	}
	if int64(b.Len()) != r.Size {
		t.Errorf("wrote %d bytes, reports %d", b.Len(), r.Size)
	}
	return b.Bytes(), r
}

// list writes one line per entry.
func list(t testing.TB, b []byte) []string {
	t.Helper()
	var all []string
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%c %o %s", h.Typeflag, h.Mode, h.Name)
		if h.Linkname != "" {
			line += " -> " + h.Linkname
		}
		if len(text) > 0 {
			line += ": " + string(text)
		}
		all = append(all, line)
	}
}

func TestCanonicalForm(t *testing.T) {
	src := pack(t, f("z", "last"), d("a"), f("a/x", "1"), f("a-b", "2"), f("implied/deep/file", "3"), l("a/link", "../z"),
		item{h: tar.Header{Typeflag: tar.TypeReg, Name: "a/suid", Mode: 0o6755, Uid: 1000, Gid: 7, Uname: "me", Gname: "us", ModTime: time.Now()}})
	b, rep := canonical(t, src, artifact.Options{Time: commitTime, Symlinks: true})
	want := []string{
		"0 644 a-b: 2", "5 755 a/", "2 777 a/link -> ../z", "0 755 a/suid", "0 644 a/x: 1",
		"5 755 implied/", "5 755 implied/deep/", "0 644 implied/deep/file: 3", "0 644 z: last",
	}
	if diff := cmp.Diff(want, list(t, b)); diff != "" {
		t.Error(diff)
	}
	if rep.Files != 5 || len(rep.LeftOut) > 0 {
		t.Errorf("%+v", rep)
	}
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if err != nil {
			break
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" || !h.ModTime.Equal(commitTime.Truncate(time.Second)) {
			t.Errorf("%+v", h)
		}
	}
}

func TestHostileNames(t *testing.T) {
	src := pack(t,
		f("/etc/passwd", "x"), f("../up", "x"), f("a/../../up", "x"), f("a/../b", "x"), f(`back\slash`, "x"),
		l("absolute", "/etc/passwd"), l("climbing", "../x"), l("d/ok", "../good"), l("d/climbing", "../../x"),
		l("twisted", "d/../../x"), l("empty", "./."), l("self", "self"), l(`w`, `..\x`),
		l("link", "d"), f("link/below", "x"), f("good", "y"), f("good/below", "x"),
		hard("h1", "good"), hard("h2", "../good"), hard("h3", "/good"), hard("h4", "missing"), hard("h5", "d"),
		hard("h6", "h1"), hard("loop1", "loop2"), hard("loop2", "loop1"), hard("h7", "d/ok"), hard("d/h8", "d/ok"),
		special("fifo", tar.TypeFifo), special("dev", tar.TypeChar), special("block", tar.TypeBlock),
		f("twice", "first"), f("twice", "second"), f("./././dot", "z"), f(strings.Repeat("n", 300), "x"), f("tree", "x"), d("tree"),
	)
	b, rep := canonical(t, src, artifact.Options{Symlinks: true})
	want := []string{
		"5 755 d/", "2 777 d/h8 -> ../good", "2 777 d/ok -> ../good", "0 644 dot: z", "2 777 empty -> ./.",
		"0 644 good: y", "0 644 h1: y", "0 644 h6: y", "2 777 link -> d", "2 777 self -> self", "5 755 tree/", "0 644 twice: second",
	}
	if diff := cmp.Diff(want, list(t, b)); diff != "" {
		t.Error(diff)
	}
	said := strings.Join(rep.LeftOut, "\n")
	for _, name := range []string{
		"/etc/passwd", "../up", "a/../b", "absolute", "climbing", "d/climbing", "twisted", "link/below", "good/below",
		"h2", "h3", "h4", "h5", "h7", "loop1", "loop2", "fifo", "dev", "block", "nnn",
	} {
		if !strings.Contains(said, name) {
			t.Errorf("%s was dropped in silence", name)
		}
	}
	_, rep = canonical(t, src, artifact.Options{})
	if !slices.Contains(rep.LeftOut, `"link": symbolic link`) {
		t.Errorf("%q", rep.LeftOut)
	}
}

func TestStrip(t *testing.T) {
	for name, c := range map[string]struct {
		items []item
		want  []string
	}{
		"github": {
			[]item{d("acme-shop-abc/"), f("acme-shop-abc/main.go", "x"), hard("acme-shop-abc/copy", "acme-shop-abc/main.go")},
			[]string{"0 644 copy: x", "0 644 main.go: x"},
		},
		"docker folder": {[]item{d("out/"), d("out/bin/"), f("out/bin/shop", "x")}, []string{"5 755 bin/", "0 644 bin/shop: x"}},
		"docker file":   {[]item{f("shop", "x")}, []string{"0 644 shop: x"}},
		"nothing":       {[]item{d("out/")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b, rep := canonical(t, pack(t, c.items...), artifact.Options{Strip: 1})
			if diff := cmp.Diff(c.want, list(t, b)); diff != "" || len(rep.LeftOut) > 0 {
				t.Error(diff, rep.LeftOut)
			}
		})
	}
}

func TestComment(t *testing.T) {
	global := item{h: tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": "0123abcd"}}}
	b, rep := canonical(t, pack(t, global, f("a", "x")), artifact.Options{})
	if rep.Comment != "0123abcd" || len(list(t, b)) != 1 {
		t.Errorf("%+v", rep)
	}
}

// The digest depends on the tree alone.
func TestDigestIsStable(t *testing.T) {
	items := []item{d("a"), f("a/x", "1"), f("a/y", strings.Repeat("long", 9999)), f("b", ""), l("c", "a/x"), f(strings.Repeat("deep/", 60)+"file", "p")}
	o := artifact.Options{Time: commitTime, Symlinks: true}
	first, want := canonical(t, pack(t, items...), o)
	for range 20 {
		rand.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		for i := range items {
			items[i].h.Uid, items[i].h.ModTime = rand.IntN(9), time.Unix(rand.Int64N(1e9), 0)
		}
		src := pack(t, items...)
		if rand.IntN(2) == 0 {
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			_, _ = w.Write(src)
			_ = w.Close()
			src = z.Bytes()
		}
		if _, got := canonical(t, src, o); got.Digest != want.Digest {
			t.Fatalf("digest %s became %s", want.Digest, got.Digest)
		}
	}
	if again, got := canonical(t, first, o); got.Digest != want.Digest || !bytes.Equal(again, first) {
		t.Error("the canonical form is not its own")
	}
}

func TestLimits(t *testing.T) {
	sparse := pack(t, f("big", strings.Repeat("x", 4<<20)))
	names := make([]item, 3000)
	links := []item{f("a", strings.Repeat("x", 1<<19))}
	for i := range names {
		names[i] = d(fmt.Sprintf("d%d", i))
	}
	for i := range 10 {
		links = append(links, hard(fmt.Sprintf("h%d", i), "a"))
	}
	for name, src := range map[string][]byte{"content": sparse, "names": pack(t, names...), "hard links": pack(t, links...)} {
		var b bytes.Buffer
		_, err := artifact.Canonical(&b, bytes.NewReader(src), artifact.Options{MaxBytes: 1 << 20, TempDir: t.TempDir()})
		if !errors.Is(err, artifact.ErrTooLarge) || b.Len() > 0 {
			t.Errorf("%s: %v after %d bytes", name, err, b.Len())
		}
	}
}

func TestBrokenSources(t *testing.T) {
	good := pack(t, f("a", strings.Repeat("x", 5000)))
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write(good)
	_ = w.Close()
	noSum := z.Bytes()[:z.Len()-8]
	for name, src := range map[string]io.Reader{
		"empty":        strings.NewReader(""),
		"truncated":    bytes.NewReader(good[:3000]),
		"no tar":       strings.NewReader(strings.Repeat("hello", 1000)),
		"gzip no sum":  bytes.NewReader(noSum),
		"late error":   io.MultiReader(bytes.NewReader(good), iotest.ErrReader(io.ErrUnexpectedEOF)),
		"endless tail": io.MultiReader(bytes.NewReader(good), zeros{}),
	} {
		if _, err := artifact.Canonical(io.Discard, src, artifact.Options{TempDir: t.TempDir()}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestNoFileIsLeft(t *testing.T) {
	dir := t.TempDir()
	_, _ = artifact.Canonical(io.Discard, bytes.NewReader(pack(t, f("a", "x"))), artifact.Options{TempDir: dir})
	if left, _ := filepath.Glob(dir + "/*"); len(left) > 0 {
		t.Error(left)
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add(pack(f, item{h: tar.Header{Typeflag: tar.TypeReg, Name: "a/b", Mode: 0o644, Size: 1}, text: "x"}), 0)
	f.Add(pack(f, d("a"), l("a/l", "../b"), hard("h", "a/l"), special("p", tar.TypeFifo)), 1)
	f.Fuzz(func(t *testing.T, src []byte, strip int) {
		o := artifact.Options{Strip: strip & 3, Symlinks: true, MaxBytes: 8 << 20}
		var b bytes.Buffer
		rep, err := artifact.Canonical(&b, bytes.NewReader(src), o)
		if err != nil {
			return
		}
		checkTree(t, b.Bytes())
		o.Strip = 0
		again, err := artifact.Canonical(io.Discard, bytes.NewReader(b.Bytes()), o)
		if err != nil || again.Digest != rep.Digest || len(again.LeftOut) > 0 {
			t.Fatalf("not its own canonical form: %v, %q", err, again.LeftOut)
		}
	})
}

// checkTree looks that what was written can be unpacked anywhere.
func checkTree(t *testing.T, b []byte) {
	t.Helper()
	last := ""
	dirs := map[string]bool{".": true}
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(h.Name, "/")
		switch {
		case h.Name <= last:
			t.Fatalf("%q after %q", h.Name, last)
		case !filepath.IsLocal(name) || filepath.Clean(name) != name:
			t.Fatalf("%q leads out", h.Name)
		case !dirs[filepath.Dir(name)]:
			t.Fatalf("%q stands in no folder", h.Name)
		case h.Mode&^0o777 != 0:
			t.Fatalf("%q has mode %o", h.Name, h.Mode)
		}
		switch h.Typeflag {
		case tar.TypeDir:
			dirs[name] = true
		case tar.TypeReg:
		case tar.TypeSymlink:
			if !filepath.IsLocal(filepath.Join(filepath.Dir(name), h.Linkname)) || filepath.IsAbs(h.Linkname) {
				t.Fatalf("%q -> %q leads out", name, h.Linkname)
			}
		default:
			t.Fatalf("%q is a %c", name, h.Typeflag)
		}
		last = h.Name
	}
}

func BenchmarkCanonical(b *testing.B) {
	items := make([]item, 200)
	for i := range items {
		items[i] = f(fmt.Sprintf("dir%d/file%d", i%7, i), strings.Repeat("some text ", 10000))
	}
	src := pack(b, items...)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, err := artifact.Canonical(io.Discard, bytes.NewReader(src), artifact.Options{TempDir: b.TempDir()}); err != nil {
			b.Fatal(err)
		}
	}
}
