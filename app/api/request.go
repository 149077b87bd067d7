package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// bodyLimit is far more than any operation has to say.
const bodyLimit = 64 << 10

// decode reads the body, which may be empty, into what an operation takes.
func decode(r *http.Request, into any) error {
	if err := parameters(r); err != nil {
		return err
	}
	body, err := io.ReadAll(r.Body)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return err
	case err == nil && len(bytes.TrimSpace(body)) == 0:
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err == nil {
		err = d.Decode(into)
	}
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return sound(body)
		}
		err = errors.New("there is more behind it")
	}
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) {
		return refuse(Invalid, "%s is to be %s, not %s", cmp.Or(mistyped.Field, "the body"), wanted(mistyped.Type), article(mistyped.Value))
	}
	return refuse(Invalid, "the body is not the JSON object that is expected: %s", strings.TrimPrefix(err.Error(), "json: "))
}

// wanted says in the words of JSON what was to stand somewhere.
func wanted(t reflect.Type) string {
	switch t.Kind() { //nolint:exhaustive // bodies have nothing else
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Struct, reflect.Map:
		return "an object"
	}
	return "a " + t.Kind().String()
}

// article names a kind of JSON value that stood there instead.
func article(value string) string {
	kind, _, _ := strings.Cut(value, " ")
	switch kind {
	case "array", "object":
		return "an " + kind
	case "bool":
		return "true or false"
	}
	return "a " + kind
}

// sound refuses what Go would take for something else, null, and what is longer than
// anything that people say.
func sound(body []byte) error {
	var all any
	if err := json.Unmarshal(body, &all); err != nil {
		return err
	}
	values, ok := all.(map[string]any)
	if !ok {
		return refuse(Invalid, "the body is to be an object, not null")
	}
	return allSound("", values)
}

// mostText is what a person may say, in characters.
const mostText = 1000

func fits(name, text string) error {
	if n := utf8.RuneCountInString(text); n > mostText {
		return refuse(Invalid, "%s has %d characters: say it in %d", name, n, mostText)
	}
	return nil
}

func allSound(in string, values map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if utf8.RuneCountInString(name) > mostText {
			return refuse(Invalid, "there can be no name as long as %s", short(name))
		}
		switch v := values[name].(type) {
		case nil:
			return refuse(Invalid, "%s is null: leave it out, or give it a value", in+name)
		case string:
			if err := fits(in+name, v); err != nil {
				return err
			}
		case map[string]any:
			if err := allSound(name+".", v); err != nil {
				return err
			}
		}
	}
	return nil
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
