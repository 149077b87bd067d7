package artifact

import (
	"archive/tar"
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
)

// Pack writes the canonical form of what stands at a path below root: a
// folder's content, or a single file under its base name. It gives the bytes
// that Canonical makes of the same tree, in one pass and without a spool file.
//
// The tree is hostile, so nothing but its folders and regular files is opened,
// no link is followed below the path, and no open blocks. It must not change
// meanwhile: its container has ended. Of the options Strip and TempDir mean
// nothing here. After an error dst holds nothing of use.
//
// Where dst is that of a Stream which is unpacked, files are copied from the one
// tree to the other within the system, and the archive is made only for its
// digest, or not at all when that is known.
func Pack(dst io.Writer, root *os.Root, name string, o Options) (Report, error) {
	out := &meter{dst: dst}
	if o.Known.Digest == "" {
		out.hash = newHasher()
	}
	p := packer{tree: tree{options: o}, copy: make([]byte, writeSize)}
	if s, ok := dst.(*sink); ok && s.stream.into != nil {
		p.direct, out.dst = s.stream, io.Discard
	}
	if p.direct == nil || out.hash != nil {
		p.buf = bufio.NewWriterSize(out, writeSize)
		p.w = tar.NewWriter(p.buf)
	}
	err := p.top(root, name)
	if err == nil {
		err = p.close()
	}
	report := Report{Digest: o.Known.Digest, Size: out.size, Files: p.files, LeftOut: p.leftOut.lines()}
	if p.w == nil {
		report.Size = o.Known.Size
	}
	if out.hash != nil {
		report.Digest = out.hash.sum()
	}
	if err != nil {
		return Report{}, err
	}
	return report, nil
}

// writeSize is how much is written at once: few calls, and little enough to
// stay in a processor's cache between the reading, the hashing and the writing.
const writeSize = 256 << 10

// packer writes the entries of a tree as it walks through it.
type packer struct {
	tree
	w      *tar.Writer // nil: nobody wants the archive
	buf    *bufio.Writer
	direct *Stream // whose unpacker gets the entries; nil: nobody but w does
	total  int64
	copy   []byte
}

func (p *packer) close() error {
	if p.w == nil {
		return nil
	}
	if err := errors.Join(p.w.Close(), p.buf.Flush()); err != nil {
		return fmt.Errorf("write tar: %w", err)
	}
	return nil
}

func (p *packer) top(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if err != nil {
		return outside(err)
	}
	switch {
	case info.IsDir():
		return p.inside(root, name, "")
	case info.Mode().IsRegular():
		folder, err := root.OpenRoot(path.Dir(name))
		if err != nil {
			return err
		}
		defer folder.Close()
		return p.entry(folder, path.Base(name), path.Base(name))
	default:
		return fmt.Errorf("%s: %w: it is a %s", name, ErrNotRegular, modeName(info.Mode()))
	}
}

// outside names the refusal of a Root to leave itself, which is the only error of
// its methods that no system call made.
func outside(err error) error {
	var call syscall.Errno
	if errors.As(err, &call) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrOutside, err)
}

// inside packs the content of a folder whose place in the artifact is prefix:
// empty, or a path that ends with a slash.
func (p *packer) inside(parent *os.Root, name, prefix string) error {
	folder, err := parent.OpenRoot(name)
	if err != nil {
		return err
	}
	defer folder.Close()
	names, err := p.list(folder, prefix)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := p.entry(folder, n, prefix+n); err != nil {
			return err
		}
	}
	return nil
}

// list returns a folder's names in the order they have in an archive, where a
// folder's name ends with a slash.
func (p *packer) list(folder *os.Root, prefix string) ([]string, error) {
	f, err := folder.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var keys []string
	for {
		entries, err := f.ReadDir(4096)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if err := p.weigh(prefix + e.Name()); err != nil {
				return nil, err
			}
			keys = append(keys, key(e))
		}
	}
	slices.Sort(keys)
	for i, k := range keys {
		if k[len(k)-1] == '/' {
			keys[i] = k[:len(k)-1]
		}
	}
	return keys, nil
}

