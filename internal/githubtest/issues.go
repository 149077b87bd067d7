package githubtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// issue is an issue, or a pull request if pull is set.
type issue struct {
	id      int64
	number  int
	title   string
	body    string
	user    *account
	state   string // open or closed
	created time.Time
	updated time.Time
	closed  time.Time
	pull    *pull
}

type comment struct {
	Comment
	issue     *issue
	user      *account
	updated   time.Time
	reactions []Reaction
}

// Comment is a comment on an issue or pull request.
type Comment struct {
	ID        int64
	Number    int // of the issue or pull request
	User      string
	Bot       bool
	Body      string
	CreatedAt time.Time
	Edits     int
}

// Reaction is a reaction to a comment.
type Reaction struct {
	ID        int64
	User      string
	Content   string
	CreatedAt time.Time
}

// OpenIssue opens an issue and returns its number. The App does not hear of it.
func (r *Repository) OpenIssue(login, title, body string) int {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	return r.addIssue(login, title, body).number
}

// addIssue makes an issue. g.mu is held.
func (r *Repository) addIssue(login, title, body string) *issue {
	r.numbers++
	i := &issue{
		id: r.g.id(), number: r.numbers, title: title, body: body, user: r.g.user(login),
		state: "open", created: r.g.now(), updated: r.g.now(),
	}
	r.issues[i.number] = i
	return i
}

// Comment comments on an issue or pull request, and returns the comment's id.
// It panics if there is no such issue.
func (r *Repository) Comment(login string, number int, body string) int64 {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	i := r.issues[number]
	if i == nil {
		panic(fmt.Sprintf("githubtest: %s has no issue %d", r.FullName(), number))
	}
	return r.addComment(r.g.user(login), i, body).ID
}

// CommentAt comments at a time that is past: GitHub's word of it comes late.
func (r *Repository) CommentAt(login string, number int, body string, at time.Time) int64 {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	return r.addCommentAt(r.g.user(login), r.issues[number], body, at).ID
}

// EditComment changes what a comment says.
func (r *Repository) EditComment(login string, id int64, body string) error {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	c, who := r.comment(id), r.g.user(login)
	switch {
	case c == nil:
		return fmt.Errorf("edit comment %d: there is none", id)
	case c.user != who && !r.may(who, "write"):
		return fmt.Errorf("edit comment %d: %s may not", id, login)
	}
	r.editComment(c, who, body)
	return nil
}

// DeleteComment deletes a comment.
func (r *Repository) DeleteComment(login string, id int64) error {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	c, who := r.comment(id), r.g.user(login)
	switch {
	case c == nil:
		return fmt.Errorf("delete comment %d: there is none", id)
	case c.user != who && !r.may(who, "write"):
		return fmt.Errorf("delete comment %d: %s may not", id, login)
	}
	r.deleteComment(c, who)
	return nil
}

// Comments are the comments on an issue or pull request, the oldest first.
func (r *Repository) Comments(number int) []Comment {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	var list []Comment
	for _, c := range r.comments {
		if c.Number == number {
			list = append(list, c.Comment)
		}
	}
	return list
}

// Reactions are the reactions to a comment, the oldest first.
func (r *Repository) Reactions(comment int64) []Reaction {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	if c := r.comment(comment); c != nil {
		return slices.Clone(c.reactions)
	}
	return nil
}

