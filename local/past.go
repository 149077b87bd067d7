package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// stateFile holds what actions made that have run here, below the home folder.
const stateFile = "state.json"

// past is what the actions of each pipeline made the last time they ran, by
// STAGE.ACTION.
type past struct {
	Version   int                          `json:"version"`
	Pipelines map[string]map[string]result `json:"pipelines"`
}

// pastVersion is that of the file. A file of another version is not read.
const pastVersion = 1

// result is how one action succeeded.
type result struct {
	Outputs   []pipeline.Value    `json:"outputs,omitempty"`
	Artifacts []pipeline.Artifact `json:"artifacts,omitempty"`
	Time      time.Time           `json:"time"`     // that everything in its artifacts has
	Revision  string              `json:"revision"` // for people
	Source    string              `json:"source"`   // digest
	EndedAt   time.Time           `json:"ended_at"`
}

// readPast reads what there is. A file that cannot be read holds nothing: the
// actions have to run again.
func readPast(h *home) past {
	none := past{Version: pastVersion, Pipelines: map[string]map[string]result{}}
	text, err := h.root.ReadFile(stateFile)
	if err != nil {
		return none
	}
	var p past
	if json.Unmarshal(text, &p) != nil || p.Version != pastVersion || p.Pipelines == nil {
		return none
	}
	return p
}

// write replaces the file.
func (p past) write(h *home) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("store the state of the run: %w", err)
	}
	fresh := "tmp/" + stateFile
	if err := errors.Join(h.root.WriteFile(fresh, append(text, '\n'), 0o600), h.root.Rename(fresh, stateFile)); err != nil {
		return fmt.Errorf("store the state of the run: %w", err)
	}
	return nil
}

// keep remembers what the actions of a run made, and forgets those that ran and
// did not succeed. Those that did not run stay as they were.
func (p past) keep(x pipeline.Execution, ran selection, revision string) {
	actions := p.Pipelines[x.Definition.Name]
	if actions == nil {
		actions = map[string]result{}
		p.Pipelines[x.Definition.Name] = actions
	}
	for _, st := range x.Stages {
		for _, a := range st.Actions {
			at := place{st.Name, a.Name}
			switch {
			case !ran.has(at) || a.Decision != nil:
			case a.Status == pipeline.Succeeded:
				actions[at.String()] = result{
					Outputs: a.Outputs, Artifacts: a.Artifacts, Time: x.Revision.Time,
					Revision: revision, Source: x.Source.Digest, EndedAt: a.EndedAt,
				}
			case !a.StartedAt.IsZero():
				delete(actions, at.String())
			}
		}
	}
}

// standIns are the results of earlier runs that this one uses.
type standIns map[place]result

// recall finds what a run wants of earlier ones. All that is missing, or was
// changed since, is told at once, with what to run first.
func (r *run) recall(ctx context.Context) (standIns, error) {
	wants := r.chosen.wants(r.whole)
	if len(wants) == 0 {
		return nil, nil
	}
	actions := readPast(r.home).Pipelines[r.whole.Name]
	found := standIns{}
	var wrong []error
	for _, w := range wants {
		res, ok := actions[w.from.String()]
		if ok {
			found[w.from] = res
		}
		if err := r.usable(ctx, w, res, ok); err != nil {
			wrong = append(wrong, err)
		}
	}
	return found, join(wrong)
}

// usable tells whether a result serves what is wanted of it.
func (r *run) usable(ctx context.Context, w want, res result, there bool) error {
	first := "run --action " + w.from.String() + " first"
	if !there {
		return usage("%s, which has not succeeded here: %s", w, first)
	}
	if w.artifact == "" {
		return nil
	}
	for _, a := range res.Artifacts {
		if a.Name != w.artifact {
			continue
		}
		r.shelf.know(a.Name, fact{at: res.Time})
		err := r.shelf.check(ctx, a)
		var refusal *runner.Refusal
		if errors.As(err, &refusal) {
			return usage("%s: %s: %s", w, refusal.Reason, first)
		}
		return err
	}
	return usage("%s, which did not make it when it ran here: %s", w, first)
}

// note says from which runs the results are.
func (s standIns) notes(d pipeline.Definition, source string) []string {
	var notes []string
	for p := range everyAction(d) {
		res, ok := s[p]
		if !ok {
			continue
		}
		parts := []string{"not run again: what it made on " + res.EndedAt.Local().Format("2006-01-02 at 15:04")}
		if res.Revision != "" {
			parts = append(parts, "of "+res.Revision)
		}
		if res.Source != source {
			parts = append(parts, "is used, though the source has changed since")
		} else {
			parts = append(parts, "is used")
		}
		notes = append(notes, p.String()+" is "+strings.Join(parts, " "))
	}
	return notes
}

// answer gives the result of an action that does not run.
func (r *run) answer(id pipeline.JobID, at time.Time) (pipeline.Result, bool) {
	if r.chosen.has(placeOf(id)) {
		return pipeline.Result{}, false
	}
	res := r.standIns[placeOf(id)]
	return pipeline.Result{
		Status: pipeline.Succeeded, Outputs: res.Outputs, Artifacts: res.Artifacts, StartedAt: at, FinishedAt: at,
	}, true
}
