package github

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v60/github"
)

// Find looks a repository up under a name that it has or had, with the eyes of
// repo.Installation: its id, its name now, its default branch, and whether everybody
// may read it. ErrNotFound if the installation may not.
func (c *Client) Find(ctx context.Context, repo Repository) (found Repository, public bool, err error) {
	got, _, err := send[*gh.Repository](ctx, c, onRepo(repo, "look up the name"))
	if err != nil {
		return Repository{}, false, err
	}
	owner, name, _ := strings.Cut(got.GetFullName(), "/")
	found = Repository{
		Installation: repo.Installation, ID: got.GetID(), Owner: owner, Name: name,
		DefaultBranch: got.GetDefaultBranch(), OwnerID: got.GetOwner().GetID(),
	}
	return found, got.Private != nil && !*got.Private, nil
}

// ReadToken returns a token with which git may read what the installation
// covers, and nothing else may be done. It lives for a minute at least.
func (c *Client) ReadToken(ctx context.Context, installation int64) (string, error) {
	what := fmt.Sprintf("get a token of installation %d for git", installation)
	if installation == 0 {
		return "", fmt.Errorf("%s: %w", what, errUnknownInstallation)
	}
	in := c.installation(installation)
	if err := in.admit(ctx, http.MethodGet); err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	reader, err := c.reader(in)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	bounded, cancel := context.WithTimeout(ctx, c.wait)
	defer cancel()
	token, err := reader.Token(bounded)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, c.judge(ctx, in, err))
	}
	return token, nil
}

// reader returns what gets and keeps the tokens that may only read.
func (c *Client) reader(in *installation) (*ghinstallation.Transport, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.reader == nil {
		t, err := c.tokens(in.id)
		if err != nil {
			return nil, err
		}
		read := "read"
		t.InstallationTokenOptions.Permissions = &gh.InstallationPermissions{Contents: &read, Metadata: &read}
		in.reader = t
	}
	return in.reader, nil
}
