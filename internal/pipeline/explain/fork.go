package explain

import (
	"fmt"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Word is what a stage of a fork's commit waits for before anything of it runs.
func Word(x pipeline.Execution, i int) Wait {
	return Wait{
		Kind: Approval, Since: x.CreatedAt, Next: begins(x, i),
		Text: fmt.Sprintf("/ok-to-test by someone with write access, since commit %.7s comes from a fork", x.Revision.Commit),
	}
}

// Admission says who let a fork's commit run; of any other, nothing.
func Admission(x pipeline.Execution) string {
	a := x.Admission
	if a == nil {
		return ""
	}
	return fmt.Sprintf("is of a fork's commit, without secrets and environments; %s said at %s that it may be tested (%s)", a.Actor, clock(a.At), a.Door)
}
