package pipeline

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func when(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestWindow(t *testing.T) {
	t.Parallel()
	workdays := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday}
	office := Window{Days: workdays, Hours: []Span{{9 * 60, 16 * 60}}, Timezone: "Europe/Paris"}
	night := Window{Days: []time.Weekday{time.Friday}, Hours: []Span{{22 * 60, 2 * 60}}}
	early := Window{Cron: "* 6-7 * * 1-5", Timezone: "America/New_York", Holidays: []string{"2026-12-25"}}
	for _, test := range []struct {
		name   string
		window Window
		at     string
		open   bool
		next   string // empty: never
	}{
		{"within", office, "2026-11-26T10:00:00+01:00", true, "2026-11-26T10:00:00+01:00"},
		{"first minute", office, "2026-11-26T09:00:00+01:00", true, "2026-11-26T09:00:00+01:00"},
		{"minute after the last", office, "2026-11-26T16:00:00+01:00", false, "2026-11-30T09:00:00+01:00"},
		{"in another zone", office, "2026-11-26T15:30:00Z", false, "2026-11-30T09:00:00+01:00"},
		{"in summer", office, "2026-07-01T07:00:00Z", true, "2026-07-01T07:00:00Z"},
		{"weekend", office, "2026-11-28T10:00:00+01:00", false, "2026-11-30T09:00:00+01:00"},
		{"over midnight, before it", night, "2026-11-27T23:59:00Z", true, "2026-11-27T23:59:00Z"},
		{"over midnight, after it", night, "2026-11-28T01:59:00Z", true, "2026-11-28T01:59:00Z"},
		{"over midnight, of another day", night, "2026-11-27T01:00:00Z", false, "2026-11-27T22:00:00Z"},
		{"over midnight, past", night, "2026-11-28T02:00:00Z", false, "2026-12-04T22:00:00Z"},
		{"cron", early, "2026-12-24T11:30:20Z", true, "2026-12-24T11:30:20Z"},
		{"cron on a holiday", early, "2026-12-25T11:30:00Z", false, "2026-12-28T11:00:00Z"},
		{"only holidays, on one", Window{Holidays: []string{"2026-12-25"}}, "2026-12-25T12:00:00Z", false, "2026-12-26T00:00:00Z"},
		{"to the end of the day", Window{Hours: []Span{{22 * 60, 24 * 60}}}, "2026-12-25T23:59:59Z", true, "2026-12-25T23:59:59Z"},
		{"an hour that a day lacks", Window{Hours: []Span{{150, 160}}, Timezone: "Europe/Paris"}, "2026-03-29T00:00:00Z", false, "2026-03-30T02:30:00+02:00"},
		{"never", Window{Cron: "0 0 30 2 *"}, "2026-12-25T23:59:59Z", false, ""},
	} {
		now := when(test.at)
		if open, err := test.window.Open(now); open != test.open || err != nil {
			t.Errorf("%s: open is %v, %v; want %v", test.name, open, err, test.open)
		}
		next, err := test.window.Next(now)
		if err != nil || (test.next == "") != next.IsZero() || test.next != "" && !next.Equal(when(test.next)) {
			t.Errorf("%s: next is %v, %v; want %s", test.name, next, err, test.next)
		}
	}
	if _, err := (Window{Timezone: "Mars/Phobos"}).Open(when("2026-11-26T10:00:00Z")); err == nil {
		t.Error("a zone that nobody knows is open")
	}
}

func TestWindowWords(t *testing.T) {
	t.Parallel()
	for want, w := range map[string]Window{
		"mon-thu 09:00-16:00 Europe/Paris":     {Days: []time.Weekday{1, 2, 3, 4}, Hours: []Span{{540, 960}}, Timezone: "Europe/Paris"},
		"sat-mon,wed 22:00-02:00 UTC":          {Days: []time.Weekday{6, 0, 1, 3}, Hours: []Span{{1320, 120}}},
		"cron * 9 * * * but on 2026-12-25 UTC": {Cron: "* 9 * * *", Holidays: []string{"2026-12-25"}},
		"but on 4 holidays UTC":                {Holidays: []string{"a", "b", "c", "d"}},
	} {
		if got := w.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What is said to be the next time is open, and no minute before it is.
func TestWindowNext(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := Window{
			Days:     rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 6), func(d int) time.Weekday { return time.Weekday(d) }), 0, 3).Draw(t, "days"),
			Timezone: rapid.SampledFrom([]string{"", "Europe/Paris", "Asia/Kathmandu"}).Draw(t, "zone"),
		}
		for range rapid.IntRange(0, 2).Draw(t, "spans") {
			from := rapid.IntRange(0, 1439).Draw(t, "from")
			if to := rapid.IntRange(0, 1440).Draw(t, "to"); to != from {
				w.Hours = append(w.Hours, Span{from, to})
			}
		}
		now := when("2026-06-01T00:00:00Z").Add(time.Duration(rapid.IntRange(0, 60*24*30).Draw(t, "minute")) * time.Minute)
		next, err := w.Next(now)
		if err != nil {
			t.Fatal(err)
		}
		if open, _ := w.Open(next); !open || next.Before(now) {
			t.Fatalf("%v is said to be the next of %s after %v, and is not open", next, w, now)
		}
		for early := now; early.Before(next); early = early.Add(time.Minute) {
			if open, _ := w.Open(early); open {
				t.Fatalf("%s is open at %v, before %v", w, early, next)
			}
		}
	})
}
