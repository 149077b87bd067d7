package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline/review"
	schema "github.com/stagegate/stagegate/pipelines-schema"
)

const planMarker = "<!-- stagegate:plan -->"

// withPlan has it said on a pull request, whose head or base is new, what it changes
// about pipelines.
func (a *App) withPlan(p plan, e github.PullRequest) plan {
	if !slices.Contains([]string{"opened", "synchronize", "reopened", "edited"}, e.Action) {
		return p
	}
	start := p.commit
	p.commit = func(ctx context.Context, tx store.Tx) error {
		if start != nil {
			if err := start(ctx, tx); err != nil {
				return err
			}
		}
		return tx.Enqueue(ctx, store.ShowPlan{
			Installation: e.Repo.Installation, Repository: e.Repo.String(), RepositoryID: e.Repo.ID, DefaultBranch: e.Repo.DefaultBranch, Number: e.Number, Files: e.Files,
		}, time.Time{})
	}
	return p
}

// showPlan keeps the one comment on a pull request that says what it changes about
// pipelines. Files are read for it, and nothing is run, so it is there for forks too.
func (a *App) showPlan(ctx context.Context, w store.ShowPlan) error {
	defer a.reports.lock(fmt.Sprintf("plan/%d/%d", w.RepositoryID, w.Number))()
	owner, name, _ := strings.Cut(w.Repository, "/")
	repo := github.Repository{Installation: w.Installation, ID: w.RepositoryID, Owner: owner, Name: name, DefaultBranch: w.DefaultBranch}
	repo, err := a.installed(ctx, repo)
	if err != nil {
		return err
	}
	pr, err := a.github.PullRequest(ctx, repo, w.Number)
	if errors.Is(err, github.ErrNotFound) || err == nil && pr.State != "open" {
		return nil
	} else if err != nil {
		return fmt.Errorf("read pull request %d: %w", w.Number, err)
	}
	text, err := a.planText(ctx, repo, pr, w.Files)
	if err != nil {
		return err
	}
	var known store.Plan
	err = a.store.View(ctx, func(tx store.Tx) (err error) {
		known, err = tx.Plan(ctx, w.RepositoryID, w.Number)
		return err
	})
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return err
	case text == "" && err != nil:
		return nil // there is nothing to say, and nothing was said
	case text == "":
		text = "This pull request no longer changes pipelines, or what environments trust.\n\n" + planMarker
	}
	if digestOf(text) == known.Digest {
		return nil
	}
	if known.Comment, err = a.stick(ctx, repo, w.Number, known.Comment, text, planMarker); err != nil {
		return fmt.Errorf("write the plan of pull request %d: %w", w.Number, err)
	}
	known.RepositoryID, known.PullRequest, known.Digest = w.RepositoryID, w.Number, digestOf(text)
	return a.store.Update(ctx, func(tx store.Tx) error { return tx.SavePlan(ctx, known) })
}

// planText is what a pull request of so many files changes about pipelines; empty: it
// touches none. Of more files than GitHub lists it is asked for none.
func (a *App) planText(ctx context.Context, repo github.Repository, pr github.PullRequestInfo, changes int) (string, error) {
	var files []string
	all := false
	if changes < github.ListedFiles {
		var err error
		if files, all, err = a.github.PullRequestFiles(ctx, repo, pr.Number); err != nil {
			return "", fmt.Errorf("list the files of pull request %d: %w", pr.Number, err)
		}
	}
	touches := func(file string) bool {
		is, _ := schema.IsSettingsFile(file)
		return !all || is || schema.IsPipelineFile(file) && slices.Contains(files, file)
	}
	concerns := func(file string) bool {
		is, _ := schema.IsSettingsFile(file)
		return is || schema.IsPipelineFile(file)
	}
	if all && !slices.ContainsFunc(files, concerns) {
		return "", nil
	}
	head, err := a.github.Head(ctx, repo, branchLane(pr.Base))
	if err != nil {
		return "", fmt.Errorf("read the head of %s: %w", pr.Base, err)
	}
	e := edit{app: a, repo: repo, pull: pr, base: head}
	if err := e.read(ctx, touches); errors.Is(err, github.ErrTooLarge) {
		return "The pipelines of this pull request cannot be read: there are too many files.\n\n" + planMarker, nil
	} else if err != nil {
		return "", err
	}
	return e.words(ctx)
}

