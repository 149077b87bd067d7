package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// goal is what a person wants to go back to: an execution of a pipeline, by its number,
// in one stage. Without a number it is what the stage had before what it has now,
// without a lane the default branch, or that of the execution.
type goal struct {
	pipeline, stage, lane string
	number                int
}

// rollBack makes the execution that deploys again what has succeeded in a stage. It
// runs the target's own actions, behind the approvals and rules of the newest definition
// on the default branch: where that does not have the stage, nobody can tell who has to
// be asked. What comes back has not begun, and says what it would do.
func (a *App) rollBack(ctx context.Context, by caller, repo github.Repository, g goal) (*comeback, error) {
	may, err := a.mayWrite(ctx, repo, by)
	switch {
	case err != nil:
		return nil, err
	case !may:
		return nil, refused(codeForbidden, "%s may not roll back: that takes write access", by)
	}
	c := &comeback{app: a, repo: repo}
	if err := a.readGates(ctx, c, &g); err != nil {
		return nil, err
	}
	err = a.store.View(ctx, func(tx store.Tx) error {
		if err := c.find(ctx, tx, g); err != nil {
			return err
		}
		if err := c.possible(g.stage); err != nil {
			return err
		}
		c.make(by, g.stage)
		return c.vacant(ctx, tx)
	})
	if err == nil {
		err = c.kept(ctx)
	}
	return c, err
}

// readGates reads the newest definition that is trusted, and gives the goal the names as
// they are there.
func (a *App) readGates(ctx context.Context, c *comeback, g *goal) error {
	branch := c.repo.DefaultBranch
	head, err := a.github.Head(ctx, c.repo, "refs/heads/"+branch)
	if errors.Is(err, github.ErrNotFound) {
		return refused(codeConflict, "%s has no branch %s, so nobody can tell which approvals and rules a rollback has to pass", c.repo, branch)
	} else if err != nil {
		return fmt.Errorf("read the head of %s: %w", branch, err)
	}
	found, err := a.pipelineCalled(ctx, c.repo, head, g.pipeline)
	if err != nil {
		return err
	}
	c.gates, c.head = found.definition, head
	if c.standing, err = a.standingAt(ctx, c.repo, head); err != nil {
		return err
	}
	var names []string
	for _, s := range c.gates.Stages {
		if strings.EqualFold(s.Name, g.stage) {
			g.pipeline, g.stage = c.gates.Name, s.Name
			return nil
		}
		names = append(names, s.Name)
	}
	return refused(codeNotFound, "pipeline %s has no stage %q at %s, the head of %s, whose approvals and rules a rollback has to pass; it has %s",
		c.gates.Name, g.stage, shortSHA(head), branch, strings.Join(names, ", ")).offering(names)
}

// find finds the execution that is gone back to, and what the stage has now.
func (c *comeback) find(ctx context.Context, tx store.Tx, g goal) error {
	f := store.Filter{RepositoryID: c.repo.ID, Pipeline: g.pipeline, Lane: g.lane}
	if g.number != 0 {
		found, err := tx.Find(ctx, store.Filter{RepositoryID: f.RepositoryID, Pipeline: f.Pipeline, Number: g.number})
		switch {
		case err != nil:
			return err
		case len(found) == 0:
			return refused(codeNotFound, "there is no execution %d of %s", g.number, g.pipeline)
		case g.lane != "" && found[0].Lane != g.lane:
			return refused(codeConflict, "execution %d is of %s, not of %s", g.number, found[0].Lane, g.lane)
		}
		c.target, f.Lane = found[0], found[0].Lane
	}
	if f.Lane == "" {
		f.Lane = c.defaultLane()
	}
	if err := c.look(ctx, tx, f, g.stage); err != nil {
		return err
	}
	f.SucceededIn = g.stage
	if g.number != 0 {
		return c.hasPassed(ctx, tx, f)
	}
	return c.before(ctx, tx, f)
}

