package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline/cron"
)

// Open tells whether the window holds at a time.
func (w Window) Open(t time.Time) (bool, error) {
	zone, err := time.LoadLocation(w.Timezone)
	if err != nil {
		return false, fmt.Errorf("read the time zone of a window: %w", err)
	}
	t = t.In(zone)
	if w.Cron != "" {
		schedule, err := cron.Parse(w.Cron, w.Timezone)
		if err != nil {
			return false, err
		}
		minute := t.Truncate(time.Minute)
		return schedule.Next(minute.Add(-time.Second)).Equal(minute) && !w.holiday(t), nil
	}
	now := 60*t.Hour() + t.Minute()
	for _, s := range w.spans() {
		began := t
		switch {
		case s.From <= now && (now < s.To || s.To <= s.From):
		case s.To < s.From && now < s.To: // it began yesterday
			began = t.AddDate(0, 0, -1)
		default:
			continue
		}
		if w.day(began) {
			return true, nil
		}
	}
	return false, nil
}

// Next is the first time, from t on, at which the window holds; zero where none is
// within two years.
func (w Window) Next(t time.Time) (time.Time, error) {
	open, err := w.Open(t)
	if open || err != nil {
		return t, err
	}
	zone, err := time.LoadLocation(w.Timezone)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the time zone of a window: %w", err)
	}
	t = t.In(zone)
	if w.Cron != "" {
		return w.nextOfCron(t)
	}
	for day := range 2 * 366 {
		var first time.Time
		for _, s := range w.spans() {
			at := time.Date(t.Year(), t.Month(), t.Day()+day, 0, s.From, 0, 0, zone)
			if exists, _ := w.Open(at); exists && w.day(at) && at.After(t) && (first.IsZero() || at.Before(first)) {
				first = at
			}
		}
		if !first.IsZero() {
			return first, nil
		}
	}
	return time.Time{}, nil
}

func (w Window) nextOfCron(t time.Time) (time.Time, error) {
	schedule, err := cron.Parse(w.Cron, w.Timezone)
	if err != nil {
		return time.Time{}, err
	}
	for at, last := schedule.Next(t), t.AddDate(2, 0, 0); !at.IsZero() && at.Before(last); {
		if !w.holiday(at) {
			return at, nil
		}
		midnight := time.Date(at.Year(), at.Month(), at.Day()+1, 0, 0, 0, 0, at.Location())
		at = schedule.Next(midnight.Add(-time.Second))
	}
	return time.Time{}, nil
}

// spans are those of the hours, or the whole day.
func (w Window) spans() []Span {
	if len(w.Hours) == 0 {
		return []Span{{0, 24 * 60}}
	}
	return w.Hours
}

// day tells whether a span of the window may begin on a day.
func (w Window) day(t time.Time) bool {
	return (len(w.Days) == 0 || slices.Contains(w.Days, t.Weekday())) && !w.holiday(t)
}

func (w Window) holiday(t time.Time) bool {
	return slices.Contains(w.Holidays, t.Format(time.DateOnly))
}

// String is the window in the words of the file.
func (w Window) String() string {
	var parts []string
	if w.Cron != "" {
		parts = append(parts, "cron "+w.Cron)
	}
	if len(w.Days) > 0 {
		parts = append(parts, days(w.Days))
	}
	var hours []string
	for _, s := range w.Hours {
		hours = append(hours, s.String())
	}
	if len(hours) > 0 {
		parts = append(parts, strings.Join(hours, ","))
	}
	switch n := len(w.Holidays); {
	case n > 3:
		parts = append(parts, fmt.Sprintf("but on %d holidays", n))
	case n > 0:
		parts = append(parts, "but on "+strings.Join(w.Holidays, ", "))
	}
	return strings.Join(append(parts, cmp.Or(w.Timezone, "UTC")), " ")
}

// days are weekdays as the file writes them, those that follow each other as a range.
func days(list []time.Weekday) string {
	var parts []string
	for i := 0; i < len(list); i++ {
		first := i
		for i+1 < len(list) && list[i+1] == (list[i]+1)%7 {
			i++
		}
		part := day(list[first])
		if i > first {
			part += "-" + day(list[i])
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ",")
}

func day(d time.Weekday) string { return strings.ToLower(d.String()[:3]) }

func (s Span) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", s.From/60, s.From%60, s.To/60, s.To%60)
}