// edit is a pull request's edit of pipeline files.
type edit struct {
	app           *App
	repo          github.Repository
	pull          github.PullRequestInfo
	base          string // the head of the base branch
	before, after []candidate
	was, is       standing
}

// read reads what the base branch has, and what it would have after a merge: of files
// that the pull request does not touch it keeps its own.
func (e *edit) read(ctx context.Context, touches func(file string) bool) error {
	var err error
	if e.before, err = e.app.pipelines(ctx, e.repo, e.base); err != nil {
		return err
	}
	theirs, err := e.app.pipelines(ctx, e.repo, e.pull.Head)
	if err != nil {
		return err
	}
	untouched := func(c candidate) bool { return !touches(c.definition.File) }
	for _, c := range e.before {
		if untouched(c) {
			e.after = append(e.after, c)
		}
	}
	e.after = append(e.after, slices.DeleteFunc(theirs, untouched)...)
	if e.was, err = e.app.standingAt(ctx, e.repo, e.base); err != nil {
		return err
	}
	e.is = e.was
	if touches(schema.SettingsFile) {
		e.is, err = e.app.standingAt(ctx, e.repo, e.pull.Head)
	}
	return err
}

func (e *edit) files(all []candidate, s standing) review.Files {
	f := review.Files{Repository: e.repo.String(), DefaultBranch: e.repo.DefaultBranch, Environments: s.environments, Problem: s.problem}
	for _, c := range all {
		f.Pipelines = append(f.Pipelines, review.Pipeline{Definition: c.definition, Mistakes: len(c.problems)})
	}
	return f
}

// mostSaid is how many changes, and longestPlan how many bytes of them, the comment has.
const (
	mostSaid    = 100
	longestPlan = 30_000
)

// words are the comment.
func (e *edit) words(ctx context.Context) (string, error) {
	events, err := e.replay(ctx)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "### What this pull request changes about pipelines\n\n")
	said := e.changes(&b)
	if said == 0 {
		b.WriteString("Nothing that a pipeline does.\n\n")
	}
	b.WriteString(events)
	fmt.Fprintf(&b, "It is about commit `%s`, beside %s at `%s`. Nothing was run for it.", e.pull.Head, review.Code(e.pull.Base), shortSHA(e.base))
	if e.pull.Base != e.repo.DefaultBranch {
		fmt.Fprintf(&b, " What environments trust counts once it is on %s.", review.Code(e.repo.DefaultBranch))
	}
	return b.String() + "\n\n" + planMarker, nil
}

// changes writes what differs, what weakens a gate first, and returns how much that is.
func (e *edit) changes(b *strings.Builder) int {
	var weak, other []string
	for _, s := range review.Compare(e.files(e.before, e.was), e.files(e.after, e.is)) {
		for _, c := range s.Changes {
			line := "- " + s.Title + ": " + c.Text
			if c.Weakens {
				weak = append(weak, line)
			} else {
				other = append(other, line)
			}
		}
	}
	for _, part := range []struct {
		title string
		lines []string
	}{{"**This weakens gates, or may:**", weak}, {"Besides:", other}} {
		if len(part.lines) > 0 {
			fmt.Fprintf(b, "%s\n\n%s\n\n", part.title, bounded(part.lines))
		}
	}
	return len(weak) + len(other)
}

// bounded joins lines, as many as there is room for.
func bounded(lines []string) string {
	n, size := 0, 0
	for n < min(len(lines), mostSaid) && size+len(lines[n]) < longestPlan/2 {
		size += len(lines[n])
		n++
	}
	text := strings.Join(lines[:n], "\n")
	if n < len(lines) {
		text += fmt.Sprintf("\n- And %d more.", len(lines)-n)
	}
	return text
}
