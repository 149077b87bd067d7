package githubtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// pull is what makes an issue a pull request.
type pull struct {
	head     *Repository // where the branch is; a fork, or the repository itself
	branch   string
	headSHA  string
	base     string
	baseSHA  string
	draft    bool
	mergedAt time.Time
	mergedBy *account
	merge    string // the commit that merged it, or that would
	conflict bool

	commits, files, additions, deletions int
}

// ends are a pull request's commits: of base, head and merge.
func (i *issue) ends(g *GitHub) (base, head, merge string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i.pull.mergedAt.IsZero() {
		return i.pull.baseSHA, i.pull.headSHA, ""
	}
	return i.pull.baseSHA, i.pull.headSHA, i.pull.merge
}

// OpenPullRequest opens a pull request from a branch, or from another owner's
// as owner:branch, and returns its number.
func (r *Repository) OpenPullRequest(login, head, base, title, body string) (int, error) {
	return r.openPull(login, head, base, title, body, false)
}

// OpenDraft opens a pull request that is a draft.
func (r *Repository) OpenDraft(login, head, base, title, body string) (int, error) {
	return r.openPull(login, head, base, title, body, true)
}

func (r *Repository) openPull(login, head, base, title, body string, draft bool) (int, error) {
	p := &pull{head: r, branch: head, base: base, draft: draft}
	if owner, branch, ok := strings.Cut(head, ":"); ok {
		p.head, p.branch = r.g.forkOf(r, owner), branch
	}
	if p.head == nil {
		return 0, fmt.Errorf("open a pull request of %s: there is no such fork of %s", head, r.FullName())
	}
	p.head.refs.Lock() // the branch stays where it is until it is known whose head it is
	defer p.head.refs.Unlock()
	if err := r.look(p); err != nil {
		return 0, fmt.Errorf("open a pull request of %s: %w", head, err)
	}
	r.g.mu.Lock()
	i := r.addIssue(login, title, body)
	i.pull = p
	r.g.mu.Unlock()
	if err := r.fetchHead(i); err != nil {
		return 0, err
	}
	r.g.mu.Lock()
	r.sendPull("opened", i, i.user, nil)
	r.g.mu.Unlock()
	return i.number, r.tryMerge(i)
}

// look finds the commits of a pull request that is to be opened.
func (r *Repository) look(p *pull) (err error) {
	if p.headSHA, err = p.head.Head(p.branch); err != nil {
		return err
	}
	if p.baseSHA, err = r.Head(p.base); err != nil {
		return err
	}
	if p.headSHA == p.baseSHA {
		return fmt.Errorf("no commits between %s and %s", p.base, p.branch)
	}
	for _, i := range r.openPulls() {
		if i.pull.head == p.head && i.pull.branch == p.branch && i.pull.base == p.base {
			return fmt.Errorf("pull request #%d exists already", i.number)
		}
	}
	return nil
}

// forkOf finds an account's copy of a repository, which may be itself.
func (g *GitHub) forkOf(r *Repository, owner string) *Repository {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, other := range g.repositories {
		if strings.EqualFold(other.owner.login, owner) && (other == r || other.parent == r) {
			return other
		}
	}
	return nil
}

// fetchHead brings a pull request's commits into the repository, and counts
// what it changes.
func (r *Repository) fetchHead(i *issue) error {
	base, head, _ := i.ends(r.g)
	_, err := r.git("fetch", "--quiet", "--no-tags", i.pull.head.dir, fmt.Sprintf("+%s:refs/pull/%d/head", head, i.number))
	if err != nil {
		return fmt.Errorf("fetch the head of pull request #%d: %w", i.number, err)
	}
	k, err := r.compare(base, head)
	if err != nil {
		return fmt.Errorf("compare the ends of pull request #%d: %w", i.number, err)
	}
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	p := i.pull
	p.commits, p.files, p.additions, p.deletions = k.ahead, len(k.files), 0, 0
	for _, f := range k.files {
		p.additions, p.deletions = p.additions+f.additions, p.deletions+f.deletions
	}
	return nil
}

// tryMerge finds out whether a pull request can be merged, and into what.
func (r *Repository) tryMerge(i *issue) error {
	base, head, _ := i.ends(r.g)
	sha, err := r.mergeCommit(base, head, "Merge "+head+" into "+base, nil)
	if err != nil && !errors.Is(err, errConflict) {
		return err
	}
	conflict := err != nil
	if !conflict {
		if _, err := r.git("update-ref", fmt.Sprintf("refs/pull/%d/merge", i.number), sha); err != nil {
			return err
		}
	}
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	if i.state == "open" && i.pull.headSHA == head { // nothing happened meanwhile
		i.pull.merge, i.pull.conflict = sha, conflict
	}
	return nil
}

// ClosePullRequest closes a pull request without merging it.
func (r *Repository) ClosePullRequest(login string, number int) error {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	i, err := r.pullIn("close", number, "open")
	if err != nil {
		return err
	}
	r.closePull(i, r.g.user(login))
	return nil
}

