package github

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// Deployment is a deployment that GitHub is to show.
type Deployment struct {
	SHA         string
	Environment string
	Key         string // tells it from all others of ours; kept in its payload
	Description string // cut at 140 characters
	Transient   bool   // the environment goes away again
	Production  bool
}

// DeploymentStatus is how a deployment stands.
type DeploymentStatus struct {
	State          string // in_progress, success, failure, error or inactive
	Description    string // cut at 140 characters
	LogURL         string
	EnvironmentURL string // http or https; empty: none
}

// deploymentPayload is what we keep with a deployment.
type deploymentPayload struct {
	Key string `json:"stagegate"`
}

// deploymentOf is a deployment as GitHub shows it.
type deploymentOf struct {
	ID      int64           `json:"id"`
	Payload json.RawMessage `json:"payload"`
	Via     *owned          `json:"performed_via_github_app"`
}

// CreateDeployment makes a deployment. Nothing is merged, and no status has to have
// succeeded: our own check runs still.
func (c *Client) CreateDeployment(ctx context.Context, repo Repository, d Deployment) (int64, error) {
	body := map[string]any{
		"ref": d.SHA, "task": "deploy", "auto_merge": false, "required_contexts": []string{}, "environment": d.Environment,
		"payload": deploymentPayload{d.Key}, "description": short(d.Description),
		"transient_environment": d.Transient, "production_environment": d.Production,
	}
	r := onRepo(repo, fmt.Sprintf("create a deployment in %s of %s", d.Environment, d.SHA), "deployments").
		needs(d.SHA).sending(http.MethodPost, body)
	got, _, err := send[deploymentOf](ctx, c, r)
	if err == nil && got.ID == 0 { // 202, which only a merge answers
		err = fmt.Errorf("%w: no deployment was made", ErrRefused)
	}
	return got.ID, err
}

// FindDeployment finds the deployment that the App made with the key of d, as after a
// crash between GitHub's answer and our commit.
func (c *Client) FindDeployment(ctx context.Context, repo Repository, d Deployment) (id int64, found bool, err error) {
	r := onRepo(repo, fmt.Sprintf("find the deployment in %s of %s", d.Environment, d.SHA), "deployments").needs(d.SHA).
		with("sha", d.SHA, "environment", d.Environment)
	err = pages(ctx, c, r, func(list []deploymentOf) bool {
		for _, one := range list {
			var p deploymentPayload
			ours := one.Via == nil || one.Via.ID == c.appID
			if ours && json.Unmarshal(one.Payload, &p) == nil && p.Key == d.Key {
				id, found = one.ID, true
			}
		}
		return !found
	})
	return id, found, err
}

// SetDeploymentStatus says how a deployment stands. It leaves all others as they are.
func (c *Client) SetDeploymentStatus(ctx context.Context, repo Repository, id int64, s DeploymentStatus) error {
	body := map[string]any{"state": s.State, "description": short(s.Description), "auto_inactive": false}
	for name, address := range map[string]string{"log_url": s.LogURL, "environment_url": s.EnvironmentURL} {
		if address != "" {
			body[name] = address
		}
	}
	number := strconv.FormatInt(id, 10)
	r := onRepo(repo, "set the status of deployment "+number, "deployments", number, "statuses").sending(http.MethodPost, body)
	_, _, err := send[struct{}](ctx, c, r)
	return err
}

// mostDescription is what GitHub takes of a description, in characters.
const mostDescription = 140

func short(text string) string {
	if r := []rune(text); len(r) > mostDescription {
		return string(r[:mostDescription-1]) + "…"
	}
	return text
}
