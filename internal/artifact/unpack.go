package artifact

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ErrNotCanonical is wrapped by what Entries and Unpack answer about an archive
// that Canonical or Pack did not make: it was changed since.
var ErrNotCanonical = errors.New("not canonical")

// Entries calls do for every entry of a canonical archive and reads the archive
// to its very end, so that whoever hashes src has seen all of it. The names
// have no slash at their end.
func Entries(src io.Reader, do func(h *tar.Header, content io.Reader) error) error {
	r := tar.NewReader(src)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, src)
			return err
		}
		if err != nil {
			return fmt.Errorf("read tar: %w", err)
		}
		name := strings.TrimSuffix(h.Name, "/")
		if !filepath.IsLocal(name) || path.Clean(name) != name {
			return fmt.Errorf("entry %q is %w", h.Name, ErrNotCanonical)
		}
		switch h.Typeflag {
		case tar.TypeDir, tar.TypeReg, tar.TypeSymlink:
		default:
			return fmt.Errorf("entry %q is %w", h.Name, ErrNotCanonical)
		}
		h.Name, h.Mode = name, h.Mode&0o777
		if err := do(h, r); err != nil {
			return err
		}
	}
}

// Unpack makes the tree of a canonical archive below root, whose folder must be
// empty, and returns the archive's digest. With widen whoever may be the user
// of a container can write all of it. Files have the time of the archive.
func Unpack(root *os.Root, src io.Reader, widen bool) (digest string, err error) {
	u := &unpacker{root: root, widen: widen, copy: make([]byte, writeSize)}
	if stream, ok := src.(*Stream); ok {
		stream.begin(u)
		if err := u.entries(stream); err != nil { // without one where Pack made them
			return "", err
		}
		report, err := stream.Report()
		return report.Digest, err
	}
	h := newHasher()
	err = u.entries(io.TeeReader(src, h))
	digest = h.sum()
	if err != nil {
		return "", err
	}
	return digest, nil
}

func (u *unpacker) entries(src io.Reader) error {
	if err := Entries(src, u.entry); err != nil {
		return err
	}
	return u.close()
}

type unpacker struct {
	root  *os.Root
	widen bool
	copy  []byte
	shut  []closedFolder
}

// closedFolder is one that even its owner may not change.
type closedFolder struct {
	name string
	mode fs.FileMode
}

// close gives the folders their modes that could not have them while they were
// filled.
func (u *unpacker) close() error {
	for _, f := range slices.Backward(u.shut) {
		if err := u.root.Chmod(f.name, f.mode); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacker) entry(h *tar.Header, content io.Reader) error {
	switch mode := fs.FileMode(h.Mode); h.Typeflag {
	case tar.TypeDir:
		return u.folder(h.Name, mode)
	case tar.TypeSymlink:
		return u.root.Symlink(h.Linkname, h.Name)
	default:
		return u.file(h.Name, mode, content, h.ModTime)
	}
}

func (u *unpacker) folder(name string, mode fs.FileMode) error {
	if u.widen {
		mode |= 0o777
	}
	if err := u.root.Mkdir(name, 0o700); err != nil {
		return err
	}
	if mode&0o700 != 0o700 {
		u.shut = append(u.shut, closedFolder{name, mode})
	}
	return u.root.Chmod(name, mode|0o700)
}

func (u *unpacker) file(name string, mode fs.FileMode, content io.Reader, at time.Time) error {
	return u.create(name, mode, at, func(f *os.File) error {
		_, err := io.CopyBuffer(struct{ io.Writer }{f}, content, u.copy)
		return err
	})
}

func (u *unpacker) create(name string, mode fs.FileMode, at time.Time, fill func(*os.File) error) error {
	if u.widen {
		mode |= 0o666
	}
	f, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err = errors.Join(fill(f), f.Chmod(mode), f.Close()); err != nil {
		return err
	}
	return u.root.Chtimes(name, time.Time{}, at)
}

// twinSize is how much of a file the system copies before it is asked whether
// to go on.
const twinSize = 32 << 20

// twin makes the file of a header as a copy of another one, within the system
// where that can.
func (u *unpacker) twin(h *tar.Header, src *os.File, stopped func() bool) error {
	return u.create(h.Name, fs.FileMode(h.Mode), h.ModTime, func(f *os.File) error {
		for rest := h.Size; rest > 0; {
			if stopped() {
				return io.ErrClosedPipe
			}
			n, err := io.CopyN(f, src, min(rest, twinSize))
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			if err != nil {
				return err
			}
			rest -= n
		}
		return nil
	})
}

// hasher computes a SHA-256 beside whoever writes to it, on a processor of its
// own.
type hasher struct {
	full, free chan []byte
	done       chan struct{}
	hash       hash.Hash
}

func newHasher() *hasher {
	h := &hasher{full: make(chan []byte, 8), free: make(chan []byte, 8), done: make(chan struct{}), hash: sha256.New()}
	go func() {
		defer close(h.done)
		for b := range h.full {
			h.hash.Write(b)
			select {
			case h.free <- b:
			default:
			}
		}
	}()
	return h
}

func (h *hasher) Write(p []byte) (int, error) {
	var b []byte
	select {
	case b = <-h.free:
	default:
	}
	h.full <- append(b[:0], p...)
	return len(p), nil
}

// sum ends the hasher.
func (h *hasher) sum() string {
	close(h.full)
	<-h.done
	return hex.EncodeToString(h.hash.Sum(nil))
}
