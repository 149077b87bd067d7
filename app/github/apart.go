package github

import (
	"context"
	"fmt"
	"strings"

	gh "github.com/google/go-github/v60/github"
)

// Apart is how one commit differs from another.
type Apart struct {
	Commits int      // that head has and base has not
	Titles  []string // the first lines of the first few of them, oldest first; hostile
	Files   []string // that either has changed since they parted; of one that was renamed, both names
}

// mostTitles is how many titles of commits there are.
const mostTitles = 10

// Apart compares a commit with what stands there. ErrNotFound is a commit that is gone,
// or that has nothing to do with the other; ErrTooLarge are more files than GitHub
// lists.
func (c *Client) Apart(ctx context.Context, repo Repository, base, head string) (Apart, error) {
	got, err := c.compare(ctx, repo, base, head)
	if err != nil {
		return Apart{}, err
	}
	out := Apart{Commits: got.GetTotalCommits()}
	for _, one := range got.Commits {
		title, _, _ := strings.Cut(one.GetCommit().GetMessage(), "\n")
		out.Titles = append(out.Titles, title)
	}
	files := got.Files
	if status := got.GetStatus(); status == "behind" || status == "diverged" {
		back, err := c.compare(ctx, repo, head, base)
		if err != nil {
			return Apart{}, err
		}
		files = append(files, back.Files...)
	}
	out.Files = names(nil, files)
	return out, nil
}

func (c *Client) compare(ctx context.Context, repo Repository, base, head string) (*gh.CommitsComparison, error) {
	what := "list what changed from " + base + " to " + head
	r := onRepo(repo, what, "compare", base+"..."+head).with("per_page", fmt.Sprint(mostTitles))
	got, _, err := send[*gh.CommitsComparison](ctx, c, r)
	if err != nil {
		return nil, err
	}
	if len(got.Files) >= comparedFiles {
		return nil, fmt.Errorf("%s: %w: GitHub lists %d files", what, ErrTooLarge, comparedFiles)
	}
	return got, nil
}
