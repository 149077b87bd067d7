package docker_test

import (
	"testing"

	"github.com/distribution/reference"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// FuzzImageHost asks that who gives out logins and who pulls read one host from a name:
// else an image could be named so that a login goes elsewhere.
func FuzzImageHost(f *testing.F) {
	for _, name := range []string{
		"busybox", "octo/shop:1", "ghcr.io/octo/shop@sha256:" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"localhost/x", "localhost:5000/x", "GHCR.io/x", "Octo/x", "index.docker.io/x", "docker.io/library/x", "registry-1.docker.io/x",
		"ghcr.io.evil.example/x", "[::1]:5000/x", "a.b/c", "a:1/b", "ghcr.io", "ghcr.io:443/x", "library/ghcr.io/x",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		ref, err := reference.ParseNormalizedNamed(name)
		if err != nil {
			return // which nobody pulls
		}
		if got, want := pipeline.ImageHost(name), reference.Domain(ref); got != want {
			t.Errorf("%q is from %q, and pulled from %q", name, got, want)
		}
	})
}
