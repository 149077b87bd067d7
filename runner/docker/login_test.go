package docker_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/image"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/runner"
)

// locked has the registry open to one login only.
func (r *registry) locked(username, password string) {
	r.fail = func(w http.ResponseWriter, q *http.Request, _ int64) bool {
		u, p, _ := q.BasicAuth()
		if u == username && p == password {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"errors":[{"code":"UNAUTHORIZED","message":"no: ` + p + `"}]}`))
		return true
	}
}

// loginOf gives a login for one host.
func loginOf(image, username, password string) runner.LoginOf {
	host, _, _ := strings.Cut(image, "/")
	return func(_ context.Context, asked string) (runner.Login, error) {
		if asked != host {
			return runner.Login{}, errors.New("asked for " + asked)
		}
		return runner.Login{Username: username, Password: password}, nil
	}
}

// removePrivate removes an image with its mark.
func removePrivate(t *testing.T, name string) {
	t.Helper()
	found, err := api.ImageInspect(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.ImageRemove(context.Background(), found.ID, image.RemoveOptions{Force: true}); err != nil {
		t.Error(err)
	}
}

// A private image is for whoever could pull it, also when it is there already,
// under whatever name.
func TestPrivateImage(t *testing.T) {
	b := newBench(t)
	r, name := newRegistry(t)
	r.locked("shop", "s3cr3t")
	refused := func(who string, login runner.LoginOf, name, want string) {
		t.Helper()
		_, err := b.engine.Image(t.Context(), name, login, func(string) {})
		var refusal *runner.Refusal
		if !errors.As(err, &refusal) || !strings.Contains(refusal.Reason, want) {
			t.Errorf("%s: %v, want %s", who, err, want)
		}
	}
	host, _, _ := strings.Cut(name, "/")
	none, wrong := "this repository has no login of "+host+" (stagegate secret set --registry "+host+")", `the login "shop" of this repository does not open it`
	refused("nobody", noLogin, name, none)
	refused("another", loginOf(name, "shop", "wrong"), name, wrong)
	ours := loginOf(name, "shop", "s3cr3t")
	got, err := b.engine.Image(t.Context(), name, ours, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer removePrivate(t, name)
	there := "the engine has the image, from a job whose login opened it"
	refused("nobody, later", noLogin, name, none+"; "+there)
	refused("another, later", loginOf(name, "shop", "wrong"), name, wrong+"; "+there)
	refused("by its id", noLogin, got.ID, "not by its id")
	refused("by a part of it", noLogin, strings.TrimPrefix(got.ID, "sha256:")[:12], "not by its id")
	// Whoever has the account stagegate at Docker Hub can have an image of that name there.
	hub := func(context.Context, string) (runner.Login, error) {
		return runner.Login{}, errors.New("a login was asked for")
	}
	for _, registry := range []string{"", "docker.io/", "index.docker.io/"} {
		refused("by its mark", hub, registry+"stagegate/private:"+strings.TrimPrefix(got.ID, "sha256:"), "marks private images")
	}

	asked := r.manifests.Load()
	if _, err := b.engine.Image(t.Context(), name, ours, func(string) {}); err != nil || r.manifests.Load() != asked {
		t.Errorf("%v, asked %d times", err, r.manifests.Load()-asked)
	}
	r.locked("new", "password")
	other := loginOf(name, "new", "password")
	if _, err := b.engine.Image(t.Context(), name, other, func(string) {}); err != nil || r.manifests.Load() == asked {
		t.Errorf("%v, asked %d times", err, r.manifests.Load()-asked)
	}
}

// An image that everybody may have stays so when it was pulled with a login.
func TestPublicImageByALogin(t *testing.T) {
	b := newBench(t)
	_, name := newRegistry(t)
	if _, err := b.engine.Image(t.Context(), name, loginOf(name, "shop", "s3cr3t"), func(string) {}); err != nil {
		t.Fatal(err)
	}
	defer removeImage(t, name)
	if _, err := b.engine.Image(t.Context(), name, noLogin, func(string) {}); err != nil {
		t.Error(err)
	}
}

// A job gets its image by its repository's login, whose password nobody sees, not
// even in the words of the registry.
func TestJobOfAPrivateImage(t *testing.T) {
	b := newBench(t)
	r, name := newRegistry(t)
	password := rand.Text()
	r.locked("shop", "another")
	b.files.login = runner.Login{Username: "shop", Password: password}
	j := b.job("true")
	j.Image = name
	res := b.do(j)
	if want := "image " + name + `: unauthorized: the login "shop" of this repository does not open it`; res.Status != pipeline.Errored || res.Reason != want {
		t.Errorf("%s: %s", res.Status, res.Reason)
	}
	if log := b.files.log(); strings.Contains(log, password) || !strings.Contains(log, `pulling `+name+` with the login "shop" of 127.0.0.1:`) || b.said.has(password) {
		t.Error(log)
	}
	r.locked("shop", password)
	j = b.job("true")
	j.Image = name
	res = b.do(j)
	defer removePrivate(t, name)
	if want := "the image has no sh that can be run"; res.Reason != want { // it was pulled, and is empty
		t.Errorf("%s: %s\n%s", res.Status, res.Reason, b.files.log())
	}
}
