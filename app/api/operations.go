package api

import (
	"net/http"
	"unicode/utf8"
)

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
	if err := fits("comment", a.Comment); err != nil {
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
	if err := fits("reason", over.Reason); err != nil {
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
	if err := fits("reason", stop.Reason); err != nil {
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

// mostText is what a person may say, in characters.
const mostText = 1000

func fits(name, text string) error {
	if n := utf8.RuneCountInString(text); n > mostText {
		return refuse(Invalid, "%s has %d characters: say it in %d", name, n, mostText)
	}
	return nil
}
