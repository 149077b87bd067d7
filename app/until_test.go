package app

import (
	"strings"
	"testing"
	"time"
)

// thursday is the time at which the tests are, 26 November 2026 10:30 UTC.
var thursday = time.Date(2026, 11, 26, 10, 30, 0, 0, time.UTC)

func TestReadUntil(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"2026-12-01T09:00:00Z", "2026-12-01T09:00:00Z"},
		{"2026-12-01T09:00:00+05:30", "2026-12-01T09:00:00+05:30"},
		{"2026-12-01 09:00", "2026-12-01T09:00:00Z"},
		{"2026-12-01 9:00 Europe/Paris", "2026-12-01T09:00:00+01:00"},
		{"2027-07-01 09:00 Europe/Paris", "2027-07-01T09:00:00+02:00"},
		{"11:00", "2026-11-26T11:00:00Z"},
		{"10:30", "2026-11-27T10:30:00Z"},
		{"9:00", "2026-11-27T09:00:00Z"},
		{"09:00 utc", "2026-11-27T09:00:00Z"},
		{"11:00 Europe/Paris", "2026-11-27T11:00:00+01:00"}, // in Paris it is 11:30 already
		{"19:00 Asia/Tokyo", "2026-11-27T19:00:00+09:00"},
		{"monday 09:00", "2026-11-30T09:00:00Z"},
		{"  Mon   9:00 ", "2026-11-30T09:00:00Z"},
		{"TUES 09:00", "2026-12-01T09:00:00Z"},
		{"thursday 11:00", "2026-11-26T11:00:00Z"},
		{"thursday 10:30", "2026-12-03T10:30:00Z"},
		{"wed 23:59 America/New_York", "2026-12-02T23:59:00-05:00"},
		{"today 17:00", "2026-11-26T17:00:00Z"},
		{"tomorrow 09:00", "2026-11-27T09:00:00Z"},
		{"tomorrow 09:00 Pacific/Auckland", "2026-11-27T09:00:00+13:00"}, // it is 23:30 of the 26th there
		{"2h", "2026-11-26T12:30:00Z"},
		{"3d", "2026-11-29T10:30:00Z"},
		{"1w2d3h4m5s", "2026-12-05T13:34:05Z"},
		{"90m Europe/Paris", "2026-11-26T13:00:00+01:00"},
		{"2027-03-28 02:30 Europe/Paris", "2027-03-28T03:30:00+02:00"}, // which no clock shows
	} {
		got, err := readUntil(tc.text, thursday)
		if err != nil || got.Format(time.RFC3339) != tc.want {
			t.Errorf("%q: %s %v, want %s", tc.text, got.Format(time.RFC3339), err, tc.want)
		}
	}
}

func TestReadUntilRefuses(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"", "the time is missing: write `09:00`"},
		{"soon", "`soon` is no time"},
		{"next monday", "`next monday` is no time"},
		{"monday", "`monday` is no time"},
		{"mo 09:00", "`mo 09:00` is no time"},
		{"2026-12-01", "is no time"},
		{"2026-13-01 09:00", "is no time"},
		{"25:00", "is no time"},
		{"09:60", "is no time"},
		{"2", "is no time"},
		{"h", "is no time"},
		{"-2h", "is no time"},
		{"99999w", "is no time"},
		{"09:00 please", "`09:00 please` is no time"},
		{"09:00 ../../etc/passwd", "is no time"},
		{"09:00 Europe/Pari", "`Europe/Pari` is no time zone"},
		{"09:00 Europe/../../../etc/passwd", "is no time"},
		{"2026-11-25 09:00", "Wednesday 25 November 2026 09:00 UTC is over: it is Thursday 26 November 2026 10:30 UTC now"},
		{"2026-11-26 11:30 Europe/Paris", "11:30 CET is over: it is Thursday 26 November 2026 11:30 CET now"},
		{"2026-11-26T10:30:00Z", "is over"},
		{"today 09:00", "is over"},
		{"0h", "is over"},
	} {
		_, err := readUntil(tc.text, thursday)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: %v, want %s", tc.text, err, tc.want)
		}
	}
}

func TestTakeUntil(t *testing.T) {
	for _, tc := range []struct{ text, want, rest string }{
		{"monday 09:00 stock-taking", "2026-11-30T09:00:00Z", "stock-taking"},
		{"monday 09:00 Europe/Paris stock-taking", "2026-11-30T09:00:00+01:00", "stock-taking"},
		{"2h w/o tests nothing goes out", "2026-11-26T12:30:00Z", "w/o tests nothing goes out"},
		{"12:00 13:00 is too late", "2026-11-26T12:00:00Z", "13:00 is too late"},
		{"3d", "2026-11-29T10:30:00Z", ""},
	} {
		got, rest, err := takeUntil(strings.Fields(tc.text), thursday)
		if err != nil || got.Format(time.RFC3339) != tc.want || strings.Join(rest, " ") != tc.rest {
			t.Errorf("%q: %s %q %v", tc.text, got.Format(time.RFC3339), rest, err)
		}
	}
}

// FuzzTakeUntil asks that whatever is understood is ahead, and that the words are
// kept apart.
func FuzzTakeUntil(f *testing.F) {
	for _, text := range []string{"monday 09:00 Europe/Paris why", "2h", "2026-12-01 09:00 UTC", "1w1d1h1m1s", "Etc/GMT+5"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words := strings.Fields(text)
		until, rest, err := takeUntil(words, thursday)
		if err == nil && (!until.After(thursday) || len(rest) >= len(words)) {
			t.Errorf("%q: %s, %q", text, until, rest)
		}
	})
}