// closePull closes a pull request and tells of it. g.mu is held.
func (r *Repository) closePull(i *issue, who *account) {
	i.state, i.closed, i.updated = "closed", r.g.now(), r.g.now()
	r.sendPull("closed", i, who, nil)
}

// MarkReady ends the draft of a pull request.
func (r *Repository) MarkReady(login string, number int) error {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	i, err := r.pullIn("mark as ready", number, "open")
	switch {
	case err != nil:
		return err
	case !i.pull.draft:
		return fmt.Errorf("mark as ready pull request #%d: it is no draft", number)
	}
	i.pull.draft, i.updated = false, r.g.now()
	r.sendPull("ready_for_review", i, r.g.user(login), nil)
	return nil
}

// ReopenPullRequest opens a pull request that was closed and not merged.
func (r *Repository) ReopenPullRequest(login string, number int) error {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	i, err := r.pullIn("reopen", number, "closed")
	switch {
	case err != nil:
		return err
	case !i.pull.mergedAt.IsZero():
		return fmt.Errorf("reopen pull request #%d: it is merged", number)
	}
	if head, err := i.pull.head.Head(i.pull.branch); err != nil || head != i.pull.headSHA {
		return fmt.Errorf("reopen pull request #%d: its branch was deleted or moved", number)
	}
	i.state, i.closed, i.updated = "open", time.Time{}, r.g.now()
	r.sendPull("reopened", i, r.g.user(login), nil)
	return nil
}

// pullIn finds a pull request that is in a state. g.mu is held.
func (r *Repository) pullIn(verb string, number int, state string) (*issue, error) {
	i := r.issues[number]
	switch {
	case i == nil || i.pull == nil:
		return nil, fmt.Errorf("%s pull request #%d: there is none", verb, number)
	case i.state != state:
		return nil, fmt.Errorf("%s pull request #%d: it is %s", verb, number, i.state)
	}
	return i, nil
}

// pulls lists all pull requests, by number.
func (r *Repository) pulls() []*issue {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	var list []*issue
	for _, number := range slices.Sorted(maps.Keys(r.issues)) {
		if r.issues[number].pull != nil {
			list = append(list, r.issues[number])
		}
	}
	return list
}

// openPulls lists the pull requests that are open, by number.
func (r *Repository) openPulls() []*issue {
	list := r.pulls()
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	return slices.DeleteFunc(list, func(i *issue) bool { return i.state != "open" })
}

// movePulls tells of a branch's move to the pull requests that stand on it,
// here and in what this is a fork of.
func (r *Repository) movePulls(login, branch string, m move) error {
	bases := []*Repository{r}
	if r.parent != nil {
		bases = append(bases, r.parent)
	}
	for _, base := range bases {
		for _, i := range base.openPulls() {
			if i.pull.head == r && i.pull.branch == branch {
				if err := base.moveHead(login, i, m); err != nil {
					return err
				}
			}
			if base == r && i.pull.base == branch && !m.deleted() {
				if err := base.moveBase(login, i, m); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// moveHead gives a pull request another head, or closes it with its branch.
func (r *Repository) moveHead(login string, i *issue, m move) error {
	if m.deleted() {
		r.g.mu.Lock()
		defer r.g.mu.Unlock()
		r.closePull(i, r.g.user(login))
		return nil
	}
	r.g.mu.Lock()
	i.pull.headSHA, i.pull.merge, i.updated = m.after, "", r.g.now()
	r.g.mu.Unlock()
	if err := r.fetchHead(i); err != nil {
		return err
	}
	r.g.mu.Lock()
	r.sendPull("synchronize", i, r.g.user(login), object{"before": m.before, "after": m.after})
	r.g.mu.Unlock()
	return r.tryMerge(i)
}

// moveBase notes another base; a base that has the head in it has merged it.
func (r *Repository) moveBase(login string, i *issue, m move) error {
	_, head, _ := i.ends(r.g)
	if r.isAncestor(head, m.after) {
		r.g.mu.Lock()
		defer r.g.mu.Unlock()
		r.merged(i, r.g.user(login), m.after)
		return nil
	}
	r.g.mu.Lock()
	i.pull.baseSHA = m.after
	r.g.mu.Unlock()
	return r.tryMerge(i)
}

// merged closes a pull request as merged. g.mu is held.
func (r *Repository) merged(i *issue, who *account, sha string) {
	i.pull.mergedAt, i.pull.mergedBy, i.pull.merge = r.g.now(), who, sha
	r.closePull(i, who)
}

// sendPull tells of a pull request. g.mu is held.
func (r *Repository) sendPull(action string, i *issue, who *account, more object) {
	payload := object{"number": i.number, "pull_request": r.pullObject(i), "sender": r.g.userObject(who)}
	maps.Copy(payload, more)
	r.g.send(r, "pull_request", action, payload)
}
