package app_test

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // opens the file behind the store's back

	"github.com/stagegate/stagegate/app"
	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/app/api/apitest"
	"github.com/stagegate/stagegate/app/github"
	"github.com/stagegate/stagegate/app/store"
	"github.com/stagegate/stagegate/app/store/sqlite"
	"github.com/stagegate/stagegate/config"
	"github.com/stagegate/stagegate/internal/githubtest"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// counter is an App without a runner, whose leases the test makes itself.
type counter struct {
	t        *testing.T
	github   *githubtest.GitHub
	shop     *githubtest.Repository
	settings config.Settings
	log      *syncBuffer
	store    store.Store
	app      *app.App
	api      api.Client
	now      func() time.Time // nil: the time
	n        int
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{t: t, github: githubtest.New(t, githubtest.Options{}), log: newSyncBuffer()}
	c.shop = c.github.AddRepository("octo/shop")
	c.github.AddRepository("octo/site")
	c.github.AddRepository("other/shop")
	data := filepath.Join(t.TempDir(), "da ta%41#") // which is no URL's path
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	settings, err := config.Load(nil, map[string]string{
		"data": data, "github-url": c.github.URL(), "github-app-id": fmt.Sprint(c.github.AppID()),
		"github-private-key": string(c.github.PrivateKeyPEM()), "github-webhook-secret": c.github.WebhookSecret(),
	})
	if err != nil {
		t.Fatal(err)
	}
	c.settings = settings
	if c.store, err = sqlite.Open(t.Context(), settings.SQLitePath()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.store.Close() })
	c.open()
	return c
}

// open starts the App anew, with the present settings.
func (c *counter) open() {
	c.t.Helper()
	log := slog.New(slog.NewTextHandler(c.log, nil))
	client, err := github.New(github.Config{URL: c.settings.GitHubURL, AppID: c.settings.GitHubAppID, PrivateKey: c.github.PrivateKeyPEM(), Log: log})
	if err != nil {
		c.t.Fatal(err)
	}
	if c.app, err = app.New(app.Config{Settings: c.settings, Store: c.store, GitHub: client, Log: log, Now: c.now}); err != nil {
		c.t.Fatal(err)
	}
	token, err := os.ReadFile(c.settings.AdminTokenPath())
	if err != nil {
		c.t.Fatal(err)
	}
	server := httptest.NewServer(c.app.Handler())
	c.t.Cleanup(server.Close)
	c.api = api.Client{URL: server.URL, Token: strings.TrimSpace(string(token)), HTTP: apitest.Client(c.t)}
}

// set keeps a secret TOKEN, or what s names, with a value.
func (c *counter) set(s api.SetSecret, value string) {
	c.t.Helper()
	if s.Name == "" && s.Registry == "" {
		s.Name = "TOKEN"
	}
	if s.Repository == "" && s.Organization == "" {
		s.Repository = "octo/shop"
	}
	if _, err := c.api.SetSecret(c.t.Context(), s, []byte(value)); err != nil {
		c.t.Errorf("set %+v: %v", s, err)
	}
}

// asks is a job that names the secret TOKEN, of a stage production in environment
// production, on the default branch of octo/shop.
type asks struct {
	secret   string
	pipeline string
	stage    string
	image    string
	change   func(x *store.Execution)
}

