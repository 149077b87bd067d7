package github

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Decode reads a delivery: the X-GitHub-Event header and the body, whose
// signature the caller has checked. A field that is missing or null leaves its
// zero value. The error tells of JSON that does not have the event's shape;
// an event or an action that concerns us not is Ignored, whatever its body.
func Decode(event string, body []byte) (Event, error) {
	decode, ok := decoders[event]
	if !ok {
		return Ignored{Reason: "event " + event}, nil
	}
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("decode %s: %w", event, err)
	}
	return decode(p), nil
}

var decoders = map[string]func(payload) Event{
	"ping":                      decodePing,
	"installation":              decodeInstallation,
	"installation_repositories": decodeInstallation,
	"push":                      decodePush,
	"pull_request":              decodePullRequest,
	"merge_group":               decodeMergeGroup,
	"issue_comment":             decodeComment,
	"pull_request_review":       decodeReview,
	"check_run":                 decodeCheckRun,
	"check_suite":               decodeCheckSuite,
	"deployment_review":         decodeDeploymentReview,
	"workflow_run":              decodeWorkflowRun,
}

func decodePing(p payload) Event { return Ping{Zen: p.Zen} }

func decodeInstallation(p payload) Event {
	e := Installation{Action: p.Action, ID: p.Installation.ID, Account: p.Installation.Account.Login}
	e.Removed = p.bare(p.RepositoriesRemoved)
	switch p.Action {
	case "created", "unsuspend", "added":
		e.Added = p.bare(append(p.Repositories, p.RepositoriesAdded...))
	case "deleted", "suspend":
		e.Removed = p.bare(append(p.Repositories, p.RepositoriesRemoved...))
	}
	return e
}

// bare turns the short form of repositories, which has no owner, into ours.
func (p payload) bare(list []repository) []Repository {
	var out []Repository
	for _, r := range list {
		out = append(out, r.ours(p.Installation.ID))
	}
	return out
}

func decodePush(p payload) Event {
	e := Push{
		Repo: p.repo(), Ref: p.Ref, Before: p.Before, After: p.After,
		Created: p.Created, Deleted: p.Deleted, Forced: p.Forced,
		Sender: p.Sender.Login, SenderBot: p.Sender.bot(), Pusher: p.Pusher.Name,
		Commit: p.HeadCommit.ID, Message: p.HeadCommit.Message, Time: parseTime(p.HeadCommit.Timestamp),
		Author:  p.HeadCommit.Author.display(),
		Commits: len(p.Commits),
	}
	if branch, ok := strings.CutPrefix(p.Ref, "refs/heads/"); ok {
		e.Branch = branch
	} else if tag, ok := strings.CutPrefix(p.Ref, "refs/tags/"); ok {
		e.Tag = tag
	}
	who := people{}
	who.login(e.Sender)
	who.login(e.Pusher)
	for _, c := range append(p.Commits, p.HeadCommit) {
		for _, one := range []signature{c.Author, c.Committer} {
			who.login(one.Username)
			who.address(one.Email)
		}
		who.trailers(c.Message)
	}
	e.Authors = who.sorted()
	return p.about(e)
}

func decodePullRequest(p payload) Event {
	pr := p.PullRequest
	e := PullRequest{
		Repo: p.repo(), Action: p.Action, Number: pr.Number, Title: pr.Title, Draft: pr.Draft,
		Head: pr.Head.SHA, Branch: pr.Head.Ref, HeadRepo: pr.Head.Repo.FullName,
		Fork: pr.Head.Repo.ID == 0 || pr.Head.Repo.ID != p.Repository.ID,
		Base: pr.Base.Ref, BaseSHA: pr.Base.SHA, Before: p.Before,
		User: pr.User.Login, Sender: p.Sender.Login, SenderBot: p.Sender.bot(),
		Merged: pr.Merged, Files: pr.ChangedFiles,
	}
	if e.Number == 0 {
		e.Number = p.Number
	}
	if e.Merged {
		e.Merge = pr.MergeCommitSHA
	}
	return p.about(e)
}

