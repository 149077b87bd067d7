// Package artifact turns any tar archive into Stagegate's canonical form, the
// one an artifact is stored and named by: an uncompressed tar whose names are
// sorted bytewise, owned by 0:0, dated with one given time, holding only
// folders, regular files and, where asked for, symbolic links that cannot lead
// out of the tree. The same tree has the same bytes, and so the same SHA-256,
// whatever order, owner, compression or dates it came with.
//
// What goes in is hostile: it was left behind by a container or written by
// anyone with a repository. Nothing of it is ever created on this machine's
// file system but one spool file without its names. The package does no other
// I/O and imports nothing of this project.
package artifact

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrTooLarge is what Canonical answers when the archive, as it would be
// written, has more than Options.MaxBytes.
var ErrTooLarge = errors.New("artifact too large")

// ErrTooMany is what Canonical and Pack answer when there are more files, folders
// and links than Options.MaxEntries.
var ErrTooMany = errors.New("too many files in the artifact")

// Options say what becomes of the names, dates and links of an archive.
type Options struct {
	// Strip is how many leading path elements are dropped from every name: 1
	// for the archives GitHub makes of a commit and for what Docker makes of a
	// path. A file with no more elements than that keeps its base name, so a
	// single file stands in its artifact under its own name.
	Strip int
	// Time is the date of every entry, in whole seconds. Zero is 1970.
	Time time.Time
	// Symlinks keeps the symbolic links that are relative and cannot leave
	// the root. Without it all are left out.
	Symlinks bool
	// TempDir holds the spool file; empty is the system's.
	TempDir string
	// MaxBytes bounds the canonical archive and the spool file; zero is no
	// bound.
	MaxBytes int64
	// MaxEntries bounds the files, folders and links, those left out included;
	// zero is no bound.
	MaxEntries int
	// Known is what an earlier Pack of the same tree reported. Where it has a
	// Digest, Pack computes none.
	Known Report
}

// Report is what Canonical has to say about what it wrote.
type Report struct {
	Digest  string   // SHA-256 of the bytes written, hex
	Size    int64    // how many bytes were written
	Files   int      // regular files among them
	LeftOut []string // what was dropped and why, for people; at most maxLeftOut lines
	Comment string   // of the pax global header: where GitHub puts the commit's SHA
}

// maxLeftOut bounds Report.LeftOut; a last line says how many more there were.
const maxLeftOut = 50

// maxTrailer is how much may follow the end of a tar. GNU tar pads to 10 KiB.
const maxTrailer = 1 << 20

// Canonical reads a tar, gzipped or not, to its end and writes its canonical
// form. Names and links that are not safe are left out and named in the
// report, never followed. A source that ends early or is no tar is an error,
// and dst then holds nothing of use.
func Canonical(dst io.Writer, src io.Reader, o Options) (Report, error) {
	plain, err := decompress(src)
	if err != nil {
		return Report{}, err
	}
	spool, err := newSpool(o.TempDir, o.MaxBytes)
	if err != nil {
		return Report{}, err
	}
	defer spool.close()

	t := newTree(o, spool)
	if err := t.read(plain); err != nil {
		return Report{}, err
	}
	if err := drain(plain); err != nil {
		return Report{}, err
	}
	t.settle()
	if err := spool.flush(); err != nil {
		return Report{}, err
	}
	sum := newHasher()
	out := &meter{dst: dst, hash: sum}
	err = t.write(out)
	digest := sum.sum()
	if err != nil {
		return Report{}, err
	}
	return Report{
		Digest:  digest,
		Size:    out.size,
		Files:   t.files,
		LeftOut: t.leftOut.lines(),
		Comment: t.comment,
	}, nil
}

// decompress looks at the first bytes and puts a gzip reader in between where
// they ask for one.
func decompress(src io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(src, 64<<10)
	magic, err := b.Peek(2)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("read archive: %w", err)
	}
	if magic[0] != 0x1f || magic[1] != 0x8b {
		return b, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, fmt.Errorf("read gzip: %w", err)
	}
	return z, nil
}

// drain reads what follows the tar, so that a checksum or a length at the end
// of the transport is looked at.
func drain(r io.Reader) error {
	n, err := io.Copy(io.Discard, io.LimitReader(r, maxTrailer+1))
	if err != nil {
		return fmt.Errorf("read end of archive: %w", err)
	}
	if n > maxTrailer {
		return errors.New("read end of archive: more data follows the tar")
	}
	return nil
}

// meter hashes and counts what passes through it.
type meter struct {
	dst  io.Writer
	hash *hasher // nil: the digest is known
	size int64
}

// Write hands on to the hasher first, which then works while dst does. After an
// error of dst the digest is of no use.
func (m *meter) Write(p []byte) (int, error) {
	if m.hash != nil {
		_, _ = m.hash.Write(p) // it has no errors
	}
	n, err := m.dst.Write(p)
	m.size += int64(n)
	return n, err
}
