package githubtest

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// move is a branch or tag that went from one commit to another.
type move struct {
	ref           string
	before, after string // zeroSHA when it came or went
}

func (m move) branch() (string, bool) { return strings.CutPrefix(m.ref, "refs/heads/") }
func (m move) created() bool          { return m.before == zeroSHA }
func (m move) deleted() bool          { return m.after == zeroSHA }

// movesBetween lists what moved, by ref, and counts the tags that are new.
func movesBetween(before, after map[string]string) (moves []move, newTags int) {
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, ref := range slices.Sorted(maps.Keys(all)) {
		m := move{ref: ref, before: before[ref], after: after[ref]}
		if m.before == m.after {
			continue
		}
		if m.before == "" {
			m.before = zeroSHA
			if strings.HasPrefix(ref, "refs/tags/") {
				newTags++
			}
		}
		if m.after == "" {
			m.after = zeroSHA
		}
		moves = append(moves, m)
	}
	return moves, newTags
}

// tell sends the events of one move: push, check_suite, and what pull requests
// make of it. r.refs is held.
func (r *Repository) tell(login string, m move, before map[string]string) error {
	payload, err := r.pushPayload(m, before)
	if err != nil {
		return err
	}
	r.g.mu.Lock()
	r.addPushParties(payload, r.g.user(login))
	r.g.send(r, "push", "", payload)
	if branch, ok := m.branch(); ok && !m.deleted() {
		r.requestSuite(branch, m, r.g.user(login))
	}
	r.g.mu.Unlock()
	if branch, ok := m.branch(); ok {
		return r.movePulls(login, branch, m)
	}
	return nil
}

// pushPayload is the part of a push that git knows.
func (r *Repository) pushPayload(m move, before map[string]string) (object, error) {
	p := object{
		"ref": m.ref, "before": m.before, "after": m.after, "created": m.created(), "deleted": m.deleted(),
		"forced":   !m.created() && !m.deleted() && !r.isAncestor(m.before, m.after),
		"base_ref": nil, "commits": []object{}, "head_commit": nil,
		"compare": r.htmlURL() + "/compare/" + short(m.before) + "..." + short(m.after),
	}
	switch {
	case m.deleted():
		p["compare"] = r.htmlURL() + "/compare/" + short(m.before) + "..." + short(m.after)
		return p, nil
	case m.created():
		name := strings.TrimPrefix(strings.TrimPrefix(m.ref, "refs/heads/"), "refs/tags/")
		p["compare"] = r.htmlURL() + "/compare/" + name
		p["base_ref"] = baseRef(m, before)
	}
	head, err := r.commit(m.after + "^{commit}")
	if err != nil {
		return nil, err
	}
	if p["head_commit"], err = r.pushedCommit(head); err != nil {
		return nil, err
	}
	p["commits"], err = r.pushedCommits(m, before)
	return p, err
}

// baseRef is the branch that a new branch or tag starts on, or nil.
func baseRef(m move, before map[string]string) any {
	for _, ref := range slices.Sorted(maps.Keys(before)) {
		if before[ref] == m.after && strings.HasPrefix(ref, "refs/heads/") {
			return ref
		}
	}
	return nil
}

// pushedCommits lists what a push brought, the oldest first; of a new ref, what
// no other had.
func (r *Repository) pushedCommits(m move, before map[string]string) ([]object, error) {
	args := []string{"--reverse", "--topo-order", "--max-count=2048", m.after}
	if m.created() {
		for _, sha := range slices.Sorted(maps.Values(before)) {
			args = append(args, "^"+sha)
		}
	} else {
		args = append(args, "^"+m.before)
	}
	commits, err := r.log(args...)
	if err != nil {
		return nil, err
	}
	list := []object{}
	for _, c := range commits {
		o, err := r.pushedCommit(c)
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, nil
}

// pushedCommit is a commit in the form of a push.
func (r *Repository) pushedCommit(c commit) (object, error) {
	parent := emptyTree
	if len(c.parents) > 0 {
		parent = c.parents[0]
	}
	changes, err := r.diff(parent, c.sha)
	if err != nil {
		return nil, err
	}
	files := map[string][]string{"added": {}, "removed": {}, "modified": {}}
	for _, f := range changes {
		switch f.status {
		case "added", "removed":
			files[f.status] = append(files[f.status], f.path)
		case "renamed":
			files["removed"] = append(files["removed"], f.previous)
			files["added"] = append(files["added"], f.path)
		default:
			files["modified"] = append(files["modified"], f.path)
		}
	}
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	return object{
		"id": c.sha, "tree_id": c.tree, "distinct": true, "message": c.message,
		"timestamp": c.committer.at.Format(time.RFC3339), "url": r.htmlURL() + "/commit/" + c.sha,
		"author": r.g.pushedSignature(c.author), "committer": r.g.pushedSignature(c.committer),
		"added": files["added"], "removed": files["removed"], "modified": files["modified"],
	}, nil
}

// pushedSignature names a person of a commit. g.mu is held.
func (g *GitHub) pushedSignature(s signature) object {
	o := object{"name": s.name, "email": s.email, "date": s.at.Format(time.RFC3339)}
	if login := g.login(s.email); login != "" {
		o["username"] = login
	}
	return o
}

// addPushParties adds to a push who and where. g.mu is held.
func (r *Repository) addPushParties(p object, pusher *account) {
	repository := r.webhookObject()
	repository["created_at"], repository["pushed_at"] = r.created.Unix(), r.pushed.Unix()
	repository["master_branch"], repository["stargazers"] = "main", 0
	owner := r.g.userObject(r.owner)
	owner["name"], owner["email"] = r.owner.login, nil
	repository["owner"] = owner
	p["repository"] = repository
	p["pusher"] = object{"name": pusher.login, "email": pusher.login + "@users.noreply.github.com"}
	p["sender"] = r.g.userObject(pusher)
}

func short(sha string) string { return sha[:min(12, len(sha))] }