func decodeMergeGroup(p payload) Event {
	g := p.MergeGroup
	return p.about(MergeGroup{
		Repo: p.repo(), Action: p.Action, Reason: p.Reason, Head: g.HeadSHA, Ref: g.HeadRef,
		Base: strings.TrimPrefix(g.BaseRef, "refs/heads/"), Sender: p.Sender.Login,
	})
}

func decodeComment(p payload) Event {
	if p.Action != "created" {
		return p.ignore("issue_comment")
	}
	return p.about(Comment{
		Repo: p.repo(), ID: p.Comment.ID, Number: p.Issue.Number, IsPullRequest: p.Issue.PullRequest != nil,
		User: p.Comment.User.Login, Bot: p.Comment.User.bot(), Via: p.Comment.Via.Slug,
		Body: p.Comment.Body, CreatedAt: parseTime(p.Comment.CreatedAt),
	})
}

func decodeReview(p payload) Event {
	if p.Action != "submitted" && p.Action != "dismissed" {
		return p.ignore("pull_request_review")
	}
	r := p.Review
	return p.about(Review{
		Repo: p.repo(), Action: p.Action, ID: r.ID, Number: p.PullRequest.Number, Commit: r.CommitID,
		State: strings.ToLower(r.State), User: r.User.Login, Bot: r.User.bot() || p.Sender.bot() && p.Action == "submitted",
		SubmittedAt: parseTime(r.SubmittedAt),
	})
}

func decodeCheckRun(p payload) Event {
	run := p.CheckRun
	again := CheckRunRerequested{
		Repo: p.repo(), ID: run.ID, ExternalID: run.ExternalID, Name: run.Name, HeadSHA: run.HeadSHA,
		AppID: run.App.ID, Sender: p.Sender.Login, Bot: p.Sender.bot(),
	}
	switch p.Action {
	case "rerequested":
		return p.about(again)
	case "requested_action":
		return p.about(CheckRunAction{
			Repo: again.Repo, ID: again.ID, ExternalID: again.ExternalID, Name: again.Name, HeadSHA: again.HeadSHA,
			AppID: again.AppID, Sender: again.Sender, Bot: again.Bot, Identifier: p.RequestedAction.Identifier,
		})
	}
	return p.ignore("check_run")
}

func decodeCheckSuite(p payload) Event {
	if p.Action != "rerequested" {
		return p.ignore("check_suite")
	}
	return p.about(CheckSuiteRerequested{
		Repo: p.repo(), HeadSHA: p.CheckSuite.HeadSHA, Branch: p.CheckSuite.HeadBranch,
		AppID: p.CheckSuite.App.ID, Sender: p.Sender.Login, Bot: p.Sender.bot(),
	})
}

func decodeDeploymentReview(p payload) Event {
	if p.Action != "approved" && p.Action != "rejected" {
		return p.ignore("deployment_review")
	}
	e := DeploymentReview{
		Repo: p.repo(), Approved: p.Action == "approved", Run: p.WorkflowRun.ID, HeadSHA: p.WorkflowRun.HeadSHA,
		Reviewer: p.Approver.Login, Bot: p.Approver.bot(), Comment: p.Comment.Body,
	}
	for _, job := range append([]jobRun{p.WorkflowJobRun}, p.WorkflowJobRuns...) {
		if job.Environment != "" {
			e.Environments = append(e.Environments, job.Environment)
		}
	}
	return p.about(e)
}

func decodeWorkflowRun(p payload) Event {
	if p.Action != "completed" {
		return p.ignore("workflow_run")
	}
	return p.about(WorkflowEnded{Repo: p.repo(), Run: p.WorkflowRun.ID, Conclusion: p.WorkflowRun.Conclusion})
}

func (p payload) ignore(event string) Event {
	return Ignored{Repo: p.repo(), Reason: "action " + p.Action + " of " + event}
}

// about ignores an event that names no repository.
func (p payload) about(e Event) Event {
	if r := e.Repository(); r.Owner == "" || r.Name == "" {
		return Ignored{Reason: "no repository"}
	}
	return e
}