func key(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

// weigh bounds an artifact of names alone.
func (p *packer) weigh(name string) error { return p.tree.weigh(&tar.Header{Name: name}) }

func (p *packer) entry(folder *os.Root, name, place string) error {
	if _, err := cleanName(place, 0, false); err != nil {
		p.leftOut.add(place, err.Error())
		return nil
	}
	info, err := folder.Lstat(name)
	if err != nil {
		return err
	}
	h := &tar.Header{Name: place, Mode: int64(info.Mode().Perm()), ModTime: p.time(), Format: tar.FormatPAX}
	switch mode := info.Mode(); {
	case mode.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, place+"/"
		if err := p.header(h); err != nil {
			return err
		}
		return p.inside(folder, name, h.Name)
	case mode.IsRegular():
		return p.regular(folder, name, h)
	case mode&fs.ModeSymlink != 0:
		return p.symlink(folder, name, h)
	default:
		p.leftOut.add(place, modeName(mode))
		return nil
	}
}

func (p *packer) symlink(folder *os.Root, name string, h *tar.Header) error {
	if !p.options.Symlinks {
		p.leftOut.add(h.Name, "symbolic link")
		return nil
	}
	target, err := folder.Readlink(name)
	if err != nil {
		return err
	}
	if err := checkLink(h.Name, target); err != nil {
		p.leftOut.add(h.Name, err.Error())
		return nil
	}
	h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, target, 0o777
	return p.header(h)
}

func (p *packer) regular(folder *os.Root, name string, h *tar.Header) error {
	f, err := OpenRegular(folder, name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h.Typeflag, h.Size = tar.TypeReg, info.Size()
	if err := p.header(h); err != nil {
		return err
	}
	p.files++
	copied := make(chan error, 1)
	if p.direct == nil {
		copied <- nil
	} else {
		go func() { copied <- p.direct.into.twin(h, f, p.direct.stopped.Load) }()
	}
	err = errors.Join(p.content(f, h.Size), <-copied)
	if err != nil {
		return fmt.Errorf("pack %q: %w", h.Name, err)
	}
	return nil
}

// content writes a file to the archive. It leaves the place in the file alone.
func (p *packer) content(f *os.File, size int64) error {
	if p.w == nil {
		return nil
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{p.w}, struct{ io.Reader }{io.NewSectionReader(f, 0, size)}, p.copy)
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (p *packer) header(h *tar.Header) error {
	p.total += blockSize + (h.Size+blockSize-1)/blockSize*blockSize
	if limit := p.options.MaxBytes; limit > 0 && p.total+2*blockSize > limit {
		return ErrTooLarge
	}
	var err error
	if p.w != nil {
		err = p.w.WriteHeader(h)
	}
	if err == nil && p.direct != nil && h.Typeflag != tar.TypeReg {
		place := *h
		place.Name = strings.TrimSuffix(h.Name, "/")
		err = p.direct.into.entry(&place, nil)
	}
	if err != nil {
		return fmt.Errorf("pack %q: %w", h.Name, err)
	}
	return nil
}

// OpenRegular opens a regular file below root for reading. Anything else, a
// link included, is an error: a named pipe must not block whoever looks at what
// a container left, nor a link lead elsewhere.
func OpenRegular(root *os.Root, name string) (*os.File, error) {
	before, err := root.Lstat(name)
	if err != nil {
		return nil, outside(err)
	}
	if !before.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w: it is a %s", name, ErrNotRegular, modeName(before.Mode()))
	}
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	after, err := f.Stat()
	if err == nil && !os.SameFile(before, after) {
		err = fmt.Errorf("%s: %w: it was exchanged", name, ErrNotRegular)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

var (
	// ErrNotRegular is what OpenRegular answers for what is no regular file, and
	// Pack for what is no folder either.
	ErrNotRegular = errors.New("not a regular file")
	// ErrOutside is what both answer for a path that leads out of the root.
	ErrOutside = errors.New("leads out of its folder")
)

func modeName(m fs.FileMode) string {
	return cmp.Or(map[fs.FileMode]string{
		fs.ModeDir:                        "folder",
		fs.ModeSymlink:                    "symbolic link",
		fs.ModeNamedPipe:                  kindName(tar.TypeFifo),
		fs.ModeDevice:                     kindName(tar.TypeBlock),
		fs.ModeDevice | fs.ModeCharDevice: kindName(tar.TypeChar),
		fs.ModeSocket:                     "socket",
	}[m.Type()], kindName(0))
}
