package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// sayRun starts a pipeline by hand, or all those that the pull request's next head
// would start: of its head while it is open, of its base branch once it is merged.
// The files that changed and the words of the commit do not count: somebody asks.
func (a *App) sayRun(ctx context.Context, s spoken) (operation, error) {
	if len(s.args) > 1 {
		return nil, s.mistold("")
	}
	may, err := a.mayWrite(ctx, s.repo, s.by)
	switch {
	case err != nil:
		return nil, err
	case !may:
		return nil, refused(codeForbidden, "%s may not start pipelines: that takes write access", s.by)
	}
	base, err := a.runOf(ctx, s)
	if err != nil {
		return nil, err
	}
	meant, err := a.toRun(ctx, s, base)
	if err != nil {
		return nil, err
	}
	if err := a.trustAll(ctx, s.repo, base.Revision, meant); err != nil {
		return nil, err
	}
	var starts operation
	for _, c := range meant {
		x := store.Execution{Execution: base, Installation: s.repo.Installation, Token: newToken()}
		x.Definition, x.Followed, x.Trust, x.Trigger = c.definition, c.followed, c.trust, pipeline.Manual
		x.Delivery = store.Derived("comment", strconv.FormatInt(s.comment.ID, 10))
		starts = append(starts, startByHand{a, x})
	}
	return starts, nil
}

// runOf is what is run, as the event that would start it by itself.
func (a *App) runOf(ctx context.Context, s spoken) (pipeline.Execution, error) {
	x := pipeline.Execution{Repository: s.repo.String(), RepositoryID: s.repo.ID, Actor: s.by.login, Door: s.by.door}
	switch {
	case s.pull.Merged:
		r, err := a.revision(ctx, s.repo, api.Start{Branch: s.pull.Base})
		x.Trigger, x.Lane, x.Revision = pipeline.Push, r.Ref, r
		return x, err
	case s.pull.State == "closed":
		return x, refused(codeConflict, "the pull request is closed and was not merged: reopen it to run something of it")
	}
	x.Trigger, x.Lane = pipeline.PullRequest, laneOfPull(s.pull.Number)
	x.Revision = pipeline.Revision{
		Commit: s.pull.Head, Ref: fmt.Sprintf("refs/pull/%d/head", s.pull.Number), Branch: s.pull.Branch, Base: s.pull.Base,
		PullRequest: s.pull.Number, Authors: lowerSet(s.pull.User),
	}
	if s.pull.Fork {
		if _, err := a.fork(ctx, s.repo, &x); err != nil {
			return x, err
		}
		if x.Unadmitted() {
			return x, refused(codeForbidden, "nobody has said that commit %s of a fork may be tested: look at it, then say `/ok-to-test %s`", shortSHA(s.pull.Head), s.pull.Head)
		}
	}
	err := a.readHead(ctx, s.repo, &x)
	if x.Revision.Time.IsZero() {
		x.Revision.Time = earliest
	}
	return x, err
}

// toRun are the pipelines that are meant.
func (a *App) toRun(ctx context.Context, s spoken, base pipeline.Execution) ([]candidate, error) {
	sha := cmp.Or(base.DefinedAt, base.Revision.Commit)
	if len(s.args) == 1 {
		c, err := a.pipelineCalled(ctx, s.repo, sha, s.args[0])
		return []candidate{c}, err
	}
	all, err := a.pipelinesAt(ctx, s.repo, sha)
	if err != nil {
		return nil, err
	}
	meant := slices.DeleteFunc(slices.Clone(all), func(c candidate) bool { return !wouldStart(c.definition, base) })
	if len(meant) == 0 {
		names := namesOf(all)
		return nil, refused(codeConflict, "no pipeline at %s is for %s; name one: %s", shortSHA(sha), eventOf(base), strings.Join(names, ", ")).offering(names)
	}
	for _, c := range meant {
		if err := c.startable(sha); err != nil {
			return nil, err
		}
	}
	return meant, nil
}

// wouldStart tells whether a pipeline is for the event, its paths and the words of
// the commit aside.
func wouldStart(d pipeline.Definition, base pipeline.Execution) bool {
	activities := []string{""}
	if base.Trigger == pipeline.PullRequest {
		activities = []string{"opened", "synchronize", "reopened"}
	}
	return slices.ContainsFunc(activities, func(activity string) bool {
		base.Activity = activity
		m := d.On.Match(base)
		return m.Starts || m.Skips
	})
}

func eventOf(x pipeline.Execution) string {
	if x.Trigger == pipeline.PullRequest {
		return "a pull request into " + x.Revision.Base
	}
	return "a push to " + x.Revision.Branch
}

// startByHand starts an execution and tells of it, once.
type startByHand struct {
	app *App
	x   store.Execution
}

func (s startByHand) apply(ctx context.Context, tx store.Tx) (string, error) {
	err := hasRoom(ctx, tx, s.x.Execution)
	if err == nil {
		err = tx.CreateExecution(ctx, &s.x)
	}
	if err == nil {
		err = store.Apply(ctx, tx, s.x.ID, pipeline.Started{At: s.app.now()})
	}
	if errors.Is(err, store.ErrConflict) {
		return "", nil // the comment has started it already
	}
	return fmt.Sprintf("Started [%s %d](%s), of commit `%s` of %s.",
		plain(s.x.Definition.Name), s.x.Number, s.app.pageURL(s.x, ""), s.x.Revision.Commit, plain(s.x.Lane)), err
}
