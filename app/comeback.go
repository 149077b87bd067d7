package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// comeback is a rollback as it would be carried out.
type comeback struct {
	app      *App
	repo     github.Repository
	gates    pipeline.Definition // the newest that is trusted
	head     string              // its commit
	standing standing            // what environments trust there
	target   store.Execution
	now      store.Execution     // what the stage has now; zero: not known
	halfway  int                 // number of what has failed there since; zero: nothing
	back     store.Execution     // what would begin
	closed   pipeline.Transition // what keeps the way into the stage closed; zero: nothing
}

func (c *comeback) defaultLane() string { return "refs/heads/" + c.repo.DefaultBranch }

// stage is the last of the execution: the one that runs.
func (c *comeback) stage() pipeline.Stage {
	return c.back.Definition.Stages[len(c.back.Definition.Stages)-1]
}

// possible refuses what no rollback can be of.
func (c *comeback) possible(stage string) error {
	x, name := c.target, c.gates.Name
	was, is := x.Definition.Stages[x.StageIndex(stage)].Environment, c.gates.Stages[c.gates.StageIndex(stage)].Environment
	instead := fmt.Sprintf("start the commit anew: `stagegate start %s --commit %s`", name, x.Revision.Commit)
	switch {
	case x.Definition.Mode == pipeline.Parallel || c.gates.Mode == pipeline.Parallel:
		return refused(codeConflict, "%s has `mode: parallel`, in which nothing can be rolled back, since nobody can tell what came last; %s", name, instead)
	case was != "" && is != "" && !strings.EqualFold(was, is):
		return refused(codeConflict, "stage %s of execution %d changed the environment %s and changes %s now, so nobody can tell who has to be asked; %s",
			stage, x.Number, was, is, instead)
	case was+is == "":
		return nil
	}
	t := c.standing.trust(cmp.Or(is, was), x.Revision)
	switch {
	case t.Problem != "":
		return refused(codeConflict, "%s", t.Problem)
	case !t.Trusted:
		return refused(codeForbidden, "stage %s changes the environment %s, which %s: nothing of %s can be rolled back there",
			stage, t.Environment, t.Words, x.Lane)
	}
	return nil
}

// make makes the execution that would begin.
func (c *comeback) make(by caller, stage string) {
	how := pipeline.Rollback{Stage: stage, Reason: by.says, GatesAt: c.head}
	c.back = store.Execution{
		Execution: c.target.RollBackTo(how, &c.gates), Installation: c.repo.Installation, Token: newToken(),
	}
	c.back.Repository, c.back.Actor, c.back.Door = c.repo.String(), by.login, by.door
	c.back.Trust = c.standing.all(c.back.Definition, c.back.Revision)
}

// vacant refuses to roll back what an execution works on now. In front of a closed way
// the rollback waits.
func (c *comeback) vacant(ctx context.Context, tx store.Tx) error {
	key := c.key()
	disabled, err := tx.Transitions(ctx, key.Repository)
	if err != nil {
		return err
	}
	c.closed, _ = pipeline.Closing(disabled, key, c.app.now())
	lock, err := tx.Lock(ctx, key, "")
	if err != nil || lock.Yields() {
		return err
	}
	n := lock.Holder.Number
	return refused(codeConflict, "execution %d of %s is in stage %s: wait for its end, or stop it by `/stop %s` or `stagegate stop %s/%d`",
		n, key.Pipeline, key.Stage, key.Pipeline, key.Pipeline, n)
}

// key is the lock of the stage.
func (c *comeback) key() pipeline.LockKey {
	return pipeline.LockKey{Repository: c.back.RepositoryID, Pipeline: c.back.Definition.Name, Lane: c.back.Lane, Stage: c.stage().Name}
}

// kept refuses a rollback whose artifacts are gone.
func (c *comeback) kept(ctx context.Context) error {
	for _, art := range c.back.Given() {
		there, err := c.app.blobs.Has(ctx, artifactKey(art.Digest))
		if err != nil {
			return fmt.Errorf("look for artifact %s: %w", art.Name, err)
		}
		if !there {
			what := "the artifact " + art.Name
			if art.Name == pipeline.SourceArtifact {
				what = "the source"
			}
			return refused(codeConflict, "%s of execution %d is not kept any more; start its commit anew: `stagegate start %s --commit %s`",
				what, c.target.Number, c.gates.Name, c.target.Revision.Commit)
		}
	}
	return nil
}

// apply begins it, once for its key.
func (c *comeback) apply(ctx context.Context, tx store.Tx) (string, error) {
	if err := c.vacant(ctx, tx); err != nil {
		return "", err
	}
	err := tx.CreateExecution(ctx, &c.back)
	if err == nil {
		err = store.Apply(ctx, tx, c.back.ID, pipeline.Started{At: c.app.now()})
	}
	if errors.Is(err, store.ErrConflict) {
		return "", nil // the same was asked for before
	}
	return fmt.Sprintf("Started [%s %d](%s). %s", plain(c.gates.Name), c.back.Number, c.app.pageURL(c.back, ""), c.words()), err
}

// words say in Markdown what the rollback does.
func (c *comeback) words() string {
	var b strings.Builder
	r := c.target.Revision
	subject, _, _ := strings.Cut(r.Message, "\n")
	fmt.Fprintf(&b, "Stage **%s** goes back to [%s %d](%s): commit `%s` of %s%s.\n", plain(c.stage().Name), plain(c.gates.Name), c.target.Number,
		c.app.pageURL(c.target, ""), r.Commit, plain(c.target.Lane), colon(plain(cut(subject, 200))))
	if n := c.now; n.ID != "" {
		fmt.Fprintf(&b, "\n- It has now: [%s %d](%s), commit `%s`.", plain(c.gates.Name), n.Number, c.app.pageURL(n, ""), n.Revision.Commit)
		if c.halfway != 0 {
			fmt.Fprintf(&b, " Execution %d has failed there since.", c.halfway)
		}
	}
	fmt.Fprintf(&b, "\n- It runs: %s, by the definition of that commit.", plain(strings.Join(c.runs(), ", ")))
	if inputs := c.back.Given(); len(inputs) > 0 {
		var names []string
		for _, art := range inputs {
			names = append(names, art.Name)
		}
		fmt.Fprintf(&b, "\n- It is given: %s, as it was.", plain(strings.Join(names, ", ")))
	}
	if t := c.closed; t.Stage != "" {
		fmt.Fprintf(&b, "\n- It waits until the way into the stage is opened: it is %s.", plain(t.Words()))
	}
	fmt.Fprintf(&b, "\n- It passes, by the definition of %s at `%s`: %s.", plain(c.repo.DefaultBranch), shortSHA(c.head), c.asks())
	return b.String()
}

// runs are the actions that run, as people call them.
func (c *comeback) runs() []string {
	var names []string
	for _, a := range c.stage().Actions {
		if a.Approval == nil && a.Role != pipeline.RoleEntry {
			names = append(names, a.Title())
		}
	}
	return names
}

// asks says in Markdown who and what is asked first.
func (c *comeback) asks() string {
	var all []string
	for _, r := range c.stage().BeforeEntry {
		all = append(all, "the rule "+plain(r.String()))
	}
	for _, a := range c.stage().Actions {
		if a.Approval != nil {
			all = append(all, fmt.Sprintf("the approval %s by %s", plain(a.Name), plain(explain.Approvers(c.back.Execution, *a.Approval))))
		}
	}
	if len(all) == 0 {
		return "nothing, since it has neither approvals nor rules"
	}
	return strings.Join(all, "; ")
}
