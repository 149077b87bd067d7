package local

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
	schema "github.com/stagegate/stagegate/pipelines-schema"
)

// withVariables gives the variables of a definition other values. Those the
// pipeline does not have are mistakes, all at once.
func withVariables(d pipeline.Definition, values []pipeline.Value) (pipeline.Definition, error) {
	d.Variables = slices.Clone(d.Variables)
	declared := make([]string, len(d.Variables))
	for i, v := range d.Variables {
		declared[i] = v.Name
	}
	var unknown []error
	for _, v := range values {
		i := slices.Index(declared, v.Name)
		if i < 0 {
			unknown = append(unknown, usage("there is no variable %s: %s", v.Name, instead(v.Name, declared)))
			continue
		}
		d.Variables[i].Default = v.Value
	}
	return d, join(unknown)
}

// instead says what a name that does not exist was probably meant to be, or
// what there is.
func instead(name string, have []string) string {
	if hint := schema.DidYouMean(name, have); hint != "" {
		return hint
	}
	if len(have) == 0 {
		return "the pipeline has none"
	}
	return "there is " + strings.Join(have, ", ")
}

// join makes one Usage of several, each on a line of its own; nil of none.
func join(mistakes []error) error {
	if len(mistakes) == 0 {
		return nil
	}
	return Usage{fmt.Sprint(errors.Join(mistakes...))}
}
