package githubtest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Deployment is a deployment as GitHub keeps it.
type Deployment struct {
	ID          int64
	Ref, SHA    string
	Task        string
	Environment string
	Description string
	Payload     string // as JSON
	Transient   bool
	Production  bool
	CreatedAt   time.Time
	Statuses    []DeploymentStatus // oldest first
}

// DeploymentStatus is what was said of a deployment.
type DeploymentStatus struct {
	ID             int64
	State          string
	Description    string
	LogURL         string
	EnvironmentURL string
	At             time.Time
}

// State is what was said last; empty: nothing.
func (d Deployment) State() string {
	if len(d.Statuses) == 0 {
		return ""
	}
	return d.Statuses[len(d.Statuses)-1].State
}

// Deployments are all deployments in an environment, oldest first.
func (r *Repository) Deployments(environment string) []Deployment {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	var list []Deployment
	for _, d := range r.deployments {
		if d.Environment == environment {
			one := *d
			one.Statuses = slices.Clone(d.Statuses)
			list = append(list, one)
		}
	}
	return list
}

func createDeployment(c *call) answer {
	q := struct {
		Ref         string          `json:"ref"`
		Task        string          `json:"task"`
		AutoMerge   *bool           `json:"auto_merge"`
		Contexts    *[]string       `json:"required_contexts"`
		Payload     json.RawMessage `json:"payload"`
		Environment string          `json:"environment"`
		Description string          `json:"description"`
		Transient   bool            `json:"transient_environment"`
		Production  *bool           `json:"production_environment"`
	}{Task: "deploy", Environment: "production", Payload: json.RawMessage(`""`)}
	c.decode(&q)
	sha, err := c.repo.resolve(q.Ref)
	if err != nil {
		return unprocessable("No ref found for: %s", q.Ref)
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	if q.Contexts == nil && slices.ContainsFunc(c.repo.runs, func(run *CheckRun) bool { return run.HeadSHA == sha && run.Conclusion != "success" }) {
		return refuse(http.StatusConflict, "Conflict: Commit status checks failed for "+q.Ref+".")
	}
	d := &Deployment{
		ID: c.g.id(), Ref: q.Ref, SHA: sha, Task: q.Task, Environment: q.Environment, Description: q.Description, Payload: string(q.Payload),
		Transient: q.Transient, Production: q.Environment == "production", CreatedAt: c.g.now(),
	}
	set(&d.Production, q.Production)
	c.repo.deployments = append(c.repo.deployments, d)
	c.g.notify()
	return created(c.repo.deploymentObject(d))
}

// deployment finds a deployment. g.mu is held.
func (r *Repository) deployment(id int64) *Deployment {
	i := slices.IndexFunc(r.deployments, func(d *Deployment) bool { return d.ID == id })
	if i < 0 {
		return nil
	}
	return r.deployments[i]
}

func listDeployments(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(c.repo.deployments), func(d *Deployment) bool {
		return c.query("sha") != "" && c.query("sha") != d.SHA || c.query("ref") != "" && c.query("ref") != d.Ref ||
			c.query("task") != "" && c.query("task") != d.Task || c.query("environment") != "" && c.query("environment") != d.Environment
	})
	slices.Reverse(list)
	return listed(c, list, c.repo.deploymentObject)
}

func createDeploymentStatus(c *call) answer {
	q := struct {
		State          string `json:"state"`
		Description    string `json:"description"`
		LogURL         string `json:"log_url"`
		EnvironmentURL string `json:"environment_url"`
		AutoInactive   *bool  `json:"auto_inactive"`
	}{}
	c.decode(&q)
	for _, address := range []string{q.LogURL, q.EnvironmentURL} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https") {
			c.violate("%q is no address of http or https", address)
			return unprocessable("Validation Failed")
		}
	}
	if len([]rune(q.Description)) > 140 {
		c.violate("the description of a status is over 140 characters")
		return unprocessable("Validation Failed")
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	d := c.repo.deployment(c.number("deployment_id"))
	if d == nil {
		return notFound()
	}
	s := c.g.addStatus(d, DeploymentStatus{State: q.State, Description: q.Description, LogURL: q.LogURL, EnvironmentURL: q.EnvironmentURL})
	if q.State == "success" && (q.AutoInactive == nil || *q.AutoInactive) {
		for _, other := range c.repo.deployments {
			if other.ID < d.ID && other.Environment == d.Environment && !other.Transient && !other.Production && other.State() == "success" {
				c.g.addStatus(other, DeploymentStatus{State: "inactive"})
			}
		}
	}
	return created(c.repo.deploymentStatusObject(d, s))
}

// addStatus says something of a deployment. g.mu is held.
func (g *GitHub) addStatus(d *Deployment, s DeploymentStatus) DeploymentStatus {
	s.ID, s.At = g.id(), g.now()
	d.Statuses = append(d.Statuses, s)
	g.notify()
	return s
}

func (r *Repository) deploymentObject(d *Deployment) object {
	api := r.apiURL() + "/deployments/" + itoa(d.ID)
	return object{
		"id": d.ID, "node_id": nodeID("Deployment", d.ID), "ref": d.Ref, "sha": d.SHA, "task": d.Task, "environment": d.Environment,
		"original_environment": d.Environment, "description": nullable(d.Description), "payload": json.RawMessage(d.Payload),
		"transient_environment": d.Transient, "production_environment": d.Production, "creator": r.g.userObject(r.g.bot),
		"performed_via_github_app": r.g.appObject(), "url": api, "statuses_url": api + "/statuses", "repository_url": r.apiURL(),
		"created_at": stamp(d.CreatedAt), "updated_at": stamp(d.CreatedAt),
	}
}

func (r *Repository) deploymentStatusObject(d *Deployment, s DeploymentStatus) object {
	api := r.apiURL() + "/deployments/" + itoa(d.ID)
	return object{
		"id": s.ID, "node_id": nodeID("DeploymentStatus", s.ID), "state": s.State, "description": s.Description, "environment": d.Environment,
		"environment_url": s.EnvironmentURL, "log_url": s.LogURL, "target_url": s.LogURL, "creator": r.g.userObject(r.g.bot),
		"performed_via_github_app": r.g.appObject(), "url": api + "/statuses/" + itoa(s.ID), "deployment_url": api, "repository_url": r.apiURL(),
		"created_at": stamp(s.At), "updated_at": stamp(s.At),
	}
}