// lease stores an execution with a leased job and returns the token of the lease.
func (c *counter) lease(a asks) string {
	c.t.Helper()
	c.n++
	x := store.Execution{Installation: c.github.InstallationID("octo"), Delivery: int64(c.n), Token: fmt.Sprintf("page-%d", c.n), Execution: pipeline.Execution{
		Repository: "octo/shop", RepositoryID: c.shop.ID(), Lane: "refs/heads/main", Trigger: pipeline.Push,
		Revision: pipeline.Revision{Commit: strings.Repeat("a", 40), Ref: "refs/heads/main", Branch: "main"},
		Definition: pipeline.Definition{Name: cmp.Or(a.pipeline, "release"), Stages: []pipeline.Stage{
			{Name: "build"}, {Name: "production", Environment: "production"}, {Name: "staging", Environment: "staging"},
		}},
		Stages: []pipeline.StageState{{Name: "build"}, {Name: "production"}, {Name: "staging"}},
		Trust:  []pipeline.Trust{{Environment: "production", Trusted: true}, {Environment: "staging", Trusted: true}},
	}}
	if a.change != nil {
		a.change(&x)
	}
	token := fmt.Sprintf("lease-%d", c.n)
	err := c.store.Update(c.t.Context(), func(tx store.Tx) error {
		if err := tx.CreateExecution(c.t.Context(), &x); err != nil {
			return err
		}
		job := pipeline.Job{
			ID:    pipeline.JobID{Execution: x.ID, Stage: cmp.Or(a.stage, "production"), Action: "deploy", Attempt: 1},
			Image: cmp.Or(a.image, "busybox"), Secrets: []pipeline.SecretUse{{Name: cmp.Or(a.secret, "TOKEN")}},
		}
		if err := tx.InsertJob(c.t.Context(), job); err != nil {
			return err
		}
		return tx.SaveJob(c.t.Context(), store.Job{Job: job, State: store.JobLeased, Runner: "r", Token: token, Expires: time.Now().Add(time.Minute)})
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return token
}

// gives asks that a job is given a value, or refused with a text where that begins
// with an exclamation mark.
func (c *counter) gives(what string, a asks, want string) {
	c.t.Helper()
	c.answers(what, c.lease(a), want)
}

func (c *counter) answers(what, token, want string) {
	c.t.Helper()
	values, err := c.app.Files().Secrets(c.t.Context(), token)
	var no *runner.Refusal
	if text, refused := strings.CutPrefix(want, "!"); refused {
		if !errors.As(err, &no) || !strings.Contains(no.Reason, text) || values != nil {
			c.t.Errorf("%s: given %d values, %v; want a refusal with %q", what, len(values), err, text)
		}
		return
	}
	if err != nil || len(values) != 1 || values[0].Value != want {
		c.t.Errorf("%s: %v, %v; want %s", what, values, err, want)
	}
}

func pullRequest(x *store.Execution) {
	x.Lane, x.Trigger, x.Trust = "pull/7", pipeline.PullRequest, nil
	x.Revision.PullRequest, x.Revision.Ref, x.Revision.Branch = 7, "refs/pull/7/head", "feature"
}

// aFork is one that some mistake has taken for trusted.
func aFork(x *store.Execution) {
	trust := x.Trust
	pullRequest(x)
	x.Trust, x.Revision.Fork = trust, true
}

// TestSecretScopes asks for one name that is set in all places.
func TestSecretScopes(t *testing.T) {
	c := newCounter(t)
	c.gives("nothing is set", asks{}, "!stagegate secret set TOKEN --repo octo/shop, or with --environment production")
	c.set(api.SetSecret{SecretPlace: api.SecretPlace{Organization: "other"}}, "other organization")
	c.set(api.SetSecret{SecretPlace: api.SecretPlace{Repository: "other/shop"}}, "other repository")
	c.set(api.SetSecret{SecretPlace: api.SecretPlace{Name: "token"}}, "other name")
	c.gives("all others have one", asks{}, "!there is no secret TOKEN for octo/shop")
	c.set(api.SetSecret{SecretPlace: api.SecretPlace{Organization: "octo"}}, "organization")
	c.gives("the organization has one", asks{}, "organization")
	c.gives("in a repository that was renamed", asks{change: func(x *store.Execution) { x.Repository = "octo/store" }}, "!GitHub knows octo/store as another")
	c.set(api.SetSecret{SecretPlace: api.SecretPlace{Environment: "production"}}, "production")
	c.gives("in the environment", asks{}, "production")
	c.gives("in another environment", asks{stage: "staging"}, "organization")
	c.set(api.SetSecret{}, "repository")
	c.gives("in the environment still", asks{}, "production")
	c.gives("without environment", asks{stage: "build"}, "repository")
	c.gives("under another name of the repository", asks{stage: "build", change: func(x *store.Execution) { x.Repository = "octo/store" }}, "repository")
	c.gives("under a name in another case", asks{secret: "Token"}, "!there is no secret Token")
}

// TestSecretAttacks asks for what a job may not have.
func TestSecretAttacks(t *testing.T) {
	c := newCounter(t)
	c.set(api.SetSecret{SecretPlace: api.SecretPlace{Environment: "production"}}, "production")
	c.set(api.SetSecret{SecretPlace: api.SecretPlace{Name: "DEPLOY"}, Pipelines: []string{"release"}, Stages: []string{"build", "production"}}, "deploy")
	c.set(api.SetSecret{SecretPlace: api.SecretPlace{Name: "NPM", Organization: "octo"}, Repositories: []string{"site"}}, "npm")
	for _, a := range []struct {
		name string
		asks asks
		want string
	}{
		{"a stage without the environment", asks{stage: "build"}, "!only for stages with environment: production"},
		{"a stage of another environment", asks{stage: "staging"}, "!only for stages with environment: production"},
		{"a pull request of the same repository", asks{change: pullRequest}, "!only for stages with environment: production, on a ref that it trusts"},
		{"a fork that names a secret of an environment", asks{change: aFork}, "!not given to a pull request from a fork"},
		{"a fork that names a secret of the repository", asks{secret: "DEPLOY", stage: "build", change: aFork}, "!not given to a pull request from a fork"},
		{"a branch of the same repository", asks{secret: "DEPLOY", stage: "build", change: pullRequest}, "deploy"},
		{"the pipeline that may", asks{secret: "DEPLOY"}, "deploy"},
		{"a pipeline in other letters", asks{secret: "DEPLOY", pipeline: "Release"}, "!is for pipelines release, and this is Release: stagegate secret set DEPLOY --repo octo/shop"},
		{"another stage", asks{secret: "DEPLOY", stage: "staging"}, "!is for stages build, production, and this is staging"},
		{"a repository that the organization left out", asks{secret: "NPM"}, "!NPM of organization octo is not for octo/shop"},
		{"a repository that took the name", asks{secret: "DEPLOY", change: func(x *store.Execution) { x.RepositoryID++ }}, "!there is no secret DEPLOY for octo/shop"},
	} {
		c.gives(a.name, a.asks, a.want)
	}
	c.set(api.SetSecret{SecretPlace: api.SecretPlace{Name: "DEPLOY", Organization: "octo"}}, "wider")
	c.gives("a wider one behind one that is not for it", asks{secret: "DEPLOY", pipeline: "other"}, "!is for pipelines release")
}

// TestSecretOfAnEndedJob asks again with the token of a lease that is over.
func TestSecretOfAnEndedJob(t *testing.T) {
	c := newCounter(t)
	c.set(api.SetSecret{}, "value")
	token := c.lease(asks{})
	c.answers("while it runs", token, "value")
	page, err := c.api.Secrets(t.Context(), api.SecretPlace{Repository: "octo/shop"})
	if err != nil || len(page.Items) != 1 || page.Items[0].UsedAt.IsZero() {
		t.Errorf("when it was used: %+v, %v", page, err)
	}
	for _, other := range []string{"", "lease-0", strings.ToUpper(token)} {
		if values, err := c.app.Files().Secrets(t.Context(), other); !errors.Is(err, runner.ErrLeaseLost) || values != nil {
			t.Errorf("with token %q: %v, %v", other, values, err)
		}
	}
	err = c.store.Update(t.Context(), func(tx store.Tx) error {
		j, err := tx.JobByToken(t.Context(), token)
		if err != nil {
			return err
		}
		j.State = store.JobDone // the token still stands in the row
		return tx.SaveJob(t.Context(), j)
	})
	if err != nil {
		t.Fatal(err)
	}
	if values, err := c.app.Files().Secrets(t.Context(), token); !errors.Is(err, runner.ErrLeaseLost) || values != nil {
		t.Errorf("after its end: %v, %v", values, err)
	}
	if login, err := c.app.Files().Login(t.Context(), token, "docker.io"); !errors.Is(err, runner.ErrLeaseLost) || login != (runner.Login{}) {
		t.Errorf("a login after its end: %v", err)
	}
}

// sql changes the database behind the App's back.
func (c *counter) sql(statement string) {
	c.t.Helper()
	db, err := sql.Open("sqlite3", c.settings.SQLitePath())
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(c.t.Context(), statement); err != nil {
		c.t.Fatal(err)
	}
}

// TestSecretRowCopied asks that whoever can write to the database, and has not the
// key, moves no value to where it may be read.
func TestSecretRowCopied(t *testing.T) {
	const cannot = "!cannot be opened: it was sealed under another key, for another place, or has been changed: set it again"
	for name, statement := range map[string]string{
		"to another environment": `UPDATE secrets SET environment = ''`,
		"to another name":        `UPDATE secrets SET name = 'OTHER'`,
		"to another pipeline":    `UPDATE secrets SET terms = replace(terms, 'release', 'any')`,
		"over another":           `UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE name = 'TOKEN')`,
		"to another key":         `INSERT INTO secret_keys (keeper, wrapped, made_at) SELECT keeper, wrapped, made_at FROM secret_keys; UPDATE secrets SET key = 2`,
	} {
		t.Run(name, func(t *testing.T) {
			c := newCounter(t)
			c.set(api.SetSecret{SecretPlace: api.SecretPlace{Environment: "production"}, Pipelines: []string{"release"}}, "value")
			c.gives("before", asks{}, "value")
			if name == "over another" {
				c.set(api.SetSecret{SecretPlace: api.SecretPlace{Name: "OTHER"}}, "mine")
			}
			c.sql(statement)
			a := asks{}
			switch name {
			case "to another environment":
				a.stage = "build"
			case "to another name", "over another":
				a.secret = "OTHER"
			case "to another pipeline":
				a.pipeline = "any"
			}
			c.gives(name, a, cannot)
		})
	}
}

// TestSecretOfARecreatedRepository gives a repository nothing that belonged to one
// which had its name before.
func TestSecretOfARecreatedRepository(t *testing.T) {
	c := newCounter(t)
	c.set(api.SetSecret{}, "value")
	c.set(api.SetSecret{SecretPlace: api.SecretPlace{Registry: "ghcr.io"}, Username: "bot"}, "password")
	c.set(api.SetSecret{SecretPlace: api.SecretPlace{Name: "ORG", Organization: "octo"}}, "organization")
	was := c.shop.ID()
	c.github.RemoveRepository("octo/shop")
	c.shop = c.github.AddRepository("octo/shop")
	c.gives("what ran in the old one", asks{secret: "ORG", change: func(x *store.Execution) { x.RepositoryID = was }}, "!GitHub knows octo/shop as another repository")
	c.gives("a new one of the name", asks{}, "!there is no secret TOKEN")
	if login, err := c.app.Files().Login(t.Context(), c.lease(asks{image: "ghcr.io/octo/shop"}), "ghcr.io"); err != nil || login != (runner.Login{}) {
		t.Errorf("its login: %v", err)
	}
	c.set(api.SetSecret{}, "new")
	c.gives("its own", asks{}, "new")
	for range 2 { // first its own, then the one that nobody has any more
		if _, err := c.api.RemoveSecret(t.Context(), api.SecretPlace{Name: "TOKEN", Repository: "octo/shop"}); err != nil {
			t.Errorf("remove: %v", err)
		}
	}
	if _, err := c.api.RemoveSecret(t.Context(), api.SecretPlace{Name: "TOKEN", Repository: "octo/shop"}); err == nil {
		t.Error("a secret was removed three times and set twice")
	}
}

// TestRegistryLogin gives the login of a registry to jobs whose image is from there.
func TestRegistryLogin(t *testing.T) {
	c := newCounter(t)
	c.set(api.SetSecret{SecretPlace: api.SecretPlace{Registry: "GHCR.io"}, Username: "bot"}, "password")
	c.set(api.SetSecret{SecretPlace: api.SecretPlace{Registry: "index.docker.io", Organization: "octo"}, Username: "hub", Stages: []string{"production"}}, "hub password")
	for _, l := range []struct {
		name, host string
		asks       asks
		want       string
	}{
		{"from there", "ghcr.io", asks{image: "ghcr.io/octo/shop:1"}, "bot:password"},
		{"in capitals", "GHCR.io", asks{image: "GHCR.io/octo/shop"}, "bot:password"},
		{"from elsewhere", "ghcr.io", asks{image: "busybox"}, "job"},
		{"from a name that looks alike", "ghcr.io", asks{image: "ghcr.io.evil.example/octo/shop"}, "job"},
		{"Docker Hub", "docker.io", asks{image: "octo/shop"}, "hub:hub password"},
		{"Docker Hub by its name", "docker.io", asks{image: "docker.io/octo/shop"}, "hub:hub password"},
		{"another stage", "docker.io", asks{image: "octo/shop", stage: "build"}, ":"},
		{"a fork", "ghcr.io", asks{image: "ghcr.io/octo/shop", change: aFork}, ":"},
		{"nothing is kept", "quay.io", asks{image: "quay.io/octo/shop"}, ":"},
	} {
		login, err := c.app.Files().Login(t.Context(), c.lease(l.asks), l.host)
		got := login.Username + ":" + login.Password
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, l.want) || l.want == ":" && got != ":" {
			t.Errorf("%s: %s, want %s", l.name, got, l.want)
		}
	}
	c.gives("the password as a secret", asks{secret: "GHCR"}, "!there is no secret GHCR")
}

// TestSecretsWithoutGitHub asks for a secret of an organization while GitHub is away:
// nobody knows who owns the repository.
func TestSecretsWithoutGitHub(t *testing.T) {
	c := newCounter(t)
	c.set(api.SetSecret{SecretPlace: api.SecretPlace{Organization: "octo"}}, "value")
	c.set(api.SetSecret{SecretPlace: api.SecretPlace{Name: "OWN"}}, "own")
	stop := c.github.Fail(func(*http.Request) bool { return true }, -1, githubtest.Fault{Status: 503})
	defer stop()
	c.gives("of the organization", asks{}, "!GitHub could not be asked")
	c.gives("of the repository", asks{secret: "OWN"}, "own")
}

// keyFile makes another file with a key.
func (c *counter) keyFile() string {
	c.t.Helper()
	path := filepath.Join(c.t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(strings.Repeat("QUFB", 10)+"QUE=\n"), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// TestSecretKeyLost starts without the key, with another one, and moves to another.
func TestSecretKeyLost(t *testing.T) {
	c := newCounter(t)
	c.set(api.SetSecret{}, "value")
	path := c.settings.SecretsKeyPath()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key file: %v, %v", info, err)
	}
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	c.open()
	c.gives("without the key", asks{}, "!the key of secrets is lost: "+path+" is not there")
	_, err = c.api.SetSecret(t.Context(), api.SetSecret{SecretPlace: api.SecretPlace{Name: "B", Repository: "octo/shop"}}, []byte("b"))
	if err == nil || !strings.Contains(err.Error(), "put it back from your backup") {
		t.Errorf("set without the key: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("another key was made in its place")
	}
	other := c.keyFile()
	c.settings.SecretsKeyURL = "file://" + other
	c.open()
	c.gives("with another key", asks{}, "!put that key back, or name it with STAGEGATE_SECRETS_OLD_KEY_URL")
	c.set(api.SetSecret{SecretPlace: api.SecretPlace{Name: "NEW"}}, "new")
	c.gives("set under the other key", asks{secret: "NEW"}, "new")
	if _, err := c.api.RotateSecrets(t.Context()); err == nil || !strings.Contains(err.Error(), "secret TOKEN of octo/shop: it is sealed under the key file:") {
		t.Errorf("rotated what cannot be opened: %v", err)
	}
	if err := os.WriteFile(path, key, 0o600); err != nil {
		t.Fatal(err)
	}
	c.settings.SecretsOldKeyURL = (&url.URL{Scheme: "file", Path: path}).String()
	c.open()
	c.gives("with the old key beside it", asks{}, "value")
	if rotated, err := c.api.RotateSecrets(t.Context()); err != nil || rotated.Secrets != 2 {
		t.Errorf("rotated: %+v, %v", rotated, err)
	}
	c.settings.SecretsOldKeyURL = ""
	c.open()
	c.gives("under the new key alone", asks{}, "value")
	c.gives("under the new key as before", asks{secret: "NEW"}, "new")
}
