package api

import "net/http"

// Webhook is where a pipeline is called, and the secret that signs calls.
type Webhook struct {
	Repository string `json:"repository"`
	Pipeline   string `json:"pipeline"`
	URL        string `json:"url"`
	Secret     string `json:"secret"`
	Filter     string `json:"filter,omitempty"` // what must hold of a call's body
}

func (s *server) webhook(w http.ResponseWriter, r *http.Request) error {
	if err := parameters(r, "repository", "pipeline"); err != nil {
		return err
	}
	q := r.URL.Query()
	if err := (Start{Repository: q.Get("repository"), Pipeline: q.Get("pipeline")}).check(); err != nil {
		return err
	}
	hook, err := s.Operations.Webhook(r.Context(), q.Get("repository"), q.Get("pipeline"))
	if err == nil {
		s.write(w, http.StatusOK, hook)
	}
	return err
}
