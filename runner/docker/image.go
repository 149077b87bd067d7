package docker

import (
	"context"
	"fmt"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"

	"github.com/stagegate/stagegate/runner"
)

// Image makes the engine have the image. Why it cannot is a *runner.Refusal,
// in words for whoever wrote the image's name.
func (e *Engine) Image(ctx context.Context, name string, say func(string)) (runner.Image, error) {
	ref, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return runner.Image{}, &runner.Refusal{Reason: fmt.Sprintf("image %q: not an image name", name)}
	}
	found, err := e.api.ImageInspect(ctx, name)
	if cerrdefs.IsNotFound(err) {
		if err := e.pull(ctx, name, say); err != nil {
			return runner.Image{}, err
		}
		found, err = e.api.ImageInspect(ctx, name)
	}
	if err != nil {
		return runner.Image{}, fmt.Errorf("inspect image %s: %w", name, translate(ctx, err))
	}
	e.look(found)
	user := ""
	if found.Config != nil {
		user = found.Config.User
	}
	return runner.Image{ID: found.ID, Digest: digest(ref, found), Root: isRoot(user), Processor: found.Architecture}, nil
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

// why puts the failure of a pull in words. The engine passes on what the
// registry or the network said as mere text, in most cases with status 500.
func why(err error) string {
	text := strings.ToLower(err.Error())
	has := func(parts ...string) bool { return contains(text, parts) }
	switch {
	case has("pull access denied"):
		return "not found, or the engine is not logged in to its registry"
	case cerrdefs.IsUnauthorized(err), cerrdefs.IsPermissionDenied(err), has("unauthorized", "authentication required", "denied"):
		return "unauthorized: the engine is not logged in to its registry"
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
