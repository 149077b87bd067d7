package show

import (
	"fmt"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// conditions are what a stage asks for before, between and after its actions, by
// the keys of the file.
func conditions(s pipeline.Stage) []fact {
	all := []fact{{"if", s.If}, {"environment", s.Environment}, {"concurrency", s.Concurrency}}
	for _, r := range s.BeforeEntry {
		all = append(all, fact{string(pipeline.RoleEntry), r.String()})
	}
	for _, r := range s.OnSuccess {
		all = append(all, fact{string(pipeline.RoleSuccess), r.String()})
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
