package docker

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"

	"github.com/stagegate/stagegate/runner"
)

// privateImage is the name that images have on the engine beside their own when
// only a login opens them. Whoever looks at an image sees it, so that it costs
// nothing, and all runners of an engine know it.
const privateImage = "stagegate/private"

// proofTime is how long a login that opened a private image counts without being
// tried again.
const proofTime = 15 * time.Minute

// fetch is what one job wants to have of a registry.
type fetch struct {
	name  string // as the author wrote it
	ref   reference.Named
	login runner.Login
}

// auth is the login as the engine wants it; empty: none.
func (f fetch) auth() (string, error) {
	if f.login == (runner.Login{}) {
		return "", nil
	}
	return registry.EncodeAuthConfig(registry.AuthConfig{
		Username: f.login.Username, Password: f.login.Password, ServerAddress: f.host(),
	})
}

func (f fetch) host() string { return reference.Domain(f.ref) }

// whose says whose access was not enough.
func (f fetch) whose() string {
	if f.login == (runner.Login{}) {
		return fmt.Sprintf("this repository has no login of %[1]s (stagegate secret set --registry %[1]s)", f.host())
	}
	return fmt.Sprintf("the login %q of this repository does not open it", f.login.Username)
}

// open asks the registry whether a login opens the image; the zero one: whether
// everybody may have it.
func (e *Engine) open(ctx context.Context, f fetch) error {
	auth, err := f.auth()
	if err == nil {
		_, err = e.api.DistributionInspect(ctx, f.name, auth)
	}
	return err
}

// keepToLogin marks an image that was pulled with a login, unless everybody may
// have it. A registry that does not say so is taken not to allow it.
func (e *Engine) keepToLogin(ctx context.Context, f fetch, found image.InspectResponse) error {
	if f.login == (runner.Login{}) {
		return nil
	}
	if e.open(ctx, fetch{name: f.name, ref: f.ref}) == nil {
		return nil
	}
	e.proven(f, found.ID, time.Now())
	tag := privateImage + ":" + strings.TrimPrefix(found.ID, "sha256:")
	if err := e.api.ImageTag(ctx, found.ID, tag); err != nil {
		_, gone := e.api.ImageRemove(ctx, f.name, image.RemoveOptions{})
		return fmt.Errorf("mark it as private: %w", errors.Join(err, gone))
	}
	return nil
}

// isBeingPulled notes that an image is on its way by a login, until what it
// returns is called.
func (e *Engine) isBeingPulled(f fetch) (done func()) {
	if f.login == (runner.Login{}) {
		return func() {}
	}
	add := func(n int) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.coming[f.ref.String()] += n; e.coming[f.ref.String()] == 0 {
			delete(e.coming, f.ref.String())
		}
	}
	add(1)
	return func() { add(-1) }
}

// isComing tells whether an image is on its way by somebody's login.
func (e *Engine) isComing(f fetch) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.coming[f.ref.String()] > 0
}

func isPrivate(found image.InspectResponse) bool {
	return slices.ContainsFunc(found.RepoTags, func(tag string) bool { return strings.HasPrefix(tag, privateImage+":") })
}

// prove lets a job use a private image that is there already only if the job
// could have pulled it.
func (e *Engine) prove(ctx context.Context, f fetch, id string, say func(string)) error {
	if e.isProven(f, id, time.Now()) {
		return nil
	}
	say("asking " + f.host() + " whether this repository may use " + f.name)
	if err := e.persist(ctx, f, "asking about ", say, func() error { return e.open(ctx, f) }); err != nil {
		var refusal *runner.Refusal
		if errors.As(err, &refusal) {
			refusal.Reason += "; the engine has the image, from a job whose login opened it"
		}
		return err
	}
	e.proven(f, id, time.Now())
	return nil
}

// proof names what was proven, without keeping the password.
func proof(f fetch, id string) [sha256.Size]byte {
	return sha256.Sum256([]byte(strings.Join([]string{f.ref.String(), id, f.login.Username, f.login.Password}, "\x00")))
}

func (e *Engine) isProven(f fetch, id string, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	at, ok := e.proofs[proof(f, id)]
	return ok && now.Sub(at) < proofTime
}

func (e *Engine) proven(f fetch, id string, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for old, at := range e.proofs {
		if now.Sub(at) >= proofTime {
			delete(e.proofs, old)
		}
	}
	e.proofs[proof(f, id)] = now
}
