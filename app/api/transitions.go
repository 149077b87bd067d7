package api

import (
	"net/http"
	"time"

	"github.com/stagegate/stagegate/internal/pipeline"
)

// Transition is the way into a stage while a person keeps it closed.
type Transition struct {
	Repository string    `json:"repository"`
	Pipeline   string    `json:"pipeline"`
	Stage      string    `json:"stage"`
	Lane       string    `json:"lane,omitempty"` // missing: all lanes
	Actor      string    `json:"actor"`
	Reason     string    `json:"reason"`
	At         time.Time `json:"at"`
	Until      time.Time `json:"until,omitzero"` // missing: until somebody enables it
}

// TransitionOf is a transition of a repository that has a name.
func TransitionOf(repository string, t pipeline.Transition) Transition {
	return Transition{
		Repository: repository, Pipeline: t.Pipeline, Stage: t.Stage, Lane: t.Lane,
		Actor: t.Actor, Reason: t.Reason, At: t.At, Until: t.Until,
	}
}

// Way names the way into a stage, and is the body of enable. Without a lane it is
// that of all lanes.
type Way struct {
	Repository string `json:"repository"`
	Pipeline   string `json:"pipeline"`
	Stage      string `json:"stage"`
	Lane       string `json:"lane,omitempty"`
}

// Disable is the body that disables a transition. Until is a time as people write
// it; without one it is until somebody enables it.
type Disable struct {
	Way
	Reason string `json:"reason"`
	Until  string `json:"until,omitempty"`
}

func (s *server) transitions(w http.ResponseWriter, r *http.Request) error {
	if err := parameters(r, "repository", "pipeline"); err != nil {
		return err
	}
	f := Filter{Repository: r.URL.Query().Get("repository"), Pipeline: r.URL.Query().Get("pipeline")}
	found, err := s.Executions.Transitions(r.Context(), f.Repository, f.Pipeline)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		if _, err := s.exist(r, f); err != nil {
			return err
		}
		found = []Transition{}
	}
	s.write(w, http.StatusOK, Page[Transition]{Items: found})
	return nil
}

func (s *server) disable(w http.ResponseWriter, r *http.Request) error {
	var d Disable
	err := decode(r, &d)
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return err
	}
	t, err := s.Operations.Disable(r.Context(), d)
	return s.turned(w, t, err)
}

func (s *server) enable(w http.ResponseWriter, r *http.Request) error {
	var way Way
	err := decode(r, &way)
	if err == nil {
		err = way.check()
	}
	if err != nil {
		return err
	}
	t, err := s.Operations.Enable(r.Context(), way)
	return s.turned(w, t, err)
}

// turned answers with the transition that was disabled or enabled.
func (s *server) turned(w http.ResponseWriter, t Transition, err error) error {
	if err == nil {
		s.write(w, http.StatusOK, t)
	}
	return err
}

// check refuses a way without a name to it.
func (w Way) check() error {
	switch {
	case !isRepository(w.Repository):
		return refuse(Invalid, "repository is to be OWNER/NAME, not %s", short(w.Repository))
	case w.Pipeline == "":
		return refuse(Invalid, "pipeline is missing: name the one of the stage")
	case w.Stage == "":
		return refuse(Invalid, "stage is missing: name the one that the way leads into")
	}
	return nil
}
