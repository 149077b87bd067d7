package github

import (
	"context"
	"errors"
	"fmt"

	gh "github.com/google/go-github/v60/github"
)

// Permission is what somebody may do in a repository. They are ordered: ask
// with p >= Write. The zero value is None.
type Permission int

// GitHub shows triage as read. That of a role of an organization's own is the one
// that it is built on.
const (
	None Permission = iota
	Read
	Write
	Maintain
	Admin
)

func (p Permission) String() string {
	switch p {
	case Read:
		return "read"
	case Write:
		return "write"
	case Maintain:
		return "maintain"
	case Admin:
		return "admin"
	default:
		return "none"
	}
}

// Permission asks what a user may do now. Somebody GitHub does not know may
// nothing, without an error.
func (c *Client) Permission(ctx context.Context, repo Repository, login string) (Permission, error) {
	p, _, err := c.Access(ctx, repo, login)
	return p, err
}

// Access asks what a user may do now, and who has the login now; nobody has one that
// GitHub does not know.
func (c *Client) Access(ctx context.Context, repo Repository, login string) (Permission, User, error) {
	r := onRepo(repo, "read the permission of "+login, "collaborators", login, "permission")
	got, _, err := send[*gh.RepositoryPermissionLevel](ctx, c, r)
	if errors.Is(err, ErrNotFound) {
		return None, User{}, nil
	} else if err != nil {
		return None, User{}, err
	}
	user := User{got.GetUser().GetID(), got.GetUser().GetLogin()}
	switch level := got.GetPermission(); level {
	case "admin":
		return Admin, user, nil
	case "write":
		if got.GetUser().GetPermissions()["maintain"] {
			return Maintain, user, nil
		}
		return Write, user, nil
	case "read":
		return Read, user, nil
	case "none":
		return None, user, nil
	default:
		return None, user, fmt.Errorf("%s: %w: permission %q is not known", r.what, ErrUnavailable, level)
	}
}

// TeamMember tells whether a user is an active member of an organization's
// team; an invitation is not enough. A team or user that does not exist is
// false; a team that may not be read is an error, which must refuse. The
// repository says in whose name we ask.
func (c *Client) TeamMember(ctx context.Context, repo Repository, slug, login string) (bool, error) {
	what := "read the membership of " + login + " in team " + repo.Owner + "/" + slug
	r := asApp(what, "orgs", repo.Owner, "teams", slug, "memberships", login)
	r.installation = repo.Installation
	if repo.Installation == 0 {
		r.err = errUnknownInstallation
	}
	got, _, err := send[*gh.Membership](ctx, c, r)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return got.GetState() == "active", nil
}
