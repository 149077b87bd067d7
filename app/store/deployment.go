package store

import (
	"context"
	"time"
)

// Deployment is a deployment as GitHub was last told of it: one attempt of a stage that
// has an environment.
type Deployment struct {
	ID           int64 // ours
	GitHub       int64 // GitHub's; zero until its answer is known
	RepositoryID int64
	Environment  string
	Execution    string
	Stage        string
	Attempt      int
	State        string // in GitHub's words; DeploymentRefused where it takes none
	URL          string // of the environment, as GitHub was told
	EndedAt      time.Time
}

// DeploymentRefused is the state of a deployment that GitHub did not let us make.
const DeploymentRefused = "refused"

// Deployments keeps what GitHub was told of deployments.
type Deployments interface {
	// Deployments lists those of an execution.
	Deployments(ctx context.Context, execution string) ([]Deployment, error)
	// LiveDeployments lists those of an environment that GitHub shows as succeeded, the
	// one that ended last first.
	LiveDeployments(ctx context.Context, repositoryID int64, environment string) ([]Deployment, error)
	// SaveDeployment inserts (ID zero, which it sets) or updates.
	SaveDeployment(ctx context.Context, d *Deployment) error
}
