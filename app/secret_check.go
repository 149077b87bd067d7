package app

import (
	"regexp"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/app/api"
	"github.com/stagegate/stagegate/internal/pipeline"
	schema "github.com/stagegate/stagegate/pipelines-schema"
)

// mostSecret is how large a value may be, in bytes: what fits into a variable of the
// environment.
const mostSecret = 48 << 10

// checkSecret refuses what could not be kept, or never given to anybody.
func checkSecret(p api.SetSecret, value []byte) error {
	if err := checkPlace(p.SecretPlace); err != nil {
		return err
	}
	for _, name := range slices.Concat(p.Pipelines, p.Stages) {
		if wrong := schema.WrongName(name); wrong != "" {
			return refused(codeInvalid, "%q is no name of a pipeline or a stage: %s", name, wrong)
		}
	}
	switch {
	case p.Registry != "" && p.Username == "":
		return refused(codeInvalid, "the username is missing: a registry asks for one beside the password")
	case p.Registry == "" && p.Username != "":
		return refused(codeInvalid, "a username is for a registry: name its host")
	case !usernamePattern.MatchString(p.Username):
		return refused(codeInvalid, "the username is no login of a registry: it has at most 255 characters, no space and no colon")
	case len(p.Repositories) > 0 && p.Organization == "":
		return refused(codeInvalid, "repositories restrict a secret of an organization, and this is of a repository")
	case len(value) == 0:
		return refused(codeInvalid, "the value is empty: a secret that is not needed is removed instead")
	case len(value) > mostSecret:
		return refused(codeInvalid, "the value has %d bytes, and a secret at most %d: keep a larger one in a file that a secret decrypts", len(value), mostSecret)
	}
	return nil
}

var (
	usernamePattern = regexp.MustCompile(`^[^\s:[:cntrl:]]{0,255}$`)
	hostPattern     = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$`)
)

// registryHost is the host of a registry as the images that are pulled from it name
// it.
func registryHost(host string) string {
	if host == "" {
		return ""
	}
	return pipeline.ImageHost(strings.ToLower(host) + "/")
}

// checkPlace refuses a place that is none.
func checkPlace(p api.SecretPlace) error {
	switch {
	case (p.Organization == "") == (p.Repository == ""):
		return refused(codeInvalid, "name a repository or an organization, one of them")
	case strings.Contains(p.Organization, "/"):
		return refused(codeInvalid, "an organization has no / in its name: for %s name it as a repository", p.Organization)
	case p.Environment != "" && p.Organization != "":
		return refused(codeInvalid, "an organization has no environments: name a repository")
	case p.Environment != "" && schema.WrongName(p.Environment) != "":
		return refused(codeInvalid, "%q is no name of an environment: %s", p.Environment, schema.WrongName(p.Environment))
	case (p.Name == "") == (p.Registry == ""):
		return refused(codeInvalid, "give the name of a secret or the host of a registry, one of them")
	case p.Registry != "" && (!hostPattern.MatchString(p.Registry) || len(p.Registry) > 255):
		return refused(codeInvalid, "%q is no host of a registry: write one such as ghcr.io or registry.example:5000", p.Registry)
	case p.Name != "":
		if wrong := schema.WrongSecret(p.Name); wrong != "" {
			return refused(codeInvalid, "a secret cannot be called %q: %s", p.Name, wrong)
		}
	}
	return nil
}
