package app

import (
	"fmt"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// conditions is what the rules of a stage came to, with the evidence, and who let it go
// on in spite of them.
func conditions(st pipeline.StageState) string {
	var b strings.Builder
	if st.Status.Ended() && st.Reason != "" {
		fmt.Fprintf(&b, "%s.\n\n", plain(sentence(st.Reason)))
	}
	for _, o := range st.Overrides {
		fmt.Fprintf(&b, "**Overridden** by %s%s\n\n", plain(o.Actor), plain(colon(o.Reason)))
	}
	for _, c := range st.Checks {
		fmt.Fprintf(&b, "Rules %s, %s:\n\n", pointWords(c.Point), c.At.UTC().Format("2 January 2006 15:04:05 UTC"))
		for _, f := range c.Findings {
			holds := "holds"
			if !f.Holds {
				holds = "does not hold"
			}
			fmt.Fprintf(&b, "- %s %s%s\n", f.Rule, holds, plain(colon(f.Evidence)))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func pointWords(point pipeline.Role) string {
	if point == pipeline.RoleEntry {
		return "before entry"
	}
	return "on success"
}
