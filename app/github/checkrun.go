package github

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	gh "github.com/google/go-github/v60/github"
)

// CheckRun is what a check run should show. What is over GitHub's limits is
// cut, and says so; annotations over 50 go out in further requests.
type CheckRun struct {
	Name       string
	SHA        string // of the commit; for CreateCheckRun
	DetailsURL string
	ExternalID string

	Status      string // queued, in_progress or completed
	Conclusion  string // with completed, and only then
	StartedAt   time.Time
	CompletedAt time.Time

	// Markdown. A check run that has any of the first three gets a title and
	// a summary, since GitHub demands both.
	Title, Summary, Text string

	// Annotations are added to those of earlier calls: give each only once.
	Annotations []Annotation
	// Actions replace those of earlier calls; none removes them. GitHub shows
	// them once the run is completed.
	Actions []Button
}

// Annotation is a remark on a line of a file.
type Annotation struct {
	Path                   string // .github if empty
	StartLine, EndLine     int    // from 1
	StartColumn, EndColumn int    // from 1; 0 is none. Only for a remark on one line
	Level                  string // notice, warning or failure; notice if empty
	Title, Message         string
}

// Button is an action that a check run offers. At most three.
type Button struct {
	Label       string // cut at 20 bytes
	Description string // cut at 40 bytes
	Identifier  string // at most 20 bytes
}

// CheckRunRef is a check run at GitHub.
type CheckRunRef struct {
	ID          int64
	AcceptedAt  time.Time // by GitHub's clock, or ours if it did not say; zero if found
	Annotations int       // how many it has
	Status      string    // of a run that was found
	Conclusion  string    // likewise
}

// CreateCheckRun makes a check run; ErrNotFound if the commit is unknown. When
// only a part of the annotations went through, the ref comes with the error:
// go on with UpdateCheckRun and cr.Annotations[ref.Annotations:]. After any
// other error the run may exist all the same: ask FindCheckRun.
func (c *Client) CreateCheckRun(ctx context.Context, repo Repository, cr CheckRun) (CheckRunRef, error) {
	body, rest, err := checkRunBody(cr)
	if err != nil {
		return CheckRunRef{}, fmt.Errorf("create check run %q: %w", cr.Name, err)
	}
	body.HeadSHA = cr.SHA
	r := onRepo(repo, fmt.Sprintf("create check run %q on %s", cr.Name, cr.SHA), "check-runs").
		needs(cr.SHA).sending(http.MethodPost, body)
	got, resp, err := send[*gh.CheckRun](ctx, c, r)
	if err != nil {
		return CheckRunRef{}, err
	}
	ref := CheckRunRef{ID: got.GetID(), AcceptedAt: c.date(resp), Annotations: len(cr.Annotations) - len(rest)}
	sent, err := c.annotate(ctx, repo, ref.ID, body, rest)
	ref.Annotations += sent
	return ref, err
}

// UpdateCheckRun writes a check run anew. The time is that of the first
// request, which carries all but the later annotations. GitHub does not change
// the conclusion of a completed run any more.
func (c *Client) UpdateCheckRun(ctx context.Context, repo Repository, id int64, cr CheckRun) (accepted time.Time, err error) {
	body, rest, err := checkRunBody(cr)
	if err != nil {
		return time.Time{}, fmt.Errorf("update check run %d: %w", id, err)
	}
	if body.Actions == nil {
		body.Actions = []gh.CheckRunAction{} // sent, so that GitHub removes the old ones
	}
	resp, err := c.patchCheckRun(ctx, repo, id, body)
	if err != nil {
		return time.Time{}, err
	}
	_, err = c.annotate(ctx, repo, id, body, rest)
	return c.date(resp), err
}

func (c *Client) patchCheckRun(ctx context.Context, repo Repository, id int64, body checkRun) (*gh.Response, error) {
	number := strconv.FormatInt(id, 10)
	r := onRepo(repo, "update check run "+number, "check-runs", number).sending(http.MethodPatch, body)
	_, resp, err := send[struct{}](ctx, c, r)
	return resp, err
}

// annotate adds what did not fit into the first request, and returns how many
// went through. It repeats the output and the buttons, lest they be dropped,
// but not the status.
func (c *Client) annotate(ctx context.Context, repo Repository, id int64, first checkRun, rest []Annotation) (sent int, err error) {
	for len(rest) > 0 {
		n := min(len(rest), annotationsPerRequest)
		output := *first.Output
		output.Annotations = annotations(rest[:n])
		if _, err := c.patchCheckRun(ctx, repo, id, checkRun{Output: &output, Actions: first.Actions}); err != nil {
			return sent, fmt.Errorf("add annotations: %w", err)
		}
		sent += n
		rest = rest[n:]
	}
	return sent, nil
}

// FindCheckRun finds the newest check run of the App on a commit with a name
// and an external id, as after a crash between GitHub's answer and our commit.
func (c *Client) FindCheckRun(ctx context.Context, repo Repository, sha, externalID, name string) (ref CheckRunRef, found bool, err error) {
	r := onRepo(repo, fmt.Sprintf("find check run %q on %s", name, sha), "commits", sha, "check-runs").needs(sha).
		with("check_name", name, "app_id", strconv.FormatInt(c.appID, 10), "filter", "all")
	err = pages(ctx, c, r, func(list gh.ListCheckRunsResults) bool {
		for _, run := range list.CheckRuns {
			if run.GetExternalID() == externalID && run.GetID() > ref.ID {
				ref = CheckRunRef{ID: run.GetID(), Annotations: run.GetOutput().GetAnnotationsCount(), Status: run.GetStatus(), Conclusion: run.GetConclusion()}
			}
		}
		return true
	})
	if err != nil {
		return CheckRunRef{}, false, err
	}
	return ref, ref.ID != 0, nil
}

// date is when GitHub answered.
func (c *Client) date(resp *gh.Response) time.Time {
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		return at
	}
	return c.now()
}
