package schema

import (
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// maxSchedules is how many times a pipeline may name.
const maxSchedules = 20

// schedules reads on.schedule: all of it, or with a mistake none.
func (p *parser) schedules(n node) []pipeline.Schedule {
	before := p.mistakes()
	switch {
	case n.kind != list:
		p.report(n.at, "write each as an entry that begins with -", "schedule must be a list, not %s", n.kind)
		return nil
	case len(n.items) == 0:
		p.report(n.at, `write - cron: "0 3 * * 1-5"`, "schedule is empty")
	case len(n.items) > maxSchedules:
		p.report(n.items[maxSchedules].at, "join them: 0 3,15 * * * is twice a day", "schedule has %d entries; the most is %d", len(n.items), maxSchedules)
	}
	var all []pipeline.Schedule
	for _, item := range n.items {
		s := pipeline.Schedule{Timezone: "UTC"}
		ok := p.each(item, inSchedule, func(key, value node) {
			if key.text == "timezone" {
				s.Timezone = p.timezone(value)
				return
			}
			s.Cron = p.cron(value)
		})
		all = append(all, s)
		if !ok {
			p.report(item.at, `write - cron: "0 3 * * 1-5"`, "an entry of schedule must be a mapping, not %s", item.kind)
		} else {
			p.require(item, inSchedule, "cron")
		}
	}
	if p.mistakes() > before {
		return nil
	}
	return all
}

// cronField is one of the five fields of a cron text.
type cronField struct {
	name        string
	least, most int
	words       []string // three letters each; the first stands for least
}

var cronFields = []cronField{
	{name: "minute", most: 59},
	{name: "hour", most: 23},
	{name: "day of the month", least: 1, most: 31},
	{name: "month", least: 1, most: 12, words: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{name: "weekday", most: 6, words: weekdays},
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

const cronForm = `write minute, hour, day, month and weekday, such as "0 3 * * 1-5"`

// cron reads a time of the five fields of crontab, and returns them with one
// space between.
func (p *parser) cron(n node) string {
	text, ok := p.word(n, "cron")
	if !ok {
		return ""
	}
	if len(text) > longestPattern {
		p.report(n.at, cronForm, "cron is longer than %d characters", longestPattern)
		return ""
	}
	fields := strings.Fields(text)
	if hint := cronHabit(fields); hint != "" {
		p.report(n.at, hint, "%s is not a cron of five fields", quote(text))
		return ""
	}
	if len(fields) != len(cronFields) {
		p.report(n.at, cronForm, "cron must have five fields, not %d", len(fields))
		return ""
	}
	at := 0
	sets := make([]uint64, len(fields))
	for i, field := range fields {
		at += strings.Index(text[at:], field)
		var wrong *cronError
		if sets[i], wrong = cronFields[i].parse(field); wrong != nil {
			p.reportIn(n, at+wrong.offset, wrong.hint, "the %s of cron %s", cronFields[i].name, wrong.message)
		}
		at += len(field)
	}
	if neverComes(sets, fields[4]) {
		p.report(n.at, "", "no month of this cron has such a day: it never comes")
	}
	return strings.Join(fields, " ")
}

// cronHabit is the hint for a time as others write it, or "".
func cronHabit(fields []string) string {
	first := strings.ToLower(fields[0])
	switch {
	case first == "@hourly":
		return `write "0 * * * *"`
	case first == "@daily", first == "@midnight":
		return `write "0 0 * * *"`
	case first == "@weekly":
		return `write "0 0 * * 0"`
	case first == "@monthly":
		return `write "0 0 1 * *"`
	case first == "@yearly", first == "@annually":
		return `write "0 0 1 1 *"`
	case first[0] == '@':
		return cronForm
	case strings.HasPrefix(first, "cron("), strings.HasPrefix(first, "rate("):
		return "leave out the word and the parentheses, and write five fields: there are no seconds and no year"
	case strings.HasPrefix(first, "tz="), strings.HasPrefix(first, "cron_tz="):
		return "write timezone beside cron"
	case len(fields) == 6:
		return "leave out the seconds and the year"
	}
	return ""
}

// neverComes tells whether the days of a cron stand in none of its months: the
// 31st of February. Where weekdays are given too, those decide.
func neverComes(sets []uint64, weekday string) bool {
	days, months := sets[2], sets[3]
	if days == 0 || months == 0 || weekday[0] != '*' && weekday[0] != '?' {
		return false
	}
	longest := []int{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
	for month, last := range longest {
		if months&(1<<month) != 0 && days&(1<<(last+1)-1) != 0 {
			return false
		}
	}
	return true
}

// cronError is what is wrong with a field, at an offset of it.
type cronError struct {
	offset        int
	message, hint string
}

// parse reads a field: parts between commas. It returns the numbers that it
// stands for.
func (f cronField) parse(text string) (uint64, *cronError) {
	var set uint64
	at := 0
	for part := range strings.SplitSeq(text, ",") {
		numbers, wrong := f.part(part)
		if wrong != nil {
			wrong.offset += at
			return 0, wrong
		}
		set |= numbers
		at += len(part) + 1
	}
	return set, nil
}

// part reads *, 5, 1-5, each with /2 behind it if need be.
func (f cronField) part(text string) (uint64, *cronError) {
	span, stepText, stepped := strings.Cut(text, "/")
	from, to := f.least, f.most
	if span != "*" && span != "?" {
		first, second, ranged := strings.Cut(span, "-")
		var wrong *cronError
		if from, wrong = f.number(first); wrong != nil {
			return 0, wrong
		}
		switch {
		case ranged:
			if to, wrong = f.number(second); wrong != nil {
				wrong.offset = len(first) + 1
				return 0, wrong
			}
		case !stepped:
			to = from
		}
		if to < from {
			return 0, &cronError{message: "goes backwards: " + quote(span), hint: f.wrapped(first, second)}
		}
	}
	step := 1
	if stepped {
		var err error
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 || step > f.most {
			return 0, &cronError{len(span) + 1, "has no step " + quote(stepText), "write a number from 1 to " + strconv.Itoa(f.most)}
		}
	}
	var set uint64
	for i := from; i <= to; i += step {
		set |= 1 << i
	}
	return set, nil
}

// wrapped writes a range that goes over the end as two.
func (f cronField) wrapped(first, second string) string {
	return "write " + first + "-" + strconv.Itoa(f.most) + "," + strconv.Itoa(f.least) + "-" + second
}

func (f cronField) number(text string) (int, *cronError) {
	for i, word := range f.words {
		if strings.EqualFold(text, word) {
			return f.least + i, nil
		}
	}
	number, err := strconv.Atoi(text)
	if err == nil && number >= f.least && number <= f.most && text[0] != '+' && text[0] != '-' {
		return number, nil
	}
	hint := "write a number from " + strconv.Itoa(f.least) + " to " + strconv.Itoa(f.most)
	if f.words != nil {
		hint += ", or " + f.words[0] + " to " + f.words[len(f.words)-1]
	}
	switch {
	case text == "7" && f.name == "weekday":
		hint = "write 0 for Sunday"
	case strings.HasPrefix(text, "H"):
		hint = "choose one yourself: H is Jenkins's"
	case strings.ContainsAny(text, "LW#"):
		hint = "there is no L, W and #: " + hint
	case text == "":
		return 0, &cronError{message: "misses a number", hint: hint}
	}
	return 0, &cronError{message: "cannot be " + quote(text), hint: hint}
}
