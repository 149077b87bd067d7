package githubtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// nodeID is the id that GraphQL would use.
func nodeID(kind string, id any) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%03d:%s%v", len(kind), kind, id))
}

// userObject is an account, in the API and in deliveries.
func (g *GitHub) userObject(a *account) object {
	api := g.url + "/users/" + a.login
	return object{
		"login": a.login, "id": a.id, "node_id": nodeID(a.kind, a.id), "type": a.kind, "site_admin": false,
		"avatar_url": fmt.Sprintf("%s/avatars/u/%d", g.url, a.id), "gravatar_id": "", "user_view_type": "public",
		"url": api, "html_url": g.url + "/" + a.login,
		"followers_url": api + "/followers", "following_url": api + "/following{/other_user}",
		"gists_url": api + "/gists{/gist_id}", "starred_url": api + "/starred{/owner}{/repo}",
		"subscriptions_url": api + "/subscriptions", "organizations_url": api + "/orgs", "repos_url": api + "/repos",
		"events_url": api + "/events{/privacy}", "received_events_url": api + "/received_events",
	}
}

// userOrNull is an account that may not be there.
func (g *GitHub) userOrNull(a *account) any {
	if a == nil {
		return nil
	}
	return g.userObject(a)
}

func (g *GitHub) organizationObject(a *account) object {
	api := g.url + "/orgs/" + a.login
	return object{
		"login": a.login, "id": a.id, "node_id": nodeID("Organization", a.id), "url": api, "description": "",
		"repos_url": api + "/repos", "events_url": api + "/events", "hooks_url": api + "/hooks", "issues_url": api + "/issues",
		"members_url": api + "/members{/member}", "public_members_url": api + "/public_members{/member}",
		"avatar_url": fmt.Sprintf("%s/avatars/u/%d", g.url, a.id),
	}
}

func (g *GitHub) appObject() object {
	return object{
		"id": g.appID, "slug": "stagegate", "client_id": g.ClientID(), "node_id": nodeID("Integration", g.appID),
		"owner": g.userObject(g.accounts["stagegate"]), "name": "Stagegate", "description": nil,
		"external_url": "https://stagegate.example", "html_url": g.url + "/apps/stagegate",
		"created_at": stamp(g.born), "updated_at": stamp(g.born), "permissions": permissions, "events": events,
	}
}

func (g *GitHub) installationObject(in *installation) object {
	api := fmt.Sprintf("%s/app/installations/%d", g.url, in.id)
	o := object{
		"id": in.id, "client_id": g.ClientID(), "account": g.userObject(in.account),
		"repository_selection": "all", "access_tokens_url": api + "/access_tokens",
		"repositories_url": g.url + "/installation/repositories",
		"html_url":         fmt.Sprintf("%s/organizations/%s/settings/installations/%d", g.url, in.account.login, in.id),
		"app_id":           g.appID, "app_slug": "stagegate", "target_id": in.account.id, "target_type": in.account.kind,
		"permissions": permissions, "events": events, "created_at": stamp(in.created), "updated_at": stamp(in.created),
		"single_file_name": nil, "has_multiple_single_files": false, "single_file_paths": []string{},
		"suspended_by": g.userOrNull(in.by), "suspended_at": stamp(in.suspended),
	}
	return o
}

// repositoryURLs are the addresses in a repository that follow a pattern.
var repositoryURLs = map[string]string{
	"archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
	"branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}",
	"comments_url": "/comments{/number}", "commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}",
	"contents_url": "/contents/{+path}", "contributors_url": "/contributors", "deployments_url": "/deployments",
	"downloads_url": "/downloads", "events_url": "/events", "forks_url": "/forks", "git_commits_url": "/git/commits{/sha}",
	"git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}", "hooks_url": "/hooks",
	"issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}",
	"issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}",
	"languages_url": "/languages", "merges_url": "/merges", "milestones_url": "/milestones{/number}",
	"notifications_url": "/notifications{?since,all,participating}", "pulls_url": "/pulls{/number}",
	"releases_url": "/releases{/id}", "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
	"subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags", "teams_url": "/teams",
	"trees_url": "/git/trees{/sha}", "url": "",
}

func (r *Repository) apiURL() string  { return r.g.url + "/repos/" + r.FullName() }
func (r *Repository) htmlURL() string { return r.g.url + "/" + r.FullName() }

