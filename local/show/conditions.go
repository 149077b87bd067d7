package show

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// conditions are what a stage asks for before, between and after its actions, by
// the keys of the file.
func conditions(s pipeline.Stage) []fact {
	all := []fact{{"if", s.If}, {"environment", s.Environment}, {"concurrency", s.Concurrency}}
	for _, r := range s.BeforeEntry {
		all = append(all, fact{string(pipeline.RoleEntry), rule(r)})
	}
	for _, r := range s.OnSuccess {
		all = append(all, fact{string(pipeline.RoleSuccess), rule(r)})
	}
	all = append(all, fact{"on-failure", onFailure(s.OnFailure)})
	var said []fact
	for _, f := range all {
		if f.text != "" {
			said = append(said, f)
		}
	}
	return said
}

// rule says when a rule holds, and what follows when it does not.
func rule(r pipeline.Rule) string {
	kind, text := ruleText(r)
	return kind + " " + text + ", otherwise " + otherwise(r)
}

func ruleText(r pipeline.Rule) (kind, text string) {
	switch {
	case r.Window != nil:
		return "window", window(*r.Window)
	case r.TestsPass != nil:
		return "tests-pass", r.TestsPass.Stage + " " + strconv.FormatFloat(r.TestsPass.Minimum, 'f', -1, 64) + "%"
	case r.Variable != nil:
		return "variable", fmt.Sprintf("%s %s %s", r.Variable.Name, r.Variable.Operator, r.Variable.Value)
	case r.Command != "":
		return "command", r.Command
	}
	return "expression", r.Expression
}

func otherwise(r pipeline.Rule) string {
	if r.Otherwise == pipeline.OtherwiseFail {
		return "fail"
	}
	return string(r.Otherwise)
}

// window is when a window is open.
func window(w pipeline.Window) string {
	var parts, days, hours []string
	for _, d := range w.Days {
		days = append(days, strings.ToLower(d.String()[:3]))
	}
	for _, s := range w.Hours {
		hours = append(hours, fmt.Sprintf("%02d:%02d-%02d:%02d", s.From/60, s.From%60, s.To/60, s.To%60))
	}
	holidays := ""
	if n := len(w.Holidays); n > 0 {
		holidays = fmt.Sprintf("not on %d holidays", n)
	}
	all := []string{prefixed("cron ", w.Cron), strings.Join(days, ","), strings.Join(hours, ","), holidays, cmp.Or(w.Timezone, "UTC")}
	for _, part := range all {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " ")
}

// onFailure says what follows when a stage has failed; empty: nothing.
func onFailure(f pipeline.OnFailure) string {
	var parts []string
	if f.Retry != pipeline.RetryNothing {
		text := fmt.Sprintf("retry %s up to %d times", f.Retry, f.Times)
		if f.Times == 1 {
			text = fmt.Sprintf("retry %s once", f.Retry)
		}
		if f.Backoff > 0 {
			text += " after " + period(f.Backoff)
		}
		parts = append(parts, text)
	}
	if f.Rollback {
		parts = append(parts, "rollback")
	}
	if f.Skip {
		parts = append(parts, "skip")
	}
	return strings.Join(parts, ", then ")
}
