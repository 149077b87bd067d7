package explain

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Difference says how much an approval would let in.
func Difference(x pipeline.Execution, r pipeline.Request) string {
	switch {
	case r.Unknown != "":
		return "what has changed is not known: " + r.Unknown
	case x.Revision.PullRequest != 0:
		return many(r.Files, "file") + " of the pull request"
	case r.Since == "":
		return "nothing that this could be compared with has succeeded in this stage"
	case r.Since == x.Revision.Commit:
		return "nothing is new since this stage last succeeded"
	}
	return many(r.Commits, "commit") + ", " + many(r.Files, "file") + " since this stage last succeeded, at " + r.Since[:min(7, len(r.Since))]
}

func many(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Tests sums up what the actions reported so far; "" where none did.
func Tests(x pipeline.Execution) string {
	var all pipeline.Tests
	reported := false
	for _, st := range x.Stages {
		for _, act := range st.Actions {
			if t := act.Tests; t != nil {
				reported = true
				all.Passed, all.Failed, all.Skipped = all.Passed+t.Passed, all.Failed+t.Failed, all.Skipped+t.Skipped
			}
		}
	}
	if !reported {
		return ""
	}
	return fmt.Sprintf("%d passed, %d failed, %d skipped", all.Passed, all.Failed, all.Skipped)
}

// Void says that what people said to an approval counts for nothing any more, and
// why; "" where it counts, or may still be asked for.
func Void(x pipeline.Execution, i, j int) string {
	st := x.Stages[i]
	act := st.Actions[j]
	gone := st.Status == pipeline.Superseded || st.Status == pipeline.Cancelled
	unused := act.Status == pipeline.Succeeded && !st.Claimed && gone
	if x.Definition.Stages[i].Actions[j].Approval == nil || act.Status != pipeline.Cancelled && !unused {
		return ""
	}
	why := cmp.Or(st.Reason, x.Reason, "it is no longer needed")
	if act.Status == pipeline.Cancelled {
		why = cmp.Or(act.Reason, why)
	}
	text := "void: " + why
	if said := act.Voters(true); len(said) > 0 {
		text += " (approved by " + strings.Join(said, ", ") + ")"
	}
	return text
}
