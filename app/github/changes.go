package github

import (
	"context"
	"errors"

	gh "github.com/google/go-github/v60/github"
)

const (
	// comparedFiles is the most files that a comparison of two commits lists:
	// content/rest/commits/commits.md in github/docs.
	comparedFiles = 300
	// ListedFiles is the most files that GitHub lists of a pull request:
	// content/rest/pulls/pulls.md in github/docs.
	ListedFiles = 3000
)

// FilesBetween lists the files that head changed since it left base, which are
// commits or branches; of a file that was renamed, both names. All is false
// where they may not be all that a push from base to head changed: there are
// more than GitHub lists, head does not go beyond base, or it goes another way
// and strictly is true, as for a push that threw commits away.
func (c *Client) FilesBetween(ctx context.Context, repo Repository, base, head string, strictly bool) (files []string, all bool, err error) {
	r := onRepo(repo, "list what changed from "+base+" to "+head, "compare", base+"..."+head).with("per_page", "1") // of its commits
	got, _, err := send[*gh.CommitsComparison](ctx, c, r)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrRefused):
		return nil, false, nil // base is gone, or too far away to be compared
	case err != nil:
		return nil, false, err
	}
	status := got.GetStatus()
	all = len(got.Files) < comparedFiles && (status == "ahead" || status == "diverged" && !strictly)
	return names(nil, got.Files), all, nil
}

// PullRequestFiles lists the files that a pull request changes; of a file that
// was renamed, both names. All is false where there may be more than GitHub
// lists.
func (c *Client) PullRequestFiles(ctx context.Context, repo Repository, n int) (files []string, all bool, err error) {
	seen := 0
	err = pages(ctx, c, onPull(repo, "list the files of", n, "files"), func(list []*gh.CommitFile) bool {
		seen += len(list)
		files = names(files, list)
		return seen < ListedFiles
	})
	if errors.Is(err, ErrRefused) {
		return nil, false, nil // too large for GitHub to compare
	}
	return files, seen < ListedFiles, err
}

func names(all []string, files []*gh.CommitFile) []string {
	for _, f := range files {
		all = append(all, f.GetFilename())
		if old := f.GetPreviousFilename(); old != "" {
			all = append(all, old)
		}
	}
	return all
}
