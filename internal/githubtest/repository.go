package githubtest

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Repository is a repository and all that belongs to it. The git repository
// behind it is real and bare.
type Repository struct {
	g    *GitHub
	dir  string
	refs sync.Mutex // held while branches and tags move; taken before g.mu

	// These never change.
	id      int64
	owner   *account
	name    string
	parent  *Repository // what it is a fork of
	created time.Time

	known sync.Map // commits that surely exist, by SHA

	// g.mu guards these.
	private  bool
	deleted  bool // a fork that is gone; what refers to it stays
	pushed   time.Time
	roles    map[string]string // by login in lower case
	numbers  int               // the last number of an issue or pull request
	issues   map[int]*issue
	comments []*comment
	reviews  []*review
	suites   []*suite
	runs     []*CheckRun
	lfs      map[string]string // contents by SHA-256

	deployments []*Deployment // oldest first
	workflows   workflows
}

// AddRepository makes an empty repository owner/name, whose default branch is
// main, and installs the App in its owner. An owner that is not known becomes
// an organization. It panics if git cannot make it.
func (g *GitHub) AddRepository(fullName string) *Repository {
	owner, name, ok := strings.Cut(fullName, "/")
	if !ok || name == "" || strings.Contains(name, "/") {
		panic(fmt.Sprintf("githubtest: %q is not owner/name", fullName))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.addRepository(g.account(owner, "Organization"), name, nil)
	g.install(r.owner)
	return r
}

// AddFork makes a fork in a person's account, where the App is not installed.
// It panics if the fork exists or git cannot make it.
func (g *GitHub) AddFork(parent *Repository, login string) *Repository {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.addRepository(g.user(login), parent.name, parent)
}

// addRepository makes a repository. g.mu is held.
func (g *GitHub) addRepository(owner *account, name string, parent *Repository) *Repository {
	r := &Repository{
		g: g, id: g.id(), owner: owner, name: name, parent: parent, created: g.now(),
		dir:   filepath.Join(g.options.Dir, owner.login, name+".git"),
		roles: map[string]string{}, issues: map[int]*issue{},
	}
	key := strings.ToLower(r.FullName())
	if g.repositories[key] != nil {
		panic("githubtest: " + r.FullName() + " exists")
	}
	if err := r.initialize(); err != nil {
		panic(fmt.Sprintf("githubtest: make %s: %v", r.FullName(), err))
	}
	g.repositories[key] = r
	return r
}

// initialize makes the bare git repository.
func (r *Repository) initialize() error {
	if err := os.MkdirAll(r.dir, 0o750); err != nil {
		return fmt.Errorf("make its folder: %w", err)
	}
	if _, err := r.git("init", "--quiet", "--bare", "--initial-branch=main"); err != nil {
		return err
	}
	// Nothing that was pushed is ever lost: GitHub finds a commit by its SHA
	// long after its branch is gone.
	settings := "[http]\n\treceivepack = true\n[gc]\n\tauto = 0\n[receive]\n\tautogc = false\n\thideRefs = refs/pull\n" +
		"[uploadpack]\n\tallowAnySHA1InWant = true\n\tallowFilter = true\n[user]\n\tname = GitHub\n\temail = noreply@github.com\n"
	config, err := os.OpenFile(filepath.Join(r.dir, "config"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("open its settings: %w", err)
	}
	if _, err := config.WriteString(settings); err != nil {
		return fmt.Errorf("write its settings: %w", err)
	}
	if err := config.Close(); err != nil {
		return fmt.Errorf("write its settings: %w", err)
	}
	if r.parent == nil {
		return nil
	}
	_, err = r.git("fetch", "--quiet", r.parent.dir, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
	return err
}

// RemoveRepository deletes a repository. Another may take its name, and has an id of
// its own. It panics if there is none or its folder cannot be removed.
func (g *GitHub) RemoveRepository(fullName string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := strings.ToLower(fullName)
	if err := os.RemoveAll(g.repositories[key].dir); err != nil {
		panic(fmt.Sprintf("githubtest: remove %s: %v", fullName, err))
	}
	delete(g.repositories, key)
}

// Repository finds a repository by owner/name, nil if there is none.
func (g *GitHub) Repository(fullName string) *Repository {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.repositories[strings.ToLower(fullName)]
}

// ID is the repository's id.
func (r *Repository) ID() int64 { return r.id }

// FullName is owner/name.
func (r *Repository) FullName() string { return r.owner.login + "/" + r.name }

// Dir is the bare git repository's folder. Who changes it there goes behind
// GitHub's back: nobody is told.
func (r *Repository) Dir() string { return r.dir }

// SetPrivate hides the repository from people without a role in it.
func (r *Repository) SetPrivate(private bool) {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	r.private = private
}

// CloneURL is where git clones and pushes as a person, with credentials.
func (r *Repository) CloneURL(login string) string {
	r.g.AddUser(login)
	u, err := url.Parse(r.g.url)
	if err != nil {
		panic(err) // it was made of a listener's address
	}
	u.User = url.UserPassword(login, "secret")
	u.Path = "/" + r.FullName() + ".git"
	return u.String()
}

func getRepository(c *call) answer {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	return ok(c.repo.fullObject())
}
