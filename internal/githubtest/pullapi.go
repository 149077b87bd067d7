package githubtest

import (
	"fmt"
	"slices"
	"strings"
)

// side is one end of a pull request. g.mu is held.
func (r *Repository) side(branch, sha string) object {
	o := object{
		"label": r.owner.login + ":" + branch, "ref": branch, "sha": sha,
		"user": r.g.userObject(r.owner), "repo": nil,
	}
	if !r.deleted {
		o["repo"] = r.object()
	}
	return o
}

// pullsAt are the pull requests of this repository whose head a commit is, in
// short form; GitHub leaves those of forks out. g.mu is held.
func (r *Repository) pullsAt(sha string) []object {
	list := []object{}
	for _, i := range r.issues {
		if p := i.pull; p != nil && p.headSHA == sha && p.head == r && i.state == "open" {
			repo := object{"id": r.id, "url": r.apiURL(), "name": r.name}
			list = append(list, object{
				"id": i.id, "number": i.number, "url": fmt.Sprintf("%s/pulls/%d", r.apiURL(), i.number),
				"head": object{"ref": p.branch, "sha": p.headSHA, "repo": repo},
				"base": object{"ref": p.base, "sha": p.baseSHA, "repo": repo},
			})
		}
	}
	slices.SortFunc(list, func(a, b object) int { return a["number"].(int) - b["number"].(int) })
	return list
}

// pullSimple is a pull request as lists show it. g.mu is held.
func (r *Repository) pullSimple(i *issue) object {
	p := i.pull
	api := fmt.Sprintf("%s/pulls/%d", r.apiURL(), i.number)
	issue := fmt.Sprintf("%s/issues/%d", r.apiURL(), i.number)
	html := fmt.Sprintf("%s/pull/%d", r.htmlURL(), i.number)
	statuses := r.apiURL() + "/statuses/" + p.headSHA
	link := func(href string) object { return object{"href": href} }
	return object{
		"id": i.id, "node_id": nodeID("PullRequest", i.id), "number": i.number, "state": i.state, "locked": false,
		"title": i.title, "body": nullable(i.body), "user": r.g.userObject(i.user), "draft": p.draft,
		"created_at": stamp(i.created), "updated_at": stamp(i.updated), "closed_at": stamp(i.closed), "merged_at": stamp(p.mergedAt),
		"merge_commit_sha": nullable(p.merge), "head": p.head.side(p.branch, p.headSHA), "base": r.side(p.base, p.baseSHA),
		"author_association": r.association(i.user), "auto_merge": nil, "active_lock_reason": nil, "milestone": nil,
		"assignee": nil, "assignees": []object{}, "labels": []object{}, "requested_reviewers": []object{}, "requested_teams": []object{},
		"url": api, "html_url": html, "diff_url": html + ".diff", "patch_url": html + ".patch", "issue_url": issue,
		"commits_url": api + "/commits", "comments_url": issue + "/comments", "statuses_url": statuses,
		"review_comments_url": api + "/comments", "review_comment_url": r.apiURL() + "/pulls/comments{/number}",
		"_links": object{
			"self": link(api), "html": link(html), "issue": link(issue), "comments": link(issue + "/comments"),
			"review_comments": link(api + "/comments"), "review_comment": link(r.apiURL() + "/pulls/comments{/number}"),
			"commits": link(api + "/commits"), "statuses": link(statuses),
		},
	}
}

// pullObject is a pull request as deliveries show it. g.mu is held.
func (r *Repository) pullObject(i *issue) object {
	o, p := r.pullSimple(i), i.pull
	merged := !p.mergedAt.IsZero()
	o["merged"], o["merged_by"] = merged, r.g.userOrNull(p.mergedBy)
	o["mergeable"], o["rebaseable"], o["mergeable_state"] = nil, nil, "unknown"
	switch {
	case merged:
	case p.conflict:
		o["mergeable"], o["rebaseable"], o["mergeable_state"] = false, false, "dirty"
	case p.merge != "":
		o["mergeable"], o["rebaseable"], o["mergeable_state"] = true, true, "clean"
	}
	comments := 0
	for _, c := range r.comments {
		if c.issue == i {
			comments++
		}
	}
	o["comments"], o["review_comments"], o["maintainer_can_modify"] = comments, 0, false
	o["commits"], o["changed_files"], o["additions"], o["deletions"] = p.commits, p.files, p.additions, p.deletions
	return o
}

// pullAsked compares the ends of the pull request that a request names.
func (c *call) pullAsked() (comparison, bool) {
	number := int(c.number("pull_number"))
	for _, i := range c.repo.pulls() {
		if i.number == number {
			base, head, _ := i.ends(c.g)
			k, err := c.repo.compare(base, head)
			return k, err == nil
		}
	}
	return comparison{}, false
}

func getPull(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	i := c.repo.issues[int(c.number("pull_number"))]
	if i == nil || i.pull == nil {
		return notFound()
	}
	return ok(c.repo.pullObject(i))
}

func listPullCommits(c *call) answer {
	k, found := c.pullAsked()
	if !found {
		return notFound()
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	return listed(c, k.commits[:min(250, len(k.commits))], c.repo.commitObject)
}

func listPullFiles(c *call) answer {
	k, found := c.pullAsked()
	if !found {
		return notFound()
	}
	return listed(c, k.files[:min(3000, len(k.files))], func(f change) object { return c.repo.changeObject(k.head.sha, f) })
}

func listPulls(c *call) answer {
	list := c.repo.pulls()
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	list = slices.DeleteFunc(list, func(i *issue) bool { return !c.wantsPull(i) })
	slices.SortStableFunc(list, func(a, b *issue) int {
		if c.query("sort") == "updated" {
			return a.updated.Compare(b.updated)
		}
		return a.number - b.number
	})
	if direction := c.query("direction"); direction == "desc" || direction == "" && c.query("sort") != "updated" {
		slices.Reverse(list) // the newest first, unless asked otherwise
	}
	return listed(c, list, c.repo.pullSimple)
}

func (c *call) wantsPull(i *issue) bool {
	state := c.query("state")
	if state == "" {
		state = "open"
	}
	head := i.pull.head.owner.login + ":" + i.pull.branch
	return (state == "all" || i.state == state) &&
		(c.query("head") == "" || strings.EqualFold(head, c.query("head"))) &&
		(c.query("base") == "" || i.pull.base == c.query("base"))
}
