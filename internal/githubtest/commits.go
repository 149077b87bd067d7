package githubtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

func getCommit(c *call) answer {
	sha, refused := c.commit("ref")
	if refused.status != 0 {
		return refused
	}
	one, err := c.repo.commit(sha)
	if err != nil {
		return notFound()
	}
	parent := emptyTree
	if len(one.parents) > 0 {
		parent = one.parents[0]
	}
	changes, err := c.repo.diff(parent, sha)
	if err != nil {
		return notFound()
	}
	additions, deletions := 0, 0
	for _, f := range changes {
		additions, deletions = additions+f.additions, deletions+f.deletions
	}
	cut, header := page(c, changes)
	files := []object{}
	for _, f := range cut {
		files = append(files, c.repo.changeObject(sha, f))
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	body := c.repo.commitObject(one)
	body["files"] = files
	body["stats"] = object{"additions": additions, "deletions": deletions, "total": additions + deletions}
	return answer{status: http.StatusOK, header: header, body: body}
}

func listCommits(c *call) answer {
	ref := c.query("sha")
	if ref == "" {
		ref = "main"
	}
	sha, err := c.repo.resolve(ref)
	switch {
	case err == nil:
	case c.repo.empty():
		return refuse(http.StatusConflict, "Git Repository is empty.")
	default:
		return notFound()
	}
	args := []string{sha}
	for _, name := range []string{"since", "until"} {
		if v := c.query(name); v != "" {
			args = append(args, "--"+name+"="+v)
		}
	}
	if v := c.query("path"); v != "" {
		args = append(args, "--", ":(literal)"+v)
	}
	list, err := c.repo.log(args...)
	if err != nil {
		return notFound()
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	list = slices.DeleteFunc(list, func(one commit) bool {
		return !c.g.by(one.author, c.query("author")) || !c.g.by(one.committer, c.query("committer"))
	})
	return listed(c, list, c.repo.commitObject)
}

// by tells whether a signature is of a person, by login or address. g.mu is held.
func (g *GitHub) by(s signature, who string) bool {
	return who == "" || strings.EqualFold(s.email, who) || strings.EqualFold(g.login(s.email), who)
}

// listPullsOfCommit lists the pull requests that brought or would bring a commit.
func listPullsOfCommit(c *call) answer {
	sha, refused := c.commit("commit_sha")
	if refused.status != 0 {
		return refused
	}
	var list []*issue
	for _, p := range c.repo.pulls() {
		base, head, merge := p.ends(c.g)
		if merge != sha && (!c.repo.isAncestor(sha, head) || c.repo.isAncestor(sha, base)) {
			continue
		}
		list = append(list, p)
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	return listed(c, list, c.repo.pullSimple)
}

func getGitCommit(c *call) answer {
	sha := c.params["commit_sha"]
	one, err := c.repo.commit(sha)
	if err != nil || one.sha != sha {
		return notFound()
	}
	parents := []object{}
	for _, p := range one.parents {
		parents = append(parents, object{"sha": p, "url": c.repo.apiURL() + "/git/commits/" + p, "html_url": c.repo.htmlURL() + "/commit/" + p})
	}
	return ok(object{
		"sha": sha, "node_id": nodeID("Commit", sha), "url": c.repo.apiURL() + "/git/commits/" + sha,
		"html_url": c.repo.htmlURL() + "/commit/" + sha, "message": one.message, "tree": c.repo.treeRef(one.tree),
		"author": signatureObject(one.author), "committer": signatureObject(one.committer),
		"parents": parents, "verification": unsigned(),
	})
}

func getRef(c *call) answer {
	ref := "refs/" + c.params["ref"]
	sha, err := c.repo.line("rev-parse", "--verify", "--quiet", "--end-of-options", ref)
	if err != nil || strings.ContainsAny(ref, "^~:@{ ") {
		if c.repo.empty() {
			return refuse(http.StatusConflict, "Git Repository is empty.")
		}
		return notFound()
	}
	kind, err := c.repo.line("cat-file", "-t", sha)
	if err != nil {
		return notFound()
	}
	return ok(object{
		"ref": ref, "node_id": nodeID("Ref", ref), "url": c.repo.apiURL() + "/git/" + ref,
		"object": object{"type": kind, "sha": sha, "url": c.repo.apiURL() + "/git/" + kind + "s/" + sha},
	})
}

func getBranch(c *call) answer {
	name := c.params["branch"]
	sha, err := c.repo.Head(name)
	if err != nil {
		return refuse(http.StatusNotFound, "Branch not found")
	}
	one, err := c.repo.commit(sha)
	if err != nil {
		return notFound()
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	protection := c.repo.apiURL() + "/branches/" + escapePath(name) + "/protection"
	return ok(object{
		"name": name, "commit": c.repo.commitObject(one), "protected": false, "protection_url": protection,
		"_links": object{
			"self": c.repo.apiURL() + "/branches/" + escapePath(name), "html": c.repo.htmlURL() + "/tree/" + escapePath(name),
		},
		"protection": object{
			"enabled": false, "required_status_checks": object{"enforcement_level": "off", "contexts": []string{}, "checks": []object{}},
		},
	})
}

func listBranches(c *call) answer {
	refs, err := c.repo.branchesAndTags()
	if err != nil {
		return notFound()
	}
	var list []object
	for ref, sha := range refs {
		if name, ok := strings.CutPrefix(ref, "refs/heads/"); ok && (c.query("protected") == "" || c.query("protected") == "false") {
			list = append(list, object{"name": name, "protected": false, "commit": object{
				"sha": sha, "url": c.repo.apiURL() + "/commits/" + sha,
			}})
		}
	}
	slices.SortFunc(list, func(a, b object) int { return strings.Compare(a["name"].(string), b["name"].(string)) })
	return listed(c, list, func(o object) object { return o })
}

// comparison is how two commits stand to each other.
type comparison struct {
	base, head, mergeBase commit
	ahead, behind         int
	commits               []commit // head's own, oldest first
	files                 []change
}

func (k comparison) status() string {
	switch {
	case k.ahead > 0 && k.behind > 0:
		return "diverged"
	case k.ahead > 0:
		return "ahead"
	case k.behind > 0:
		return "behind"
	}
	return "identical"
}

// compare reads how two commits stand to each other; they must have a common ancestor.
func (r *Repository) compare(base, head string) (k comparison, err error) {
	mergeBase, err := r.line("merge-base", base, head)
	if err != nil {
		return k, fmt.Errorf("find the common ancestor: %w", err)
	}
	for into, sha := range map[*commit]string{&k.base: base, &k.head: head, &k.mergeBase: mergeBase} {
		if *into, err = r.commit(sha); err != nil {
			return k, err
		}
	}
	behind, err := r.line("rev-list", "--count", head+".."+base)
	if err != nil {
		return k, err
	}
	if k.commits, err = r.log("--reverse", "--topo-order", base+".."+head); err != nil {
		return k, err
	}
	k.ahead, k.behind = len(k.commits), atoi(behind)
	k.files, err = r.diff(mergeBase, head)
	return k, err
}

func compareCommits(c *call) answer {
	base, head, ok := strings.Cut(c.params["basehead"], "...")
	if !ok {
		return notFound()
	}
	b, err := c.repo.resolve(base)
	if err != nil {
		return notFound()
	}
	h, err := c.repo.resolve(head)
	if err != nil {
		return notFound()
	}
	k, err := c.repo.compare(b, h)
	if err != nil {
		return refuse(http.StatusNotFound, fmt.Sprintf("No common ancestor between %s and %s.", base, head))
	}
	return c.comparisonAnswer(k)
}

func (c *call) comparisonAnswer(k comparison) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	if c.query("per_page") == "" && c.query("page") == "" {
		k.commits = k.commits[:min(250, len(k.commits))]
	}
	a := listed(c, k.commits, c.repo.commitObject)
	if c.query("per_page") == "" && c.query("page") == "" {
		commits := []object{}
		for _, one := range k.commits {
			commits = append(commits, c.repo.commitObject(one))
		}
		a = ok(commits)
	}
	files := []object{}
	if n := c.queryNumber("page", 1); n == 1 { // GitHub gives the files with the first page
		for _, f := range k.files[:min(300, len(k.files))] {
			files = append(files, c.repo.changeObject(k.head.sha, f))
		}
	}
	html := c.repo.htmlURL() + "/compare/" + escapePath(c.params["basehead"])
	a.body = object{
		"url": c.repo.apiURL() + "/compare/" + escapePath(c.params["basehead"]), "html_url": html, "permalink_url": html,
		"diff_url": html + ".diff", "patch_url": html + ".patch",
		"base_commit": c.repo.commitObject(k.base), "merge_base_commit": c.repo.commitObject(k.mergeBase),
		"status": k.status(), "ahead_by": k.ahead, "behind_by": k.behind, "total_commits": k.ahead,
		"commits": a.body, "files": files,
	}
	return a
}
