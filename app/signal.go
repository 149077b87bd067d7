package app

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"sync"
	"time"
)

// signal wakes everybody who waits. Its zero value is ready.
type signal struct {
	mu sync.Mutex
	ch chan struct{}
}

// wait returns a channel that is closed at the next wake.
func (s *signal) wait() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}

// keyed is a set of locks by key. Its zero value is ready.
type keyed struct {
	mu    sync.Mutex
	locks map[string]*holders
}

type holders struct {
	sync.Mutex
	n int
}

// lock takes the key's lock and returns what gives it back.
func (k *keyed) lock(key string) (unlock func()) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = map[string]*holders{}
	}
	h := k.locks[key]
	if h == nil {
		h = &holders{}
		k.locks[key] = h
	}
	h.n++
	k.mu.Unlock()
	h.Lock()
	return func() {
		h.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if h.n--; h.n == 0 {
			delete(k.locks, key)
		}
	}
}

// every does something at once and then at each interval until ctx ends.
func every(ctx context.Context, interval time.Duration, do func()) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		do()
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// newToken draws 256 bits nobody can guess, fit for a URL.
func newToken() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails; it ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}
