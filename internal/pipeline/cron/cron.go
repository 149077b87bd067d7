// Package cron says when a time of crontab comes next. It knows time zones, of
// which it carries a copy, and what becomes of a time when clocks change. It
// reads no clock, and is the only importer of robfig/cron, of which it uses the
// parser alone.
package cron

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // an image may hold no other file than the program

	"github.com/robfig/cron/v3"
)

// Schedule is the five fields of a cron in a time zone. Create it with Parse.
type Schedule struct {
	fields *cron.SpecSchedule // in UTC, for the times that clocks show
	zone   *time.Location
}

var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// Parse reads a cron and the name of a zone in the IANA database; an empty name
// is UTC.
func Parse(text, zone string) (Schedule, error) {
	if strings.Contains(text, "=") { // the parser would take a zone from it
		return Schedule{}, fmt.Errorf("read cron %q: a zone stands beside it", text)
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return Schedule{}, fmt.Errorf("read time zone %q: %w", zone, err)
	}
	parsed, err := parser.Parse(text)
	if err != nil {
		return Schedule{}, fmt.Errorf("read cron %q: %w", text, err)
	}
	fields, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return Schedule{}, fmt.Errorf("read cron %q: it has no five fields", text)
	}
	fields.Location = time.UTC
	return Schedule{fields, location}, nil
}

// Next is the first time after t; the zero time if none comes within five years.
// A time that clocks leave out when they go forward comes at that moment, and one
// that they show twice counts the first time. Only where the hour is any, both
// hours that clocks show alike are hours like others.
func (s Schedule) Next(t time.Time) time.Time {
	t = t.In(s.zone)
	if s.everyHour() {
		fields := *s.fields
		fields.Location = s.zone
		return fields.Next(t)
	}
	for shown := s.fields.Next(onClock(t)); !shown.IsZero(); shown = s.fields.Next(shown) {
		if next := s.first(shown); next.After(t) {
			return next
		}
	}
	return time.Time{}
}

// everyHour tells whether the field of the hour leaves none out.
func (s Schedule) everyHour() bool {
	const all = 1<<24 - 1
	return s.fields.Hour&all == all
}

// onClock is what a clock of t's zone shows, as if it hung where UTC is.
func onClock(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// first is the first moment at which clocks of the zone show a time, or the
// moment at which they leave it out.
func (s Schedule) first(shown time.Time) time.Time {
	t := time.Date(shown.Year(), shown.Month(), shown.Day(), shown.Hour(), shown.Minute(), shown.Second(), 0, s.zone)
	begin, end := t.ZoneBounds()
	switch {
	case onClock(t).After(shown):
		return begin // the clocks went forward over it
	case onClock(t).Before(shown):
		return end
	case begin.IsZero():
		return t
	}
	_, before := begin.Add(-time.Second).Zone()
	_, now := t.Zone()
	if earlier := t.Add(time.Duration(now-before) * time.Second); earlier.Before(begin) && onClock(earlier).Equal(shown) {
		return earlier
	}
	return t
}
