package api

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// SecretPlace names what is kept for jobs: a secret, or the login of a registry, of
// an organization, a repository or one of its environments.
type SecretPlace struct {
	Name         string `json:"name,omitempty"`
	Registry     string `json:"registry,omitempty"`     // host, in place of a name
	Repository   string `json:"repository,omitempty"`   // owner/name
	Organization string `json:"organization,omitempty"` // in place of a repository
	Environment  string `json:"environment,omitempty"`  // of the repository
}

// SetSecret says what is kept where, and for whom. Lists that are empty do not
// restrict.
type SetSecret struct {
	SecretPlace
	Username     string   // for a registry
	Pipelines    []string // names
	Stages       []string // names
	Repositories []string // of an organization
}

// Secret is what is known of a secret. Its value is told to nobody.
type Secret struct {
	SecretPlace
	Username     string    `json:"username,omitempty"`
	Pipelines    []string  `json:"pipelines,omitempty"`
	Stages       []string  `json:"stages,omitempty"`
	Repositories []string  `json:"repositories,omitempty"`
	RepositoryID int64     `json:"repository_id,omitempty"` // GitHub's, which it follows
	SetBy        string    `json:"set_by,omitempty"`
	SetAt        time.Time `json:"set_at,omitzero"`
	UsedAt       time.Time `json:"used_at,omitzero"` // missing: no job was given it yet
}

// Rotated tells how many secrets were encrypted anew.
type Rotated struct {
	Secrets int `json:"secrets"`
}

func (s *server) secrets(w http.ResponseWriter, r *http.Request) error {
	if err := parameters(r, "repository", "organization"); err != nil {
		return err
	}
	found, err := s.Secrets.Secrets(r.Context(), placeOf(r.URL.Query()))
	if err != nil {
		return err
	}
	if found == nil {
		found = []Secret{}
	}
	s.write(w, http.StatusOK, Page[Secret]{Items: found})
	return nil
}

// setSecret takes the value as the whole body, byte for byte.
func (s *server) setSecret(w http.ResponseWriter, r *http.Request) error {
	err := parameters(r, "name", "registry", "repository", "organization", "environment", "username", "pipelines", "stages", "repositories")
	if err != nil {
		return err
	}
	q := r.URL.Query()
	p := SetSecret{SecretPlace: placeOf(q), Username: q.Get("username")}
	if err := p.check(); err != nil {
		return err
	}
	for name, into := range map[string]*[]string{"pipelines": &p.Pipelines, "stages": &p.Stages, "repositories": &p.Repositories} {
		if *into, err = several(q, name); err != nil {
			return err
		}
	}
	value, err := io.ReadAll(r.Body)
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return err
		}
		return refuse(Invalid, "the value broke off before its end: send it again")
	}
	kept, err := s.Secrets.SetSecret(r.Context(), p, value)
	if err == nil {
		s.write(w, http.StatusOK, kept)
	}
	return err
}

func (s *server) removeSecret(w http.ResponseWriter, r *http.Request) error {
	if err := parameters(r, "name", "registry", "repository", "organization", "environment"); err != nil {
		return err
	}
	p := placeOf(r.URL.Query())
	if err := p.check(); err != nil {
		return err
	}
	was, err := s.Secrets.RemoveSecret(r.Context(), p)
	if err == nil {
		s.write(w, http.StatusOK, was)
	}
	return err
}

func (s *server) rotateSecrets(w http.ResponseWriter, r *http.Request) error {
	if err := parameters(r); err != nil {
		return err
	}
	n, err := s.Secrets.RotateSecrets(r.Context())
	if err == nil {
		s.write(w, http.StatusOK, Rotated{n})
	}
	return err
}

func placeOf(q url.Values) SecretPlace {
	return SecretPlace{
		Name: q.Get("name"), Registry: q.Get("registry"), Repository: q.Get("repository"),
		Organization: q.Get("organization"), Environment: q.Get("environment"),
	}
}

// several reads a list with commas between; nil where there is none. One that is there
// and empty is refused: whoever meant to restrict would have restricted nothing.
func several(q url.Values, name string) ([]string, error) {
	if !q.Has(name) {
		return nil, nil
	}
	list := strings.FieldsFunc(q.Get(name), func(r rune) bool { return r == ',' || r == ' ' })
	if len(list) == 0 {
		return nil, refuse(Invalid, "%s is empty: name some, or leave it out for all", name)
	}
	return list, nil
}

// check refuses a repository that is none.
func (p SecretPlace) check() error {
	if p.Repository != "" && !isRepository(p.Repository) {
		return refuse(Invalid, "repository is to be OWNER/NAME, not %s", short(p.Repository))
	}
	for name, text := range map[string]string{"name": p.Name, "registry": p.Registry, "organization": p.Organization, "environment": p.Environment} {
		if err := fits(name, text); err != nil {
			return err
		}
	}
	return nil
}
