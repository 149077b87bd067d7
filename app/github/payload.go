package github

import (
	"encoding/json"
	"strings"
	"time"
)

// payload is the part of all deliveries that we read. Everything else may have
// any shape. Values, not pointers: null and missing are zero.
type payload struct {
	Action       string     `json:"action"`
	Zen          string     `json:"zen"`
	Repository   repository `json:"repository"`
	Sender       account    `json:"sender"`
	Installation struct {
		ID      int64   `json:"id"`
		Account account `json:"account"`
	} `json:"installation"`

	Repositories        []repository `json:"repositories"`
	RepositoriesAdded   []repository `json:"repositories_added"`
	RepositoriesRemoved []repository `json:"repositories_removed"`

	Ref        string   `json:"ref"`
	Before     string   `json:"before"`
	After      string   `json:"after"`
	Created    bool     `json:"created"`
	Deleted    bool     `json:"deleted"`
	Forced     bool     `json:"forced"`
	HeadCommit commit   `json:"head_commit"`
	Commits    []commit `json:"commits"`
	Pusher     struct {
		Name string `json:"name"`
	} `json:"pusher"`

	Number      int         `json:"number"`
	PullRequest pullRequest `json:"pull_request"`

	Reason     string `json:"reason"`
	MergeGroup struct {
		HeadSHA string `json:"head_sha"`
		HeadRef string `json:"head_ref"`
		BaseRef string `json:"base_ref"`
	} `json:"merge_group"`

	Issue struct {
		Number      int       `json:"number"`
		PullRequest *struct{} `json:"pull_request"`
	} `json:"issue"`
	Comment comment `json:"comment"`

	Review struct {
		ID          int64   `json:"id"`
		User        account `json:"user"`
		State       string  `json:"state"`
		CommitID    string  `json:"commit_id"`
		SubmittedAt string  `json:"submitted_at"`
	} `json:"review"`

	CheckRun struct {
		ID         int64  `json:"id"`
		Name       string `json:"name"`
		HeadSHA    string `json:"head_sha"`
		ExternalID string `json:"external_id"`
		App        owned  `json:"app"`
	} `json:"check_run"`
	RequestedAction struct {
		Identifier string `json:"identifier"`
	} `json:"requested_action"`
	Approver        account     `json:"approver"`
	WorkflowRun     workflowRun `json:"workflow_run"`
	WorkflowJobRun  jobRun      `json:"workflow_job_run"`
	WorkflowJobRuns []jobRun    `json:"workflow_job_runs"`
	CheckSuite      struct {
		HeadSHA    string `json:"head_sha"`
		HeadBranch string `json:"head_branch"`
		App        owned  `json:"app"`
	} `json:"check_suite"`
}

// comment is one on an issue or, in a deployment_review, a mere text.
type comment struct {
	ID        int64   `json:"id"`
	Body      string  `json:"body"`
	User      account `json:"user"`
	CreatedAt string  `json:"created_at"`
	Via       struct {
		Slug string `json:"slug"`
	} `json:"performed_via_github_app"`
}

// UnmarshalJSON takes a text for the body.
func (c *comment) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &c.Body)
	}
	type plain comment
	return json.Unmarshal(data, (*plain)(c))
}

// jobRun is a job of a workflow's run.
type jobRun struct {
	Environment string `json:"environment"`
}

type owned struct {
	ID int64 `json:"id"`
}

type account struct {
	Login string `json:"login"`
	Name  string `json:"name"` // a push's repository once had only this
	Type  string `json:"type"`
}

func (a account) bot() bool { return a.Type == "Bot" || strings.HasSuffix(a.Login, "[bot]") }

type repository struct {
	ID            int64   `json:"id"`
	Name          string  `json:"name"`
	FullName      string  `json:"full_name"`
	Owner         account `json:"owner"`
	DefaultBranch string  `json:"default_branch"`
}

func (r repository) ours(installation int64) Repository {
	owner := r.Owner.Login
	if owner == "" {
		owner = r.Owner.Name
	}
	if owner == "" {
		owner, _, _ = strings.Cut(r.FullName, "/")
	}
	return Repository{
		Installation: installation, ID: r.ID, Owner: owner, Name: r.Name,
		DefaultBranch: r.DefaultBranch, Organization: r.Owner.Type == "Organization",
	}
}

func (p payload) repo() Repository { return p.Repository.ours(p.Installation.ID) }

type commit struct {
	ID        string    `json:"id"`
	Message   string    `json:"message"`
	Timestamp string    `json:"timestamp"`
	Author    signature `json:"author"`
	Committer signature `json:"committer"`
}

type signature struct {
	Name     string `json:"name"`
	Email    string `json:"email"`
	Username string `json:"username"`
}

func (s signature) display() string {
	if s.Username != "" {
		return s.Username
	}
	return s.Name
}

type pullRequest struct {
	Number         int     `json:"number"`
	Title          string  `json:"title"`
	Draft          bool    `json:"draft"`
	Merged         bool    `json:"merged"`
	MergeCommitSHA string  `json:"merge_commit_sha"`
	ChangedFiles   int     `json:"changed_files"`
	User           account `json:"user"`
	Head           side    `json:"head"`
	Base           side    `json:"base"`
}

type side struct {
	Ref  string     `json:"ref"`
	SHA  string     `json:"sha"`
	Repo repository `json:"repo"`
}

// parseTime reads GitHub's form of a time; anything else is the zero time.
func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