// mostLooked is how many executions are looked through for one of a kind.
const mostLooked = 100

// look finds the execution that the stage has now: of an environment the one that was
// deployed there, else the newest that has succeeded. What has begun its work there since
// and did not succeed has left it halfway.
func (c *comeback) look(ctx context.Context, tx store.Tx, f store.Filter, stage string) error {
	newest := f
	newest.SucceededIn, newest.Limit = stage, 1
	x := pipeline.Execution{RepositoryID: f.RepositoryID, Definition: c.gates}
	if key, ok := x.EnvironmentKey(c.gates.StageIndex(stage)); ok {
		lock, err := tx.Lock(ctx, key, "")
		if err != nil {
			return err
		}
		for _, d := range lock.Deployed {
			if d.Pipeline == f.Pipeline {
				newest.SucceededIn, newest.Lane, newest.Number = "", "", d.Number
			}
		}
	}
	found, err := tx.Find(ctx, newest)
	if err != nil || len(found) == 0 {
		return err
	}
	c.now, f.After, f.Limit = found[0], found[0].ID, mostLooked
	since, err := tx.Find(ctx, f)
	for _, x := range since {
		if i := x.StageIndex(stage); i >= 0 && x.Stages[i].Claimed && x.Stages[i].Status.Ended() && x.Stages[i].Status != pipeline.Succeeded {
			c.halfway = x.Number
			break
		}
	}
	return err
}

// before picks what the stage had before what it has now; where that was left halfway,
// what it has now.
func (c *comeback) before(ctx context.Context, tx store.Tx, f store.Filter) error {
	if c.now.ID == "" {
		return refused(codeConflict, "nothing has succeeded in stage %s on %s that could be gone back to", f.SucceededIn, f.Lane)
	}
	from := c.now
	if r := from.Rollback; r != nil {
		var err error
		if from, err = tx.Execution(ctx, r.Target); err != nil {
			return err
		}
	}
	if c.halfway != 0 {
		c.target = from
		return nil
	}
	f.Before = from.ID
	earlier, err := succeeded(ctx, tx, f)
	if err == nil && len(earlier) == 0 {
		err = refused(codeConflict, "nothing has succeeded in stage %s on %s before execution %d, which it has now", f.SucceededIn, f.Lane, from.Number)
	}
	if err == nil {
		c.target = earlier[0]
	}
	return err
}

// hasPassed refuses a target that one cannot go back to, and names others.
func (c *comeback) hasPassed(ctx context.Context, tx store.Tx, f store.Filter) error {
	x, stage := c.target, f.SucceededIn
	if x.Rollback != nil {
		return refused(codeConflict, "execution %d is itself a rollback: name the one that it went back to, %d", x.Number, x.Rollback.Number).
			offering([]string{strconv.Itoa(x.Rollback.Number)})
	}
	i := x.StageIndex(stage)
	if i < 0 {
		return noStage(x, stage)
	}
	all, err := succeeded(ctx, tx, f)
	if err != nil || x.Stages[i].Status == pipeline.Succeeded {
		return err
	}
	var numbers []string
	for _, x := range all[:min(len(all), 5)] {
		numbers = append(numbers, strconv.Itoa(x.Number))
	}
	return refused(codeConflict, "execution %d has not succeeded in stage %s; these have: %s", x.Number, stage, list(numbers)).offering(numbers)
}

// succeeded lists the executions that are no rollbacks and have succeeded in a stage.
func succeeded(ctx context.Context, tx store.Tx, f store.Filter) ([]store.Execution, error) {
	f.Limit = mostLooked
	found, err := tx.Find(ctx, f)
	return slices.DeleteFunc(found, func(x store.Execution) bool {
		i := x.StageIndex(f.SucceededIn)
		return x.Rollback != nil || i < 0 || x.Stages[i].Status != pipeline.Succeeded
	}), err
}
