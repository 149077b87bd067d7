package app

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a machine may know no time zones
)

// untilForms says what is understood as an end.
const untilForms = "write `09:00`, `monday 09:00`, `tomorrow 09:00` or `2026-12-01 09:00`, with a time zone such as `Europe/Paris` behind it where it is not UTC; `90m`, `2h` or `3d`; or RFC 3339"

// readUntil reads an end that a person has written; see takeUntil.
func readUntil(text string, now time.Time) (time.Time, error) {
	until, rest, err := takeUntil(strings.Fields(text), now)
	if err == nil && len(rest) > 0 {
		err = refused(codeInvalid, "%s is no time that is understood: %s", shown(text), untilForms)
	}
	return until, err
}

// takeUntil reads an end off the beginning of some words and returns it, in its
// time zone, with the words behind it. A time of the day or of the week is the next
// one. What is not ahead is refused.
func takeUntil(words []string, now time.Time) (until time.Time, rest []string, err error) {
	if len(words) == 0 {
		return until, nil, refused(codeInvalid, "the time is missing: %s", untilForms)
	}
	n := wordsOfTime(words)
	if n == 0 {
		return until, nil, refused(codeInvalid, "%s is no time that is understood: %s", shown(strings.Join(words[:min(len(words), 2)], " ")), untilForms)
	}
	zone, zoned, err := readZone(words[n:])
	if err != nil {
		return until, nil, err
	}
	until = timeOf(words[:n], now.In(zone))
	return until, words[n+zoned:], ahead(until, now)
}

// ahead refuses a time that is over.
func ahead(until, now time.Time) error {
	if until.After(now) {
		return nil
	}
	return refused(codeInvalid, "%s is over: it is %s now", until.Format(untilLayout), now.In(until.Location()).Format(untilLayout))
}

const untilLayout = "Monday 2 January 2006 15:04 MST"

var (
	clockPattern = regexp.MustCompile(`^([01]?[0-9]|2[0-3]):([0-5][0-9])$`)
	spanPattern  = regexp.MustCompile(`^(?:([0-9]{1,4})w)?(?:([0-9]{1,4})d)?(?:([0-9]{1,4})h)?(?:([0-9]{1,5})m)?(?:([0-9]{1,5})s)?$`)
	zonePattern  = regexp.MustCompile(`^(?i:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific)/[A-Za-z0-9_+/-]+$`)
)

// wordsOfTime tells how many of the words are a time, its zone aside; zero where
// they do not begin with one.
func wordsOfTime(words []string) int {
	switch {
	case clockPattern.MatchString(words[0]), spanPattern.MatchString(words[0]), isRFC3339(words[0]):
		return 1
	case len(words) > 1 && clockPattern.MatchString(words[1]) && isDay(words[0]):
		return 2
	}
	return 0
}

func isRFC3339(word string) bool {
	_, err := time.Parse(time.RFC3339, word)
	return err == nil
}

func isDay(word string) bool {
	_, err := time.Parse(time.DateOnly, word)
	_, named := weekday(word)
	return err == nil || named || strings.EqualFold(word, "today") || strings.EqualFold(word, "tomorrow")
}

// weekday finds the day that a word names whole or by three letters or more.
func weekday(word string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if len(word) >= 3 && strings.HasPrefix(strings.ToLower(day.String()), strings.ToLower(word)) {
			return day, true
		}
	}
	return 0, false
}

// readZone reads the time zone that may stand first of some words, and tells how
// many words it is. Without one it is UTC.
func readZone(words []string) (zone *time.Location, n int, err error) {
	switch {
	case len(words) == 0:
		return time.UTC, 0, nil
	case strings.EqualFold(words[0], "UTC"):
		return time.UTC, 1, nil
	case !zonePattern.MatchString(words[0]):
		return time.UTC, 0, nil
	}
	zone, err = time.LoadLocation(words[0])
	if err != nil {
		return nil, 0, refused(codeInvalid, "%s is no time zone: write one such as `Europe/Paris`, or `UTC`", shown(words[0]))
	}
	return zone, 1, nil
}

// timeOf is the time that words which are one mean, in the zone of now.
func timeOf(words []string, now time.Time) time.Time {
	if at, err := time.Parse(time.RFC3339, words[0]); err == nil {
		return at
	}
	if parts := spanPattern.FindStringSubmatch(words[0]); parts != nil {
		return now.Add(span(parts[1:])).Truncate(time.Second)
	}
	clock := words[len(words)-1]
	if len(words) == 1 {
		if at := onDay(now, clock, 0); at.After(now) {
			return at
		}
		return onDay(now, clock, 1)
	}
	switch day := strings.ToLower(words[0]); day {
	case "today":
		return onDay(now, clock, 0)
	case "tomorrow":
		return onDay(now, clock, 1)
	}
	if date, err := time.ParseInLocation(time.DateOnly, words[0], now.Location()); err == nil {
		return onDay(date, clock, 0)
	}
	day, _ := weekday(words[0])
	ahead := int(day-now.Weekday()+7) % 7
	if at := onDay(now, clock, ahead); at.After(now) {
		return at
	}
	return onDay(now, clock, ahead+7)
}

// onDay is a time of the day, so many days after another.
func onDay(from time.Time, clock string, days int) time.Time {
	hour, minute, _ := strings.Cut(clock, ":")
	h, _ := strconv.Atoi(hour) // the pattern has seen both
	m, _ := strconv.Atoi(minute)
	return time.Date(from.Year(), from.Month(), from.Day()+days, h, m, 0, 0, from.Location())
}

// span adds weeks, days, hours, minutes and seconds up.
func span(parts []string) time.Duration {
	const day = 24 * time.Hour
	var sum time.Duration
	for i, unit := range []time.Duration{7 * day, day, time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi(parts[i]) // digits, or nothing
		sum += time.Duration(n) * unit
	}
	return sum
}
