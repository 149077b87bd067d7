package artifact

import "io"

// Stream is an archive that one goroutine packs and another reads. Pack has
// computed its digest when it ends, so that Unpack of a Stream does not do so
// again.
type Stream struct {
	reader *io.PipeReader
	done   chan struct{}
	report Report
	err    error
}

// Start begins to pack. The reader gets the error of pack in place of io.EOF.
// The Stream must be closed.
func Start(pack func(dst io.Writer) (Report, error)) *Stream {
	r, w := io.Pipe()
	s := &Stream{reader: r, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.report, s.err = pack(w)
		_ = w.CloseWithError(s.err)
	}()
	return s
}

func (s *Stream) Read(p []byte) (int, error) { return s.reader.Read(p) }

// Report waits for the end of the packing. Where nobody read on, its error is
// io.ErrClosedPipe.
func (s *Stream) Report() (Report, error) {
	<-s.done
	return s.report, s.err
}

// Stop ends the packing and the reading without waiting for either.
func (s *Stream) Stop() { _ = s.reader.Close() }

// Close ends the packing where it has not ended, and waits for it.
func (s *Stream) Close() error {
	s.Stop()
	<-s.done
	return nil
}
