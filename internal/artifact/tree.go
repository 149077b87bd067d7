package artifact

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// entry is one name of the tree. A hard link is one until settle makes it a
// copy of what it points to.
type entry struct {
	kind   byte // tar.TypeDir, TypeReg, TypeSymlink or TypeLink
	mode   int64
	link   string // target, of both sorts of link
	offset int64  // of a file's content in the spool
	size   int64
}

type tree struct {
	options Options
	spool   *spool
	entries map[string]entry
	weight  int64 // bytes of headers read, so that an archive of names alone is bounded too
	count   int   // of headers read
	leftOut notes
	comment string
	files   int
}

func newTree(o Options, s *spool) *tree {
	return &tree{options: o, spool: s, entries: map[string]entry{}}
}

// read takes in every entry; of two with one name the last wins.
func (t *tree) read(src io.Reader) error {
	r := tar.NewReader(src)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read tar: %w", err)
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			if c := h.PAXRecords["comment"]; t.comment == "" && len(c) <= maxElement {
				t.comment = c
			}
			continue
		}
		if err := t.weigh(h); err != nil {
			return err
		}
		if err := t.take(h, r); err != nil {
			return fmt.Errorf("read %q: %w", h.Name, err)
		}
	}
}

// weigh looks at the limits before the content is read: a sparse file is large
// only when it is.
func (t *tree) weigh(h *tar.Header) error {
	t.count++
	t.weight += blockSize + int64(len(h.Name)+len(h.Linkname))
	switch o := t.options; {
	case o.MaxBytes > 0 && (t.weight > o.MaxBytes || h.Size > o.MaxBytes-t.weight):
		return ErrTooLarge
	case o.MaxEntries > 0 && t.count > o.MaxEntries:
		return ErrTooMany
	}
	return nil
}

func (t *tree) take(h *tar.Header, content io.Reader) error {
	name, err := cleanName(h.Name, t.options.Strip, h.Typeflag == tar.TypeDir)
	if err != nil {
		t.leftOut.add(h.Name, err.Error())
		return nil
	}
	if name == root {
		if h.Typeflag != tar.TypeDir {
			t.leftOut.add(h.Name, "not a folder or file")
		}
		return nil
	}
	e := entry{kind: h.Typeflag, mode: h.Mode & 0o777}
	switch h.Typeflag {
	case tar.TypeDir:
	case tar.TypeReg, tar.TypeGNUSparse:
		e.kind = tar.TypeReg
		if e.offset, e.size, err = t.spool.add(content); err != nil {
			return err
		}
	case tar.TypeSymlink:
		if !t.options.Symlinks {
			t.leftOut.add(name, "symbolic link")
			return nil
		}
		if err := checkLink(name, h.Linkname); err != nil {
			t.leftOut.add(name, err.Error())
			return nil
		}
		e.link, e.mode = h.Linkname, 0o777
	case tar.TypeLink:
		if e.link, err = cleanName(h.Linkname, t.options.Strip, false); err != nil {
			t.leftOut.add(name, "hard link: "+err.Error())
			return nil //nolint:nilerr // a link that escapes is left out, and said so
		}
	default:
		t.leftOut.add(name, kindName(h.Typeflag))
		return nil
	}
	t.entries[name] = e
	return nil
}

// settle makes a proper tree of the entries: every one stands in folders, and
// hard links have become copies.
func (t *tree) settle() {
	folders := map[string]bool{root: true}
	for _, name := range t.names() {
		if !t.folder(parent(name), folders) {
			t.leftOut.add(name, "stands below something that is not a folder")
			delete(t.entries, name)
		}
	}
	resolved := map[string]entry{}
	for _, name := range t.names() {
		if t.entries[name].kind != tar.TypeLink {
			continue
		}
		e, err := t.resolve(name)
		if err != nil {
			t.leftOut.add(name, err.Error())
		}
		resolved[name] = e
	}
	for name, e := range resolved {
		if e.kind == 0 {
			delete(t.entries, name)
			continue
		}
		t.entries[name] = e
	}
}

