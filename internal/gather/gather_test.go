package gather_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagegate/stagegate/internal/gather"
)

// sink counts the writes it gets.
type sink struct {
	mu sync.Mutex
	bytes.Buffer
	writes int
	err    error
}

// count is for the time while somebody may write.
func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	if s.err != nil {
		return 0, s.err
	}
	return s.Buffer.Write(p)
}

func TestManyLinesAreFewWrites(t *testing.T) {
	var below sink
	w := gather.NewWriter(&below, time.Hour)
	line := strings.Repeat("x", 99) + "\n"
	for range 10_000 {
		if _, err := w.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := below.String(); got != strings.Repeat(line, 10_000) {
		t.Errorf("%d bytes came through, want %d", len(got), 10_000*len(line))
	}
	if below.writes > 20 {
		t.Errorf("a megabyte took %d writes", below.writes)
	}
}

func TestALoneLineIsNotHeldForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var below sink
		w := gather.NewWriter(&below, 5*time.Millisecond)
		_, _ = w.Write([]byte("one\n"))
		if below.count() != 0 {
			t.Error("written at once")
		}
		time.Sleep(6 * time.Millisecond)
		synctest.Wait()
		if below.String() != "one\n" {
			t.Errorf("after its time there is %q", below.String())
		}
	})
}

func TestTheFirstErrorStays(t *testing.T) {
	below := sink{err: errors.New("broken pipe")}
	w := gather.NewWriter(&below, time.Hour)
	_, _ = w.Write([]byte("one"))
	if err := w.Flush(); !errors.Is(err, below.err) {
		t.Errorf("Flush gives %v", err)
	}
	if _, err := w.Write([]byte("two")); !errors.Is(err, below.err) {
		t.Errorf("Write gives %v", err)
	}
	if below.writes != 1 {
		t.Errorf("%d writes below, want one", below.writes)
	}
}
