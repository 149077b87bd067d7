package github

import "time"

// Event is what a delivery says. Its kinds are the types below and no others.
type Event interface {
	// Repository is the repository it is about, or the zero one.
	Repository() Repository
	event()
}

// Ping is GitHub's greeting to a new webhook.
type Ping struct{ Zen string }

// Ignored is a delivery that concerns us not.
type Ignored struct {
	Repo   Repository
	Reason string
}

// Installation is a change of what the App may see: actions created, deleted,
// suspend, unsuspend and new_permissions_accepted of the installation, added
// and removed of its repositories.
type Installation struct {
	Action         string
	ID             int64
	Account        string
	Added, Removed []Repository
}

// Push is a change of a branch or a tag.
type Push struct {
	Repo                     Repository
	Ref                      string // in full
	Branch                   string // of refs/heads/, else empty
	Tag                      string // of refs/tags/, else empty
	Before, After            string // forty zeros where there is none; of a tag perhaps no commits
	Created, Deleted, Forced bool
	Sender                   string
	SenderBot                bool
	Pusher                   string

	// Of the head commit; empty when the ref was deleted.
	Commit  string // its SHA, also where After is an annotated tag
	Message string
	Time    time.Time
	Author  string // login, or name where GitHub knows none

	// Authors are the logins, in lower case, sorted, of the sender, the
	// pusher, and every author, committer and co-author of the commits that
	// GitHub lists, at most 2,048. A co-author counts only by an address at
	// GitHub's noreply host; other addresses name nobody.
	Authors []string
	Commits int // as listed
}

// PullRequest is something that happened to a pull request.
type PullRequest struct {
	Repo      Repository // the base's
	Action    string     // opened, synchronize, closed, labeled …
	Number    int
	Title     string
	Draft     bool
	Head      string // SHA
	Branch    string // of the head, in HeadRepo
	HeadRepo  string // owner/name; empty when it was deleted
	Fork      bool   // the head is in another repository, or in one that is gone
	Base      string // branch
	BaseSHA   string
	Before    string // the head before, of synchronize
	User      string // who opened it
	Sender    string
	SenderBot bool
	Merged    bool   // of closed
	Merge     string // commit that a merge made
	Files     int    // how many it changes; 0 where it is not said
}

// MergeGroup is something that happened to a group of a merge queue.
type MergeGroup struct {
	Repo   Repository
	Action string // checks_requested or destroyed
	Reason string // of destroyed: merged, invalidated or dequeued
	Head   string // SHA of the merge
	Ref    string // of the group's own branch, in full
	Base   string // branch
	Sender string
}

// Comment is a new comment on an issue or a pull request; edited and deleted
// ones are Ignored.
type Comment struct {
	Repo          Repository
	ID            int64
	Number        int
	IsPullRequest bool
	User          string
	Bot           bool
	Via           string // slug of the App that wrote it in the user's name, usually empty
	Body          string
	CreatedAt     time.Time
}

// Review is a review of a pull request that was submitted or dismissed; edited ones
// are Ignored.
type Review struct {
	Repo        Repository
	Action      string // submitted or dismissed
	ID          int64
	Number      int    // of the pull request
	Commit      string // that was reviewed; empty where GitHub does not know it any more
	State       string // approved, changes_requested, commented or dismissed
	User        string // who reviewed
	Bot         bool
	SubmittedAt time.Time
}

// CheckRunRerequested is somebody's wish to run a check again.
type CheckRunRerequested struct {
	Repo       Repository
	ID         int64
	ExternalID string
	Name       string
	HeadSHA    string
	AppID      int64 // whose check run it is
	Sender     string
	Bot        bool
}

// CheckRunAction is a press of a button that a check run showed.
type CheckRunAction struct {
	Repo       Repository
	ID         int64
	ExternalID string
	Name       string
	HeadSHA    string
	AppID      int64
	Sender     string
	Bot        bool
	Identifier string // of the button
}

// CheckSuiteRerequested is somebody's wish to run all checks of a commit again.
type CheckSuiteRerequested struct {
	Repo    Repository
	HeadSHA string
	Branch  string // empty for a fork's commit
	AppID   int64
	Sender  string
	Bot     bool
}

// DeploymentReview is a reviewer's answer to what a workflow wants to do in an
// environment.
type DeploymentReview struct {
	Repo         Repository
	Approved     bool
	Run          int64  // of the workflow
	HeadSHA      string // of the run
	Environments []string
	Reviewer     string
	Bot          bool
	Comment      string
}

// WorkflowEnded is the end of a run of a workflow.
type WorkflowEnded struct {
	Repo       Repository
	Run        int64
	Conclusion string // success, failure, cancelled …
}

func (Ping) Repository() Repository                    { return Repository{} }
func (e Ignored) Repository() Repository               { return e.Repo }
func (Installation) Repository() Repository            { return Repository{} }
func (e Push) Repository() Repository                  { return e.Repo }
func (e PullRequest) Repository() Repository           { return e.Repo }
func (e MergeGroup) Repository() Repository            { return e.Repo }
func (e Comment) Repository() Repository               { return e.Repo }
func (e Review) Repository() Repository                { return e.Repo }
func (e CheckRunRerequested) Repository() Repository   { return e.Repo }
func (e CheckRunAction) Repository() Repository        { return e.Repo }
func (e CheckSuiteRerequested) Repository() Repository { return e.Repo }
func (e DeploymentReview) Repository() Repository      { return e.Repo }
func (e WorkflowEnded) Repository() Repository         { return e.Repo }

func (Ping) event()                  {}
func (Ignored) event()               {}
func (Installation) event()          {}
func (Push) event()                  {}
func (PullRequest) event()           {}
func (MergeGroup) event()            {}
func (Comment) event()               {}
func (Review) event()                {}
func (CheckRunRerequested) event()   {}
func (CheckRunAction) event()        {}
func (CheckSuiteRerequested) event() {}
func (DeploymentReview) event()      {}
func (WorkflowEnded) event()         {}
