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
	of := fmt.Sprintf("list the commits of pull request %d", n)
	var made Made
	if pull.Commits > listedCommits {
		made, err = c.madeBetween(ctx, repo, of, pull.BaseSHA, pull.Head)
	} else {
		err = pages(ctx, c, onPull(repo, "list the commits of", n, "commits"), func(list []*gh.RepositoryCommit) bool {
			made.add(list)
			return true
		})
	}
	if err == nil {
		err = made.complete(of, pull.Commits)
	}
	if err != nil {
		return nil, err
	}
	made.who.login(pull.User)
	return made.Authors(), nil
}

// Made is commits, with who made them.
type Made struct {
	Commits []string // SHAs
	who     people
}

// Authors lists the logins, as in Push, of every author, committer and co-author.
func (m Made) Authors() []string { return m.who.sorted() }

func (m *Made) add(list []*gh.RepositoryCommit) {
	if m.who == nil {
		m.who = people{}
	}
	for _, commit := range list {
		m.Commits = append(m.Commits, commit.GetSHA())
		m.who.commit(commit)
	}
}

// complete refuses a list that lacks commits, and so perhaps somebody.
func (m *Made) complete(what string, want int) error {
	m.add(nil)
	if len(m.Commits) < want {
		return fmt.Errorf("%s: %w: %d of %d came", what, ErrUnavailable, len(m.Commits), want)
	}
	return nil
}

// MadeBetween lists the commits that head has and base has not; both are commits or
// branches. ErrNotFound is one that is gone, or that has nothing to do with the other.
// A list that may lack one is an error.
func (c *Client) MadeBetween(ctx context.Context, repo Repository, base, head string) (Made, error) {
	return c.madeBetween(ctx, repo, "list the commits from "+base+" to "+head, base, head)
}

func (c *Client) madeBetween(ctx context.Context, repo Repository, what, base, head string) (Made, error) {
	var made Made
	total := 0
	r := onRepo(repo, what, "compare", base+"..."+head)
	err := pages(ctx, c, r, func(part gh.CommitsComparison) bool {
		made.add(part.Commits)
		total = part.GetTotalCommits()
		return true
	})
	if err == nil {
		err = made.complete(what, total)
	}
	return made, err
}
