package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
)

func laneOfPull(n int) string { return fmt.Sprintf("pull/%d", n) }

// actsOn tells whether a comment on the pull request acts on the execution. It does
// on the lane of the pull request until that is merged, and from then on on that of
// the base branch; what the merge itself started stays within reach. A head in the
// repository itself may have been pushed besides, and its checks stand on the pull
// request too.
func actsOn(pr github.PullRequestInfo, x store.Execution) bool {
	if x.Lane == laneOfPull(pr.Number) {
		return !pr.Merged || outlives(x)
	}
	if pr.Merged {
		return x.Lane == "refs/heads/"+pr.Base
	}
	return !pr.Fork && x.Lane == "refs/heads/"+pr.Branch && x.Revision.Commit == pr.Head
}

// mostOfLane is how many executions of a lane a comment can be about, beside those
// that have not ended.
const mostOfLane = 100

// discussed is a pull request with the executions that a word on it acts on.
type discussed struct {
	repo github.Repository
	pull github.PullRequestInfo
	lane []store.Execution // newest first
}

// discussed reads a pull request on which somebody has said something. A repository in
// which nothing ever ran is not known, and GitHub is not asked.
func (a *App) discussed(ctx context.Context, repo github.Repository, number int) (d discussed, known bool, err error) {
	if known, err = a.serves(ctx, repo); err != nil || !known {
		return d, known, err
	}
	if d.repo, err = a.installed(ctx, repo); err != nil {
		return d, true, err
	}
	if d.pull, err = a.github.PullRequest(ctx, d.repo, number); err != nil {
		return d, true, fmt.Errorf("read pull request %d: %w", number, err)
	}
	d.lane, err = a.laneExecutions(ctx, d.repo, d.pull)
	return d, true, err
}

// laneExecutions lists what a comment on the pull request acts on, newest first.
func (a *App) laneExecutions(ctx context.Context, repo github.Repository, pr github.PullRequestInfo) ([]store.Execution, error) {
	lanes := []string{laneOfPull(pr.Number), "refs/heads/" + pr.Branch}
	if pr.Merged {
		lanes[1] = "refs/heads/" + pr.Base
	}
	var all []store.Execution
	err := a.store.View(ctx, func(tx store.Tx) error {
		for _, lane := range lanes {
			for _, f := range []store.Filter{{Limit: mostOfLane}, {Active: true}} {
				f.RepositoryID, f.Lane = repo.ID, lane
				found, err := tx.Find(ctx, f)
				if err != nil {
					return err
				}
				all = append(all, found...)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the executions of pull request %d: %w", pr.Number, err)
	}
	all = slices.DeleteFunc(all, func(x store.Execution) bool { return !actsOn(pr, x) })
	slices.SortFunc(all, func(x, y store.Execution) int {
		return cmp.Or(y.CreatedAt.Compare(x.CreatedAt), cmp.Compare(y.Number, x.Number), cmp.Compare(x.ID, y.ID))
	})
	return slices.CompactFunc(all, func(x, y store.Execution) bool { return x.ID == y.ID }), nil
}

// newestOfEach leaves of executions, newest first, that of each pipeline.
func newestOfEach(all []store.Execution) []store.Execution {
	var newest []store.Execution
	for _, x := range all {
		if !slices.ContainsFunc(newest, func(o store.Execution) bool { return o.Definition.Name == x.Definition.Name }) {
			newest = append(newest, x)
		}
	}
	return newest
}

// underWay are those that have not ended.
func underWay(all []store.Execution) []store.Execution {
	return slices.DeleteFunc(slices.Clone(all), func(x store.Execution) bool { return x.Status.Ended() })
}

// serves tells whether the repository has ever had an execution: where it has none,
// commands are other bots' business.
func (a *App) serves(ctx context.Context, repo github.Repository) (bool, error) {
	var known bool
	err := a.store.View(ctx, func(tx store.Tx) error {
		found, err := tx.Find(ctx, store.Filter{RepositoryID: repo.ID, Limit: 1})
		known = len(found) > 0
		return err
	})
	return known, err
}
