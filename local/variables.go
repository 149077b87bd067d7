package local

import (
	"errors"
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

// join makes one Usage of several, each on a line of its own; nil of none. An
// error that is no Usage comes alone.
func join(mistakes []error) error {
	var lines []string
	for _, err := range mistakes {
		var u Usage
		switch {
		case err == nil:
		case errors.As(err, &u):
			lines = append(lines, u.Message)
		default:
			return err
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return Usage{strings.Join(lines, "\n")}
}

// wish is what a run is to do, once all that was asked for makes sense.
type wish struct {
	whole      pipeline.Definition // with its variables
	definition pipeline.Definition // of the same, what is carried out
	chosen     selection
	secrets    secrets
}

// settle makes sense of what was asked for. The mistakes come all at once.
func (c Config) settle(d pipeline.Definition) (wish, error) {
	var w wish
	var errs [4]error
	w.whole, errs[0] = withVariables(d, c.Variables)
	w.chosen, errs[1] = choice(d, c.Stages, c.Actions)
	w.definition = w.chosen.strip(w.whole)
	w.secrets, errs[2] = readSecrets(c.Dir, c.Secrets)
	if errs[2] == nil {
		errs[3] = w.secrets.has(w.definition)
	}
	return w, join(errs[:])
}
