package artifact

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

// spool keeps the contents of all files one after the other in one temporary
// file, which has no name once it is open.
type spool struct {
	file *os.File
	buf  *bufio.Writer
	size int64
	max  int64 // zero: no bound
}

func newSpool(dir string, limit int64) (*spool, error) {
	f, err := os.CreateTemp(dir, "artifact-*")
	if err != nil {
		return nil, fmt.Errorf("create spool file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("unlink spool file: %w", err)
	}
	return &spool{file: f, buf: bufio.NewWriterSize(f, 64<<10), max: limit}, nil
}

// add appends what r has and returns where it stands.
func (s *spool) add(r io.Reader) (offset, size int64, err error) {
	offset = s.size
	if s.max > 0 {
		r = io.LimitReader(r, s.max-s.size+1)
	}
	size, err = io.Copy(s.buf, r)
	s.size += size
	if err != nil {
		return 0, 0, fmt.Errorf("spool: %w", err)
	}
	if s.max > 0 && s.size > s.max {
		return 0, 0, ErrTooLarge
	}
	return offset, size, nil
}

func (s *spool) flush() error {
	if err := s.buf.Flush(); err != nil {
		return fmt.Errorf("flush spool file: %w", err)
	}
	return nil
}

func (s *spool) section(offset, size int64) io.Reader {
	return io.NewSectionReader(s.file, offset, size)
}

// close drops the file. Nothing depends on its bytes any more, so an error has
// nobody to tell.
func (s *spool) close() { _ = s.file.Close() }
