package cron_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stagegate/stagegate/internal/pipeline/cron"
)

// next is a chain of ticks after a time, each as its zone's clocks show it.
func next(t *testing.T, text, zone, after string, n int) []string {
	t.Helper()
	s, err := cron.Parse(text, zone)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, after)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for range n {
		at = s.Next(at)
		all = append(all, at.Format(time.RFC3339))
	}
	return all
}

func TestNext(t *testing.T) {
	for name, tc := range map[string]struct {
		text, zone, after string
		want              []string
	}{
		"weekdays": {"0 3 * * 1-5", "", "2026-11-27T03:00:00Z", []string{"2026-11-30T03:00:00Z", "2026-12-01T03:00:00Z"}},
		"in a zone": {
			"0 3 * * *", "Europe/Paris", "2026-11-27T00:00:00Z", []string{"2026-11-27T03:00:00+01:00"},
		},
		"not at the time itself":        {"0 3 * * *", "UTC", "2026-11-27T03:00:00Z", []string{"2026-11-28T03:00:00Z"}},
		"between seconds":               {"* * * * *", "UTC", "2026-11-27T03:00:59.5Z", []string{"2026-11-27T03:01:00Z"}},
		"day of month or weekday":       {"0 0 13 * fri", "UTC", "2026-11-07T00:00:00Z", []string{"2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"}},
		"left out":                      {"30 2 * * *", "Europe/Paris", "2026-03-28T12:00:00Z", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
		"left out twice, comes once":    {"0,30 2 * * *", "Europe/Paris", "2026-03-28T12:00:00Z", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"}},
		"left out, and due there":       {"30 2,3 * * *", "Europe/Paris", "2026-03-28T12:00:00Z", []string{"2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"}},
		"left out over midnight":        {"15 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", []string{"2026-09-06T01:00:00-03:00", "2026-09-07T00:15:00-03:00"}},
		"twice":                         {"30 2 * * *", "Europe/Paris", "2026-10-24T12:00:00Z", []string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		"twice, asked in between":       {"30 2 * * *", "Europe/Paris", "2026-10-25T01:10:00Z", []string{"2026-10-26T02:30:00+01:00"}},
		"twice, west":                   {"30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", []string{"2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"}},
		"twice, by half an hour":        {"45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", []string{"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"}},
		"every half hour, back":         {"*/30 * * * *", "Europe/Paris", "2026-10-25T00:00:00Z", []string{"2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00"}},
		"every half hour, forward":      {"*/30 * * * *", "Europe/Paris", "2026-03-29T00:00:00Z", []string{"2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00"}},
		"a day that a country left out": {"0 10 30 12 *", "Pacific/Apia", "2011-12-20T00:00:00Z", []string{"2011-12-31T00:00:00+14:00", "2012-12-30T10:00:00+14:00"}},
		"a leap day":                    {"0 0 29 2 *", "UTC", "2026-11-27T00:00:00Z", []string{"2028-02-29T00:00:00Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := next(t, tc.text, tc.zone, tc.after, len(tc.want))
			for i, want := range tc.want {
				if got[i] != want {
					t.Errorf("%d: %s, want %s", i, got[i], want)
				}
			}
		})
	}
}

func TestNever(t *testing.T) {
	s, err := cron.Parse("0 0 31 2 *", "")
	if err != nil {
		t.Fatal(err)
	}
	if at := s.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); !at.IsZero() {
		t.Errorf("it comes at %s", at)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tc := range [][2]string{
		{"0 3 * *", ""},
		{"@daily", ""},
		{"TZ=UTC 0 3 * * *", ""},
		{"CRON_TZ=UTC", ""},
		{"0 0 3 * * *", ""},
		{"61 3 * * *", ""},
		{"0 3 * * *", "Europe/Nowhere"},
		{"0 3 * * *", "../zones"},
	} {
		if s, err := cron.Parse(tc[0], tc[1]); err == nil {
			t.Errorf("%q in %q is %+v", tc[0], tc[1], s)
		}
	}
}

// TestOnceADay walks over a change of clocks from any moment: a time of day comes
// once on each day, and later than asked.
func TestOnceADay(t *testing.T) {
	zones := []string{"Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Cairo", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		minute, hour := rapid.IntRange(0, 59).Draw(t, "minute"), rapid.IntRange(0, 23).Draw(t, "hour")
		text := time.Date(2026, 1, 1, hour, minute, 0, 0, time.UTC).Format("4 15") + " * * *"
		s, err := cron.Parse(text, rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 365*24*60).Draw(t, "start")) * time.Minute)
		day := ""
		for range 3 {
			later := s.Next(at)
			if !later.After(at) || later.Sub(at) > 26*time.Hour {
				t.Fatalf("%q: after %s comes %s", text, at, later)
			}
			if on := later.Format(time.DateOnly); on == day {
				t.Fatalf("%q comes twice on %s", text, on)
			}
			at, day = later, later.Format(time.DateOnly)
		}
	})
}
