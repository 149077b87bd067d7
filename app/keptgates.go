package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/review"
)

// keepsGates refuses to start an older commit of a ref that is trusted where its file
// asks for less than that of the head: else whoever may write would go past a gate by
// what it was before it was there.
func (a *App) keepsGates(ctx context.Context, repo github.Repository, x store.Execution) error {
	if !slices.ContainsFunc(x.Trust, func(t pipeline.Trust) bool { return t.Trusted }) {
		return nil
	}
	head, err := a.github.Head(ctx, repo, x.Revision.Ref)
	if err != nil {
		return fmt.Errorf("read the head of %s: %w", x.Revision.Ref, err)
	}
	if head == x.Revision.Commit {
		return nil
	}
	instead := fmt.Sprintf("start the head, or roll back, which asks what is asked now: `stagegate rollback %s STAGE`", x.Definition.Name)
	now, err := a.pipelineCalled(ctx, repo, head, x.Definition.Name)
	var no refusal
	if errors.As(err, &no) {
		return refused(codeConflict, "whether commit %s asks for as much as the head does is not known: %s; %s", shortSHA(x.Revision.Commit), no.message, instead)
	} else if err != nil {
		return err
	}
	files := func(d pipeline.Definition) review.Files {
		d.File = now.definition.File
		return review.Files{Repository: repo.String(), DefaultBranch: repo.DefaultBranch, Pipelines: []review.Pipeline{{Definition: d}}}
	}
	for _, s := range review.Compare(files(now.definition), files(x.Definition)) {
		if c := s.Changes[0]; c.Weakens {
			return refused(codeConflict, "commit %s has gates that are weaker than those of the head, %s: %s; %s",
				shortSHA(x.Revision.Commit), shortSHA(head), strings.TrimSuffix(c.Text, "."), instead)
		}
	}
	return nil
}
