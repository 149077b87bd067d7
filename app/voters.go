package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/pipeline/explain"
)

// voters finds out who may vote about a gate. It asks GitHub now, each thing once;
// nothing about people is taken from a payload.
type voters struct {
	*App
	gate

	repo        github.Repository
	def         pipeline.Approval
	owned       []pipeline.Owned // where code owners are asked
	unowned     refusal          // why it is not known who they are; zero: it is
	authors     []string         // in lower case; nil where authors may vote too
	permissions map[string]github.Permission
	teams       map[string]bool // by team and login
}

func (a *App) votersOf(ctx context.Context, g gate) (*voters, error) {
	v := &voters{
		App: a, gate: g, repo: repository(g.x), def: g.approval(),
		permissions: map[string]github.Permission{}, teams: map[string]bool{},
	}
	var err error
	if v.def.AsksOwners() {
		v.owned, err = a.owned(ctx, g)
		if err != nil && !errors.As(err, &v.unowned) {
			return nil, err
		}
	}
	if v.def.SelfReview {
		return v, nil
	}
	if v.authors, err = a.authors(ctx, g); err != nil {
		return nil, fmt.Errorf("read the authors of the change: %w", err)
	}
	return v, nil
}

// meets lists the requirements that a person's vote counts for; nobody whom the
// approval does not ask has any, and is refused.
func (v *voters) meets(ctx context.Context, by caller) ([]string, error) {
	if v.def.ReviewersAlone() {
		return v.reviews(by)
	}
	var names []string
	var unread error
	for i, g := range v.def.Groups() {
		if g.CodeOwners && v.unowned.code != "" {
			unread = v.unowned
			continue
		}
		own, err := v.inGroup(ctx, g, by)
		var no refusal
		switch {
		case errors.As(err, &no):
			unread = no
			continue
		case err != nil:
			return nil, err
		case own:
			names = append(names, pipeline.GroupRequirement(i))
		}
		owned, err := v.owns(ctx, g, by)
		if err != nil {
			return nil, err
		}
		names = append(names, owned...)
	}
	switch {
	case len(names) == 0 && unread != nil:
		return nil, unread
	case len(names) == 0:
		return nil, refused(codeForbidden, "%s may not decide about %s; these may: %s", by, v.name(), strings.ReplaceAll(explain.Approvers(v.x.Execution, v.def), "@", ""))
	case slices.Contains(v.authors, strings.ToLower(by.login)):
		return nil, v.isAuthor(by)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// reviews lets in who has reviewed the environment: GitHub lets nobody else do that.
func (v *voters) reviews(by caller) ([]string, error) {
	switch {
	case by.door != reviewDoor:
		return nil, refused(codeForbidden, "%s may not decide about %s here: a review of the environment %s at GitHub does, and nothing else", by, v.name(), v.def.Environment)
	case slices.Contains(v.authors, strings.ToLower(by.login)):
		return nil, v.isAuthor(by)
	}
	return []string{pipeline.GroupRequirement(0)}, nil
}

func (v *voters) isAuthor(by caller) refusal {
	return refused(codeForbidden, "%s is an author of this change, and %s does not let authors decide (`self-review: true` would)", by, v.name())
}

// inGroup tells whether somebody is one of a group's own people, authorship aside.
func (v *voters) inGroup(ctx context.Context, g pipeline.Group, by caller) (bool, error) {
	if len(g.Users) > 0 || len(g.Teams) > 0 {
		named, err := v.isNamed(ctx, g, by)
		if err != nil || !named || g.Permission == "" {
			return named, err
		}
	}
	if g.CodeOwners && len(g.Users) == 0 && len(g.Teams) == 0 && len(v.owned) > 0 {
		owns, err := v.owns(ctx, g, by)
		return len(owns) > 0, err
	}
	return v.has(ctx, g.Permission, by)
}

// isNamed tells whether a group names somebody. A team that cannot be read lets
// nobody in.
func (v *voters) isNamed(ctx context.Context, g pipeline.Group, by caller) (bool, error) {
	if by.login == theOperator {
		return false, nil
	}
	if slices.ContainsFunc(g.Users, func(u string) bool { return strings.EqualFold(u, by.login) }) {
		return true, nil
	}
	for _, team := range g.Teams {
		member, err := v.isMember(ctx, team, by.login)
		if err != nil || member {
			return member, err
		}
	}
	return false, nil
}

func (v *voters) isMember(ctx context.Context, team, login string) (bool, error) {
	key := strings.ToLower(team + "/" + login)
	if member, asked := v.teams[key]; asked {
		return member, nil
	}
	member, err := v.github.TeamMember(ctx, v.repo, team, login)
	switch {
	case err != nil && transient(err):
		return false, fmt.Errorf("read team %s: %w", team, err)
	case err != nil:
		return false, refused(codeForbidden, "the team %s/%s could not be read, so nobody is let in: check that the App may read members", v.repo.Owner, team)
	}
	v.teams[key] = member
	return member, nil
}

// has tells whether somebody has an access to the repository; "" is to write.
func (v *voters) has(ctx context.Context, permission pipeline.Permission, by caller) (bool, error) {
	need := map[pipeline.Permission]github.Permission{
		"": github.Write, pipeline.Write: github.Write, pipeline.Maintain: github.Maintain, pipeline.Admin: github.Admin,
	}[permission]
	if by.login == theOperator {
		return need == github.Write, nil
	}
	login := strings.ToLower(by.login)
	have, asked := v.permissions[login]
	if !asked {
		var err error
		if have, err = v.github.Permission(ctx, v.repo, by.login); err != nil && !errors.Is(err, github.ErrNotFound) {
			return false, fmt.Errorf("read the permission of %s: %w", by.login, err)
		}
		v.permissions[login] = have
	}
	return need > github.None && have >= need, nil
}

// owns lists the requirements of code owners that somebody meets. As at GitHub, an
// owner must be able to write.
func (v *voters) owns(ctx context.Context, g pipeline.Group, by caller) ([]string, error) {
	if !g.CodeOwners || by.login == theOperator {
		return nil, nil
	}
	var names []string
	for _, o := range v.owned {
		owns, err := v.isOwner(ctx, o, by)
		if err != nil {
			return nil, err
		}
		if owns {
			names = append(names, o.Name())
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	may, err := v.has(ctx, cmp.Or(g.Permission, pipeline.Write), by)
	if err != nil || !may {
		return nil, err
	}
	return names, nil
}

func (v *voters) isOwner(ctx context.Context, o pipeline.Owned, by caller) (bool, error) {
	for _, owner := range o.Owners {
		organization, team, isTeam := strings.Cut(owner, "/")
		switch {
		case !isTeam && strings.EqualFold(owner, by.login):
			return true, nil
		case !isTeam || !strings.EqualFold(organization, v.repo.Owner):
			continue // another person, an address, or a team of elsewhere
		}
		member, err := v.isMember(ctx, team, by.login)
		if err != nil || member {
			return member, err
		}
	}
	return false, nil
}

// again asks about those who have voted already.
func (v *voters) again(ctx context.Context, except string) ([]pipeline.Voter, error) {
	var all []pipeline.Voter
	for _, vote := range v.x.Stages[v.stage].Actions[v.action].Votes {
		if vote.Void != "" || strings.EqualFold(vote.Actor, except) {
			continue
		}
		one := pipeline.Voter{Actor: vote.Actor}
		var err error
		one.Meets, err = v.meets(ctx, caller{login: vote.Actor, door: vote.Door})
		var no refusal
		if errors.As(err, &no) {
			one.Reason = "asked again, " + no.message
		} else if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}
