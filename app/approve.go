package app

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// gate is one waiting approval.
type gate struct {
	x             store.Execution
	stage, action int
}

func (g gate) name() string {
	st := g.x.Stages[g.stage]
	return g.x.Definition.Name + "/" + st.Name + "/" + st.Actions[g.action].Name
}

func (g gate) job() pipeline.JobID { return g.x.JobID(g.stage, g.action) }

func (g gate) approval() pipeline.Approval {
	return *g.x.Definition.Stages[g.stage].Actions[g.action].Approval
}

// gates lists the waiting approvals of executions.
func gates(running []store.Execution) []gate {
	var found []gate
	for _, x := range running {
		for i := range x.Stages {
			for _, j := range waitingApprovals(x.Execution, i) {
				found = append(found, gate{x, i, j})
			}
		}
	}
	return found
}

// called tells whether people call the gate by the name: STAGE, STAGE/ACTION,
// PIPELINE/STAGE or PIPELINE/STAGE/ACTION, in any case.
func (g gate) called(name string) bool {
	st := g.x.Stages[g.stage]
	p, s, a := g.x.Definition.Name, st.Name, st.Actions[g.action].Name
	for _, n := range []string{s, s + "/" + a, p + "/" + s, p + "/" + s + "/" + a} {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

var shaPattern = regexp.MustCompile(`^[0-9a-f]{7,40}$`)

// choose finds the one gate that the words after a command mean, and the SHA
// among them.
func choose(open []gate, c command) (gate, string, error) {
	var name, sha string
	args := c.args
	switch len(args) {
	case 0:
	case 1:
		if slices.ContainsFunc(open, func(g gate) bool { return g.called(args[0]) }) || !shaPattern.MatchString(args[0]) {
			name = args[0]
		} else {
			sha = args[0]
		}
	case 2:
		name, sha = args[0], args[1]
	}
	if len(args) > 2 || sha != "" && !shaPattern.MatchString(sha) {
		return gate{}, "", c.mistold(", with at least 7 digits of the SHA")
	}
	g, err := chooseGate(open, name, sha)
	return g, sha, err
}

// chooseGate finds the one gate that is called by the name, or the only one for
// "". A SHA, unless it is empty, must be that of its commit.
func chooseGate(open []gate, name, sha string) (gate, error) {
	match := slices.DeleteFunc(slices.Clone(open), func(g gate) bool { return name != "" && !g.called(name) })
	if len(match) > 1 && sha != "" {
		match = slices.DeleteFunc(match, func(g gate) bool { return !strings.HasPrefix(g.x.Revision.Commit, sha) })
	}
	match = shownGates(match)
	switch {
	case len(match) == 1 && !strings.HasPrefix(match[0].x.Revision.Commit, sha):
		g := match[0]
		return gate{}, refused(codeConflict, "%s waits for an approval of %s, not of %s", g.name(), shortSHA(g.x.Revision.Commit), sha)
	case len(match) == 1:
		return match[0], nil
	case len(open) == 0:
		return gate{}, refused(codeConflict, "nothing waits for an approval here")
	case len(match) == 0:
		return gate{}, refused(codeNotFound, "no approval that waits is called %s; these wait: %s", shown(name), quoted(open)).offering(names(open))
	}
	return gate{}, refused(codeAmbiguous, "several approvals match; name one of them: %s", quoted(match)).offering(names(match))
}

// shownGates leaves, of gates with one name on one commit, that of the newest
// execution: it is the one whose check run GitHub shows.
func shownGates(gates []gate) []gate {
	return slices.DeleteFunc(slices.Clone(gates), func(g gate) bool {
		return slices.ContainsFunc(gates, func(o gate) bool {
			return o.name() == g.name() && o.x.Revision.Commit == g.x.Revision.Commit && o.x.Number > g.x.Number
		})
	})
}

// names are those of gates, sorted, each once.
func names(gates []gate) []string {
	var all []string
	for _, g := range gates {
		all = append(all, g.name())
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func quoted(gates []gate) string { return "`" + strings.Join(names(gates), "`, `") + "`" }

// current checks that what the person decides about is what GitHub has now:
// the execution's commit is still the head of its branch or pull request, unless
// a person chose the commit, as one does with a rollback.
func (a *App) current(ctx context.Context, g gate) error {
	if chosen(g.x) {
		return nil
	}
	var (
		head string
		err  error
	)
	r, commit := repository(g.x), g.x.Revision.Commit
	if n := g.x.Revision.PullRequest; n != 0 {
		var pr github.PullRequestInfo
		pr, err = a.github.PullRequest(ctx, r, n)
		if head = pr.Head; err == nil && pr.State != "open" && !outlives(g.x) {
			return refused(codeConflict, "pull request %d is closed, and %s is about it while it was open", n, g.name())
		}
	} else {
		head, err = a.github.Head(ctx, r, g.x.Revision.Ref)
	}
	switch {
	case errors.Is(err, github.ErrNotFound):
		return refused(codeConflict, "the branch or tag of execution %d is gone", g.x.Number)
	case err != nil:
		return fmt.Errorf("read the present head: %w", err)
	case head != commit:
		return refused(codeConflict, "the head has moved on to %s since; %s waits for an approval of %s", shortSHA(head), g.name(), shortSHA(commit))
	}
	return nil
}

// mayWrite tells whether GitHub lets the person write to the repository.
func (a *App) mayWrite(ctx context.Context, repo github.Repository, by caller) (bool, error) {
	if by.login == theOperator {
		return true, nil
	}
	p, err := a.github.Permission(ctx, repo, by.login)
	if errors.Is(err, github.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the permission of %s: %w", by.login, err)
	}
	return p >= github.Write, nil
}

// transient tells whether trying again later may give another answer.
func transient(err error) bool {
	var limited *github.RateLimited
	return errors.As(err, &limited) || errors.Is(err, github.ErrUnavailable)
}

// pullRequests lists those pull requests of the execution's commit that one asks for.
func (a *App) pullRequests(ctx context.Context, x store.Execution, wanted func(github.PullRequestInfo, store.Execution) bool) ([]int, error) {
	if n := x.Revision.PullRequest; n != 0 {
		return []int{n}, nil
	}
	found, err := a.github.PullRequestsOf(ctx, repository(x), x.Revision.Commit)
	if err != nil && !errors.Is(err, github.ErrNotFound) {
		return nil, fmt.Errorf("list the pull requests of %s: %w", x.Revision.Commit, err)
	}
	var numbers []int
	for _, pr := range found {
		if wanted(pr, x) {
			numbers = append(numbers, pr.Number)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// concerns tells whether the execution is about the head of the pull request, or
// about the commit that its merge made.
func concerns(pr github.PullRequestInfo, x store.Execution) bool {
	if n := x.Revision.PullRequest; n != 0 {
		return n == pr.Number
	}
	return pr.Head == x.Revision.Commit || pr.Merged && pr.Merge == x.Revision.Commit
}

// shownBefore checks that GitHub showed this very approval as waiting before
// the moment, so that nobody decides about what they have not seen. GitHub's
// times have whole seconds.
func (a *App) shownBefore(ctx context.Context, g gate, moment time.Time) error {
	st := g.x.Stages[g.stage]
	act := st.Actions[g.action]
	shown, err := a.shownAt(ctx, g.x, st.Name, fmt.Sprintf("%s/%d", act.Name, act.Attempt), moment)
	if err != nil || shown {
		return err
	}
	return refused(codeConflict, "%s was not yet shown as waiting when this was written; say which commit you mean: `/approve %s %s`",
		g.name(), g.name(), g.x.Revision.Commit)
}

// shownAt tells whether GitHub showed at a moment what a stage waits for.
func (a *App) shownAt(ctx context.Context, x store.Execution, stage, waiting string, moment time.Time) (bool, error) {
	var runs []store.CheckRun
	err := a.store.View(ctx, func(tx store.Tx) (err error) {
		runs, err = tx.CheckRuns(ctx, x.ID)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("read check runs of execution %s: %w", x.ID, err)
	}
	return slices.ContainsFunc(runs, func(r store.CheckRun) bool {
		return r.Stage == stage && slices.Contains(strings.Fields(r.Waiting), waiting) && !moment.Before(r.AcceptedAt.Truncate(time.Second))
	}), nil
}

func shortSHA(sha string) string { return sha[:min(7, len(sha))] }
