package api

import (
	"context"
	"net/http"
	"time"
)

// Runners keeps the runners of other machines. What cannot be done is a *Refusal.
type Runners interface {
	Runners(ctx context.Context) ([]Runner, error)
	AddRunner(ctx context.Context, name string) (NewRunner, error)
	// RemoveRunner returns the runner that is gone.
	RemoveRunner(ctx context.Context, name string) (Runner, error)
}

// Runner is a runner of another machine.
type Runner struct {
	Name   string    `json:"name"`
	MadeAt time.Time `json:"made_at"`
	MadeBy string    `json:"made_by"`
	SeenAt time.Time `json:"seen_at,omitzero"` // when it last asked for work; missing: never
}

// NewRunner is a runner that was just made, with its token, which nobody is shown again.
type NewRunner struct {
	Runner
	Token string `json:"token"`
}

// AddRunner is the body that makes a runner.
type AddRunner struct {
	Name string `json:"name"`
}

func (s *server) runners(w http.ResponseWriter, r *http.Request) error {
	if err := parameters(r); err != nil {
		return err
	}
	found, err := s.Runners.Runners(r.Context())
	if err != nil {
		return err
	}
	if found == nil {
		found = []Runner{}
	}
	s.write(w, http.StatusOK, Page[Runner]{Items: found})
	return nil
}

func (s *server) addRunner(w http.ResponseWriter, r *http.Request) error {
	var wish AddRunner
	if err := decode(r, &wish); err != nil {
		return err
	}
	made, err := s.Runners.AddRunner(r.Context(), wish.Name)
	if err != nil {
		return err
	}
	s.write(w, http.StatusOK, made)
	return nil
}

func (s *server) removeRunner(w http.ResponseWriter, r *http.Request) error {
	if err := parameters(r); err != nil {
		return err
	}
	gone, err := s.Runners.RemoveRunner(r.Context(), r.PathValue("runner"))
	if err != nil {
		return err
	}
	s.write(w, http.StatusOK, gone)
	return nil
}