// comment finds a comment. g.mu is held.
func (r *Repository) comment(id int64) *comment {
	for _, c := range r.comments {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// addComment makes a comment and tells of it. g.mu is held.
func (r *Repository) addComment(who *account, i *issue, body string) *comment {
	return r.addCommentAt(who, i, body, r.g.now())
}

func (r *Repository) addCommentAt(who *account, i *issue, body string, at time.Time) *comment {
	now := at.Truncate(time.Second)
	c := &comment{issue: i, user: who, updated: now, Comment: Comment{
		ID: r.g.id(), Number: i.number, User: who.login, Bot: who.kind == "Bot", Body: body, CreatedAt: now,
	}}
	r.comments = append(r.comments, c)
	i.updated = now
	r.sendComment("created", c, who, nil)
	r.showComment(c)
	return c
}

func (r *Repository) editComment(c *comment, who *account, body string) {
	changes := object{"body": object{"from": c.Body}}
	c.Body, c.updated = body, r.g.now().Truncate(time.Second)
	c.Edits++
	r.sendComment("edited", c, who, changes)
	r.showComment(c)
}

func (r *Repository) deleteComment(c *comment, who *account) {
	r.comments = slices.DeleteFunc(r.comments, func(other *comment) bool { return other == c })
	r.sendComment("deleted", c, who, nil)
}

func (r *Repository) showComment(c *comment) {
	shown := c.Comment
	r.g.show(Change{Repository: r.FullName(), Comment: &shown})
}

func (r *Repository) sendComment(action string, c *comment, who *account, changes any) {
	payload := object{"issue": r.issueObject(c.issue), "comment": r.commentObject(c), "sender": r.g.userObject(who)}
	if changes != nil {
		payload["changes"] = changes
	}
	r.g.send(r, "issue_comment", action, payload)
}

// issueObject is an issue as deliveries show it. g.mu is held.
func (r *Repository) issueObject(i *issue) object {
	api := fmt.Sprintf("%s/issues/%d", r.apiURL(), i.number)
	kind, kindNode := "issues", "Issue"
	if i.pull != nil {
		kind, kindNode = "pull", "PullRequest"
	}
	html := fmt.Sprintf("%s/%s/%d", r.htmlURL(), kind, i.number)
	comments := 0
	for _, c := range r.comments {
		if c.issue == i {
			comments++
		}
	}
	o := object{
		"id": i.id, "node_id": nodeID(kindNode, i.id), "number": i.number, "title": i.title, "body": nullable(i.body),
		"user": r.g.userObject(i.user), "state": i.state, "state_reason": nil, "locked": false, "active_lock_reason": nil,
		"labels": []object{}, "assignee": nil, "assignees": []object{}, "milestone": nil, "comments": comments,
		"created_at": stamp(i.created), "updated_at": stamp(i.updated), "closed_at": stamp(i.closed),
		"author_association": r.association(i.user), "url": api, "html_url": html, "repository_url": r.apiURL(),
		"labels_url": api + "/labels{/name}", "comments_url": api + "/comments", "events_url": api + "/events",
		"timeline_url": api + "/timeline", "performed_via_github_app": nil, "reactions": r.reactionsObject(api, nil),
	}
	if i.pull != nil {
		o["draft"] = i.pull.draft
		o["pull_request"] = object{
			"url": fmt.Sprintf("%s/pulls/%d", r.apiURL(), i.number), "html_url": html,
			"diff_url": html + ".diff", "patch_url": html + ".patch", "merged_at": stamp(i.pull.mergedAt),
		}
	}
	return o
}

// commentObject is a comment, in the API and in deliveries. g.mu is held.
func (r *Repository) commentObject(c *comment) object {
	api := fmt.Sprintf("%s/issues/comments/%d", r.apiURL(), c.ID)
	issue := r.issueObject(c.issue)
	o := object{
		"id": c.ID, "node_id": nodeID("IssueComment", c.ID), "url": api, "body": c.Body, "user": r.g.userObject(c.user),
		"html_url":  fmt.Sprintf("%s#issuecomment-%d", issue["html_url"], c.ID),
		"issue_url": issue["url"], "created_at": stamp(c.CreatedAt), "updated_at": stamp(c.updated),
		"author_association": r.association(c.user), "performed_via_github_app": nil,
		"reactions": r.reactionsObject(api, c.reactions),
	}
	if c.user == r.g.bot {
		o["performed_via_github_app"] = r.g.appObject()
	}
	return o
}

func (r *Repository) reactionsObject(api string, reactions []Reaction) object {
	o := object{"url": api + "/reactions", "total_count": len(reactions)}
	for _, content := range []string{"+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"} {
		n := 0
		for _, reaction := range reactions {
			if reaction.Content == content {
				n++
			}
		}
		o[content] = n
	}
	return o
}

func listComments(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	i := c.repo.issues[int(c.number("issue_number"))]
	if i == nil {
		return notFound()
	}
	since := parseTime(c.query("since"))
	var list []*comment
	for _, one := range c.repo.comments {
		if one.issue == i && !one.updated.Before(since) {
			list = append(list, one)
		}
	}
	return listed(c, list, c.repo.commentObject)
}

// commentText reads the text of a comment to be written.
func commentText(c *call) (text string, valid bool) {
	var q struct{ Body string }
	c.decode(&q)
	if strings.TrimSpace(q.Body) == "" || len(q.Body) > 65536 {
		c.violate("a comment has 1 to 65536 characters, not %d", len(q.Body))
		return "", false
	}
	return q.Body, true
}

func createComment(c *call) answer {
	text, valid := commentText(c)
	if !valid {
		return unprocessable("Validation Failed: Body cannot be blank or longer than 65536 characters")
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	i := c.repo.issues[int(c.number("issue_number"))]
	if i == nil {
		return notFound()
	}
	o := c.repo.commentObject(c.repo.addComment(c.g.bot, i, text))
	a := created(o)
	a.header = http.Header{"Location": {o["url"].(string)}}
	return a
}

// commentAsked finds the comment of a request; g.mu is held.
func (c *call) commentAsked() *comment { return c.repo.comment(c.number("comment_id")) }

func getComment(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	one := c.commentAsked()
	if one == nil {
		return notFound()
	}
	return ok(c.repo.commentObject(one))
}

func updateComment(c *call) answer {
	text, valid := commentText(c)
	if !valid {
		return unprocessable("Validation Failed: Body cannot be blank or longer than 65536 characters")
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	one := c.commentAsked()
	if one == nil {
		return notFound()
	}
	c.repo.editComment(one, c.g.bot, text)
	return ok(c.repo.commentObject(one))
}

func deleteComment(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	one := c.commentAsked()
	if one == nil {
		return notFound()
	}
	c.repo.deleteComment(one, c.g.bot)
	return noContent()
}
