package api

import (
	"net/http"
	stdpath "path"
	"regexp"
	"strings"
)

// KeyHeader makes a start that is sent twice start once.
const KeyHeader = "Idempotency-Key"

// Start is the body of start: a pipeline of a repository, at the head of a branch
// (that of the repository if there is none here), at a commit on it, or at a tag.
type Start struct {
	Repository string            `json:"repository"`
	Pipeline   string            `json:"pipeline"`
	Branch     string            `json:"branch,omitempty"`
	Tag        string            `json:"tag,omitempty"`
	Commit     string            `json:"commit,omitempty"`    // whole SHA
	Variables  map[string]string `json:"variables,omitempty"` // other values than those of the file
}

var (
	possibleRepository = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}$`)
	possibleRef        = regexp.MustCompile(`^[^\x00-\x20~^:?*\[\\\x7f/]+(/[^\x00-\x20~^:?*\[\\\x7f/]+)*$`)
	wholeCommit        = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	possibleKey        = regexp.MustCompile(`^[\x21-\x7e]{1,255}$`)
)

func (s *server) start(w http.ResponseWriter, r *http.Request) error {
	var begin Start
	if err := decode(r, &begin); err != nil {
		return err
	}
	key, err := idempotency(r)
	if err == nil {
		err = begin.check()
	}
	if err != nil {
		return err
	}
	id, fresh, err := s.Operations.Start(r.Context(), begin, key)
	if err != nil {
		return err
	}
	x, err := s.Executions.Execution(r.Context(), id)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if fresh {
		status = http.StatusCreated
		w.Header().Set("Location", Prefix+"/executions/"+id)
	}
	s.write(w, status, execution(x))
	return nil
}

// idempotency reads the key of what is to be done once.
func idempotency(r *http.Request) (string, error) {
	key := r.Header.Get(KeyHeader)
	if key != "" && !possibleKey.MatchString(key) {
		return "", refuse(Invalid, "%s is to be 1 to 255 letters, digits or other characters of ASCII, without spaces", KeyHeader)
	}
	return key, nil
}

func isRepository(name string) bool {
	return possibleRepository.MatchString(name) && strings.Trim(stdpath.Base(name), ".") != ""
}

// check refuses what makes no sense whatever GitHub has.
func (b Start) check() error {
	switch {
	case !isRepository(b.Repository):
		return refuse(Invalid, "repository is to be OWNER/NAME, not %s", short(b.Repository))
	case b.Pipeline == "":
		return refuse(Invalid, "pipeline is missing: name the one to start")
	case b.Branch != "" && b.Tag != "":
		return refuse(Invalid, "branch and tag are given: keep one of the two")
	case b.Commit != "" && b.Tag != "":
		return refuse(Invalid, "commit and tag are given: a tag names its commit")
	case b.Branch != "" && !possibleRef.MatchString(b.Branch):
		return refuse(Invalid, "there can be no branch %s: write it without refs/heads/", short(b.Branch))
	case b.Tag != "" && !possibleRef.MatchString(b.Tag):
		return refuse(Invalid, "there can be no tag %s: write it without refs/tags/", short(b.Tag))
	case b.Commit != "" && !wholeCommit.MatchString(b.Commit):
		return refuse(Invalid, "commit is to be a whole SHA, in lower case")
	}
	return nil
}
