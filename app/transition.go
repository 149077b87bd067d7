package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// way is how a person names the way into a stage.
type way struct {
	pipeline string // empty: whichever has the stage
	stage    string
	lane     string // empty: all lanes
}

// turn opens or closes a way in a transaction, and returns what it disabled or
// enabled. A refusal leaves everything as it was.
type turn func(ctx context.Context, tx store.Tx) (pipeline.Transition, error)

// mostReason is how long the reason of a freeze or an override may be, in characters.
const mostReason = 1000

// freeze closes the way into a stage until a time, or until somebody opens it where
// that is zero.
// One that is closed already gets the new end and the new words.
func (a *App) freeze(ctx context.Context, by caller, repo github.Repository, w way, until time.Time) (turn, error) {
	reason := strings.Join(strings.Fields(by.says), " ")
	may, err := a.mayWrite(ctx, repo, by)
	switch n := utf8.RuneCountInString(reason); {
	case err != nil:
		return nil, err
	case !may:
		return nil, refused(codeForbidden, "%s may not close the way into a stage: that takes write access", by)
	case n == 0:
		return nil, refused(codeInvalid, "the reason is missing: whoever waits will ask")
	case n > mostReason:
		return nil, refused(codeInvalid, "the reason has %d characters: say it in %d", n, mostReason)
	case !until.IsZero():
		if err := ahead(until, a.now()); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, tx store.Tx) (pipeline.Transition, error) {
		t, err := wayInto(ctx, tx, repo, w)
		if err != nil {
			return t, err
		}
		t.Actor, t.Reason, t.At, t.Until = by.login, reason, a.now().UTC().Truncate(time.Millisecond), until
		return t, store.Disable(ctx, tx, t, by.door)
	}, nil
}

// unfreeze opens the way into a stage, and lets in who waits there.
func (a *App) unfreeze(ctx context.Context, by caller, repo github.Repository, w way) (turn, error) {
	may, err := a.mayWrite(ctx, repo, by)
	switch {
	case err != nil:
		return nil, err
	case !may:
		return nil, refused(codeForbidden, "%s may not open the way into a stage: that takes write access", by)
	}
	return func(ctx context.Context, tx store.Tx) (pipeline.Transition, error) {
		t, err := a.closedWay(ctx, tx, repo, w)
		if err != nil {
			return t, err
		}
		return t, store.Enable(ctx, tx, t, a.now(), by.login, by.door)
	}, nil
}

// closedWay finds the transition that is to be enabled.
func (a *App) closedWay(ctx context.Context, tx store.Tx, repo github.Repository, w way) (pipeline.Transition, error) {
	all, err := tx.Transitions(ctx, repo.ID)
	if err != nil {
		return pipeline.Transition{}, err
	}
	var meant, others []pipeline.Transition
	for _, t := range all {
		named := strings.EqualFold(t.Stage, w.stage) && (w.pipeline == "" || strings.EqualFold(t.Pipeline, w.pipeline))
		switch {
		case !named || !t.Holds(a.now()):
		case t.Lane == w.lane || w.lane != "" && t.Lane == branchLane(w.lane):
			meant = append(meant, t)
		default:
			others = append(others, t)
		}
	}
	switch {
	case len(meant) == 1:
		return meant[0], nil
	case len(meant) > 1:
		return meant[0], severalWays(waysOf(meant))
	case len(others) > 0:
		return others[0], closedElsewhere(w, others)
	}
	t, err := wayInto(ctx, tx, repo, w)
	if err == nil {
		err = refused(codeConflict, "the way into %s is open%s", wayName(t), onLane(t.Lane))
	}
	return t, err
}

// closedElsewhere refuses to enable what is disabled for other lanes.
func closedElsewhere(w way, others []pipeline.Transition) error {
	var lanes []string
	for _, t := range others {
		if t.Lane == "" {
			return refused(codeConflict, "the way into %s is closed for all lanes, and not for %s alone: leave the lane out to open it", wayName(t), w.lane)
		}
		lanes = append(lanes, t.Lane)
	}
	return refused(codeConflict, "the way into %s is closed for some lanes only: name one of %s", wayName(others[0]), strings.Join(lanes, ", ")).offering(lanes)
}

// wayInto finds the one way into a stage that a person means.
func wayInto(ctx context.Context, tx store.Tx, repo github.Repository, w way) (pipeline.Transition, error) {
	known, ways, err := knownWays(ctx, tx, repo, w)
	if err != nil {
		return pipeline.Transition{}, err
	}
	var found []pipeline.Transition
	for _, t := range ways {
		if strings.EqualFold(t.Stage, w.stage) {
			found = append(found, t)
		}
	}
	switch {
	case len(found) == 1:
		found[0].Lane, err = laneOf(ctx, tx, found[0], w.lane)
		return found[0], err
	case len(found) > 1:
		return found[0], severalWays(waysOf(found))
	case len(ways) == 0:
		return pipeline.Transition{}, refused(codeNotFound, "no pipeline %q of %s is known; there is %s", w.pipeline, repo, list(known)).offering(known)
	}
	return pipeline.Transition{}, refused(codeNotFound, "no stage %q is known; there is %s", w.stage, list(waysOf(ways))).offering(waysOf(ways))
}

