package github

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"
)

// Commit is a commit as GitHub knows it.
type Commit struct {
	SHA     string
	Message string
	Time    time.Time // of the commit, not of its authoring
	Author  string    // login, or name where GitHub knows none
	Authors []string  // as in Push
	Parents []string
}

// Commit reads a commit by its full SHA; ErrNotFound if the repository has
// none such.
func (c *Client) Commit(ctx context.Context, repo Repository, sha string) (Commit, error) {
	got, err := c.readCommit(ctx, repo, sha)
	if err != nil {
		return Commit{}, err
	}
	out := Commit{
		SHA:     got.GetSHA(),
		Message: got.GetCommit().GetMessage(),
		Time:    got.GetCommit().GetCommitter().GetDate().Time,
		Author:  got.GetAuthor().GetLogin(),
	}
	if out.Author == "" {
		out.Author = got.GetCommit().GetAuthor().GetName()
	}
	who := people{}
	who.commit(&got)
	out.Authors = who.sorted()
	for _, p := range got.Parents {
		out.Parents = append(out.Parents, p.GetSHA())
	}
	return out, nil
}

func (c *Client) readCommit(ctx context.Context, repo Repository, sha string) (gh.RepositoryCommit, error) {
	r := onRepo(repo, "read commit "+sha, "commits", sha).needs(sha).with("per_page", "1") // of its files, which we do not read
	got, _, err := send[gh.RepositoryCommit](ctx, c, r)
	if errors.Is(err, ErrRefused) {
		// A hex SHA is always well-formed: 422 says that it names no commit.
		err = fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return got, err
}

// Compare says how head lies to base: ahead, behind, identical or diverged.
// Both are commits or branches.
func (c *Client) Compare(ctx context.Context, repo Repository, base, head string) (string, error) {
	what := "compare " + base + " with " + head
	r := onRepo(repo, what, "compare", base+"..."+head).with("per_page", "1")
	got, _, err := send[*gh.CommitsComparison](ctx, c, r)
	return got.GetStatus(), err
}

// Head reads the commit that a branch or a tag is at, by its full ref; a branch
// may also go by its name alone.
func (c *Client) Head(ctx context.Context, repo Repository, ref string) (string, error) {
	if tag, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
		segments := append([]string{"commits", "tags"}, strings.Split(tag, "/")...)
		r := onRepo(repo, "read the commit of tag "+tag, segments...).with("per_page", "1")
		got, _, err := send[gh.RepositoryCommit](ctx, c, r)
		if errors.Is(err, ErrRefused) {
			err = fmt.Errorf("%w: %w", ErrNotFound, err) // as of a SHA
		}
		return got.GetSHA(), err
	}
	branch := strings.TrimPrefix(ref, "refs/heads/")
	segments := append([]string{"git", "ref", "heads"}, strings.Split(branch, "/")...)
	got, _, err := send[*gh.Reference](ctx, c, onRepo(repo, "read the head of branch "+branch, segments...))
	return got.GetObject().GetSHA(), err
}

// InstallationOf finds the installation that opens a repository to the App;
// ErrNotFound if there is none.
func (c *Client) InstallationOf(ctx context.Context, owner, name string) (int64, error) {
	r := asApp("find the installation of "+owner+"/"+name, "repos", owner, name, "installation")
	got, _, err := send[*gh.Installation](ctx, c, r)
	return got.GetID(), err
}

// Organization finds an organization that the App is installed on: its id and how
// its name is written. ErrNotFound if it is not.
func (c *Client) Organization(ctx context.Context, login string) (id int64, name string, err error) {
	got, _, err := send[*gh.Installation](ctx, c, asApp("find the organization "+login, "orgs", login, "installation"))
	return got.GetAccount().GetID(), got.GetAccount().GetLogin(), err
}

// needs refuses what is not a commit's full SHA: GitHub would take it for a
// branch of that name.
func (r request) needs(sha string) request {
	if _, err := hex.DecodeString(sha); r.err == nil && (err != nil || len(sha) != 40 && len(sha) != 64) {
		r.err = fmt.Errorf("%w: %q is not a commit's SHA", ErrNotFound, sha)
	}
	return r
}

// exists turns the 404 of something at a commit into the answer to which: nil
// when the commit is there, so that the thing is not.
func (c *Client) exists(ctx context.Context, repo Repository, sha string) error {
	_, err := c.readCommit(ctx, repo, sha)
	return err
}
