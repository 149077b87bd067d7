package api_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stagegate/stagegate/app/api"
)

// t0 is when runners were made.
var t0 = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func (s *shelf) Runners(context.Context) ([]api.Runner, error) { return nil, s.err }

func (s *shelf) AddRunner(_ context.Context, name string) (api.NewRunner, error) {
	return api.NewRunner{Runner: api.Runner{Name: name, MadeAt: t0, MadeBy: "ann"}, Token: "t"}, s.do(name)
}

func (s *shelf) RemoveRunner(_ context.Context, name string) (api.Runner, error) {
	return api.Runner{Name: name, MadeAt: t0, MadeBy: "ann", SeenAt: t0}, s.do(name)
}

func TestRunners(t *testing.T) {
	s := &shelf{}
	server, c := serve(t, s)
	if page, err := c.Runners(t.Context()); err != nil || page.Items == nil || len(page.Items) > 0 {
		t.Errorf("runners %+v, %v", page, err)
	}
	if made, err := c.AddRunner(t.Context(), "tower"); err != nil || made.Name != "tower" || made.Token != "t" {
		t.Errorf("made %+v, %v", made, err)
	}
	if gone, err := c.RemoveRunner(t.Context(), "attic"); err != nil || gone.Name != "attic" || gone.SeenAt.IsZero() {
		t.Errorf("gone %+v, %v", gone, err)
	}
	s.err = &api.Refusal{Code: api.Conflict, Message: "taken"}
	var no *api.Refusal
	if _, err := c.AddRunner(t.Context(), "tower"); !errors.As(err, &no) || no.Code != api.Conflict {
		t.Errorf("a name that is taken: %v", err)
	}
	if answer, no := request(t, server, http.MethodPut, api.Prefix+"/runners/tower", ""); answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "DELETE" {
		t.Errorf("PUT: %d %s, %s", answer.StatusCode, answer.Header.Get("Allow"), no.Message)
	}
}
