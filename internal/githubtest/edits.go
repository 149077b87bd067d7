package githubtest

import "fmt"

// LabelPullRequest puts a label on a pull request.
func (r *Repository) LabelPullRequest(login string, number int, label string) error {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	i, err := r.pullIn("label", number, "open")
	if err != nil {
		return err
	}
	i.updated = r.g.now()
	id := r.g.id()
	r.sendPull("labeled", i, r.g.user(login), object{"label": object{
		"id": id, "node_id": fmt.Sprintf("LA_%d", id), "url": r.apiURL() + "/labels/" + label,
		"name": label, "color": "ededed", "default": false, "description": nil,
	}})
	return nil
}

// RetargetPullRequest gives a pull request another base branch.
func (r *Repository) RetargetPullRequest(login string, number int, base string) error {
	sha, err := r.Head(base)
	if err != nil {
		return err
	}
	r.g.mu.Lock()
	i, err := r.pullIn("retarget", number, "open")
	if err != nil {
		r.g.mu.Unlock()
		return err
	}
	was := object{"ref": object{"from": i.pull.base}, "sha": object{"from": i.pull.baseSHA}}
	i.pull.base, i.pull.baseSHA, i.updated = base, sha, r.g.now()
	r.sendPull("edited", i, r.g.user(login), object{"changes": object{"base": was}})
	r.g.mu.Unlock()
	return r.tryMerge(i)
}

// DeleteFork deletes a fork. Its open pull requests stay, with a head that is in no
// repository any more.
func (g *GitHub) DeleteFork(fork *Repository) {
	g.mu.Lock()
	defer g.mu.Unlock()
	fork.deleted = true
}