// object is the repository as lists and pull requests show it. g.mu is held.
func (r *Repository) object() object {
	o := object{
		"id": r.id, "node_id": nodeID("Repository", r.id), "name": r.name, "full_name": r.FullName(),
		"owner": r.g.userObject(r.owner), "private": r.private, "visibility": "public", "html_url": r.htmlURL(),
		"description": nil, "fork": r.parent != nil, "homepage": nil, "language": nil, "license": nil, "mirror_url": nil,
		"default_branch": "main", "archived": false, "disabled": false, "topics": []string{}, "size": 0,
		"clone_url": r.htmlURL() + ".git", "svn_url": r.htmlURL(),
		"git_url": "git:" + strings.TrimPrefix(r.htmlURL(), "http:") + ".git", "ssh_url": "git@localhost:" + r.FullName() + ".git",
		"created_at": stamp(r.created), "updated_at": stamp(r.created), "pushed_at": stamp(r.created),
		"has_issues": true, "has_projects": false, "has_wiki": false, "has_pages": false, "has_downloads": false,
		"has_discussions": false, "allow_forking": true, "is_template": false, "web_commit_signoff_required": false,
	}
	if r.private {
		o["visibility"] = "private"
	}
	if !r.pushed.IsZero() {
		o["updated_at"], o["pushed_at"] = stamp(r.pushed), stamp(r.pushed)
	}
	for name, pattern := range repositoryURLs {
		o[name] = r.apiURL() + pattern
	}
	for _, name := range []string{"forks", "forks_count", "open_issues", "open_issues_count", "stargazers_count", "watchers", "watchers_count"} {
		o[name] = 0
	}
	return o
}

// webhookObject is the repository as deliveries show it. g.mu is held.
func (r *Repository) webhookObject() object {
	o := r.object()
	if r.owner.kind == "Organization" {
		o["custom_properties"] = object{}
	}
	return o
}

// fullObject is the repository when it is asked for itself. g.mu is held.
func (r *Repository) fullObject() object {
	o := r.object()
	o["network_count"], o["subscribers_count"] = 0, 0
	o["permissions"] = object{"admin": false, "maintain": false, "push": false, "triage": false, "pull": true}
	if r.owner.kind == "Organization" {
		o["organization"] = r.g.userObject(r.owner)
	}
	if r.parent != nil {
		o["parent"], o["source"] = r.parent.object(), r.parent.object()
	}
	return o
}

// commitObject is a commit as the list of commits shows it. g.mu is held.
func (r *Repository) commitObject(c commit) object {
	api := r.apiURL() + "/commits/" + c.sha
	parents := []object{}
	for _, p := range c.parents {
		parents = append(parents, object{"sha": p, "url": r.apiURL() + "/commits/" + p, "html_url": r.htmlURL() + "/commit/" + p})
	}
	return object{
		"sha": c.sha, "node_id": nodeID("Commit", c.sha), "url": api, "html_url": r.htmlURL() + "/commit/" + c.sha,
		"comments_url": api + "/comments", "parents": parents,
		"author":    r.g.userOrNull(r.g.accounts[strings.ToLower(r.g.login(c.author.email))]),
		"committer": r.g.userOrNull(r.g.accounts[strings.ToLower(r.g.login(c.committer.email))]),
		"commit": object{
			"url": r.apiURL() + "/git/commits/" + c.sha, "message": c.message, "comment_count": 0,
			"author": signatureObject(c.author), "committer": signatureObject(c.committer),
			"tree": r.treeRef(c.tree), "verification": unsigned(),
		},
	}
}

func (r *Repository) treeRef(sha string) object {
	return object{"sha": sha, "url": r.apiURL() + "/git/trees/" + sha}
}

func signatureObject(s signature) object {
	return object{"name": s.name, "email": s.email, "date": stamp(s.at)}
}

func unsigned() object {
	return object{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil}
}

func (r *Repository) changeObject(sha string, f change) object {
	o := object{
		"sha": f.sha, "filename": f.path, "status": f.status,
		"additions": f.additions, "deletions": f.deletions, "changes": f.additions + f.deletions,
		"blob_url":     r.htmlURL() + "/blob/" + sha + "/" + escapePath(f.path),
		"raw_url":      r.htmlURL() + "/raw/" + sha + "/" + escapePath(f.path),
		"contents_url": r.apiURL() + "/contents/" + escapePath(f.path) + "?ref=" + sha,
	}
	if f.previous != "" {
		o["previous_filename"] = f.previous
	}
	return o
}

func deliveryObject(d *Delivery) object {
	o := object{
		"id": d.ID, "guid": d.GUID, "delivered_at": d.At.UTC().Format(time.RFC3339Nano), "redelivery": d.Redelivery,
		"duration": d.Duration.Seconds(), "status": d.Status, "status_code": d.StatusCode, "event": d.Event,
		"action": nullable(d.Action), "installation_id": nil, "repository_id": nil, "throttled_at": nil,
	}
	if d.InstallationID != 0 {
		o["installation_id"] = d.InstallationID
	}
	if d.RepositoryID != 0 {
		o["repository_id"] = d.RepositoryID
	}
	return o
}

func (g *GitHub) fullDeliveryObject(d *Delivery) object {
	o := deliveryObject(d)
	o["url"] = g.hook.url
	o["request"] = object{"headers": flat(d.Header), "payload": json.RawMessage(d.Payload)}
	o["response"] = object{"headers": object{}, "payload": string(d.Answer)}
	return o
}

func flat(h http.Header) object {
	o := object{}
	for name := range h {
		o[name] = h.Get(name)
	}
	return o
}
