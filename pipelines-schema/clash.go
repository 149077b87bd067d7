package schema

import (
	"fmt"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Clash is the mistake of a pipeline that is called like an earlier one of its
// repository: neither runs, since nobody could tell their check runs apart. It
// stands at the start of the later one's file. False: the names differ.
func Clash(earlier, later pipeline.Definition) (Diagnostic, bool) {
	if fold(earlier.Name) != fold(later.Name) {
		return Diagnostic{}, false
	}
	d := Diagnostic{
		File: later.File, Line: 1, Column: 1,
		Message: fmt.Sprintf("the pipeline %q is also defined in %s", later.Name, earlier.File),
		Hint:    "give one of them another name",
	}
	if earlier.Name != later.Name {
		d.Message = fmt.Sprintf("the pipeline %q is also defined, as %q, in %s", later.Name, earlier.Name, earlier.File)
	}
	return d, true
}
