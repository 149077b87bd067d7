package cron

import (
	"testing"
	"time"
)

// FuzzNext asks of any text that is taken for a schedule that its times come one after
// the other, and that the search for them ends.
func FuzzNext(f *testing.F) {
	f.Add("0 3 * * 1-5", "Europe/Paris", int64(1_700_000_000))
	f.Add("*/7 */5 29 2 *", "America/Sao_Paulo", int64(0))
	f.Add("0 0 31 2 *", "", int64(-1))
	f.Add("30 2 * * 0", "Australia/Lord_Howe", int64(1<<40))
	f.Fuzz(func(t *testing.T, text, zone string, from int64) {
		s, err := Parse(text, zone)
		if err != nil {
			return
		}
		at := time.Unix(from%(1<<33), 0)
		for range 3 {
			next := s.Next(at)
			if next.IsZero() {
				return
			}
			if !next.After(at) || next.Second() != 0 {
				t.Fatalf("%q in %q: after %v comes %v", text, zone, at, next)
			}
			at = next
		}
	})
}