// knownWays lists the ways into all stages of the pipelines that a person may mean,
// and the names of all pipelines of the repository.
func knownWays(ctx context.Context, tx store.Tx, repo github.Repository, w way) (pipelines []string, ways []pipeline.Transition, err error) {
	newest, err := tx.Pipelines(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list pipelines: %w", err)
	}
	for _, x := range newest {
		name := x.Definition.Name
		if x.RepositoryID != repo.ID {
			continue
		}
		pipelines = append(pipelines, name)
		if w.pipeline != "" && !strings.EqualFold(w.pipeline, name) {
			continue
		}
		stages, err := stagesOf(ctx, tx, x, w.lane)
		if err != nil {
			return nil, nil, err
		}
		for _, stage := range stages {
			ways = append(ways, pipeline.Transition{Repository: repo.ID, Pipeline: name, Stage: stage})
		}
	}
	return pipelines, ways, nil
}

// recent is how many executions are looked through for the stages of a pipeline.
const recent = 50

// stagesOf lists the stages of a pipeline as the newest execution of the lane has
// them, or of the default branch, or else the newest of all.
func stagesOf(ctx context.Context, tx store.Tx, newest store.Execution, lane string) ([]string, error) {
	found, err := tx.Find(ctx, store.Filter{RepositoryID: newest.RepositoryID, Pipeline: newest.Definition.Name, Limit: recent})
	if err != nil {
		return nil, fmt.Errorf("list executions of %s: %w", newest.Definition.Name, err)
	}
	found = slices.DeleteFunc(found, func(x store.Execution) bool { return len(x.Definition.Stages) == 0 })
	if len(found) == 0 {
		return nil, nil
	}
	of := max(slices.IndexFunc(found, func(x store.Execution) bool {
		if lane == "" {
			return x.Trusts("")
		}
		return x.Lane == lane || x.Lane == branchLane(lane)
	}), 0)
	var names []string
	for _, s := range found[of].Definition.Stages {
		names = append(names, s.Name)
	}
	return names, nil
}

// laneOf finds the lane that a person means. One that no execution has been on is
// refused: a slip would close nothing.
func laneOf(ctx context.Context, tx store.Tx, t pipeline.Transition, lane string) (string, error) {
	f := store.Filter{RepositoryID: t.Repository, Pipeline: t.Pipeline, Limit: 1}
	for _, f.Lane = range []string{lane, branchLane(lane)} {
		if lane == "" {
			return "", nil
		}
		if found, err := tx.Find(ctx, f); err != nil || len(found) > 0 {
			return f.Lane, err
		}
	}
	f.Lane, f.Limit = "", recent
	found, err := tx.Find(ctx, f)
	if err != nil {
		return "", err
	}
	var lanes []string
	for _, x := range found {
		if !slices.Contains(lanes, x.Lane) {
			lanes = append(lanes, x.Lane)
		}
	}
	return "", refused(codeNotFound, "no execution of %s has been on lane %q; there is %s", t.Pipeline, lane, list(lanes)).offering(lanes)
}

// branchLane is the lane of a branch.
func branchLane(branch string) string { return "refs/heads/" + branch }

func wayName(t pipeline.Transition) string { return t.Pipeline + "/" + t.Stage }

func onLane(lane string) string {
	if lane == "" {
		return ""
	}
	return " for " + lane
}

func waysOf(all []pipeline.Transition) []string {
	var ways []string
	for _, t := range all {
		ways = append(ways, wayName(t))
	}
	return ways
}

func severalWays(ways []string) error {
	return refused(codeAmbiguous, "several pipelines have a stage of this name: name one of %s", list(ways)).offering(ways)
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// thaw enables the transitions whose time is over.
func (a *App) thaw(ctx context.Context) error {
	var over []pipeline.Transition
	look := func(tx store.Tx) error {
		all, err := tx.Transitions(ctx, 0)
		over = slices.DeleteFunc(all, func(t pipeline.Transition) bool { return t.Holds(a.now()) })
		return err
	}
	if err := a.store.View(ctx, look); err != nil || len(over) == 0 {
		return err
	}
	return a.update(ctx, func(tx store.Tx) error {
		if err := look(tx); err != nil { // somebody may have prolonged one
			return err
		}
		for _, t := range over {
			if err := store.Enable(ctx, tx, t, a.now(), "", ""); err != nil {
				return err
			}
			a.log.Info("transition opened: its time is over", "pipeline", t.Pipeline, "stage", t.Stage, "lane", t.Lane)
		}
		return nil
	})
}
