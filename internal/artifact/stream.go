package artifact

import (
	"io"
	"sync"
	"sync/atomic"
)

// Stream is an archive that one goroutine packs and another reads. It is packed
// from the first Read on, or for the Unpack that it is given to: then Pack can do
// without the archive, and its digest is not computed twice.
type Stream struct {
	reader  *io.PipeReader
	writer  *io.PipeWriter
	pack    func(dst io.Writer) (Report, error)
	begun   sync.Once
	into    *unpacker // of the Unpack it was given to; nil: it is read
	stopped atomic.Bool
	done    chan struct{}
	report  Report
	err     error
}

// sink is the dst of a Stream.
type sink struct {
	*io.PipeWriter
	stream *Stream
}

// Start makes the stream of what pack writes. The reader gets the error of pack
// in place of io.EOF. The Stream must be closed.
func Start(pack func(dst io.Writer) (Report, error)) *Stream {
	r, w := io.Pipe()
	return &Stream{reader: r, writer: w, pack: pack, done: make(chan struct{})}
}

// begin starts the packing, once.
func (s *Stream) begin(into *unpacker) {
	s.begun.Do(func() {
		s.into = into
		go func() {
			defer close(s.done)
			s.report, s.err = s.pack(&sink{s.writer, s})
			_ = s.writer.CloseWithError(s.err)
		}()
	})
}

func (s *Stream) Read(p []byte) (int, error) {
	s.begin(nil)
	return s.reader.Read(p)
}

// Report waits for the end of the packing. Where nobody read on, its error is
// io.ErrClosedPipe.
func (s *Stream) Report() (Report, error) {
	<-s.done
	return s.report, s.err
}

// Stop ends the packing and the reading without waiting for either.
func (s *Stream) Stop() {
	s.begun.Do(func() { s.err = io.ErrClosedPipe; close(s.done) })
	s.stopped.Store(true)
	_ = s.reader.Close()
}

// Close ends the packing where it has not ended, and waits for it.
func (s *Stream) Close() error {
	s.Stop()
	<-s.done
	return nil
}
