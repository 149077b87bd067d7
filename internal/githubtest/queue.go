package githubtest

import (
	"fmt"
	"strings"
)

// QueuePullRequest makes a merge group of one pull request: its merge on top of
// its base, on a branch of its own, whose full ref is returned. GitHub then asks
// for checks of the group.
func (r *Repository) QueuePullRequest(login string, number int) (ref string, err error) {
	r.refs.Lock()
	defer r.refs.Unlock()
	r.g.mu.Lock()
	i, err := r.pullIn("queue", number, "open")
	r.g.mu.Unlock()
	if err != nil {
		return "", err
	}
	before, err := r.branchesAndTags()
	if err != nil {
		return "", err
	}
	base := before["refs/heads/"+i.pull.base]
	sha, err := r.mergeBy("merge", login, i, base)
	if err != nil {
		return "", fmt.Errorf("queue pull request #%d: %w", number, err)
	}
	ref = fmt.Sprintf("refs/heads/gh-readonly-queue/%s/pr-%d-%s", i.pull.base, number, base)
	if _, err := r.git("update-ref", ref, sha); err != nil {
		return "", fmt.Errorf("queue pull request #%d: %w", number, err)
	}
	if err := r.moved(login, before); err != nil {
		return "", err
	}
	return ref, r.tellGroup(login, "checks_requested", ref, nil)
}

// DestroyMergeGroup ends a merge group, for the reason merged, invalidated or
// dequeued. Its branch goes with it.
func (r *Repository) DestroyMergeGroup(login, ref, reason string) error {
	r.refs.Lock()
	defer r.refs.Unlock()
	before, err := r.branchesAndTags()
	if err != nil {
		return err
	}
	if err := r.tellGroup(login, "destroyed", ref, object{"reason": reason}); err != nil {
		return err
	}
	if _, err := r.git("update-ref", "-d", ref); err != nil {
		return fmt.Errorf("destroy merge group %s: %w", ref, err)
	}
	return r.moved(login, before)
}

// tellGroup tells of a merge group. r.refs is held.
func (r *Repository) tellGroup(login, action, ref string, more object) error {
	head, err := r.commit(ref)
	if err != nil {
		return err
	}
	base, _, _ := strings.Cut(strings.TrimPrefix(ref, "refs/heads/gh-readonly-queue/"), "/pr-")
	shown, err := r.pushedCommit(head)
	if err != nil {
		return err
	}
	commit := object{}
	for _, key := range []string{"id", "tree_id", "message", "timestamp", "author", "committer"} {
		commit[key] = shown[key]
	}
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	payload := object{
		"merge_group": object{
			"head_sha": head.sha, "head_ref": ref, "base_sha": head.parents[0], "base_ref": "refs/heads/" + base, "head_commit": commit,
		},
		"sender": r.g.userObject(r.g.user(login)),
	}
	for key, value := range more {
		payload[key] = value
	}
	r.g.send(r, "merge_group", action, payload)
	return nil
}
