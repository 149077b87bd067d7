package docker

import (
	"context"
	"fmt"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"

	"github.com/stagegate/stagegate/runner"
)

// Image makes the engine have the image. Why it cannot is a *runner.Refusal,
// in words for whoever wrote the image's name.
func (e *Engine) Image(ctx context.Context, name string, login runner.LoginOf, say func(string)) (runner.Image, error) {
	ref, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return runner.Image{}, &runner.Refusal{Reason: fmt.Sprintf("image %q: not an image name", name)}
	}
	if reference.FamiliarName(ref) == privateImage {
		return runner.Image{}, &runner.Refusal{Reason: fmt.Sprintf("image %s: that name marks private images on the engine; name the image as its registry does", name)}
	}
	found, err := e.allowed(ctx, fetch{name: name, ref: ref}, login, say)
	if err != nil {
		return runner.Image{}, err
	}
	e.look(found)
	user := ""
	if found.Config != nil {
		user = found.Config.User
	}
	return runner.Image{ID: found.ID, Digest: digest(ref, found), Root: isRoot(user), Processor: found.Architecture}, nil
}

// allowed returns an image that the job may use, and pulls it where it is missing.
func (e *Engine) allowed(ctx context.Context, f fetch, login runner.LoginOf, say func(string)) (image.InspectResponse, error) {
	doubtful := e.isComing(f) // asked first: what is not there yet has no mark yet
	found, err := e.api.ImageInspect(ctx, f.name)
	missing := cerrdefs.IsNotFound(err)
	switch {
	case err != nil && !missing:
		return found, fmt.Errorf("inspect image %s: %w", f.name, translate(ctx, err))
	case !missing && !doubtful && !isPrivate(found):
		return found, nil
	}
	if !missing && strings.HasPrefix(strings.TrimPrefix(found.ID, "sha256:"), strings.TrimPrefix(f.name, "sha256:")) {
		return found, &runner.Refusal{Reason: fmt.Sprintf("image %s: it is private; name it as its registry does, and not by its id", f.name)}
	}
	if f.login, err = login(ctx, f.host()); err != nil {
		return found, err
	}
	if missing {
		return e.obtain(ctx, f, say)
	}
	return found, e.prove(ctx, f, found.ID, say)
}

// obtain pulls an image. Whatever becomes of that, an image that is there then is
// marked where only the login opens it.
func (e *Engine) obtain(ctx context.Context, f fetch, say func(string)) (image.InspectResponse, error) {
	defer e.isBeingPulled(f)()
	err := e.pull(ctx, f, say)
	lasting, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()
	found, missing := e.api.ImageInspect(lasting, f.name)
	if missing == nil {
		missing = e.keepToLogin(lasting, f, found)
	}
	if err == nil && missing != nil {
		err = fmt.Errorf("inspect image %s: %w", f.name, translate(ctx, missing))
	}
	return found, err
}

// digest names the image by what its registry calls it; one that was made here
// has only its id.
func digest(ref reference.Named, found image.InspectResponse) string {
	for _, d := range found.RepoDigests {
		if strings.HasPrefix(d, reference.FamiliarName(ref)+"@") {
			return d
		}
	}
	return found.ID
}

func isRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return name == "" || name == "0" || name == "root"
}

// why puts in words why a registry did not give an image. The engine passes on what the
// registry or the network said as mere text, in most cases with status 500.
func why(f fetch, err error) string {
	text := strings.ToLower(err.Error())
	has := func(parts ...string) bool { return contains(text, parts) }
	switch {
	case has("pull access denied"):
		return "not found, or " + f.whose()
	case cerrdefs.IsUnauthorized(err), cerrdefs.IsPermissionDenied(err), has("unauthorized", "authentication required", "no basic auth credentials", "denied"):
		return "unauthorized: " + f.whose()
	case has("no matching manifest"):
		return "not made for the platform of the engine"
	case has("manifest unknown", "not found", "repository does not exist"):
		return "not found in its registry"
	case has("toomanyrequests", "too many requests"):
		return "its registry allows no more pulls for now"
	case has("no such host", "dial tcp", "timeout", "deadline exceeded", "connection re", "unexpected http status: 5", "request canceled", "tls", "x509", "eof"):
		return "registry unreachable"
	case has("no space left"):
		return "no space left on the engine's disk"
	default:
		return "cannot be pulled: " + oneLine(err.Error())
	}
}
