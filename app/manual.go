package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// Start starts a pipeline because a person asks for it: of the head of a branch,
// of a commit on it, or of a tag. Its file's filters do not count. A key that was
// used before names what it started then.
func (v visitor) Start(ctx context.Context, s api.Start, key string) (id string, fresh bool, err error) {
	id, fresh, err = v.startManually(ctx, s, v.startKey(s, cmp.Or(key, newToken())))
	return id, fresh, v.toAPI(err)
}

// startKey is that of a person's start.
func (v visitor) startKey(s api.Start, key string) int64 {
	return v.derived(strings.ToLower(s.Repository), strings.ToLower(s.Pipeline), key)
}

func (v visitor) startManually(ctx context.Context, s api.Start, key int64) (id string, fresh bool, err error) {
	if x, err := v.startedBefore(ctx, s, key); err != nil || x.ID != "" {
		return x.ID, false, err
	}
	x, err := v.manual(ctx, s)
	if err != nil {
		return "", false, err
	}
	x.Delivery = key
	fresh, err = v.begin(ctx, &x, nil, "")
	if err == nil && !fresh { // the same was asked for twice at once
		x, err = v.startedBefore(ctx, s, key)
	}
	return x.ID, fresh, err
}

// askedFor is a digest of what a start asks for.
func askedFor(s api.Start) string {
	var variables []string
	for _, name := range slices.Sorted(maps.Keys(s.Variables)) {
		variables = append(variables, name, s.Variables[name])
	}
	words := append([]string{strings.ToLower(s.Repository), strings.ToLower(s.Pipeline), s.Branch, s.Tag, s.Commit}, variables...)
	return strconv.FormatInt(store.Derived(words...), 36)
}

// startedBefore finds what a key has started. To ask under the same key for anything
// else is a mistake.
func (v visitor) startedBefore(ctx context.Context, s api.Start, key int64) (store.Execution, error) {
	var found []store.Execution
	err := v.store.View(ctx, func(tx store.Tx) error {
		var err error
		found, err = tx.Find(ctx, store.Filter{Delivery: key})
		return err
	})
	if err != nil || len(found) == 0 {
		return store.Execution{}, err
	}
	x := found[0]
	if x.Asked != askedFor(s) {
		return x, refused(codeConflict, "the key has started execution %d already, with another revision or other variables", x.Number)
	}
	return x, nil
}

// manual makes the execution that a person asks for.
func (v visitor) manual(ctx context.Context, s api.Start) (store.Execution, error) {
	repo, err := v.enter(ctx, s.Repository)
	if err != nil {
		return store.Execution{}, err
	}
	may, err := v.mayWrite(ctx, repo, v.as(""))
	if err == nil && !may {
		err = v.denied(ctx, wish{by: v.as(""), repository: repo.ID, asked: "start " + s.Pipeline},
			refused(codeForbidden, "%s may not start pipelines: that takes write access", v.as("")))
	}
	if err != nil {
		return store.Execution{}, err
	}
	r, err := v.revision(ctx, repo, s)
	if err != nil {
		return store.Execution{}, err
	}
	c, err := v.pipelineCalled(ctx, repo, r.Commit, s.Pipeline)
	if err == nil {
		c.definition, err = withVariables(c.definition, s.Variables)
	}
	if err != nil {
		return store.Execution{}, err
	}
	x := store.Execution{Installation: repo.Installation, Execution: pipeline.Execution{
		Repository: repo.String(), RepositoryID: repo.ID, Lane: r.Ref, Trigger: pipeline.Manual, Actor: v.login, Door: v.door, Asked: askedFor(s),
		Revision: r, Definition: c.definition, Followed: c.followed,
	}}
	if err := v.trustOne(ctx, repo, &x.Execution); err != nil {
		return x, err
	}
	return x, v.keepsGates(ctx, repo, x)
}

// repositoryCalled finds a repository that the App is installed on.
func (a *App) repositoryCalled(ctx context.Context, name string) (github.Repository, error) {
	owner, short, _ := strings.Cut(name, "/")
	repo, err := a.installed(ctx, github.Repository{Owner: owner, Name: short})
	if err == nil {
		repo, _, err = a.github.Find(ctx, repo)
	}
	if errors.Is(err, github.ErrNotFound) {
		err = notInstalled(name)
	}
	return repo, err
}

func notInstalled(name string) error {
	return refused(codeNotFound, "the App is not installed on a repository %q", name)
}

// revision finds the commit that is meant, and what GitHub knows of it.
func (a *App) revision(ctx context.Context, repo github.Repository, s api.Start) (pipeline.Revision, error) {
	r := pipeline.Revision{Branch: cmp.Or(s.Branch, repo.DefaultBranch)}
	r.Ref = "refs/heads/" + r.Branch
	if s.Tag != "" {
		r.Branch, r.Ref = "", "refs/tags/"+s.Tag
	}
	head, err := a.github.Head(ctx, repo, r.Ref)
	if errors.Is(err, github.ErrNotFound) {
		return r, refused(codeNotFound, "%s has no %s", repo, r.Ref)
	} else if err != nil {
		return r, fmt.Errorf("read the head of %s: %w", r.Ref, err)
	}
	if err := a.onBranch(ctx, repo, s.Commit, head, r.Branch); err != nil {
		return r, err
	}
	commit, err := a.github.Commit(ctx, repo, cmp.Or(s.Commit, head))
	if err != nil {
		return r, fmt.Errorf("read commit %s: %w", cmp.Or(s.Commit, head), err)
	}
	r.Commit, r.Message, r.Author, r.Authors = commit.SHA, commit.Message, commit.Author, lowerSet(commit.Authors...)
	if r.Time = commit.Time; r.Time.IsZero() {
		r.Time = earliest
	}
	return r, nil
}

// onBranch refuses a commit that is not part of its branch: a repository knows the
// commits of its forks too, and what runs on a branch is trusted like it.
func (a *App) onBranch(ctx context.Context, repo github.Repository, commit, head, branch string) error {
	if commit == "" || commit == head {
		return nil
	}
	status, err := a.github.Compare(ctx, repo, commit, head)
	switch {
	case errors.Is(err, github.ErrNotFound):
		return refused(codeNotFound, "%s has no commit %s", repo, commit)
	case err != nil:
		return fmt.Errorf("compare %s with %s: %w", commit, head, err)
	case status != "ahead":
		return refused(codeConflict, "commit %s is not part of branch %s, whose head is %s", shortSHA(commit), branch, shortSHA(head))
	}
	return nil
}

// withVariables gives the variables of a definition other values.
func withVariables(d pipeline.Definition, values map[string]string) (pipeline.Definition, error) {
	d.Variables = slices.Clone(d.Variables)
	var declared []string
	for i, v := range d.Variables {
		declared = append(declared, v.Name)
		if text, given := values[v.Name]; given {
			d.Variables[i].Default = text
		}
	}
	for name := range values {
		switch {
		case slices.Contains(declared, name):
		case len(declared) == 0:
			return d, refused(codeNotFound, "the pipeline has no variables, and so no %q", name)
		default:
			return d, refused(codeNotFound, "the pipeline has no variable %q; it has %s", name, strings.Join(declared, ", ")).offering(declared)
		}
	}
	return d, nil
}
