package show

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/local"
)

// summary is the last thing a run says: its actions, what they made, and why it
// failed.
func summary(o local.Outcome, s style) string {
	var b strings.Builder
	b.WriteByte('\n')
	width := 0
	for _, st := range o.Execution.Stages {
		for _, a := range st.Actions {
			width = max(width, len(st.Name)+1+len(a.Name))
		}
	}
	for _, st := range o.Execution.Stages {
		for _, a := range st.Actions {
			fmt.Fprintf(&b, "%-*s  %s\n", width, st.Name+"/"+a.Name, s.paint(colourOf(a.Status), ended(a)))
			for _, art := range a.Artifacts {
				fmt.Fprintf(&b, "%-*s  artifact %s: %s, %s, sha256:%s\n", width, "", art.Name,
					filepath.Join(o.Artifacts, art.Name), size(art.Size), art.Digest[:12])
			}
		}
	}
	fmt.Fprintf(&b, "%s\n", verdict(o, s))
	return b.String()
}

// verdict is how the whole run ended.
func verdict(o local.Outcome, s style) string {
	x := o.Execution
	switch {
	case o.Interrupted:
		return s.paint(yellow, "interrupted after "+duration(o.Took))
	case x.Status == pipeline.Succeeded:
		return s.paint(green, "succeeded in "+duration(o.Took))
	default:
		return s.paint(red, words(x.Status)+" after "+duration(o.Took)+": "+x.Reason)
	}
}
