package schema

import (
	_ "embed"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// window reads when a stage may be entered.
func (p *parser) window(n node) *pipeline.Window {
	w := &pipeline.Window{}
	ok := p.each(n, inWindow, func(key, value node) {
		switch key.text {
		case "days":
			w.Days = p.days(value)
		case "hours":
			w.Hours = p.hours(value)
		case "timezone":
			if zone := p.timezone(value); zone != "UTC" {
				w.Timezone = zone
			}
		case "cron":
			w.Cron = p.cron(value)
		case "holidays":
			w.Holidays = p.holidays(value)
		}
	})
	if !ok {
		p.report(n.at, `write window: { days: mon-fri, hours: "09:00-16:00" }`, "a window must be a mapping, not %s", n.kind)
		return w
	}
	limits := slices.ContainsFunc(n.pairs, func(pair pair) bool { return pair.key.text != "timezone" })
	if !limits {
		p.report(n.at, "write days, hours, cron or holidays", "this window is always open")
	}
	if cron, ok := n.get("cron"); ok {
		for _, key := range []string{"days", "hours"} {
			if _, both := n.get(key); both {
				p.report(cron.at, "leave out one of them", "a window has either cron, or days and hours")
				break
			}
		}
	}
	return w
}

// days reads weekdays: names, ranges that may go over Sunday, in a list or with
// commas.
func (p *parser) days(n node) []time.Weekday {
	var open [7]bool
	for _, item := range p.some(n, "days", "leave it out for every day") {
		at := 0
		for part := range strings.SplitSeq(item.text, ",") {
			start := at + len(part) - len(strings.TrimLeft(part, " \t"))
			for day := range strings.SplitSeq(strings.TrimSpace(part), "-") {
				if !slices.Contains(weekdays, strings.TrimSpace(day)) {
					p.reportIn(item, start, dayHint(strings.TrimSpace(day)), "%s is not a weekday", quote(strings.TrimSpace(day)))
				}
				start += len(day) + 1
			}
			if strings.Count(part, "-") > 1 {
				p.reportIn(item, at, "write one such as mon-fri", "%s is not a range of weekdays", quote(strings.TrimSpace(part)))
			}
			for _, day := range daysOf(part) {
				open[day] = true
			}
			at += len(part) + 1
		}
	}
	var days []time.Weekday
	for day, isOpen := range open {
		if isOpen {
			days = append(days, time.Weekday(day))
		}
	}
	return days
}

// daysOf lists a weekday, or those of a range; none where it names what is none.
func daysOf(part string) []time.Weekday {
	first, last, ranged := strings.Cut(part, "-")
	from := slices.Index(weekdays, strings.TrimSpace(first))
	to := slices.Index(weekdays, strings.TrimSpace(last))
	if !ranged {
		to = from
	}
	if from < 0 || to < 0 {
		return nil
	}
	days := []time.Weekday{time.Weekday(from)}
	for day := from; day != to; {
		day = (day + 1) % len(weekdays)
		days = append(days, time.Weekday(day))
	}
	return days
}

func dayHint(day string) string {
	for _, known := range weekdays {
		if len(day) > 2 && strings.EqualFold(day[:3], known) {
			return "write " + known
		}
	}
	return "they are " + enumerate(slices.Concat(weekdays[1:], weekdays[:1]))
}

// hours reads a span of the day, which may go over midnight, or a list of them.
func (p *parser) hours(n node) []pipeline.Span {
	var spans []pipeline.Span
	for _, item := range p.some(n, "hours", "leave it out for the whole day") {
		from, to, ok := strings.Cut(item.text, "-")
		from, to = strings.TrimSpace(from), strings.TrimSpace(to)
		switch {
		case !ok || !isClock(from) || !isClock(to) && to != "24:00":
			p.report(item.at, `write two times of 24 hours, such as "09:00-16:00"`, "%s is not a span of hours", quote(item.text))
		case from == to:
			p.report(item.at, "leave hours out for the whole day", "the hours %s are no time at all", item.text)
		}
		spans = append(spans, pipeline.Span{From: minuteOf(from), To: minuteOf(to)})
	}
	return spans
}

// isClock tells whether a text is a time from 00:00 to 23:59.
func isClock(text string) bool {
	_, err := time.Parse("15:04", text)
	return err == nil && len(text) == len("15:04")
}

// minuteOf counts the minutes from midnight to a time; what is no clock's is the
// end of the day.
func minuteOf(text string) int {
	at, err := time.Parse("15:04", text)
	if err != nil {
		return 24 * 60
	}
	return at.Hour()*60 + at.Minute()
}

// holidays reads the dates on which a window stays closed.
func (p *parser) holidays(n node) []string {
	var days []string
	for _, item := range p.distinct(p.some(n, "holidays", "leave it out for none"), "holidays", exact) {
		if _, err := time.Parse(time.DateOnly, item.text); err != nil {
			p.report(item.at, "write a day of a year, such as 2026-12-25", "%s is not a date", quote(item.text))
		}
		days = append(days, item.text)
	}
	return days
}

// zones are the names of the IANA database, each between line ends. What a
// machine knows may be newer or older; what is wrong in a file is the same on
// all.
//
//go:embed zones.txt
var zones string

func (p *parser) timezone(n node) string {
	text, ok := p.word(n, "timezone")
	if !ok || !strings.ContainsAny(text, "\r\n") && strings.Contains(zones, "\n"+text+"\n") {
		return text
	}
	if p.full() {
		p.missed++
		return ""
	}
	hint := ""
	if len(text) > len("CEST") {
		hint = DidYouMean(text, strings.Fields(zones))
	}
	for zone := range strings.FieldsSeq(zones) {
		if hint == "" && strings.HasSuffix(fold(zone), "/"+fold(strings.ReplaceAll(text, " ", "_"))) {
			hint = "did you mean " + zone + "?"
		}
	}
	if hint == "" {
		hint = "write one such as Europe/Paris or UTC"
	}
	p.report(n.at, hint, "%s is not a time zone", quote(text))
	return ""
}
