package github

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func newInstallation() *installation {
	return (&Client{now: time.Now, installations: map[int64]*installation{}}).installation(7)
}

func TestWritesWaitForTheirBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, start := newInstallation(), time.Now()
		for range writeBurst {
			if err := in.admit(t.Context(), "POST"); err != nil {
				t.Fatal(err)
			}
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("the burst took %s", waited)
		}
		for range writesPerMinute {
			if err := in.admit(t.Context(), "PATCH"); err != nil {
				t.Fatal(err)
			}
			if err := in.admit(t.Context(), "GET"); err != nil { // costs nothing
				t.Fatal(err)
			}
		}
		if waited := time.Since(start).Round(time.Second); waited != time.Minute {
			t.Errorf("%d writes took %s", writesPerMinute, waited)
		}
	})
}

func TestWaitingWriteHearsOfALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstallation()
		for range writeBurst {
			_ = in.admit(t.Context(), "POST")
		}
		done := make(chan error)
		go func() { done <- in.admit(t.Context(), "POST") }()
		synctest.Wait()
		in.hold(time.Now().Add(time.Hour))
		var limited *RateLimited
		if err := <-done; !errors.As(err, &limited) {
			t.Errorf("got %v", err)
		}
	})
}

func TestWaitingWriteEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstallation()
		for range writeBurst {
			_ = in.admit(t.Context(), "POST")
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- in.admit(ctx, "POST") }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := in.admit(short, "POST"); !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAShorterHoldDoesNotEndALongerOne(t *testing.T) {
	in, until := newInstallation(), time.Now().Add(time.Hour)
	in.hold(until)
	in.hold(time.Now().Add(time.Minute))
	var limited *RateLimited
	if err := in.admit(t.Context(), "GET"); !errors.As(err, &limited) || !limited.Until.Equal(until) {
		t.Errorf("got %v", err)
	}
}