// folder tells whether entries may stand in the named folder, and makes it
// where the archive only implied it.
func (t *tree) folder(name string, known map[string]bool) bool {
	if ok, seen := known[name]; seen {
		return ok
	}
	e, there := t.entries[name]
	ok := (!there || e.kind == tar.TypeDir) && t.folder(parent(name), known)
	if ok && !there {
		t.entries[name] = entry{kind: tar.TypeDir, mode: 0o755}
	}
	known[name] = ok
	return ok
}

// resolve follows a chain of hard links to the file it ends at.
func (t *tree) resolve(name string) (entry, error) {
	e := t.entries[name]
	for hops := 0; e.kind == tar.TypeLink; hops++ {
		target, there := t.entries[e.link]
		if !there || hops > len(t.entries) {
			return entry{}, fmt.Errorf("hard link to %q, which is not in the artifact", e.link)
		}
		e = target
	}
	switch e.kind {
	case tar.TypeReg:
		return e, nil
	case tar.TypeSymlink:
		return e, checkedCopy(&e, name)
	default:
		return entry{}, errors.New("hard link to a folder")
	}
}

// checkedCopy looks at a symbolic link again for the place it is copied to.
func checkedCopy(e *entry, name string) error {
	if err := checkLink(name, e.link); err != nil {
		*e = entry{}
		return err
	}
	return nil
}

func (t *tree) names() []string {
	names := make([]string, 0, len(t.entries))
	for name := range t.entries {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

const blockSize = 512

// write puts the tree out. Its whole size is known before the first byte.
func (t *tree) write(dst io.Writer) error {
	names := make([]string, 0, len(t.entries))
	total := int64(2 * blockSize)
	for name, e := range t.entries {
		if e.kind == tar.TypeDir {
			name += "/"
		}
		names = append(names, name)
		total += blockSize + (e.size+blockSize-1)/blockSize*blockSize
	}
	if t.options.MaxBytes > 0 && total > t.options.MaxBytes {
		return ErrTooLarge
	}
	slices.Sort(names)
	buf := bufio.NewWriterSize(dst, 64<<10)
	w := tar.NewWriter(buf)
	for _, name := range names {
		if err := t.writeEntry(w, name); err != nil {
			return fmt.Errorf("write %q: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("write end of tar: %w", err)
	}
	if err := buf.Flush(); err != nil {
		return fmt.Errorf("write tar: %w", err)
	}
	return nil
}

func (t *tree) writeEntry(w *tar.Writer, name string) error {
	key := name
	if key[len(key)-1] == '/' {
		key = key[:len(key)-1]
	}
	e := t.entries[key]
	h := &tar.Header{
		Typeflag: e.kind,
		Name:     name,
		Linkname: e.link,
		Size:     e.size,
		Mode:     e.mode,
		ModTime:  t.time(),
		Format:   tar.FormatPAX, // plain USTAR wherever that can say it; never GNU's
	}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	if e.kind != tar.TypeReg {
		return nil
	}
	t.files++
	_, err := io.Copy(w, t.spool.section(e.offset, e.size))
	return err
}

func (t *tree) time() time.Time {
	if t.options.Time.IsZero() {
		return time.Unix(0, 0)
	}
	return t.options.Time.Truncate(time.Second)
}

func kindName(flag byte) string {
	switch flag {
	case tar.TypeChar, tar.TypeBlock:
		return "device"
	case tar.TypeFifo:
		return "named pipe"
	default:
		return "neither folder, file nor link"
	}
}

// notes collects what was left out, in the order it was met.
type notes struct {
	list []string
	more int
	last string // the name added last
}

// add notes a name, unless it stands below the one before: whoever reads of a
// folder does not want to read of all in it.
func (n *notes) add(name, why string) {
	if n.last != "" && strings.HasPrefix(name, n.last+"/") {
		return
	}
	n.last = strings.TrimSuffix(name, "/")
	if len(n.list) >= maxLeftOut {
		n.more++
		return
	}
	if len(name) > maxElement {
		name = name[:maxElement] + "…"
	}
	n.list = append(n.list, fmt.Sprintf("%q: %s", name, why))
}

func (n *notes) lines() []string {
	if n.more == 0 {
		return n.list
	}
	return append(n.list, fmt.Sprintf("and %d more", n.more))
}
