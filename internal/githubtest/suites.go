package githubtest

import (
	"fmt"
	"slices"
	"time"
)

// suite holds the App's check runs on one commit.
type suite struct {
	id          int64
	sha         string
	branch      string // empty if no push of this repository brought it
	before      string
	created     time.Time
	rerequested bool // and nothing was completed since
}

// suite finds a suite. g.mu is held.
func (r *Repository) suite(id int64) *suite {
	for _, s := range r.suites {
		if s.id == id {
			return s
		}
	}
	return nil
}

// suiteAt finds the suite of a commit or makes it. g.mu is held.
func (r *Repository) suiteAt(sha, branch string) *suite {
	for _, s := range r.suites {
		if s.sha == sha {
			return s
		}
	}
	s := &suite{id: r.g.id(), sha: sha, branch: branch, created: r.g.now()}
	r.suites = append(r.suites, s)
	return s
}

// requestSuite tells the App of a pushed commit. g.mu is held.
func (r *Repository) requestSuite(branch string, m move, who *account) {
	s := r.suiteAt(m.after, branch)
	s.branch, s.before = branch, m.before
	r.sendSuite("requested", s, who)
}

// RerequestCheckSuite is a click on "Re-run all checks" of a commit.
func (r *Repository) RerequestCheckSuite(login, sha string) error {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	who := r.g.user(login)
	i := slices.IndexFunc(r.suites, func(s *suite) bool { return s.sha == sha })
	switch {
	case i < 0:
		return fmt.Errorf("rerequest the checks of %s: there are none", sha)
	case !r.may(who, "write"):
		return fmt.Errorf("rerequest the checks of %s: %s may not write to %s", sha, login, r.FullName())
	}
	r.suites[i].rerequested = true
	r.sendSuite("rerequested", r.suites[i], who)
	return nil
}

func (r *Repository) sendSuite(action string, s *suite, who *account) {
	r.g.send(r, "check_suite", action, object{"check_suite": r.suiteObject(s), "sender": r.g.userObject(who)})
}

// conclusionOrder is from the highest priority to the lowest.
var conclusionOrder = []string{"failure", "timed_out", "cancelled", "action_required", "success", "neutral", "skipped"}

// suiteState is the status and conclusion of a suite, which follow from the
// newest run of each name. g.mu is held.
func (r *Repository) suiteState(s *suite) (status, conclusion string) {
	runs := r.runsOf(s)
	if len(runs) == 0 || s.rerequested {
		return "queued", ""
	}
	worst := len(conclusionOrder)
	for _, run := range newestOfName(runs) {
		if run.Status != "completed" {
			return "in_progress", ""
		}
		worst = min(worst, slices.Index(conclusionOrder, run.Conclusion))
	}
	return "completed", conclusionOrder[worst]
}

// runsOf lists the runs of a suite, oldest first. g.mu is held.
func (r *Repository) runsOf(s *suite) []*CheckRun {
	var list []*CheckRun
	for _, run := range r.runs {
		if run.SuiteID == s.id {
			list = append(list, run)
		}
	}
	return list
}

// suiteObject is a suite as deliveries and check runs show it. g.mu is held.
func (r *Repository) suiteObject(s *suite) object {
	api := fmt.Sprintf("%s/check-suites/%d", r.apiURL(), s.id)
	status, conclusion := r.suiteState(s)
	return object{
		"id": s.id, "node_id": nodeID("CheckSuite", s.id), "head_branch": nullable(s.branch), "head_sha": s.sha,
		"status": status, "conclusion": nullable(conclusion), "url": api, "before": nullable(s.before), "after": s.sha,
		"created_at": stamp(s.created), "updated_at": stamp(s.created), "app": r.g.appObject(),
		"pull_requests": r.pullsAt(s.sha), "latest_check_runs_count": len(newestOfName(r.runsOf(s))),
		"check_runs_url": api + "/check-runs", "rerequestable": true, "runs_rerequestable": true,
	}
}

// fullSuiteObject is a suite when it is asked for itself. g.mu is held.
func (r *Repository) fullSuiteObject(s *suite, head commit) object {
	o := r.suiteObject(s)
	o["repository"] = r.object()
	o["head_commit"] = object{
		"id": head.sha, "tree_id": head.tree, "message": head.message, "timestamp": stamp(head.committer.at),
		"author":    object{"name": head.author.name, "email": head.author.email},
		"committer": object{"name": head.committer.name, "email": head.committer.email},
	}
	return o
}

func getSuite(c *call) answer {
	c.g.mu.Lock()
	s := c.repo.suite(c.number("check_suite_id"))
	c.g.mu.Unlock()
	if s == nil {
		return notFound()
	}
	head, err := c.repo.commit(s.sha)
	if err != nil {
		return notFound()
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	return ok(c.repo.fullSuiteObject(s, head))
}

func listSuites(c *call) answer {
	sha, refused := c.commit("ref")
	if refused.status != 0 {
		return refused
	}
	head, err := c.repo.commit(sha)
	if err != nil {
		return notFound()
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	var list []*suite
	for _, s := range c.repo.suites {
		if s.sha == sha && c.wantsSuite(s) {
			list = append(list, s)
		}
	}
	a := listed(c, list, func(s *suite) object { return c.repo.fullSuiteObject(s, head) })
	a.body = object{"total_count": len(list), "check_suites": a.body}
	return a
}

func (c *call) wantsSuite(s *suite) bool {
	name := c.query("check_name")
	named := func(run *CheckRun) bool { return run.Name == name }
	return (c.query("app_id") == "" || int64(c.queryNumber("app_id", 0)) == c.g.appID) &&
		(name == "" || slices.ContainsFunc(c.repo.runsOf(s), named))
}
