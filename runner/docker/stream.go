package docker

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/stagegate/stagegate/runner"
)

// stream reads the frames in which the engine mixes stdout and stderr: eight
// bytes, the stream's number first and the length in the last four, then that
// many bytes. The pieces keep the order in which they came.
type stream struct {
	r     *bufio.Reader
	under io.Closer
	dated bool // every frame begins with the engine's time
	buf   []byte
	kind  runner.Stream
	at    time.Time
	rest  int64 // of the frame
	once  sync.Once
	err   error
}

const (
	frameHeader = 8
	pieceSize   = 32 << 10
)

func newStream(r io.Reader, under io.Closer, dated bool) *stream {
	return &stream{r: bufio.NewReaderSize(r, 64<<10), under: under, dated: dated, buf: make([]byte, pieceSize)}
}

func (s *stream) Next() (runner.Chunk, error) {
	for s.rest == 0 {
		if err := s.frame(); err != nil {
			return runner.Chunk{}, err
		}
	}
	n, err := io.ReadFull(s.r, s.buf[:min(s.rest, pieceSize)])
	s.rest -= int64(n)
	if err != nil {
		return runner.Chunk{}, fmt.Errorf("read output: %w", err)
	}
	return runner.Chunk{Stream: s.kind, Time: s.at, Data: s.buf[:n]}, nil
}

// frame reads a header and, if there is one, the time behind it.
func (s *stream) frame() error {
	header := s.buf[:frameHeader]
	if _, err := io.ReadFull(s.r, header); err != nil {
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		return fmt.Errorf("read output: %w", err)
	}
	s.rest = int64(binary.BigEndian.Uint32(header[4:]))
	switch header[0] {
	case 0, 1:
		s.kind = runner.Stdout
	case 2:
		s.kind = runner.Stderr
	default: // 3 is the engine's own trouble with the log
		return s.trouble()
	}
	if s.dated {
		return s.date()
	}
	return nil
}

func (s *stream) trouble() error {
	text, _ := io.ReadAll(io.LimitReader(s.r, min(s.rest, 1<<10)))
	return fmt.Errorf("read output: the engine says %q", text)
}

// date reads the engine's time, which a space ends.
func (s *stream) date() error {
	head, err := s.r.Peek(int(min(s.rest, int64(len(time.RFC3339Nano)+1))))
	if err != nil {
		return fmt.Errorf("read output: %w", err)
	}
	end := bytes.IndexByte(head, ' ')
	if end < 0 {
		return fmt.Errorf("read output: no time in %q", head)
	}
	if s.at, err = time.Parse(time.RFC3339Nano, string(head[:end])); err != nil {
		return fmt.Errorf("read output: %w", err)
	}
	n, err := s.r.Discard(end + 1)
	s.rest -= int64(n)
	return err
}

// Close ends a Next that waits.
func (s *stream) Close() error {
	s.once.Do(func() {
		if err := s.under.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			s.err = err
		}
	})
	return s.err
}
