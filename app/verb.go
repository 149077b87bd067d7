package app

import (
	"context"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
)

// verb is a command that people can say in a comment on a pull request.
type verb struct {
	name string
	form string // how to say it, as shown to people
	does string // what it does, as shown to people
	do   func(*App, context.Context, spoken) (operation, error)
}

// spoken is a command with who said it, where, and what it can be about.
type spoken struct {
	command
	by      caller
	comment github.Comment
	repo    github.Repository
	pull    github.PullRequestInfo
	lane    []store.Execution // what the comment acts on, newest first
	running []store.Execution // those of them that have not ended
}

// verbs are all commands that are understood, in the order in which people are
// shown them.
func verbs() []verb {
	return []verb{
		{"approve", "/approve [[PIPELINE/]STAGE[/ACTION]] [SHA]", "gives an approval that waits", (*App).sayDecide},
		{"reject", "/reject [[PIPELINE/]STAGE[/ACTION]] [SHA]", "refuses an approval that waits", (*App).sayDecide},
		{"run", "/run [PIPELINE]", "starts a pipeline, or all that a new head of the pull request would start; once it is merged, of its base branch", (*App).sayRun},
		{"retry", "/retry [[PIPELINE/]STAGE] [all]", "runs a failed or stopped stage again: what did not succeed, or all, approvals included", (*App).sayRetry},
		{"stop", "/stop [PIPELINE] [abandon]", "lets what runs finish and begins nothing new; with abandon, kills what runs", (*App).sayStop},
		{"freeze", "/freeze [PIPELINE/]STAGE [until TIME] REASON", "closes the way into a stage on all lanes, until a time or until it is opened", (*App).sayFreeze},
		{"unfreeze", "/unfreeze [PIPELINE/]STAGE", "opens the way into a stage and lets in who waits there", (*App).sayUnfreeze},
	}
}

func verbCalled(name string) (verb, bool) {
	all := verbs()
	i := slices.IndexFunc(all, func(v verb) bool { return v.name == name })
	if i < 0 {
		return verb{}, false
	}
	return all[i], true
}

func (a *App) sayDecide(ctx context.Context, s spoken) (operation, error) {
	g, sha, err := s.chosen()
	if err != nil {
		return nil, err
	}
	decided, err := a.decide(ctx, s.by, g, s.verb.name == "approve")
	if err == nil && sha == "" {
		err = a.shownBefore(ctx, g, s.comment.CreatedAt)
	}
	return decided, err
}

// chosen is the gate that is meant. After a merge that is one of what it made,
// unless a SHA names another commit of the branch.
func (s spoken) chosen() (gate, string, error) {
	open := gates(s.running)
	if !s.pull.Merged {
		return choose(open, s.command)
	}
	merged := slices.DeleteFunc(slices.Clone(open), func(g gate) bool {
		return !outlives(g.x) && g.x.Revision.Commit != s.pull.Merge
	})
	g, sha, err := choose(merged, s.command)
	if err == nil || len(open) == len(merged) {
		return g, sha, err
	}
	g, sha, err = choose(open, s.command)
	if err == nil && sha == "" {
		commit := shortSHA(g.x.Revision.Commit)
		err = refused(codeConflict, "%s waits for an approval of %s, which is not what this pull request's merge made; say that you mean it: `/%s %s %s`",
			g.name(), commit, s.verb.name, g.name(), commit)
	}
	return g, sha, err
}

// sayStop stops what runs, or what runs of one pipeline.
func (a *App) sayStop(ctx context.Context, s spoken) (operation, error) {
	args, abandon := s.option("abandon")
	if len(args) > 1 {
		return nil, s.mistold("")
	}
	meant, err := named(s.running, args)
	if err != nil {
		return nil, err
	}
	return a.stop(ctx, s.by, s.repo, meant, abandon)
}

// named picks the executions of the pipeline that the arguments name, or all where
// they name none.
func named(all []store.Execution, args []string) ([]store.Execution, error) {
	if len(args) == 0 || len(all) == 0 {
		return all, nil
	}
	var names []string
	found := slices.DeleteFunc(slices.Clone(all), func(x store.Execution) bool {
		names = append(names, x.Definition.Name)
		return !strings.EqualFold(args[0], x.Definition.Name)
	})
	if len(found) == 0 {
		slices.Sort(names)
		names = slices.Compact(names)
		return nil, refused(codeNotFound, "no pipeline that runs here is called %s; there is %s", shown(args[0]), strings.Join(names, ", ")).offering(names)
	}
	return found, nil
}
