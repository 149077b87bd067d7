package githubtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// permissions are what every installation grants the App.
var permissions = map[string]string{
	"actions": "write", "checks": "write", "contents": "read", "deployments": "write", "environments": "read",
	"issues": "write", "members": "read", "merge_queues": "read", "metadata": "read", "pull_requests": "write",
	"statuses": "write",
}

// events are what the App hears of beyond its installations.
var events = []string{"check_run", "check_suite", "deployment_review", "issue_comment", "merge_group", "pull_request", "pull_request_review", "push", "workflow_run"}

// installation is the App in one account, with all of its repositories.
type installation struct {
	id        int64
	account   *account
	created   time.Time
	suspended time.Time // zero if it is not
	by        *account  // who suspended it
	deleted   bool
}

// installation finds an installation that is not deleted. g.mu is held.
func (g *GitHub) installation(id int64) *installation {
	for _, in := range g.installations {
		if in.id == id && !in.deleted {
			return in
		}
	}
	return nil
}

// installationOf finds the installation in an account. g.mu is held.
func (g *GitHub) installationOf(a *account) *installation {
	for _, in := range g.installations {
		if in.account == a && !in.deleted {
			return in
		}
	}
	return nil
}

// Install installs the App in an account, for all its repositories, and
// returns the installation's id. AddRepository has done so already.
func (g *GitHub) Install(login string) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.install(g.account(login, "Organization")).id
}

// install finds the installation in an account or makes it. g.mu is held.
func (g *GitHub) install(a *account) *installation {
	if in := g.installationOf(a); in != nil {
		return in
	}
	in := &installation{id: g.id(), account: a, created: g.now()}
	g.installations = append(g.installations, in)
	g.sendInstallation(in, "created", a)
	return in
}

// InstallationID is the id of the installation in an account, 0 if there is none.
func (g *GitHub) InstallationID(login string) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if in := g.installationOf(g.accounts[strings.ToLower(login)]); in != nil {
		return in.id
	}
	return 0
}

// SuspendInstallation suspends the App in an account: its tokens are refused
// and nothing is delivered any more.
func (g *GitHub) SuspendInstallation(login, owner string) error {
	return g.changeInstallation(login, owner, "suspend")
}

// UnsuspendInstallation ends a suspension.
func (g *GitHub) UnsuspendInstallation(login, owner string) error {
	return g.changeInstallation(login, owner, "unsuspend")
}

// DeleteInstallation takes the App out of an account.
func (g *GitHub) DeleteInstallation(login, owner string) error {
	return g.changeInstallation(login, owner, "deleted")
}

func (g *GitHub) changeInstallation(login, owner, action string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	who := g.user(login)
	in := g.installationOf(g.accounts[strings.ToLower(owner)])
	if in == nil {
		return fmt.Errorf("%s the installation of %s: there is none", action, owner)
	}
	switch action {
	case "suspend":
		in.suspended, in.by = g.now(), who
	case "unsuspend":
		in.suspended, in.by = time.Time{}, nil
	case "deleted":
		in.deleted = true
	}
	g.sendInstallation(in, action, who)
	return nil
}

// repositoriesOf lists the repositories of an account, by id. g.mu is held.
func (g *GitHub) repositoriesOf(a *account) []*Repository {
	var list []*Repository
	for _, r := range g.repositories {
		if r.owner == a {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *Repository) int { return int(a.id - b.id) })
	return list
}

func getApp(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	return ok(c.g.appObject())
}

func listInstallations(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(c.g.installations), func(in *installation) bool { return in.deleted })
	return listed(c, list, c.g.installationObject)
}

func getInstallation(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	return c.installationAnswer(c.g.installation(c.number("installation_id")))
}

func getRepositoryInstallation(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	return c.installationAnswer(c.g.installationOf(c.repo.owner))
}

func getOrganizationInstallation(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	return c.installationAnswer(c.g.installationOf(c.g.accounts[strings.ToLower(c.params["org"])]))
}

func (c *call) installationAnswer(in *installation) answer {
	if in == nil {
		return notFound()
	}
	return ok(c.g.installationObject(in))
}

func listInstallationRepositories(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	list := slices.DeleteFunc(c.g.repositoriesOf(c.token.installation.account), func(r *Repository) bool { return !c.token.covers(r) })
	a := listed(c, list, (*Repository).object)
	a.body = object{"total_count": len(list), "repositories": a.body, "repository_selection": "all"}
	return a
}

func getHookConfig(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	return ok(object{"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": c.g.hook.url})
}

func getDeliveries(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	list := c.g.hook.attempts
	start := len(list)
	if cursor := c.query("cursor"); cursor != "" {
		start = 0
		for start < len(list) && cursorOf(list[start]) != cursor {
			start++
		}
		if start == len(list) {
			return refuse(http.StatusBadRequest, "cursor is not valid")
		}
		start++
	}
	body, last := []object{}, 0
	for last = start - 1; last >= 0 && len(body) < c.pageSize(); last-- {
		if c.query("status") == "" || (c.query("status") == "success") == list[last].ok() {
			body = append(body, deliveryObject(list[last]))
		}
	}
	a := ok(body)
	if last >= 0 {
		a.header = http.Header{"Link": {fmt.Sprintf("<%s>; rel=%q", c.link("cursor", cursorOf(list[last])), "next")}}
	}
	return a
}

// cursorOf is where a page begins: with this delivery.
func cursorOf(d *Delivery) string { return fmt.Sprintf("v1_%d", d.ID) }

func getDelivery(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	d := c.g.hook.attempt(c.number("delivery_id"))
	if d == nil {
		return notFound()
	}
	return ok(c.g.fullDeliveryObject(d))
}

func redeliver(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	d := c.g.hook.attempt(c.number("delivery_id"))
	if d == nil {
		return notFound()
	}
	c.g.enqueue(d.again())
	return answer{status: http.StatusAccepted, body: object{}}
}
