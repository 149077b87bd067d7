package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// bodyLimit is far more than any operation has to say.
const bodyLimit = 64 << 10

// decode reads the body, which may be empty, into what an operation takes.
func decode(r *http.Request, into any) error {
	if err := parameters(r); err != nil {
		return err
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return err
	}
	if err == nil {
		err = errors.New("there is more behind it")
	}
	return refuse(Invalid, "the body is not the JSON object that is expected: %s", strings.TrimPrefix(err.Error(), "json: "))
}

// parameters refuses a query that has others than the known ones, or one twice.
func parameters(r *http.Request, known ...string) error {
	for name, values := range r.URL.Query() {
		switch {
		case !slices.Contains(known, name):
			return refuse(Invalid, "there is no parameter %q%s", name, instead(known)).offering(known)
		case len(values) > 1:
			return refuse(Invalid, "the parameter %s is given %d times: give it once", name, len(values))
		}
	}
	return nil
}

func instead(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; there is " + strings.Join(names, ", ")
}

// number reads a parameter between two numbers.
func number(r *http.Request, name string, least, most, otherwise int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, refuse(Invalid, "%s is to be a number from %d to %d", name, least, most)
	}
	return n, nil
}

var (
	possibleID     = regexp.MustCompile(`^[1-9][0-9]{0,17}$`)
	possibleCommit = regexp.MustCompile(`^[0-9a-f]{7,64}$`)
)

// Pages of a list.
const (
	defaultLimit = 50
	mostLimit    = 200
)

// filter reads the parameters of a list of executions.
func filter(r *http.Request) (Filter, error) {
	if err := parameters(r, "repository", "pipeline", "number", "lane", "commit", "status", "succeeded_in", "cursor", "limit"); err != nil {
		return Filter{}, err
	}
	q := r.URL.Query()
	f := Filter{
		Repository: q.Get("repository"), Pipeline: q.Get("pipeline"), Lane: q.Get("lane"), Commit: q.Get("commit"),
		Status: pipeline.Status(q.Get("status")), Succeeded: q.Get("succeeded_in"),
		Before: q.Get("cursor"),
	}
	var err error
	if f.Number, err = number(r, "number", 1, 1<<31-1, 0); err != nil {
		return f, err
	}
	if f.Limit, err = number(r, "limit", 1, mostLimit, defaultLimit); err != nil {
		return f, err
	}
	statuses := statusNames()
	switch {
	case f.Status != "" && !slices.Contains(statuses, string(f.Status)):
		return f, refuse(Invalid, "an execution is never %q%s", f.Status, instead(statuses)).offering(statuses)
	case f.Commit != "" && !possibleCommit.MatchString(f.Commit):
		return f, refuse(Invalid, "commit is to be a SHA, or the first 7 of its digits or more, in lower case")
	case f.Before != "" && !possibleID.MatchString(f.Before):
		return f, refuse(Invalid, "cursor is to be what an earlier page had as next")
	}
	return f, nil
}

// statusNames are what an execution that was started can be.
func statusNames() []string {
	var names []string
	for _, s := range pipeline.Statuses(pipeline.OfExecution) {
		if s != "" {
			names = append(names, string(s))
		}
	}
	return names
}

// find reads the execution that the path names.
func (s *server) find(r *http.Request) (Found, error) {
	id := r.PathValue("execution")
	if !possibleID.MatchString(id) {
		return Found{}, refuse(NotFound, "there is no execution %s: ids are numbers, and %s/executions lists them", short(id), Prefix)
	}
	return s.Executions.Execution(r.Context(), id)
}

// short quotes a text of whoever asked.
func short(text string) string {
	if r := []rune(text); len(r) > 60 {
		text = string(r[:60]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
