package app

import (
	"fmt"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// conditions is what the rules of a stage came to, with the evidence, who let it go on
// in spite of them, and how somebody can.
func conditions(x pipeline.Execution, i int) string {
	st := x.Stages[i]
	var b strings.Builder
	if st.Status.Ended() && st.Reason != "" {
		fmt.Fprintf(&b, "%s.\n\n", plain(sentence(st.Reason)))
	}
	for _, o := range st.Overrides {
		fmt.Fprintf(&b, "**Overridden** by %s%s\n\n", plain(o.Actor), plain(colon(o.Reason)))
	}
	for _, c := range st.Checks {
		fmt.Fprintf(&b, "Rules %s, asked %s:\n\n", pointWords(c.Point), c.At.UTC().Format("2 January 2006 15:04:05 UTC"))
		for _, f := range c.Findings {
			fmt.Fprintf(&b, "- %s\n", finding(f))
		}
		b.WriteString("\n")
	}
	if st.Overridable() {
		fmt.Fprintf(&b, "Someone with write access can let it go on all the same: `/override %s/%s REASON` in a comment, or `stagegate override %s/%d %s --reason REASON`.\n\n",
			x.Definition.Name, st.Name, x.Definition.Name, x.Number, st.Name)
	}
	return b.String()
}

// finding says what one rule came to, and what follows where it does not hold.
func finding(f pipeline.Finding) string {
	if f.Holds {
		return "✓ " + f.Rule + " holds" + plain(colon(f.Evidence))
	}
	follows := map[pipeline.Otherwise]string{
		pipeline.OtherwiseFail: "the stage fails", pipeline.OtherwiseWait: "the stage waits",
		pipeline.OtherwiseSkip: "the stage is passed over", pipeline.OtherwiseRollback: "the stage fails and is rolled back",
	}
	return "✗ **" + f.Rule + " does not hold**" + plain(colon(f.Evidence)) + " (" + follows[f.Otherwise] + ")"
}

func pointWords(point pipeline.Role) string {
	if point == pipeline.RoleEntry {
		return "before entry"
	}
	return "on success"
}

// roleWords says what an action is there for, where it is not the stage's own.
func roleWords(role pipeline.Role) string {
	switch role {
	case pipeline.RoleEntry, pipeline.RoleSuccess:
		return ", a rule's command"
	case pipeline.RoleFinally:
		return ", finally"
	case pipeline.RoleWork:
	}
	return ""
}
