package githubtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// account is a user, a bot or an organization.
type account struct {
	id      int64
	login   string
	kind    string // User, Bot or Organization
	created time.Time
}

// team is a team of an organization.
type team struct {
	id      int64
	slug    string
	members map[string]bool // by login in lower case
}

// roles are the permissions of people, from the least to the most.
var roles = []string{"read", "triage", "write", "maintain", "admin"}

// AddUser lets a person join. A login that exists stays as it is.
func (g *GitHub) AddUser(login string) { g.join(login, "User") }

// UserID is the number of an account, which stays when its login changes.
func (g *GitHub) UserID(login string) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.user(login).id
}

// AddBot lets an automaton join; its login usually ends in [bot].
func (g *GitHub) AddBot(login string) { g.join(login, "Bot") }

func (g *GitHub) join(login, kind string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.account(login, kind)
}

// RenameUser gives a person another login, with which what they are goes along. The
// old one is free for others.
func (g *GitHub) RenameUser(from, to string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	was, is := strings.ToLower(from), strings.ToLower(to)
	a := g.accounts[was]
	if a == nil || g.accounts[is] != nil {
		panic(fmt.Sprintf("githubtest: %s cannot take the name of %s", from, to))
	}
	delete(g.accounts, was)
	a.login, g.accounts[is] = to, a
	for _, r := range g.repositories {
		if role, ok := r.roles[was]; ok {
			delete(r.roles, was)
			r.roles[is] = role
		}
	}
	for _, t := range g.teams {
		if t.members[was] {
			delete(t.members, was)
			t.members[is] = true
		}
	}
}

// account finds an account or makes it. g.mu is held.
func (g *GitHub) account(login, kind string) *account {
	key := strings.ToLower(login)
	if a := g.accounts[key]; a != nil {
		return a
	}
	if login == "" || strings.ContainsAny(login, "/ @:") {
		panic(fmt.Sprintf("githubtest: %q cannot be a login", login))
	}
	a := &account{id: g.id(), login: login, kind: kind, created: g.now()}
	g.accounts[key] = a
	return a
}

// user is who does something. g.mu is held.
func (g *GitHub) user(login string) *account { return g.account(login, "User") }

// AddTeam makes a team of an organization, or adds members to it.
func (g *GitHub) AddTeam(org, slug string, members ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.account(org, "Organization")
	key := strings.ToLower(org + "/" + slug)
	t := g.teams[key]
	if t == nil {
		t = &team{id: g.id(), slug: slug, members: map[string]bool{}}
		g.teams[key] = t
	}
	for _, login := range members {
		g.user(login)
		t.members[strings.ToLower(login)] = true
	}
}

// RemoveFromTeam takes members from a team.
func (g *GitHub) RemoveFromTeam(org, slug string, members ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.teams[strings.ToLower(org+"/"+slug)]
	if t == nil {
		panic(fmt.Sprintf("githubtest: %s has no team %s", org, slug))
	}
	for _, login := range members {
		delete(t.members, strings.ToLower(login))
	}
}

// SetPermission gives a person a role in a repository: admin, maintain, write,
// triage or read; empty takes it away.
func (r *Repository) SetPermission(login, role string) {
	if role != "" && !slices.Contains(roles, role) {
		panic(fmt.Sprintf("githubtest: %q is no role; there are %s", role, strings.Join(roles, ", ")))
	}
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	r.g.user(login)
	delete(r.roles, strings.ToLower(login))
	if role != "" {
		r.roles[strings.ToLower(login)] = role
	}
}

// role is what a person is in the repository, or empty. g.mu is held.
func (r *Repository) role(a *account) string {
	if a == r.owner {
		return "admin"
	}
	if role := r.roles[strings.ToLower(a.login)]; role != "" {
		return role
	}
	if r.private {
		return ""
	}
	return "read"
}

// may tells whether a person has a role or more. g.mu is held.
func (r *Repository) may(a *account, role string) bool {
	return slices.Index(roles, r.role(a)) >= slices.Index(roles, role)
}

// association is what GitHub writes beside a person's comment. g.mu is held.
func (r *Repository) association(a *account) string {
	switch {
	case a == r.owner:
		return "OWNER"
	case r.owner.kind == "Organization" && r.g.member(r.owner.login, a):
		return "MEMBER"
	case r.roles[strings.ToLower(a.login)] != "":
		return "COLLABORATOR"
	}
	return "NONE"
}

// member tells whether a person is in any team of an organization. g.mu is held.
func (g *GitHub) member(org string, a *account) bool {
	for key, t := range g.teams {
		if strings.HasPrefix(key, strings.ToLower(org)+"/") && t.members[strings.ToLower(a.login)] {
			return true
		}
	}
	return false
}

func getPermission(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	a := c.g.accounts[strings.ToLower(c.params["username"])]
	if a == nil {
		return refuse(http.StatusNotFound, c.params["username"]+" is not a user")
	}
	role := c.repo.role(a)
	permission := map[string]string{"": "none", "triage": "read", "maintain": "write"}[role]
	if permission == "" {
		permission = role
	}
	user := c.g.userObject(a)
	user["role_name"] = role
	user["permissions"] = c.repo.permissionsOf(a)
	if role == "" {
		role = "none"
	}
	user["role_name"] = role
	return ok(object{"permission": permission, "role_name": role, "user": user})
}

// permissionsOf is a role in the form of many booleans. g.mu is held.
func (r *Repository) permissionsOf(a *account) object {
	return object{
		"admin": r.may(a, "admin"), "maintain": r.may(a, "maintain"), "push": r.may(a, "write"),
		"triage": r.may(a, "triage"), "pull": r.may(a, "read"),
	}
}

func getTeamMembership(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	t := c.g.teams[strings.ToLower(c.params["org"]+"/"+c.params["team_slug"])]
	if t == nil || !t.members[strings.ToLower(c.params["username"])] {
		return notFound()
	}
	return ok(object{
		"url":  fmt.Sprintf("%s/organizations/%d/team/%d/memberships/%s", c.g.url, c.g.account(c.params["org"], "").id, t.id, c.params["username"]),
		"role": "member", "state": "active",
	})
}

func getUser(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	a := c.g.accounts[strings.ToLower(c.params["username"])]
	if a == nil {
		return notFound()
	}
	return ok(c.g.publicUser(a))
}

// publicUser is an account as everybody sees it. g.mu is held.
func (g *GitHub) publicUser(a *account) object {
	user := g.userObject(a)
	for _, name := range []string{"name", "company", "location", "email", "hireable", "bio", "twitter_username"} {
		user[name] = nil
	}
	user["blog"] = ""
	for _, name := range []string{"public_repos", "public_gists", "followers", "following"} {
		user[name] = 0
	}
	user["created_at"], user["updated_at"] = stamp(a.created), stamp(a.created)
	return user
}
