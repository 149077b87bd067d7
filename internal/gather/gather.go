// Package gather makes few large writes of many small ones. It imports only the
// standard library and knows nothing of this project.
package gather

import (
	"io"
	"sync"
	"time"
)

// full is how many bytes are written without waiting for more.
const full = 64 << 10

// Writer holds what it is given until there is much of it or a moment has
// passed, so that a quick writer costs few calls and a slow one is seen at
// once. Any goroutine may use it. Whoever writes faster than the writer below
// can take waits for it.
type Writer struct {
	mu      sync.Mutex
	below   io.Writer
	patient time.Duration
	held    []byte
	timer   *time.Timer // set while something is held
	err     error
}

// NewWriter returns a Writer to below that holds bytes no longer than patient.
func NewWriter(below io.Writer, patient time.Duration) *Writer {
	return &Writer{below: below, patient: patient}
}

// Write takes all of p. Its error is the first that the writer below gave; from
// then on everything is dropped.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	w.held = append(w.held, p...)
	switch {
	case len(w.held) >= full:
		w.flush()
	case w.timer == nil:
		w.timer = time.AfterFunc(w.patient, w.late)
	}
	return len(p), w.err
}

// Flush writes what is held.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flush()
	return w.err
}

func (w *Writer) late() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flush()
}

func (w *Writer) flush() {
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	if len(w.held) == 0 || w.err != nil {
		return
	}
	_, w.err = w.below.Write(w.held)
	w.held = w.held[:0]
}
