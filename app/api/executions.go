package api

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

func (s *server) pipelines(w http.ResponseWriter, r *http.Request) error {
	if err := parameters(r, "repository"); err != nil {
		return err
	}
	newest, err := s.Executions.Pipelines(r.Context())
	if err != nil {
		return err
	}
	page := Page[Pipeline]{Items: []Pipeline{}}
	for _, x := range newest {
		if want := r.URL.Query().Get("repository"); want == "" || strings.EqualFold(want, x.Repository) {
			page.Items = append(page.Items, Pipeline{x.Repository, x.Definition.Name, x.Definition.File, summary(x)})
		}
	}
	if len(page.Items) == 0 {
		if _, err := s.exist(r, Filter{Repository: r.URL.Query().Get("repository")}); err != nil {
			return err
		}
	}
	s.write(w, http.StatusOK, page)
	return nil
}

func (s *server) executions(w http.ResponseWriter, r *http.Request) error {
	f, err := filter(r)
	if err != nil {
		return err
	}
	want := f.Limit
	f.Limit++ // whether there are more
	found, err := s.Executions.Find(r.Context(), f)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		if found, err = s.meant(r, f); err != nil {
			return err
		}
	}
	page := Page[Summary]{Items: []Summary{}}
	for _, x := range found[:min(len(found), want)] {
		page.Items = append(page.Items, summary(x))
	}
	if len(found) > want {
		page.Next = found[want-1].ID
	}
	s.write(w, http.StatusOK, page)
	return nil
}

// meant lists what an empty list may have meant: names in other letters, and a branch
// for its lane.
func (s *server) meant(r *http.Request, f Filter) ([]Found, error) {
	named, err := s.exist(r, f)
	if err != nil {
		return nil, err
	}
	if f.Lane == "" {
		if named == f {
			return nil, nil
		}
		return s.Executions.Find(r.Context(), named)
	}
	for _, named.Lane = range []string{f.Lane, "refs/heads/" + f.Lane} {
		there, err := s.Executions.Find(r.Context(), Filter{Repository: named.Repository, Pipeline: named.Pipeline, Lane: named.Lane, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(there) > 0 {
			return s.Executions.Find(r.Context(), named)
		}
	}
	return nil, s.noLane(r, f.Lane, Filter{Repository: named.Repository, Pipeline: named.Pipeline, Limit: defaultLimit})
}

// noLane refuses a lane that no execution was on, with those of the newest ones.
func (s *server) noLane(r *http.Request, lane string, f Filter) error {
	newest, err := s.Executions.Find(r.Context(), f)
	if err != nil {
		return err
	}
	var lanes []string
	for _, x := range newest {
		lanes = append(lanes, x.Lane)
	}
	slices.Sort(lanes)
	lanes = slices.Compact(lanes)
	return refuse(NotFound, "no execution on a lane %s is known%s", short(lane), instead(lanes)).offering(lanes)
}

// exist refuses a list of what does not exist: an empty one would be taken for
// an answer. It returns the filter with the pipeline's name as that is written.
func (s *server) exist(r *http.Request, f Filter) (Filter, error) {
	newest, err := s.Executions.Pipelines(r.Context())
	if err != nil {
		return f, err
	}
	var repositories, names []string
	for _, x := range newest {
		repositories = append(repositories, x.Repository)
		if f.Repository == "" || strings.EqualFold(f.Repository, x.Repository) {
			names = append(names, x.Definition.Name)
		}
	}
	for _, c := range []struct {
		kind, name string
		known      []string
	}{{"repository", f.Repository, repositories}, {"pipeline", f.Pipeline, names}} {
		slices.Sort(c.known)
		c.known = slices.Compact(c.known)
		same := func(k string) bool { return strings.EqualFold(k, c.name) }
		if c.name != "" && !slices.ContainsFunc(c.known, same) {
			return f, refuse(NotFound, "no execution of a %s %s is known%s", c.kind, short(c.name), instead(c.known)).offering(c.known)
		}
	}
	if i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, f.Pipeline) }); i >= 0 {
		f.Pipeline = names[i]
	}
	return f, nil
}

func (s *server) execution(w http.ResponseWriter, r *http.Request) error {
	if err := parameters(r); err != nil {
		return err
	}
	return s.show(w, r)
}

// show answers with the execution as it is now.
func (s *server) show(w http.ResponseWriter, r *http.Request) error {
	x, err := s.find(r)
	if err != nil {
		return err
	}
	s.write(w, http.StatusOK, execution(x))
	return nil
}

func (s *server) artifact(w http.ResponseWriter, r *http.Request) error {
	if err := parameters(r); err != nil {
		return err
	}
	x, err := s.find(r)
	if err != nil {
		return err
	}
	var names []string
	for _, a := range x.Artifacts() {
		if a.Name == r.PathValue("artifact") {
			return s.tar(w, r, a)
		}
		names = append(names, a.Name)
	}
	return refuse(NotFound, "execution %s has no artifact %s%s", x.ID, short(r.PathValue("artifact")), instead(names)).offering(names)
}

func (s *server) tar(w http.ResponseWriter, r *http.Request, a pipeline.Artifact) error {
	tar, err := s.Executions.Artifact(r.Context(), a)
	if err != nil {
		return err
	}
	defer tar.Close()
	h := w.Header()
	h.Set("Content-Type", "application/x-tar")
	h.Set("Content-Length", strconv.FormatInt(a.Size, 10))
	h.Set("ETag", `"`+a.Digest+`"`)
	if r.Method == http.MethodHead {
		return nil
	}
	return s.stream(r, w, tar)
}

// stream copies a body. When it breaks off, so does the connection: half an answer
// is not to pass for a whole one.
func (s *server) stream(r *http.Request, w http.ResponseWriter, from io.Reader) error {
	if _, err := io.Copy(patientWriter{w, http.NewResponseController(w)}, from); err != nil {
		if r.Context().Err() == nil {
			s.Log.Error("answer cut short", "path", r.URL.Path, "error", err)
		}
		panic(http.ErrAbortHandler)
	}
	return nil
}

// stall is how long whoever is sent a body may take none of it. The server's own limit
// is for a whole answer, and a body may be large.
const stall = time.Minute

type patientWriter struct {
	w       io.Writer
	control *http.ResponseController
}

func (p patientWriter) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(stall)) // where it cannot be set, the server's holds
	return p.w.Write(b)
}
