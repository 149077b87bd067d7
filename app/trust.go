package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
	schema "github.com/stagegate/stagegate/pipelines-schema"
)

// standing is what the environments of a repository trust, by the settings at the head
// of its default branch.
type standing struct {
	branch       string // the default branch
	environments []pipeline.Environment
	problem      string // why nothing is trusted
}

// trust tells whether an environment trusts a revision.
func (s standing) trust(environment string, r pipeline.Revision) pipeline.Trust {
	t := pipeline.Trusts(s.environments, environment, s.branch, r)
	if s.problem != "" {
		t = pipeline.Trust{Environment: environment, Problem: "the environment " + environment + " trusts nothing: " + s.problem}
	}
	return t
}

// all tells it of the environments of a definition, and of what has none.
func (s standing) all(d pipeline.Definition, r pipeline.Revision) []pipeline.Trust {
	trusts := []pipeline.Trust{pipeline.Trusts(nil, "", s.branch, r)}
	for _, name := range d.Environments() {
		trusts = append(trusts, s.trust(name, r))
	}
	return trusts
}

// trusts finds out which environments of definitions trust a revision now. GitHub is
// asked only where there is something to ask.
func (a *App) trusts(ctx context.Context, repo github.Repository, r pipeline.Revision, all ...pipeline.Definition) ([][]pipeline.Trust, error) {
	s := standing{branch: repo.DefaultBranch}
	for _, d := range all {
		if len(d.Environments()) > 0 && !r.Fork {
			var err error
			if s, err = a.standing(ctx, repo); err != nil {
				return nil, err
			}
			break
		}
	}
	out := make([][]pipeline.Trust, len(all))
	for i, d := range all {
		out[i] = s.all(d, r)
	}
	return out, nil
}

// trustAll finds out which environments trust what is about to start of a revision.
func (a *App) trustAll(ctx context.Context, repo github.Repository, r pipeline.Revision, found []candidate) error {
	var definitions []pipeline.Definition
	for _, c := range found {
		definitions = append(definitions, c.definition)
	}
	all, err := a.trusts(ctx, repo, r, definitions...)
	for i := range all {
		found[i].trust = all[i]
	}
	return err
}

// trustOne finds out which environments of its definition trust an execution now.
func (a *App) trustOne(ctx context.Context, repo github.Repository, x *pipeline.Execution) error {
	found, err := a.trusts(ctx, repo, x.Revision, x.Definition)
	if err == nil {
		x.Trust = found[0]
	}
	return err
}

// standing reads the settings of a repository now. Of one whose default branch is not
// known it is asked.
func (a *App) standing(ctx context.Context, repo github.Repository) (standing, error) {
	if repo.DefaultBranch == "" {
		found, _, err := a.github.Find(ctx, repo)
		if err == nil && found.ID != repo.ID {
			err = fmt.Errorf("%w: another repository is called %s now", github.ErrNotFound, repo)
		}
		if err != nil {
			return standing{}, fmt.Errorf("find %s: %w", repo, err)
		}
		repo = found
	}
	head, err := a.github.Head(ctx, repo, branchLane(repo.DefaultBranch))
	if err != nil {
		return standing{}, fmt.Errorf("read the head of %s: %w", repo.DefaultBranch, err)
	}
	return a.standingAt(ctx, repo, head)
}

// standingAt reads the settings at the head of the default branch. With a mistake in
// them nothing is trusted, the default branch neither: they may have meant to leave it
// out.
func (a *App) standingAt(ctx context.Context, repo github.Repository, head string) (standing, error) {
	s := standing{branch: repo.DefaultBranch}
	f, there, err := a.github.Settings(ctx, repo, head)
	if err != nil {
		return s, fmt.Errorf("read %s at %s: %w", schema.SettingsFile, head, err)
	}
	if !there {
		return s, nil
	}
	_, rightly := schema.IsSettingsFile(f.Path)
	var wrong string
	switch {
	case !rightly:
		wrong = schema.Misnamed(f.Path).String()
	case f.TooLarge:
		wrong = f.Path + " is larger than 1 MB"
	case f.Data == nil && f.SHA == "":
		wrong = f.Path + " is not a regular file"
	default:
		var mistakes []schema.Diagnostic
		if s.environments, mistakes = schema.ParseSettings(f.Path, f.Data); len(mistakes) > 0 {
			wrong = mistakes[0].String()
		}
	}
	if wrong != "" {
		s.problem = fmt.Sprintf("%s, at %s, the head of %s; mend it there, then run this again", wrong, shortSHA(head), s.branch)
	}
	return s, nil
}

// askTrust tells a stage whether its environment trusts it now, by the settings that
// the default branch has now. Where GitHub cannot be asked for long it fails: nobody can
// tell, and its environment is not kept from others.
func (a *App) askTrust(ctx context.Context, w store.AskTrust) error {
	x, err := a.execution(ctx, w.Execution)
	if err != nil {
		return err
	}
	s, err := a.standing(ctx, repository(x))
	trust, age := s.trust(w.Environment, x.Revision), a.now().Sub(w.At)
	switch {
	case err == nil:
	case errors.Is(err, github.ErrGone), age >= sourcePatience, errors.Is(err, github.ErrNotFound) && age >= missingPatience:
		trust = pipeline.Trust{Environment: w.Environment, Problem: "whether the environment " + w.Environment + " trusts it could not be found out: " + err.Error()}
	default:
		return err
	}
	return a.happened(ctx, w.Execution, pipeline.Trusted{At: a.now(), Stage: w.Stage, Trust: trust})
}
