package githubtest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// review is a review of a pull request.
type review struct {
	id        int64
	issue     *issue
	user      *account
	state     string // approved, changes_requested, commented or dismissed
	body      string
	commit    string
	submitted time.Time
}

// Review submits a review of a pull request's head, of the state approved,
// changes_requested or commented, and returns its id.
func (r *Repository) Review(login string, number int, state, body string) (int64, error) {
	return r.ReviewAt(login, number, "", state, body)
}

// ReviewAt is Review of a commit, which may be one that was the head earlier.
func (r *Repository) ReviewAt(login string, number int, commit, state, body string) (int64, error) {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	i, who := r.issues[number], r.g.user(login)
	switch {
	case i == nil || i.pull == nil:
		return 0, fmt.Errorf("review pull request #%d: there is none", number)
	case !slices.Contains([]string{"approved", "changes_requested", "commented"}, state):
		return 0, fmt.Errorf("review pull request #%d: there is no state %s", number, state)
	case i.user == who && state != "commented":
		return 0, fmt.Errorf("review pull request #%d: %s has opened it", number, login) // GitHub refuses that
	}
	if commit == "" {
		commit = i.pull.headSHA
	}
	v := &review{id: r.g.id(), issue: i, user: who, state: state, body: body, commit: commit, submitted: r.g.now().Truncate(time.Second)}
	r.reviews = append(r.reviews, v)
	r.sendReview("submitted", v, who)
	return v.id, nil
}

// DismissReview takes a review's weight away, as somebody does who may write.
func (r *Repository) DismissReview(login string, id int64) error {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	k := slices.IndexFunc(r.reviews, func(v *review) bool { return v.id == id })
	who := r.g.user(login)
	if k < 0 || r.reviews[k].state == "commented" || r.reviews[k].state == "dismissed" || !r.may(who, "write") {
		return fmt.Errorf("dismiss review %d: it is not there, has no weight, or is not for %s", id, login)
	}
	r.reviews[k].state = "dismissed"
	r.sendReview("dismissed", r.reviews[k], who)
	return nil
}

// EditReview edits the text of a review.
func (r *Repository) EditReview(login string, id int64, body string) error {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	k := slices.IndexFunc(r.reviews, func(v *review) bool { return v.id == id })
	if k < 0 {
		return fmt.Errorf("edit review %d: there is none", id)
	}
	r.reviews[k].body = body
	r.sendReview("edited", r.reviews[k], r.g.user(login))
	return nil
}

// sendReview tells of a review. g.mu is held.
func (r *Repository) sendReview(action string, v *review, who *account) {
	payload := object{"review": r.reviewObject(v), "pull_request": r.pullSimple(v.issue), "sender": r.g.userObject(who)}
	if action == "edited" {
		payload["changes"] = object{"body": object{"from": ""}}
	}
	r.g.send(r, "pull_request_review", action, payload)
}

// reviewObject is a review as deliveries show it. g.mu is held.
func (r *Repository) reviewObject(v *review) object {
	pull := fmt.Sprintf("%s/pull/%d", r.htmlURL(), v.issue.number)
	api := fmt.Sprintf("%s/pulls/%d", r.apiURL(), v.issue.number)
	html := fmt.Sprintf("%s#pullrequestreview-%d", pull, v.id)
	return object{
		"id": v.id, "node_id": nodeID("PullRequestReview", v.id), "user": r.g.userObject(v.user), "body": nullable(v.body),
		"commit_id": v.commit, "submitted_at": stamp(v.submitted), "updated_at": stamp(v.submitted), "state": strings.ToLower(v.state),
		"html_url": html, "pull_request_url": api, "author_association": r.association(v.user),
		"_links": object{"html": object{"href": html}, "pull_request": object{"href": api}},
	}
}
