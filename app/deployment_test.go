package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/githubtest"
)

const deploying = `
on: push
stages:
  - name: build
    actions: [{ name: compile, image: IMAGE, run: "true" }]
  - name: production
    environment: { name: production, url: "https://${{ production.roll-out.host }}/" }
    actions:
      - { name: roll-out, image: IMAGE, run: "RUN; echo host=$STAGEGATE_COMMIT.shop.example >> $STAGEGATE_OUTPUT" }
`

func deployingBy(run string) string { return strings.ReplaceAll(deploying, "RUN", run) }

// deployed waits until the deployments in production stand as they should, oldest first.
func (w *world) deployed(states ...string) []githubtest.Deployment {
	w.t.Helper()
	var list []githubtest.Deployment
	w.eventually("deployments "+strings.Join(states, ", "), func() bool {
		list = w.repo.Deployments("production")
		if len(list) != len(states) {
			return false
		}
		for i, d := range list {
			if d.State() != states[i] {
				return false
			}
		}
		return true
	})
	return list
}

func TestDeployments(t *testing.T) {
	w := newWorld(t)
	first := w.pipeline(deployingBy("true"))
	w.push("main")
	d := w.deployed("success")[0]
	run := w.check(first, "ci / production", "success")
	if d.SHA != first || !d.Production || d.Transient || d.Description != "ci 1 / production" || !strings.Contains(d.Payload, "1/production/1") {
		t.Errorf("%+v", d)
	}
	if len(d.Statuses) != 2 || d.Statuses[0].State != "in_progress" || d.Statuses[0].LogURL != run.DetailsURL || d.Statuses[1].LogURL != run.DetailsURL {
		t.Errorf("%+v", d.Statuses)
	}
	if d.Statuses[0].EnvironmentURL != "" || d.Statuses[1].EnvironmentURL != "https://"+first+".shop.example/" {
		t.Errorf("the environment is at %q", d.Statuses[1].EnvironmentURL)
	}

	w.pipeline(deployingBy("exit 3"))
	w.push("main")
	w.deployed("success", "failure")
	third := w.pipeline(deployingBy("true"))
	w.push("main")
	w.deployed("inactive", "failure", "success")
	w.stop()
	w.start()
	w.pipeline(strings.Replace(deployingBy("true"), "IMAGE, run: \"true;", "nowhere/none:1, run: \"true;", 1))
	w.push("main")
	list := w.deployed("inactive", "failure", "success", "error")
	if list[2].SHA != third || len(list[0].Statuses) != 3 {
		t.Errorf("%+v", list)
	}
}

// TestDeploymentOfACrash loses GitHub's answer: the deployment is found, not made twice.
func TestDeploymentOfACrash(t *testing.T) {
	w := newWorld(t)
	w.github.Fail(func(r *http.Request) bool {
		return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/deployments")
	}, 1, githubtest.LostAnswer())
	w.pipeline(deployingBy("true"))
	w.push("main")
	w.deployed("success")
}

// TestDeploymentsWithoutPermission goes on without what the App may not write.
func TestDeploymentsWithoutPermission(t *testing.T) {
	w := newWorld(t)
	w.github.Fail(func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/deployments") }, 100, githubtest.Fault{
		Status: http.StatusForbidden, Body: `{"message": "Resource not accessible by integration"}`,
	})
	sha := w.pipeline(deployingBy("true"))
	w.push("main")
	w.check(sha, "ci / production", "success")
	w.logged("deployment given up: check that the App may write deployments")
	if n := len(w.repo.Deployments("production")); n != 0 {
		t.Errorf("%d deployments", n)
	}
}

// TestNoDeploymentWithoutAJob has a stage whose approval is refused: nothing was deployed.
func TestNoDeploymentWithoutAJob(t *testing.T) {
	w := newWorld(t)
	sha := w.pipeline(strings.Replace(deployingBy("true"), "      - { name: roll-out,", "      - { name: sign-off, approval: }\n      - { name: roll-out, needs: [sign-off],", 1))
	w.push("main")
	run := w.check(sha, "ci / production", "action_required")
	if err := w.repo.ClickAction("bob", run.ID, "reject"); err != nil {
		t.Fatal(err)
	}
	w.check(sha, "ci / production", "failure")
	if n := len(w.repo.Deployments("production")); n != 0 {
		t.Errorf("%d deployments", n)
	}
}
