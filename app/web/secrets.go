package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// Secrets are those of the repositories that one person administers. Of any other
// repository everything is ErrNotFound, as of one that does not exist.
type Secrets interface {
	// Administers tells whether to lead the person to the page of a repository's secrets.
	Administers(ctx context.Context, repository string) bool
	// Listed lists what is kept for a repository and its environments.
	Listed(ctx context.Context, repository string) ([]Secret, error)
	// Keep keeps a value in place of the one there was. What cannot be is a *Refusal.
	Keep(ctx context.Context, repository string, s Secret, value []byte) error
	// Forget removes what is kept under a name or a registry, and an environment.
	Forget(ctx context.Context, repository string, s Secret) error
}

// Secret is what is known of a secret, or of the login of a registry; its value is not.
type Secret struct {
	Name, Registry    string // one of them
	Environment       string // empty: of the whole repository
	Username          string // of a registry
	Pipelines, Stages []string
	SetBy             string
	SetAt, UsedAt     time.Time
}

// mostSecretForm is what a form may have to say of the largest value, in bytes: of 48
// KiB, in which a browser writes the end of a line as six characters.
const mostSecretForm = 320 << 10

// secretsPage is the page of a repository's secrets.
type secretsPage struct {
	head
	Repository     link
	URL            string
	Done, Wrong    string // what was done, or why nothing was
	Secrets        []secretRow
	Secret, Access secretForm // of a secret, and of the login of a registry
}

type secretRow struct {
	Secret
	Shown, For string
	Set, Used  moment
}

// secretForm is a form with what was given in it before, without the value.
type secretForm struct {
	URL, Form string
	Registry  bool
	Given     Secret
}

// done are the words for what the address says was done.
var done = map[string]string{"set": "The value is kept. Jobs that start from now on get it.", "removed": "The value is removed."}

func (s *server) secrets(c *gin.Context, v Visitor) {
	s.showSecrets(c, http.StatusOK, v, secretsPage{Done: done[c.Query("done")]}, Secret{})
}

// showSecrets shows the page, its form filled in with what was given. No value is.
func (s *server) showSecrets(c *gin.Context, status int, v Visitor, p secretsPage, given Secret) {
	repository := repositoryOf(c)
	all, err := v.Secrets.Listed(c.Request.Context(), repository)
	if err != nil {
		s.refuseTo(c, v, err)
		return
	}
	p.head = s.head(v, "Secrets of "+clip(repository, 200))
	p.Repository, p.URL = link{clip(repository, 200), s.listURL(repository, "")}, s.secretsURL(repository)
	p.Secret, p.Access = secretForm{URL: p.URL, Form: v.form}, secretForm{URL: p.URL, Form: v.form, Registry: true}
	if given.Registry != "" || given.Username != "" {
		p.Access.Given = given
	} else {
		p.Secret.Given = given
	}
	for _, one := range all {
		p.Secrets = append(p.Secrets, secretRow{
			Secret: one, Shown: clip(one.Name+one.Registry, 300), For: restriction(one), Set: momentOf(one.SetAt), Used: momentOf(one.UsedAt),
		})
	}
	s.show(c, status, "secrets.html", p)
}

// restriction says which jobs a secret is for.
func restriction(s Secret) string {
	var words []string
	for _, of := range []struct {
		what  string
		names []string
	}{{"pipelines", s.Pipelines}, {"stages", s.Stages}} {
		if len(of.names) > 0 {
			words = append(words, of.what+" "+clip(strings.Join(of.names, ", "), 500))
		}
	}
	if len(words) == 0 {
		return "all pipelines and stages"
	}
	return strings.Join(words, " · ")
}

func repositoryOf(c *gin.Context) string { return c.Param("owner") + "/" + c.Param("name") }

func (s *server) secretsURL(repository string) string {
	return under(s.base+"/repositories", repository, "secrets")
}

// setSecret keeps the value of a form, and shows it to nobody.
func (s *server) setSecret(c *gin.Context, v Visitor) {
	given := secretGiven(c)
	err := v.Secrets.Keep(c.Request.Context(), repositoryOf(c), given, valueGiven(c))
	s.secretChanged(c, v, given, "set", err)
}

func (s *server) removeSecret(c *gin.Context, v Visitor) {
	if c.Request.PostForm.Get("sure") != "yes" {
		s.showSecrets(c, http.StatusUnprocessableEntity, v, secretsPage{Wrong: "Nothing was removed: tick the box beside it to say that you mean it."}, Secret{})
		return
	}
	err := v.Secrets.Forget(c.Request.Context(), repositoryOf(c), secretGiven(c))
	if errors.Is(err, ErrNotFound) {
		s.showSecrets(c, http.StatusNotFound, v, secretsPage{Wrong: "There is no such secret: it may be removed already."}, Secret{})
		return
	}
	s.secretChanged(c, v, Secret{}, "removed", err)
}

// secretChanged leads back to the page, or says there what was wrong.
func (s *server) secretChanged(c *gin.Context, v Visitor, given Secret, what string, err error) {
	var no *Refusal
	switch {
	case errors.As(err, &no):
		s.showSecrets(c, no.Status, v, secretsPage{Wrong: sentence(clip(no.Message, 500))}, given)
	case err != nil:
		s.refuseTo(c, v, err)
	default:
		c.Redirect(http.StatusSeeOther, s.secretsURL(repositoryOf(c))+"?done="+what)
	}
}

func secretGiven(c *gin.Context) Secret {
	get := func(name string) string { return strings.TrimSpace(c.Request.PostForm.Get(name)) }
	names := func(name string) []string {
		return strings.FieldsFunc(get(name), func(r rune) bool { return r == ',' || r == ' ' })
	}
	return Secret{
		Name: get("name"), Registry: get("registry"), Environment: get("environment"), Username: get("username"),
		Pipelines: names("pipelines"), Stages: names("stages"),
	}
}

// valueGiven is the value as it was typed: a browser sends other ends of lines. Of one
// line the end is dropped, as the command line does.
func valueGiven(c *gin.Context) []byte {
	value := strings.ReplaceAll(c.Request.PostForm.Get("value"), "\r\n", "\n")
	if line, ok := strings.CutSuffix(value, "\n"); ok && !strings.Contains(line, "\n") {
		value = line
	}
	return []byte(value)
}
