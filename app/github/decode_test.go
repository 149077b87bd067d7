package github

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	inRepo = `"installation":{"id":7},
		"repository":{"id":99,"name":"shop","full_name":"acme/shop","default_branch":"main","owner":{"login":"acme","type":"Organization"}},
		"sender":{"login":"Ann","type":"User"}`
	byBot = `"installation":{"id":7},"repository":{"id":99,"name":"shop","owner":{"login":"acme"}},"sender":{"login":"renovate[bot]","type":"Bot"}`
)

var (
	decodedRepo = Repository{Installation: 7, ID: 99, Owner: "acme", Name: "shop", DefaultBranch: "main", Organization: true}
	botsRepo    = Repository{Installation: 7, ID: 99, Owner: "acme", Name: "shop"}
)

// A payload with everything that Decode reads, and what it makes of it.
var deliveries = []struct {
	name, event, body string
	want              Event
}{
	{"ping", "ping", `{"zen":"Keep it logically awesome.","hook_id":1}`, Ping{Zen: "Keep it logically awesome."}},
	{"unknown event", "star", `{`, Ignored{Reason: "event star"}},
	{
		"installation", "installation",
		`{"action":"created","installation":{"id":7,"account":{"login":"acme"}},"repositories":[{"id":99,"name":"shop","full_name":"acme/shop"}]}`,
		Installation{Action: "created", ID: 7, Account: "acme", Added: []Repository{botsRepo}},
	},
	{
		"installation ended", "installation",
		`{"action":"deleted","installation":{"id":7,"account":null},"repositories":[{"id":99,"name":"shop","full_name":"acme/shop"}]}`,
		Installation{Action: "deleted", ID: 7, Removed: []Repository{botsRepo}},
	},
	{
		"repositories", "installation_repositories",
		`{"action":"removed","installation":{"id":7,"account":{"login":"acme"}},"repositories_added":[],"repositories_removed":[{"id":99,"name":"shop","full_name":"acme/shop"}]}`,
		Installation{Action: "removed", ID: 7, Account: "acme", Removed: []Repository{botsRepo}},
	},
	{
		"push", "push",
		`{` + inRepo + `,"ref":"refs/heads/feature/x","before":"b","after":"a","forced":true,"pusher":{"name":"Pat"},
			"head_commit":{"message":"m","timestamp":"2026-01-02T03:04:05+01:00","author":{"name":"Bob B","username":"Bob"}},
			"commits":[
				{"message":"x\n\nCo-authored-by: E <5+Eve@users.noreply.github.com>","author":{"username":"Dan"},"committer":{"username":"web-flow"}},
				{"message":"m","author":{"name":"C","email":"1+cem@users.noreply.github.com"},"committer":null}]}`,
		Push{
			Repo: decodedRepo, Ref: "refs/heads/feature/x", Branch: "feature/x", Before: "b", After: "a", Forced: true,
			Sender: "Ann", Pusher: "Pat", Message: "m", Time: time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC), Author: "Bob",
			Authors: []string{"ann", "bob", "cem", "dan", "eve", "pat", "web-flow"}, Commits: 2,
		},
	},
	{
		"branch deleted by a bot", "push",
		`{` + byBot + `,"ref":"refs/heads/x","before":"b","after":"0","deleted":true,"head_commit":null,"commits":[],"pusher":{"name":"renovate[bot]"}}`,
		Push{
			Repo: botsRepo, Ref: "refs/heads/x", Branch: "x", Before: "b", After: "0", Deleted: true,
			Sender: "renovate[bot]", SenderBot: true, Pusher: "renovate[bot]", Authors: []string{"renovate[bot]"},
		},
	},
	{
		"tag, owner by name only", "push",
		`{"ref":"refs/tags/v1","after":"the tag","created":true,"head_commit":{"id":"c"},"repository":{"name":"shop","owner":{"name":"acme"}}}`,
		Push{Repo: Repository{Owner: "acme", Name: "shop"}, Ref: "refs/tags/v1", Tag: "v1", After: "the tag", Created: true, Commit: "c"},
	},
	{"push without repository", "push", `{"ref":"refs/heads/x","repository":null}`, Ignored{Reason: "no repository"}},
	{
		"pull request", "pull_request",
		`{` + inRepo + `,"action":"synchronize","number":3,"before":"old","pull_request":{"number":3,"title":"T","draft":true,"changed_files":4,"user":{"login":"Opener"},
			"merge_commit_sha":"a test merge","head":{"sha":"h","ref":"topic","repo":{"id":99,"full_name":"acme/shop"}},"base":{"sha":"b","ref":"main"}}}`,
		PullRequest{
			Repo: decodedRepo, Action: "synchronize", Number: 3, Title: "T", Draft: true, Head: "h", Branch: "topic",
			HeadRepo: "acme/shop", Base: "main", BaseSHA: "b", Before: "old", User: "Opener", Sender: "Ann", Files: 4,
		},
	},
	{
		"pull request of a fork, merged", "pull_request",
		`{` + byBot + `,"action":"closed","number":3,"pull_request":{"merged":true,"merge_commit_sha":"m","user":null,
			"head":{"repo":{"id":98,"full_name":"eve/shop"}},"base":{"ref":"main"}}}`,
		PullRequest{
			Repo: botsRepo, Action: "closed", Number: 3, HeadRepo: "eve/shop", Fork: true, Base: "main",
			Sender: "renovate[bot]", SenderBot: true, Merged: true, Merge: "m",
		},
	},
	{
		"pull request of a fork that is gone", "pull_request",
		`{` + inRepo + `,"action":"reopened","number":3,"pull_request":{"head":{"repo":null}}}`,
		PullRequest{Repo: decodedRepo, Action: "reopened", Number: 3, Fork: true, Sender: "Ann"},
	},
	{
		"merge group", "merge_group",
		`{` + inRepo + `,"action":"destroyed","reason":"dequeued","merge_group":{"head_sha":"h","head_ref":"refs/heads/gh-readonly-queue/main/pr-1-b",
			"base_sha":"b","base_ref":"refs/heads/main","head_commit":{"id":"h","message":"m"}}}`,
		MergeGroup{
			Repo: decodedRepo, Action: "destroyed", Reason: "dequeued", Head: "h", Ref: "refs/heads/gh-readonly-queue/main/pr-1-b",
			Base: "main", Sender: "Ann",
		},
	},
	{
		"pull request labelled", "pull_request", `{` + inRepo + `,"action":"labeled","number":4}`,
		PullRequest{Repo: decodedRepo, Action: "labeled", Number: 4, Fork: true, Sender: "Ann"},
	},
	{
		"comment", "issue_comment",
		`{` + inRepo + `,"action":"created","issue":{"number":3,"pull_request":{"url":"x"}},
			"comment":{"id":5,"body":"/approve","user":{"login":"Bob","type":"User"},"created_at":"2026-01-02T03:04:05Z","performed_via_github_app":{"slug":"chat"}}}`,
		Comment{
			Repo: decodedRepo, ID: 5, Number: 3, IsPullRequest: true, User: "Bob", Via: "chat", Body: "/approve",
			CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		},
	},
	{
		"comment of a bot on an issue", "issue_comment",
		`{` + inRepo + `,"action":"created","issue":{"number":3},"comment":{"id":5,"user":{"login":"x[bot]"},"created_at":"yesterday","performed_via_github_app":null}}`,
		Comment{Repo: decodedRepo, ID: 5, Number: 3, User: "x[bot]", Bot: true},
	},
	{
		"review", "pull_request_review",
		`{` + inRepo + `,"action":"submitted","pull_request":{"number":5,"head":{"sha":"bbb"}},
		"review":{"id":8,"user":{"login":"Bob","type":"User"},"state":"APPROVED","commit_id":"aaa","submitted_at":"2026-01-02T03:04:05Z"}}`,
		Review{
			Repo: decodedRepo, Action: "submitted", ID: 8, Number: 5, Commit: "aaa", State: "approved", User: "Bob",
			SubmittedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		},
	},
	{
		"review dismissed by a bot, of a commit that is gone", "pull_request_review",
		`{` + byBot + `,"action":"dismissed","pull_request":{"number":5},"review":{"id":8,"user":{"login":"bob"},"state":"dismissed","commit_id":null}}`,
		Review{Repo: botsRepo, Action: "dismissed", ID: 8, Number: 5, State: "dismissed", User: "bob"},
	},
	{
		"review in the name of nobody", "pull_request_review",
		`{` + byBot + `,"action":"submitted","review":{"user":{"login":"bob"},"state":"approved"}}`,
		Review{Repo: botsRepo, Action: "submitted", State: "approved", User: "bob", Bot: true},
	},
	{
		"review edited", "pull_request_review", `{` + inRepo + `,"action":"edited","review":{"body":"/approve"}}`,
		Ignored{Repo: decodedRepo, Reason: "action edited of pull_request_review"},
	},
	{
		"comment edited", "issue_comment", `{` + inRepo + `,"action":"edited","comment":{"body":"/approve"}}`,
		Ignored{Repo: decodedRepo, Reason: "action edited of issue_comment"},
	},
	{
		"check run again", "check_run",
		`{` + inRepo + `,"action":"rerequested","check_run":{"id":42,"name":"n","head_sha":"h","external_id":"e","app":{"id":5}}}`,
		CheckRunRerequested{Repo: decodedRepo, ID: 42, ExternalID: "e", Name: "n", HeadSHA: "h", AppID: 5, Sender: "Ann"},
	},
	{
		"button", "check_run",
		`{` + byBot + `,"action":"requested_action","requested_action":{"identifier":"approve"},"check_run":{"id":42,"name":"n","head_sha":"h","external_id":"e","app":{"id":5}}}`,
		CheckRunAction{
			Repo: botsRepo, ID: 42, ExternalID: "e", Name: "n", HeadSHA: "h", AppID: 5, Sender: "renovate[bot]", Bot: true,
			Identifier: "approve",
		},
	},
	{
		"check run created", "check_run", `{` + inRepo + `,"action":"created"}`,
		Ignored{Repo: decodedRepo, Reason: "action created of check_run"},
	},
	{
		"check suite again", "check_suite",
		`{` + inRepo + `,"action":"rerequested","check_suite":{"head_sha":"h","head_branch":null,"app":{"id":5}}}`,
		CheckSuiteRerequested{Repo: decodedRepo, HeadSHA: "h", AppID: 5, Sender: "Ann"},
	},
	{
		"check suite requested", "check_suite", `{` + inRepo + `,"action":"requested"}`,
		Ignored{Repo: decodedRepo, Reason: "action requested of check_suite"},
	},
	{
		"deployment review", "deployment_review",
		`{` + inRepo + `,"action":"approved","approver":{"login":"Bob","type":"User"},"comment":"go","workflow_run":{"id":77,"head_sha":"h"},
			"workflow_job_run":{"environment":"production"},"workflow_job_runs":[{"environment":"staging"},{"environment":""}]}`,
		DeploymentReview{Repo: decodedRepo, Approved: true, Run: 77, HeadSHA: "h", Environments: []string{"production", "staging"}, Reviewer: "Bob", Comment: "go"},
	},
	{
		"deployment rejected by a bot", "deployment_review",
		`{` + inRepo + `,"action":"rejected","approver":{"login":"eve[bot]"},"workflow_run":null,"workflow_job_run":null}`,
		DeploymentReview{Repo: decodedRepo, Reviewer: "eve[bot]", Bot: true},
	},
	{
		"deployment review requested", "deployment_review", `{` + inRepo + `,"action":"requested"}`,
		Ignored{Repo: decodedRepo, Reason: "action requested of deployment_review"},
	},
	{
		"workflow ended", "workflow_run", `{` + inRepo + `,"action":"completed","workflow_run":{"id":77,"conclusion":"cancelled"}}`,
		WorkflowEnded{Repo: decodedRepo, Run: 77, Conclusion: "cancelled"},
	},
	{
		"workflow begun", "workflow_run", `{` + inRepo + `,"action":"requested"}`,
		Ignored{Repo: decodedRepo, Reason: "action requested of workflow_run"},
	},
}

func TestDecode(t *testing.T) {
	for _, tt := range deliveries {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Decode(tt.event, []byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.want.Repository(), got.Repository()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeRefusesWhatIsNotTheEvent(t *testing.T) {
	for event := range decoders {
		for _, body := range []string{``, `{`, `[]`, `"x"`, `{"action":{}}`, `{"repository":[]}`} {
			if got, err := Decode(event, []byte(body)); err == nil {
				t.Errorf("%s %q: got %#v", event, body, got)
			}
		}
		if _, err := Decode(event, []byte(`null`)); err != nil {
			t.Errorf("%s null: %v", event, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, tt := range deliveries {
		f.Add(tt.event, []byte(tt.body))
	}
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		got, err := Decode(event, body)
		if (got == nil) == (err == nil) {
			t.Fatalf("got %v and %v", got, err)
		}
		if err == nil {
			_ = got.Repository().String()
		}
	})
}
