package githubtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// errConflict says that two commits cannot be merged by a machine.
var errConflict = errors.New("merge conflict")

// MergePullRequest merges a pull request by the method merge, squash or rebase,
// and returns the new head of its base.
func (r *Repository) MergePullRequest(login string, number int, method string) (string, error) {
	r.refs.Lock()
	defer r.refs.Unlock()
	r.g.mu.Lock()
	i, err := r.pullIn("merge", number, "open")
	allowed := r.may(r.g.user(login), "write")
	r.g.mu.Unlock()
	switch {
	case err != nil:
		return "", err
	case !allowed:
		return "", fmt.Errorf("merge pull request #%d: %s may not write to %s", number, login, r.FullName())
	}
	before, err := r.branchesAndTags()
	if err != nil {
		return "", err
	}
	ref := "refs/heads/" + i.pull.base
	sha, err := r.mergeBy(method, login, i, before[ref])
	if err != nil {
		return "", fmt.Errorf("merge pull request #%d: %w", number, err)
	}
	if _, err := r.git("update-ref", ref, sha, before[ref]); err != nil {
		return "", fmt.Errorf("merge pull request #%d: %w", number, err)
	}
	r.g.mu.Lock()
	r.merged(i, r.g.user(login), sha)
	r.g.mu.Unlock()
	return sha, r.moved(login, before)
}

// mergeBy makes the commits of a merge on top of a base.
func (r *Repository) mergeBy(method, login string, i *issue, base string) (string, error) {
	_, head, _ := i.ends(r.g)
	author := []string{
		"GIT_AUTHOR_NAME=" + login, "GIT_AUTHOR_EMAIL=" + login + "@users.noreply.github.com",
	}
	switch method {
	case "merge":
		message := fmt.Sprintf("Merge pull request #%d from %s/%s\n\n%s", i.number, i.pull.head.owner.login, i.pull.branch, i.title)
		return r.mergeCommit(base, head, message, author)
	case "squash":
		tree, err := r.mergeTree(base, head)
		if err != nil {
			return "", err
		}
		return r.commitTree(author, fmt.Sprintf("%s (#%d)", i.title, i.number), tree, base)
	case "rebase":
		return r.rebase(base, head)
	}
	return "", fmt.Errorf("%q is no method; there are merge, squash and rebase", method)
}

// mergeCommit makes a commit with two parents.
func (r *Repository) mergeCommit(base, head, message string, author []string) (string, error) {
	tree, err := r.mergeTree(base, head)
	if err != nil {
		return "", err
	}
	return r.commitTree(author, message, tree, base, head)
}

// mergeTree makes the tree of a merge.
func (r *Repository) mergeTree(base, head string) (string, error) {
	out, err := r.git("merge-tree", "--write-tree", "--allow-unrelated-histories", base, head)
	tree, _, _ := strings.Cut(out, "\n")
	if err != nil && fullSHA.MatchString(tree) {
		return "", errConflict
	}
	return tree, err
}

// commitTree makes a commit, as of GitHub's clock.
func (r *Repository) commitTree(author []string, message, tree string, parents ...string) (string, error) {
	at := fmt.Sprintf("%d +0000", r.g.now().Unix())
	args := []string{"commit-tree", tree, "-m", message}
	for _, p := range parents {
		args = append(args, "-p", p)
	}
	out, err := r.gitAs(append([]string{"GIT_AUTHOR_DATE=" + at, "GIT_COMMITTER_DATE=" + at}, author...), args...)
	return strings.TrimSpace(out), err
}

// rebase replays the commits of head on top of base, in a work tree of its own.
func (r *Repository) rebase(base, head string) (string, error) {
	folder, err := os.MkdirTemp("", "githubtest-rebase-")
	if err != nil {
		return "", fmt.Errorf("make a work tree: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }() // a leftover harms nobody
	work := filepath.Join(folder, "tree")
	if _, err := r.git("worktree", "add", "--quiet", "--detach", work, base); err != nil {
		return "", err
	}
	defer func() { _, _ = r.git("worktree", "remove", "--force", work) }() // likewise
	if _, err := r.git("-C", work, "cherry-pick", "--allow-empty", base+".."+head); err != nil {
		return "", fmt.Errorf("%w: %w", errConflict, err)
	}
	return r.line("-C", work, "rev-parse", "HEAD")
}
