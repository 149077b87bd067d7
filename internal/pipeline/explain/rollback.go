package explain

import (
	"fmt"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Rollback says what an execution goes back to, why, and by which definitions; of one
// that is no rollback, nothing.
func Rollback(x pipeline.Execution) string {
	r := x.Rollback
	if r == nil {
		return ""
	}
	text := fmt.Sprintf("goes back to execution %d in stage %s", r.Number, r.Stage)
	if r.Automatic {
		return text + fmt.Sprintf(", because execution %d failed there; nobody is asked, since what it goes back to was approved", r.For)
	}
	text += ", as " + x.Actor + " asked"
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	return text + fmt.Sprintf("; it runs by the definition %.12s, and passes the approvals and rules of %.12s at %.7s", x.Definition.Hash, r.Gates, r.GatesAt)
}
