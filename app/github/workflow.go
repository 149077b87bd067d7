package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// WorkflowRun is a run of a workflow of GitHub Actions.
type WorkflowRun struct {
	ID      int64
	HeadSHA string
	URL     string // of its page
}

// workflowRun is a run as GitHub shows it.
type workflowRun struct {
	ID         int64   `json:"id"`
	HeadSHA    string  `json:"head_sha"`
	HTMLURL    string  `json:"html_url"`
	Status     string  `json:"status"`
	Conclusion string  `json:"conclusion"`
	Actor      account `json:"actor"`
}

type workflowRuns struct {
	Runs []workflowRun `json:"workflow_runs"`
}

func (r workflowRun) ours() WorkflowRun {
	return WorkflowRun{ID: r.ID, HeadSHA: r.HeadSHA, URL: r.HTMLURL}
}

// ErrDisabled: the workflow is there and may not run.
var ErrDisabled = errors.New("the workflow is disabled")

// ErrNoDispatch: the workflow is there and cannot be started with an environment.
var ErrNoDispatch = errors.New("the workflow does not have on: workflow_dispatch with the input environment")

// DispatchWorkflow starts a workflow of the repository, by the name of its file, on a
// branch or tag, with the input environment. The run is zero where GitHub does not say
// which it started: ask FindRun. ErrNotFound: there is no such workflow; ErrDisabled and
// ErrNoDispatch say what else keeps it from running.
func (c *Client) DispatchWorkflow(ctx context.Context, repo Repository, file, branch, environment string) (WorkflowRun, error) {
	body := map[string]any{"ref": branch, "inputs": map[string]string{"environment": environment}, "return_run_details": true}
	got, err := c.dispatch(ctx, repo, file, body)
	if errors.Is(err, ErrRefused) && strings.Contains(err.Error(), "return_run_details") { // a server that does not know it
		delete(body, "return_run_details")
		got, err = c.dispatch(ctx, repo, file, body)
	}
	if errors.Is(err, ErrRefused) {
		// There is nothing but the text to tell them apart.
		switch text := err.Error(); {
		case strings.Contains(text, "disabled workflow"):
			err = fmt.Errorf("%w: %w", ErrDisabled, err)
		case strings.Contains(text, "workflow_dispatch"), strings.Contains(text, "nexpected inputs"):
			err = fmt.Errorf("%w: %w", ErrNoDispatch, err)
		case strings.Contains(text, "No ref found"):
			err = fmt.Errorf("%w: %w", ErrNotFound, err)
		}
	}
	return got, err
}

func (c *Client) dispatch(ctx context.Context, repo Repository, file string, body any) (WorkflowRun, error) {
	r := onRepo(repo, "start workflow "+file, "actions", "workflows", file, "dispatches").sending(http.MethodPost, body)
	got, _, err := send[struct {
		ID  int64  `json:"workflow_run_id"`
		URL string `json:"html_url"`
	}](ctx, c, r)
	return WorkflowRun{ID: got.ID, URL: got.URL}, err
}

// FindRun finds the oldest run of a workflow that the App started on a branch since a
// moment and that is none of those known.
func (c *Client) FindRun(ctx context.Context, repo Repository, file, branch string, since time.Time, known []int64) (run WorkflowRun, found bool, err error) {
	slug, err := c.Slug(ctx)
	if err != nil {
		return WorkflowRun{}, false, err
	}
	r := onRepo(repo, "list the runs of workflow "+file, "actions", "workflows", file, "runs").
		with("event", "workflow_dispatch", "branch", branch, "created", ">="+since.UTC().Format(time.RFC3339))
	err = pages(ctx, c, r, func(list workflowRuns) bool {
		for _, one := range list.Runs {
			if strings.EqualFold(one.Actor.Login, slug+"[bot]") && !slices.Contains(known, one.ID) {
				run, found = one.ours(), true // the newest come first
			}
		}
		return true
	})
	return run, found, err
}

// Run reads a run.
func (c *Client) Run(ctx context.Context, repo Repository, id int64) (WorkflowRun, error) {
	number := strconv.FormatInt(id, 10)
	got, _, err := send[workflowRun](ctx, c, onRepo(repo, "read workflow run "+number, "actions", "runs", number))
	return got.ours(), err
}

// CancelRun cancels a run. One that has ended stays as it is.
func (c *Client) CancelRun(ctx context.Context, repo Repository, id int64) error {
	number := strconv.FormatInt(id, 10)
	r := onRepo(repo, "cancel workflow run "+number, "actions", "runs", number, "cancel").sending(http.MethodPost, nil)
	_, _, err := send[struct{}](ctx, c, r)
	if errors.Is(err, ErrRefused) || errors.Is(err, ErrNotFound) { // 409: it has ended
		return nil
	}
	return err
}
