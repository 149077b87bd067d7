package github

import (
	"context"
	"fmt"
	"strconv"

	gh "github.com/google/go-github/v60/github"
)

// PullRequestInfo is a pull request as it is now.
type PullRequestInfo struct {
	Number     int
	Title      string
	State      string // open or closed
	Draft      bool
	Merged     bool
	Merge      string // commit that the merge made; empty unless merged
	User       string // who opened it
	Head       string // SHA
	Branch     string // of the head
	HeadRepoID int64  // 0 when it was deleted
	Fork       bool   // the head is in another repository, or in one that is gone
	Base       string // branch
	BaseSHA    string
	Commits    int // 0 in a list: GitHub says it of one alone
}

// PullRequest reads a pull request.
func (c *Client) PullRequest(ctx context.Context, repo Repository, n int) (PullRequestInfo, error) {
	got, _, err := send[*gh.PullRequest](ctx, c, onPull(repo, "read", n))
	if err != nil {
		return PullRequestInfo{}, err
	}
	return pullInfo(got), nil
}

func onPull(repo Repository, verb string, n int, segments ...string) request {
	number := strconv.Itoa(n)
	return onRepo(repo, verb+" pull request "+number, append([]string{"pulls", number}, segments...)...)
}

func pullInfo(p *gh.PullRequest) PullRequestInfo {
	out := PullRequestInfo{
		Number: p.GetNumber(), Title: p.GetTitle(), State: p.GetState(), Draft: p.GetDraft(),
		Merged: p.GetMerged() || !p.GetMergedAt().IsZero(),
		User:   p.GetUser().GetLogin(),
		Head:   p.GetHead().GetSHA(), Branch: p.GetHead().GetRef(), HeadRepoID: p.GetHead().GetRepo().GetID(),
		Base: p.GetBase().GetRef(), BaseSHA: p.GetBase().GetSHA(),
		Commits: p.GetCommits(),
	}
	out.Fork = out.HeadRepoID == 0 || out.HeadRepoID != p.GetBase().GetRepo().GetID()
	if out.Merged {
		out.Merge = p.GetMergeCommitSHA()
	}
	return out
}

// PullRequestsOf lists the pull requests that a commit belongs to, open or
// not; ErrNotFound if the repository has no such commit.
func (c *Client) PullRequestsOf(ctx context.Context, repo Repository, sha string) ([]PullRequestInfo, error) {
	var out []PullRequestInfo
	r := onRepo(repo, "list the pull requests of commit "+sha, "commits", sha, "pulls").needs(sha)
	err := pages(ctx, c, r, func(list []*gh.PullRequest) bool {
		for _, p := range list {
			out = append(out, pullInfo(p))
		}
		return true
	})
	return out, err
}

// listedCommits is the most commits that a pull request's list holds:
// content/rest/pulls/pulls.md in github/docs.
const listedCommits = 250

// PullRequestAuthors lists the logins, as in Push, of who opened a pull
// request and of every author, committer and co-author of its commits. Since
// people may not approve what is theirs, a list that may lack somebody is an
// error.
func (c *Client) PullRequestAuthors(ctx context.Context, repo Repository, n int) ([]string, error) {
	pull, err := c.PullRequest(ctx, repo, n)
	if err != nil {
		return nil, err
	}
	who, seen := people{}, 0
	who.login(pull.User)
	count := func(list []*gh.RepositoryCommit) bool {
		for _, commit := range list {
			who.commit(commit)
		}
		seen += len(list)
		return true
	}
	if pull.Commits > listedCommits {
		r := onRepo(repo, "list the commits of pull request "+strconv.Itoa(n), "compare", pull.BaseSHA+"..."+pull.Head)
		err = pages(ctx, c, r, func(part gh.CommitsComparison) bool { return count(part.Commits) })
	} else {
		err = pages(ctx, c, onPull(repo, "list the commits of", n, "commits"), count)
	}
	if err == nil && seen < pull.Commits {
		err = fmt.Errorf("list the commits of pull request %d of %s: %w: %d of %d came", n, repo, ErrUnavailable, seen, pull.Commits)
	}
	if err != nil {
		return nil, err
	}
	return who.sorted(), nil
}
