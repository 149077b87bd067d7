package api

import "net/http"

// What a person asks for: one handler for each, which reads the body, has it
// carried out, and answers with the execution as it is then.

func (s *server) approve(w http.ResponseWriter, r *http.Request) error { return s.decide(w, r, true) }

func (s *server) reject(w http.ResponseWriter, r *http.Request) error { return s.decide(w, r, false) }

func (s *server) decide(w http.ResponseWriter, r *http.Request, approved bool) error {
	var a Answer
	x, err := s.asked(r, &a)
	if err != nil {
		return err
	}
	if a.Commit != "" && !possibleCommit.MatchString(a.Commit) {
		return refuse(Invalid, "commit is to be a SHA, or the first 7 of its digits or more, in lower case")
	}
	a.Approved = approved
	if err := s.Operations.Decide(r.Context(), x.ID, a); err != nil {
		return err
	}
	return s.show(w, r)
}

func (s *server) retry(w http.ResponseWriter, r *http.Request) error {
	var again Retry
	x, err := s.asked(r, &again)
	if err != nil {
		return err
	}
	if err := s.Operations.Retry(r.Context(), x.ID, again); err != nil {
		return err
	}
	return s.show(w, r)
}

func (s *server) override(w http.ResponseWriter, r *http.Request) error {
	var over Override
	x, err := s.asked(r, &over)
	if err != nil {
		return err
	}
	if err := s.Operations.Override(r.Context(), x.ID, over); err != nil {
		return err
	}
	return s.show(w, r)
}

func (s *server) stop(w http.ResponseWriter, r *http.Request) error {
	var stop Stop
	x, err := s.asked(r, &stop)
	if err != nil {
		return err
	}
	if err := s.Operations.Stop(r.Context(), x.ID, stop); err != nil {
		return err
	}
	return s.show(w, r)
}

// asked reads what is asked for, and of which execution.
func (s *server) asked(r *http.Request, body any) (Found, error) {
	if err := decode(r, body); err != nil {
		return Found{}, err
	}
	return s.find(r)
}
