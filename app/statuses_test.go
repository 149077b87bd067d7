package app

import (
	"testing"
	"time"
)

func TestStatuses(t *testing.T) {
	var s statuses
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	if !s.expect("a") || s.expect("a") || !s.expect("b") {
		t.Error("each is to be expected once")
	}
	if wait := s.begin("a", now, false); !wait.IsZero() {
		t.Errorf("the first waits until %s", wait)
	}
	if !s.expect("a") {
		t.Error("what changes after it has begun is not expected")
	}
	soon := now.Add(statusInterval - time.Second)
	if wait := s.begin("a", soon, false); !wait.Equal(now.Add(statusInterval)) {
		t.Errorf("the next may begin at %s", wait)
	}
	if s.expect("a") {
		t.Error("one that waits is expected twice")
	}
	if wait := s.begin("a", soon, true); !wait.IsZero() {
		t.Error("a person is kept waiting")
	}
	s.forget("a")
	if wait := s.begin("a", soon, false); !wait.IsZero() {
		t.Error("one that was forgotten waits")
	}
}
