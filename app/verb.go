package app

import (
	"context"
	"fmt"
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
		{"approve", "/approve [[PIPELINE/]STAGE[/ACTION]] [SHA] [FIELD=VALUE …] [-- REASON]", "gives an approval that waits; a value with spaces stands in double quotes", (*App).sayDecide},
		{"reject", "/reject [[PIPELINE/]STAGE[/ACTION]] [SHA] [-- REASON]", "refuses an approval that waits", (*App).sayDecide},
		{"ok-to-test", "/ok-to-test [SHA]", "lets the head of a fork's pull request run, once somebody with write access has looked at it", (*App).sayOkToTest},
		{"run", "/run [PIPELINE]", "starts a pipeline, or all that a new head of the pull request would start; once it is merged, of its base branch", (*App).sayRun},
		{"retry", "/retry [[PIPELINE/]STAGE] [all]", "runs a failed or stopped stage again: what did not succeed, or all, approvals included", (*App).sayRetry},
		{"rollback", "/rollback [PIPELINE/]STAGE [EXECUTION] [preview]", "deploys again what a stage had before, or what an execution, by its number, made of it; with preview, says what that would do", (*App).sayRollback},
		{"stop", "/stop [PIPELINE] [abandon]", "lets what runs finish and begins nothing new; with abandon, kills what runs", (*App).sayStop},
		{"override", "/override [PIPELINE/]STAGE REASON", "lets a stage go on that its rules keep back or have failed", (*App).sayOverride},
		{"freeze", "/freeze [PIPELINE/]STAGE [until TIME] REASON", "closes the way into a stage on all lanes, until a time or until it is opened", (*App).sayFreeze},
		{"unfreeze", "/unfreeze [PIPELINE/]STAGE", "opens the way into a stage and lets in who waits there", (*App).sayUnfreeze},
		{"status", "/status", "says where everything stands: what waits, for whom, since when, and what happens then", (*App).sayStatus},
		{"help", "/help", "lists the commands", (*App).sayHelp},
	}
}

// verbMeant finds the command of a name. One that is nearly ours was a slip, which
// is to be told; any other belongs to somebody else.
func verbMeant(name string) (verb, bool) {
	for _, v := range verbs() {
		if v.name == name {
			return v, true
		}
	}
	lower := strings.ToLower(name)
	for _, v := range verbs() {
		if lower == v.name || len(v.name) > 3 && slip(lower, v.name) {
			return verb{name: name, form: v.form, do: (*App).saySlip}, true
		}
	}
	return verb{}, false
}

// slip tells whether one letter is missing, too many or another, or two are swapped.
func slip(a, b string) bool {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	swapped := len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
	return len(a) <= 1 && len(b) <= 1 || swapped
}

func (a *App) saySlip(_ context.Context, s spoken) (operation, error) {
	return nil, refused(codeNotFound, "there is no command %s; did you mean `%s`? `/help` lists all", shown("/"+s.verb.name), s.verb.form)
}

// sayHelp lists the commands.
func (a *App) sayHelp(context.Context, spoken) (operation, error) {
	var b strings.Builder
	b.WriteString("Commands of Stagegate, each on a line of its own in a new comment:\n")
	for _, v := range verbs() {
		fmt.Fprintf(&b, "\n- `%s` %s", v.form, v.does)
	}
	b.WriteString("\n\nThey act on the executions of this pull request, and once it is merged on those of its base branch.")
	return operation{telling(b.String())}, nil
}

// telling is an answer that changes nothing.
type telling string

func (t telling) apply(context.Context, store.Tx) (string, error) { return string(t), nil }

func (a *App) sayDecide(ctx context.Context, s spoken) (operation, error) {
	said := response{approved: s.verb.name == "approve"}
	var err error
	if s.args, said.values, s.by.says, err = s.filledIn(); err != nil {
		return nil, err
	}
	g, sha, err := s.chosen()
	if err != nil {
		return nil, err
	}
	decided, err := a.decide(ctx, s.by, g, said)
	if err == nil && len(sha) < len(g.x.Revision.Commit) { // how one begins can be forged
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
