package app

import (
	"context"
	"strings"

	"github.com/stagegate/stagegate/app/github"
)

// pipelinesAt reads all pipelines at a commit; that there are none is refused.
func (a *App) pipelinesAt(ctx context.Context, repo github.Repository, sha string) ([]candidate, error) {
	all, err := a.pipelines(ctx, repo, sha)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, refused(codeNotFound, "there are no pipelines at %s", shortSHA(sha))
	}
	return unique(all), nil
}

// pipelineCalled reads the pipeline of a name at a commit. One with mistakes is
// refused with the first of them.
func (a *App) pipelineCalled(ctx context.Context, repo github.Repository, sha, name string) (candidate, error) {
	all, err := a.pipelinesAt(ctx, repo, sha)
	if err != nil {
		return candidate{}, err
	}
	for _, c := range all {
		if strings.EqualFold(c.definition.Name, name) {
			return c, c.startable(sha)
		}
	}
	names := namesOf(all)
	return candidate{}, refused(codeNotFound, "there is no pipeline %q at %s; there is %s", name, shortSHA(sha), strings.Join(names, ", ")).offering(names)
}

func namesOf(all []candidate) []string {
	var names []string
	for _, c := range all {
		names = append(names, c.definition.Name)
	}
	return names
}

// startable refuses a pipeline with mistakes, by the first of them.
func (c candidate) startable(sha string) error {
	if len(c.problems) == 0 {
		return nil
	}
	p := c.problems[0]
	return refused(codeInvalid, "the pipeline has %s at %s: %s:%d:%d: %s%s",
		count(len(c.problems), "mistake"), shortSHA(sha), p.File, max(p.Line, 1), max(p.Column, 1), p.Message, parenthesised(p.Hint))
}
